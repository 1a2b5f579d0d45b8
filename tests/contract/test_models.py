"""What every purchase model of the catalog promises, whichever it is."""

import dataclasses
import datetime as dt
import json

import numpy as np
import pytest

from clv.checked import CustomerSummary
from clv.models.catalog import PURCHASE_MODELS
from clv.models.posterior import PartDraws
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.predictive import Spend, draw
from clv.numerics.simulate import history, log_intervals, on_whole_days, purchases
from clv.periods import ObservationWindow, TimeUnit

WINDOW = ObservationWindow(dt.date(2020, 1, 1), dt.date(2021, 12, 31))
HORIZONS = (1, 7, 30, 91, 182, 365, 730, 3650)


def simulated_columns(customers=800):
    rng = np.random.default_rng(9)
    T = rng.integers(0, WINDOW.days + 1, customers).astype(float)
    T[:5] = 0
    params = ParetoNBDParams(r=0.55, alpha=74.0, s=0.61, beta=82.0)
    made = on_whole_days(purchases(params, T, rng))
    x, t_x = history(made, T)
    days = (WINDOW.days - T[made.customer] + made.time).astype(int)
    days = days[made.time <= T[made.customer]]
    by_day = np.bincount(days - 1, minlength=WINDOW.days).tolist()
    columns = {"frequency": x, "recency": t_x, "age": T, "log_intervals": log_intervals(made)}
    return columns, tuple(by_day)


COLUMNS, BY_DAY = simulated_columns()


def summary_of(columns, rows=slice(None), *, unit=TimeUnit.DAY):
    shown = {
        name: values[rows] / (unit.days if name in ("recency", "age") else 1)
        for name, values in columns.items()
    }
    return CustomerSummary.from_arrays(WINDOW, time_unit=unit, purchases_by_day=BY_DAY, **shown)


SUMMARY = summary_of(COLUMNS)


@pytest.fixture(scope="module", params=PURCHASE_MODELS)
def model(request):
    return PURCHASE_MODELS[request.param].fit(SUMMARY)


def answers(model, summary):
    return {
        "p_alive": model.p_alive(summary),
        "expected_transactions": model.expected_transactions(summary, 365),
        "discounted": model.expected_transactions(summary, 365, annual_discount=0.1),
        "p_purchase": model.p_purchase(summary, 365),
    }


def test_a_model_is_found_under_its_own_name(model):
    assert type(model) is PURCHASE_MODELS[model.name]
    assert model.report.model == model.name


def test_every_answer_is_one_finite_number_per_customer(model):
    for values in answers(model, SUMMARY).values():
        assert values.shape == (len(SUMMARY),)
        assert np.isfinite(values).all()
        assert np.all(values >= 0)


def test_probabilities_lie_between_zero_and_one(model):
    assert np.all(model.p_alive(SUMMARY) <= 1)
    for horizon in HORIZONS:
        assert np.all(model.p_purchase(SUMMARY, horizon) <= 1)


def test_a_longer_horizon_never_lowers_an_expectation_or_a_chance(model):
    for question in (model.expected_transactions, model.p_purchase):
        rising = np.array([question(SUMMARY, horizon) for horizon in HORIZONS])
        assert np.all(np.diff(rising, axis=0) >= 0)


def test_a_chance_of_purchase_never_exceeds_the_expected_number(model):
    for horizon in HORIZONS:
        expected = model.expected_transactions(SUMMARY, horizon)
        assert np.all(model.p_purchase(SUMMARY, horizon) <= expected * (1 + 1e-9))


def test_a_discount_lowers_every_expectation_by_less_than_a_year_of_it(model):
    known = answers(model, SUMMARY)
    plain, discounted = known["expected_transactions"], known["discounted"]

    assert np.all((plain / 1.1 < discounted) & (discounted < plain))


def test_days_and_weeks_give_the_same_answers(model):
    weeks = summary_of(COLUMNS, unit=TimeUnit.WEEK)
    refitted = type(model).fit(weeks)

    for name, values in answers(refitted, weeks).items():
        assert values == pytest.approx(answers(model, SUMMARY)[name], rel=1e-6), name


def test_a_model_saved_as_json_and_read_back_gives_the_same_bits(model):
    again = type(model).from_dict(json.loads(json.dumps(model.to_dict())))

    assert again == model
    for name, values in answers(again, SUMMARY).items():
        assert np.array_equal(values, answers(model, SUMMARY)[name]), name


def test_the_order_of_rows_changes_neither_fit_nor_answers(model):
    order = np.random.default_rng(2).permutation(len(SUMMARY))
    shuffled = summary_of(COLUMNS, order)

    assert type(model).fit(shuffled) == model
    for name, values in answers(model, shuffled).items():
        assert np.array_equal(values, answers(model, SUMMARY)[name][order]), name


@pytest.mark.parametrize("row", [0, 1, 400, 799])
def test_a_customer_alone_has_the_same_bits_as_in_a_crowd(model, row):
    alone = summary_of(COLUMNS, slice(row, row + 1))

    for name, values in answers(model, alone).items():
        assert values[0] == answers(model, SUMMARY)[name][row], name


def test_medians_and_ranges_come_from_draws_that_agree_with_the_expectations(model):
    drawn = PartDraws.of(model.draw_params(SUMMARY, count=200, seed=1))
    names = SUMMARY.table["customer_id"].to_pylist()
    nothing = Spend(1.0, *np.zeros((2, len(SUMMARY))))

    again = PartDraws.from_dict(json.loads(json.dumps(dataclasses.asdict(drawn))))
    made = [
        draw(model.ahead(SUMMARY, 365, points), nothing, names, draws=400, seed=1).purchases
        for points in (drawn, again)
    ]

    assert np.array_equal(*made)
    total, expected = made[0].sum(axis=0), model.expected_transactions(SUMMARY, 365).sum()
    assert np.quantile(total, 0.02) < expected < np.quantile(total, 0.98)
    chance = model.p_purchase(SUMMARY, 365)
    assert (made[0] > 0).mean(axis=1) == pytest.approx(chance, abs=0.13)


def test_draws_of_parts_of_a_horizon_agree_with_the_expectations_of_each(model):
    drawn = PartDraws.of(model.draw_params(SUMMARY, count=200, seed=1))
    names = SUMMARY.table["customer_id"].to_pylist()
    nothing = Spend(1.0, *np.zeros((2, len(SUMMARY))))
    days = (20, 51, 79, 365)

    ends = [day / model.time_unit.days for day in days]
    found = draw(model.ahead(SUMMARY, 365, drawn), nothing, names, draws=400, seed=1, ends=ends)

    parts = found.parts
    totals = np.array([np.bincount(parts.of, own, 400) for own in parts.purchases.T])
    by_end = [model.expected_transactions(SUMMARY, day).sum() for day in days]
    expected = np.diff(by_end, prepend=0.0)
    low, high = np.quantile(totals, [0.02, 0.98], axis=1)
    assert np.all((low < expected) & (expected < high))
    assert totals.mean(axis=1) == pytest.approx(expected, rel=0.08)
    assert totals.sum(axis=0) == pytest.approx(found.purchases.sum(axis=0))


def test_three_fits_of_the_same_summary_are_equal(model):
    assert type(model).fit(SUMMARY) == type(model).fit(SUMMARY) == model


def test_more_purchases_at_the_same_times_never_lower_the_expectation_of_one_seen_today(model):
    x = np.array([1.0, 5.0, 50.0, 500.0])
    seen_today = summary_of(
        {"frequency": x, "recency": np.full(4, 365.0), "age": np.full(4, 365.0)}
    )

    assert np.all(np.diff(model.expected_transactions(seen_today, 365)) > 0)

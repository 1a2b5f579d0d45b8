"""What every spend model of the catalog promises, whichever it is."""

import dataclasses
import datetime as dt
import json

import numpy as np
import pytest

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
from clv.models.catalog import SPEND_MODELS
from clv.models.lifetime_value import LifetimeValue
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.simulate import spend
from clv.periods import ObservationWindow

WINDOW = ObservationWindow(dt.date(2020, 1, 1), dt.date(2021, 12, 31))
NAN = float("nan")


def summary_of(purchase_days, mean_day_value):
    days, mean = (np.asarray(values, dtype=float) for values in (purchase_days, mean_day_value))
    return CustomerSummary.from_arrays(
        WINDOW,
        frequency=np.maximum(days - 1, 0).astype(int),
        recency=np.where(days > 1, 50.0, 0.0),
        age=np.full(days.size, 100.0),
        purchase_days=days.astype(int),
        orders=days.astype(int),
        mean_day_value=mean,
        gross_value=np.nan_to_num(days * mean),
        returned_value=np.zeros(days.size),
    )


def simulated(params, customers=3000):
    rng = np.random.default_rng(3)
    count = 1 + rng.poisson(rng.gamma(1, 2, customers))
    owner = np.repeat(np.arange(customers), count)
    values, _ = spend(params, owner, rng, customers=customers)
    return count, np.bincount(owner, weights=values) / count


COUNT, MEAN = simulated(GammaGammaParams(6.25, 3.74, 15.44, eta=0.2))
SUMMARY = summary_of(COUNT, MEAN)


@pytest.fixture(scope="module", params=SPEND_MODELS)
def model(request):
    return SPEND_MODELS[request.param].fit(SUMMARY)


def test_a_model_is_found_under_its_own_name(model):
    assert type(model) is SPEND_MODELS[model.name]
    assert model.report.model == model.name


def test_every_customer_is_worth_a_finite_amount_above_nothing(model):
    worth = model.expected_day_value(summary_of([0, *COUNT], [NAN, *MEAN]))

    assert worth.shape == (len(SUMMARY) + 1,)
    assert np.isfinite(worth).all()
    assert np.all(worth > 0)


def test_the_forecast_lies_between_what_was_seen_and_what_is_expected_of_such_customers(model):
    seen = np.array([1.0, 1e4])
    worth = model.expected_day_value(summary_of([3, 3], seen))

    assert seen[0] < worth[0] < np.median(MEAN) < worth[1] < seen[1]


def test_a_model_reads_back_from_plain_json_as_the_same_value(model):
    again = type(model).from_dict(json.loads(json.dumps(model.to_dict(), allow_nan=False)))

    assert again == model
    assert np.array_equal(again.expected_day_value(SUMMARY), model.expected_day_value(SUMMARY))


def test_a_customer_alone_has_the_same_bits_as_in_a_crowd(model):
    crowd = model.expected_day_value(SUMMARY)

    for row in (0, 7, 2999):
        alone = summary_of(COUNT[row : row + 1], MEAN[row : row + 1])
        assert model.expected_day_value(alone)[0] == crowd[row]


def test_the_order_of_rows_moves_nothing_beyond_rounding(model):
    order = np.random.default_rng(2).permutation(len(SUMMARY))
    shuffled = summary_of(COUNT[order], MEAN[order])

    worth = type(model).fit(shuffled).expected_day_value(shuffled)

    assert worth == pytest.approx(model.expected_day_value(SUMMARY)[order], rel=1e-9)


def test_customers_without_a_purchase_that_stands_move_no_fit(model):
    assert type(model).fit(summary_of([0, 0, *COUNT], [NAN, NAN, *MEAN])) == model


@pytest.mark.parametrize("factor", [0.01, 150.0])
def test_another_currency_scales_the_answers_and_nothing_else(model, factor):
    other = summary_of(COUNT, factor * MEAN)
    refitted = type(model).fit(other)

    expected = factor * model.expected_day_value(SUMMARY)
    assert refitted.expected_day_value(other) == pytest.approx(expected, rel=1e-6)
    found, before = (dataclasses.astuple(one.dependence) for one in (refitted, model))
    assert found == pytest.approx(before, rel=1e-6)


def test_draws_scatter_around_the_fit(model):
    points = model.draw_params(SUMMARY, count=100, seed=1).points
    p, q, gamma, eta = model.params

    fitted = [*np.log([p, q, gamma]), eta][: points.shape[1]]
    assert np.all(np.abs(points.mean(axis=0) - fitted) < points.std(axis=0))


def test_lifetime_value_takes_a_model_by_its_name_and_keeps_it(model):
    fitted = LifetimeValue.fit(SUMMARY, f"pareto-nbd x {model.name}").with_posterior(SUMMARY)

    assert fitted.spend == model
    other = LifetimeValue.fit(SUMMARY, "pareto-nbd x gamma-gamma").with_spend(SUMMARY, model.name)
    assert other == dataclasses.replace(fitted, posterior=None)
    assert LifetimeValue.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


def test_day_values_go_by_frequency_where_no_model_is_named():
    fitted = LifetimeValue.fit(SUMMARY, "pareto-nbd")

    assert fitted == LifetimeValue.fit(SUMMARY, "pareto-nbd x gamma-gamma-by-frequency")


@pytest.mark.parametrize(
    ("count", "mean", "message"),
    [
        ([0, 0], [NAN, NAN], "0 customers have"),
        ([3], [20.0], "1 customer has"),
        ([2, 3, 4], [20.0, 20.0, 20.0], "all 3 customers spend exactly 20"),
        ([1, 1, 1], [20.0, 30.0, 40.0], "none of 3 customers has a second purchase day"),
    ],
)
def test_too_little_variety_is_refused_with_how_many_there_are(model, count, mean, message):
    with pytest.raises(NotEnoughData, match=message):
        type(model).fit(summary_of(count, mean))


@pytest.mark.parametrize(
    ("count", "mean"),
    [([1, 2], [20.0, 30.0]), ([2, 2, 2], [20.0, 30.0, 40.0]), ([1, 2, 3], [20.0, 30.0, 30.0])],
)
def test_a_handful_of_customers_is_fitted_and_says_nothing_of_dependence(model, count, mean):
    few = summary_of(count, mean)
    fitted = type(model).fit(few)

    assert np.isfinite(fitted.expected_day_value(few)).all()
    assert fitted.dependence is None

"""Medians and intervals of a small shop, of its customers and of groups of them."""

import dataclasses
import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest
from models.shops import of_each

from clv.checked import CustomerSummary
from clv.models import ranges
from clv.models.lifetime_value import LifetimeValue
from clv.models.next_order import LIKELY, QUARTILES, next_order_days
from clv.numerics.calibration import AS_STATED
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.predictive import Shock
from clv.numerics.simulate import history, on_whole_days, purchases, spend
from clv.periods import ObservationWindow

WINDOW = ObservationWindow(dt.date(2020, 1, 1), dt.date(2021, 12, 31))
STILL = Shock(0.0, 3.0)
CUSTOMERS = 600


def shop(same_price=False):
    rng = np.random.default_rng(4)
    age = rng.integers(30, WINDOW.days, CUSTOMERS).astype(float)
    params = ParetoNBDParams(r=0.9, alpha=60.0, s=0.8, beta=150.0)
    made = on_whole_days(purchases(params, age, rng))
    frequency, recency = history(made, age)
    on_day = (WINDOW.days - age[made.customer] + made.time)[made.time <= age[made.customer]]
    by_day = np.bincount(on_day.astype(int) - 1, minlength=WINDOW.days)
    days = frequency + 1
    customer = np.repeat(np.arange(CUSTOMERS), days.astype(int))
    values, _ = spend(GammaGammaParams(4.0, 5.0, 60.0), customer, rng, customers=CUSTOMERS)
    gross = 20 * days if same_price else np.bincount(customer, weights=values)
    columns = {
        "frequency": frequency,
        "recency": recency,
        "age": age,
        "purchase_days": days,
        "orders": days,
        "mean_day_value": gross / days,
        "gross_value": gross,
        "returned_value": gross * 0.1,
    }
    return CustomerSummary.from_arrays(WINDOW, purchases_by_day=tuple(by_day.tolist()), **columns)


@pytest.fixture(scope="module")
def summary():
    return shop()


@pytest.fixture(scope="module", params=["pareto-nbd", "seasonal-pareto-nbd", "mbg-nbd"])
def model(request, summary):
    return LifetimeValue.fit(summary, request.param).with_posterior(summary)


@pytest.fixture(scope="module")
def found(model, summary):
    return of_each(model, summary, 182, level=0.8, shock=STILL)


def members(group):
    """Who belongs to each group, by the numbers of their groups."""
    return group == np.arange(group.max() + 1)[:, None]


def part(summary, places):
    return dataclasses.replace(summary, table=summary.table.take(list(places)))


@pytest.mark.parametrize("places", [[7], [599, 0, 7]], ids=["alone", "in another order"])
def test_a_customer_has_the_same_range_whoever_else_is_asked_about(model, summary, found, places):
    again = of_each(model, part(summary, places), 182, level=0.8, shock=STILL)

    for one, all_of_them in zip(again, found, strict=True):
        assert np.array_equal(one, all_of_them[places])


def test_a_customer_is_drawn_by_id(model, summary, found):
    ids = pa.array(["0", "9"])
    known = part(summary, [7, 8])  # of ids 8 and 9
    place = known.table.column_names.index("customer_id")
    renamed = dataclasses.replace(known, table=known.table.set_column(place, "customer_id", ids))

    again = of_each(model, renamed, 182, level=0.8, shock=STILL)

    assert (again.upper == found.upper[[7, 8]]).tolist() == [False, True]


def test_a_group_holds_its_expectation_and_is_narrower_than_its_customers_together(
    model, summary, found
):
    group = np.arange(CUSTOMERS) % 2
    expected = np.bincount(group, weights=model.expected_value(summary, 182))

    total = ranges.of_groups(model, summary, 182, members(group), level=0.8, shock=STILL)

    assert np.all((total.lower < expected) & (expected < total.upper))
    assert np.all(total.upper < np.bincount(group, weights=found.upper))
    assert np.all(total.lower > np.bincount(group, weights=found.lower))


def test_groups_that_share_customers_are_as_if_asked_alone(model, summary):
    halves, thirds = (members(np.arange(CUSTOMERS) % parts) for parts in (2, 3))

    both, *alone = (
        ranges.of_groups(model, summary, 182, belongs, level=0.8, shock=STILL)
        for belongs in (np.concatenate([halves, thirds]), halves, thirds)
    )

    assert np.array_equal(np.array(both), np.concatenate(alone, axis=1))


# --- month by month

BUSY = (0.7, 0.7, 0.9, 0.9, 1.0, 1.0, 1.0, 1.0, 1.1, 1.2, 1.4, 1.1)


def by_month(model, summary, shock=STILL):
    return ranges.of_months(model, summary, 182, level=0.8, shock=shock)


def test_months_share_out_the_expected_value_by_when_purchases_come_and_how_dear_they_are(
    model, summary
):
    dear = dataclasses.replace(model.spend, season=BUSY)
    by_hand, before = [], 0.0
    for month, days in enumerate((31, 59, 90, 120, 151, 181, 182)):
        until = model.purchases.expected_transactions(summary, days)
        by_hand.append((until - before) * BUSY[month])
        before = until

    shares = dataclasses.replace(model, spend=dear).shares_by_month(summary, 182)

    assert shares == pytest.approx(np.transpose(by_hand / np.sum(by_hand, axis=0)))
    assert shares.sum(axis=1) == pytest.approx(np.ones(CUSTOMERS))


def test_each_month_holds_its_expectation_and_all_are_less_sure_than_the_whole(model, summary):
    everybody = np.ones((1, CUSTOMERS), dtype=bool)
    expected = model.expected_value(summary, 182) @ model.shares_by_month(summary, 182)

    found = by_month(model, summary)

    assert np.all((found.lower < expected) & (expected < found.upper))
    assert found.median[:-1] == pytest.approx(expected[:-1], rel=0.2)  # the last is a day
    whole = ranges.of_groups(model, summary, 182, everybody, level=0.8, shock=STILL)
    assert found.lower.sum() < whole.lower[0] < whole.upper[0] < found.upper.sum()


def test_ranges_of_a_dear_month_are_as_much_dearer(model, summary):
    dear = dataclasses.replace(model, spend=dataclasses.replace(model.spend, season=BUSY))

    for end, usual in zip(by_month(dear, summary), by_month(model, summary), strict=True):
        assert end == pytest.approx(usual * BUSY[:7])


def test_draws_of_months_add_up_to_those_of_the_whole_horizon(model, summary):
    ends = [31, 59, 90, 120, 151, 181, 182]

    blocks = ranges.each_block(
        model, summary, 182, lambda places, own: (own.value, own.parts), ends=ends
    )

    for _, (value, parts) in blocks:
        worth = (parts.share * value[parts.who, parts.of][:, None]).sum(axis=1)
        assert worth == pytest.approx(value[parts.who, parts.of])
        assert worth.sum() == pytest.approx(value.sum())


def test_months_are_the_same_again_in_any_order_of_rows_and_any_size_of_blocks(
    model, summary, monkeypatch
):
    found = by_month(model, summary)
    monkeypatch.setattr(ranges, "CUSTOMERS_AT_ONCE", 90)

    again = by_month(model, part(summary, np.random.default_rng(1).permutation(CUSTOMERS)))

    for one, other in zip(again, found, strict=True):
        assert one == pytest.approx(other)


def test_a_shock_moves_every_month_of_a_draw_by_its_one_factor(model, summary, monkeypatch):
    still = by_month(model, summary)
    monkeypatch.setattr(Shock, "draw", lambda *_, **__: np.full(ranges.DRAWS, 1.5))

    shaken = by_month(model, summary, Shock(0.3, 4.0))

    for one, other in zip(shaken, still, strict=True):
        assert one == pytest.approx(1.5 * other)


def test_without_a_posterior_months_have_no_range(model, summary):
    assert by_month(dataclasses.replace(model, posterior=None), summary) is None


def test_groups_have_the_ranges_they_would_have_alone(model, summary):
    belongs = np.concatenate([members(np.arange(CUSTOMERS) % 3), np.zeros((1, CUSTOMERS), bool)])
    terms = {"level": 0.8, "shock": Shock(0.2, 4.0)}
    of_own = {"calibration": AS_STATED, "p_zero": np.zeros(CUSTOMERS)}

    _, found = ranges.of_customers_and_groups(
        model, summary, 182, belongs=belongs, **of_own, **terms
    )

    alone = ranges.of_groups(model, summary, 182, belongs, **terms)
    assert np.array_equal(found, alone)
    assert [end[-1] for end in found] == [0, 0, 0]  # of nobody


def test_parameters_that_are_not_known_widen_a_total(model, summary):
    everybody = np.ones((1, CUSTOMERS), dtype=bool)
    drawn = model.posterior.purchases
    middle = tuple(np.median(drawn.array, axis=0).tolist())
    sure = dataclasses.replace(
        model.posterior,
        purchases=dataclasses.replace(drawn, points=(middle,)),
    )

    honest, overconfident = (
        ranges.of_groups(one, summary, 365, everybody, level=0.8, shock=STILL)
        for one in (model, dataclasses.replace(model, posterior=sure))
    )

    assert np.all(honest.upper - honest.lower > 1.1 * (overconfident.upper - overconfident.lower))


def test_a_shock_widens_a_total_by_its_own_quantiles(model, summary):
    everybody = np.ones((1, CUSTOMERS), dtype=bool)

    shaken = ranges.of_groups(model, summary, 182, everybody, level=0.8, shock=Shock(0.3, 4.0))

    # The 10 % quantile of a t with 4 degrees is -1.533.
    assert np.log(shaken.upper / shaken.median) == pytest.approx(0.3 * 1.533, rel=0.2)
    assert np.log(shaken.median / shaken.lower) == pytest.approx(0.3 * 1.533, rel=0.2)


def test_a_shop_of_one_price_has_ranges_in_whole_purchases():
    summary = shop(same_price=True)
    model = LifetimeValue.fit(summary, "pareto-nbd").with_posterior(summary)
    assert model.posterior.spend is None

    found = of_each(model, summary, 182, level=0.8, shock=STILL)

    number = found.median / (20 * (1 - model.return_share.of(summary)))
    assert np.isclose(number % 0.5, 0).mean() > 0.95


def test_a_posterior_is_stored_in_plain_numbers_and_read_back_equal(model):
    again = LifetimeValue.from_dict(json.loads(json.dumps(model.to_dict())))

    assert again == model
    assert len(json.dumps(model.posterior.to_dict())) < 60_000


def test_the_same_shop_has_the_same_posterior_in_any_order_of_rows(model, summary):
    shuffled = part(summary, np.random.default_rng(1).permutation(CUSTOMERS))

    again = LifetimeValue.fit(shuffled, model.purchases.name).with_posterior(shuffled)

    assert again.posterior.purchases == model.posterior.purchases


# --- when the next order is due


def test_the_day_of_the_next_order_is_the_first_by_which_that_part_of_the_chance_passed(
    model, summary
):
    few, horizon = part(summary, range(0, CUSTOMERS, 20)), 60
    by_day = np.array([model.purchases.p_purchase(few, day) for day in range(1, horizon + 1)])
    is_likely = by_day[-1] >= LIKELY

    found, days = next_order_days(model.purchases.p_purchase, few, horizon, by_day[-1])

    assert np.array_equal(found, is_likely)
    assert is_likely.any()
    for quartile, chance in zip(days, QUARTILES, strict=True):
        has_come = by_day[:, is_likely] >= chance * by_day[-1, is_likely]
        assert np.array_equal(quartile, 1 + np.argmax(has_come, axis=0))

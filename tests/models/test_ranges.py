"""Medians and intervals of a small shop, of its customers and of groups of them."""

import dataclasses
import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest

from clv.checked import CustomerSummary
from clv.models import ranges
from clv.models.lifetime_value import LifetimeValue
from clv.models.next_order import LIKELY, QUARTILES, next_order_days
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
    return ranges.of_customers(model, summary, 182, level=0.8, shock=STILL)


def part(summary, places):
    return dataclasses.replace(summary, table=summary.table.take(list(places)))


@pytest.mark.parametrize("places", [[7], [599, 0, 7]], ids=["alone", "in another order"])
def test_a_customer_has_the_same_range_whoever_else_is_asked_about(model, summary, found, places):
    again = ranges.of_customers(model, part(summary, places), 182, level=0.8, shock=STILL)

    for one, all_of_them in zip(again, found, strict=True):
        assert np.array_equal(one, all_of_them[places])


def test_a_customer_under_another_id_is_drawn_by_name(model, summary, found):
    known = part(summary, [7, 8])
    renamed = CustomerSummary(
        known.table.set_column(0, "customer_id", pa.array(["0", "1"])), WINDOW, known.time_unit
    )
    names = known.table["customer_id"].to_pylist()

    again = ranges.of_customers(model, renamed, 182, level=0.8, shock=STILL, names=names)

    assert np.array_equal(again.upper, found.upper[[7, 8]])


def test_a_group_holds_its_expectation_and_is_narrower_than_its_customers_together(
    model, summary, found
):
    group = np.arange(CUSTOMERS) % 2
    expected = np.bincount(group, weights=model.expected_value(summary, 182))

    total = ranges.of_groups(model, summary, 182, group, level=0.8, shock=STILL)

    assert np.all((total.lower < expected) & (expected < total.upper))
    assert np.all(total.upper < np.bincount(group, weights=found.upper))
    assert np.all(total.lower > np.bincount(group, weights=found.lower))


def test_groups_that_share_customers_are_as_if_asked_alone(model, summary):
    halves, thirds = np.arange(CUSTOMERS) % 2, np.arange(CUSTOMERS) % 3

    both, *alone = (
        ranges.of_groups(model, summary, 182, group, level=0.8, shock=STILL)
        for group in (np.column_stack([halves, thirds + 2]), halves, thirds)
    )

    assert np.array_equal(np.array(both), np.concatenate(alone, axis=1))


def test_parameters_that_are_not_known_widen_a_total(model, summary):
    everybody = np.zeros(CUSTOMERS, dtype=int)
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
    everybody = np.zeros(CUSTOMERS, dtype=int)

    shaken = ranges.of_groups(model, summary, 182, everybody, level=0.8, shock=Shock(0.3, 4.0))

    # The 10 % quantile of a t with 4 degrees is -1.533.
    assert np.log(shaken.upper / shaken.median) == pytest.approx(0.3 * 1.533, rel=0.2)
    assert np.log(shaken.median / shaken.lower) == pytest.approx(0.3 * 1.533, rel=0.2)


def test_a_shop_of_one_price_has_ranges_in_whole_purchases():
    summary = shop(same_price=True)
    model = LifetimeValue.fit(summary, "pareto-nbd").with_posterior(summary)
    assert model.posterior.spend is None

    found = ranges.of_customers(model, summary, 182, level=0.8, shock=STILL)

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

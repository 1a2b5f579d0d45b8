"""The CLV table of a few customers, field by field, by hand; and its memory of tiers."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from clv.checked import CustomerSummary
from clv.models.clv_table import LIFETIME_DAYS, Terms, clv_table
from clv.models.lifetime_value import LifetimeValue, MeanSpend, ReturnShare
from clv.models.pareto_nbd import ParetoNBD
from clv.numerics.predictive import Shock
from clv.periods import ObservationWindow

WINDOW = ObservationWindow(dt.date(2023, 1, 1), dt.date(2024, 1, 1))
TERMS = Terms(
    horizon_days=365,
    horizon_validated="extrapolated",
    churn_window_days=91,
    discount_rate=0.1,
    margin=1.0,
    currency="EUR",
    basis="net",
    value_definition="sales",
    simulated=False,
    model_version="0123",
    scored_at=dt.datetime(2024, 1, 2),
    shock=Shock(0.15, 3.0),
)
COLUMNS = {
    "customer_id": ["once", "returned", "regular", "opening"],
    "frequency": [0, 0, 5, 2],
    "recency": [0, 0, 200, 100],
    "age": [60, 200, 300, 365],
    "purchase_days": [1, 0, 6, 3],
    "orders": [1, 0, 8, 3],
    "mean_day_value": [10.0, None, 50.0, 20.0],
    "gross_value": [10.0, 0.0, 300.0, 60.0],
    "largest_order": [10.0, None, 70.0, 45.0],
    "returned_value": [0.0, 0.0, 30.0, 0.0],
    "historic_clv": [10.0, 0.0, 270.0, 60.0],
}


def summary_of(columns=COLUMNS):
    arrays = {name: pa.array(values) for name, values in columns.items()}
    ages = [int(age) for age in columns["age"]]
    first = [WINDOW.end - dt.timedelta(days=age) for age in ages]
    arrays |= {
        "first_purchase": pa.array(first),
        "cohort": pa.array([f"{day:%Y-%m}" for day in first]),
        "country": pa.array(["Spain"] * len(ages)),
    }
    return CustomerSummary.from_table(pa.table(arrays), WINDOW)


@pytest.fixture(scope="module")
def summary():
    return summary_of()


@pytest.fixture(scope="module")
def model(summary):
    spend, returned = MeanSpend(30.0, "a test"), ReturnShare(0.1, 100.0)
    return LifetimeValue(ParetoNBD.fit(summary), spend, returned, 1.25).with_posterior(summary)


@pytest.fixture(scope="module")
def rows(model, summary):
    return rows_of(model, summary)


def rows_of(model, summary, *, earlier=None, **terms):
    asked = dataclasses.replace(TERMS, **terms)
    table = clv_table(model, summary, asked, earlier=earlier).table
    return {row["customer_id"]: row for row in table.to_pylist()}


@pytest.mark.parametrize(
    ("customer", "fields"),
    [
        (
            "once",
            {
                "historic_clv": 10,
                "historic_number_of_orders": 1,
                "average_order_value": 10,
                "average_days_between_orders": None,
            },
        ),
        (
            "returned",
            {
                "historic_clv": 0,
                "historic_number_of_orders": 0,
                "average_order_value": None,
                "average_days_between_orders": None,
            },
        ),
        (
            "regular",
            {
                "historic_clv": 270,
                "historic_number_of_orders": 8,
                "average_order_value": 33.75,
                "average_days_between_orders": 200 / 7,
            },
        ),
        (
            "opening",
            {
                "historic_clv": 60,
                "historic_number_of_orders": 3,
                "average_order_value": 20,
                "average_days_between_orders": 50,
            },
        ),
    ],
)
def test_the_past_is_what_was_bought(rows, customer, fields):
    assert {name: rows[customer][name] for name in fields} == pytest.approx(fields)


def test_the_forecast_is_that_of_the_parts(rows, model, summary):
    days = model.purchases.expected_transactions(summary, 365)
    churn = 1 - model.purchases.p_purchase(summary, 91)
    five_years = model.purchases.expected_transactions(summary, LIFETIME_DAYS, annual_discount=0.1)

    for place, row in enumerate(rows.values()):
        back = (COLUMNS["returned_value"][place] + 10) / (COLUMNS["gross_value"][place] + 100)
        worth = 30 * (1 - back)
        # Six purchase days of the shop's 1.25 orders each, beside the customer's own.
        per_day = (COLUMNS["orders"][place] + 7.5) / (COLUMNS["purchase_days"][place] + 6)
        assert row["predicted_clv"] == pytest.approx(days[place] * worth, abs=0.00501)
        assert row["predicted_number_of_orders"] == pytest.approx(days[place] * per_day)
        assert row["expected_order_value"] == pytest.approx(worth / per_day, abs=0.00501)
        assert row["churn_probability"] == pytest.approx(churn[place])
        past = COLUMNS["historic_clv"][place]
        assert row["lifetime_clv"] == pytest.approx(past + five_years[place] * worth, abs=0.00501)
        assert row["total_clv"] == pytest.approx(past + row["predicted_clv"], abs=0.00501)


RANGE = ("predicted_clv_median", "predicted_clv_lower", "predicted_clv_upper")
DATES = ("next_order_from", "expected_date_of_next_order", "next_order_to")


def test_without_a_posterior_medians_and_intervals_are_null_and_nothing_else_moves(
    model, summary, rows
):
    bare = rows_of(dataclasses.replace(model, posterior=None), summary)

    for customer, row in bare.items():
        moved = {name for name in row if row[name] != rows[customer][name]}
        assert moved == {*RANGE, "interval_level"}
        assert all(row[name] is None for name in moved)


@pytest.fixture(scope="module")
def lively():
    """The shop with customers who bought lately."""
    summary = summary_of(COLUMNS | {"recency": [0, 0, 298, 60]})
    spend, returned = MeanSpend(30.0, "a test"), ReturnShare(0.1, 100.0)
    model = LifetimeValue(ParetoNBD.fit(summary), spend, returned, 1.25)
    return model.with_posterior(summary), summary


def test_the_median_and_the_dates_agree_with_the_chance_of_nothing(lively):
    rows = rows_of(*lively)
    for row in rows.values():
        is_likely = row["p_zero"] < 0.5
        assert (row["predicted_clv_median"] > 0) == is_likely
        assert row["next_order_status"] == ("expected" if is_likely else "unlikely")
        assert [row[name] is None for name in DATES] == [not is_likely] * 3
    assert {row["next_order_status"] for row in rows.values()} == {"expected", "unlikely"}


def test_a_shock_and_a_wider_level_widen_the_interval_and_leave_the_mean(lively):
    usual = rows_of(*lively)["regular"]
    assert usual["interval_level"] == 0.8
    assert usual["predicted_clv_lower"] <= usual["predicted_clv_median"]
    assert usual["predicted_clv_median"] < usual["predicted_clv_upper"]

    for terms in ({"shock": Shock(0.6, 3.0)}, {"interval_level": 0.9}):
        wide = rows_of(*lively, **terms)["regular"]
        assert wide["predicted_clv"] == usual["predicted_clv"]
        assert wide["predicted_clv_upper"] > usual["predicted_clv_upper"]


def test_an_order_is_expected_after_today_and_its_window_within_the_horizon(lively):
    for row in rows_of(*lively).values():
        if row["next_order_status"] == "expected":
            dates = [row[name] for name in DATES]
            assert row["as_of"] < dates[0] <= dates[1] <= dates[2]
            assert dates[2] <= row["as_of"] + dt.timedelta(days=row["horizon_days"])


def test_each_customer_has_the_reasons_to_be_read_with_care(rows):
    codes = {customer: row["reason_codes"] for customer, row in rows.items()}

    assert codes == {
        "once": ["one_order", "short_history", "beyond_experience"],
        "returned": ["beyond_experience", "all_orders_returned"],
        "regular": ["beyond_experience"],
        "opening": ["one_order_dominates", "opening_cohort"],
    }


def test_a_margin_is_taken_of_every_amount(model, summary, rows):
    for customer, row in rows_of(model, summary, margin=0.5).items():
        for name in ("historic_clv", "predicted_clv", "total_clv", "lifetime_clv", *RANGE):
            assert row[name] == pytest.approx(rows[customer][name] / 2, abs=0.0101)
        assert row["value_tier"] == rows[customer]["value_tier"]


def test_the_discount_moves_lifetime_value_and_nothing_else(model, summary, rows):
    for customer, row in rows_of(model, summary, discount_rate=0.5).items():
        moved = {name for name in row if row[name] != rows[customer][name]}
        assert moved == {"lifetime_clv"}


def earlier_of(tiers, since, previous):
    return pa.table(
        {
            "customer_id": list(tiers),
            "value_tier": list(tiers.values()),
            "tier_since": pa.array([since] * len(tiers), pa.date32()),
            "previous_tier": pa.array([previous] * len(tiers), pa.string()),
        }
    )


def test_a_tier_that_stays_keeps_its_date_and_one_that_moves_remembers(model, summary, rows):
    now = {customer: row["value_tier"] for customer, row in rows.items()}
    then, since = dict(now), dt.date(2023, 7, 1)
    del then["returned"]
    then["opening"] = "A"
    assert now["opening"] == "C"

    again = rows_of(model, summary, earlier=earlier_of(then, since, "B"))

    memory = {c: (r["value_tier"], r["tier_since"], r["previous_tier"]) for c, r in again.items()}
    assert memory["returned"] == (now["returned"], WINDOW.end, None)
    assert memory["opening"] == ("C", WINDOW.end, "A")
    assert memory["once"] == (now["once"], since, "B")
    assert memory["regular"] == (now["regular"], since, "B")


def test_nobody_is_lost_or_doubled_and_the_order_is_that_of_the_summary(rows):
    assert list(rows) == COLUMNS["customer_id"]


def test_a_simulated_shop_marks_every_row(model, summary):
    rows = rows_of(model, summary, simulated=True)

    assert all(row["reason_codes"][-1] == "simulated" for row in rows.values())
    assert np.isfinite([row["predicted_clv"] for row in rows.values()]).all()

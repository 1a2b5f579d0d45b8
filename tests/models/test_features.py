"""What the trees know of a customer, by a plain loop, and what it does not depend on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest

from clv.checked import CustomerSummary
from clv.models.features import FEATURES, Shop, features
from clv.periods import ObservationWindow, TimeUnit

WINDOW = ObservationWindow(dt.date(2023, 1, 1), dt.date(2024, 1, 1))
COLUMNS = {
    "frequency": [0, 1, 3],
    "recency": [0.0, 40.0, 90.0],
    "age": [100.0, 300.0, 91.0],
    "log_intervals": [np.nan, math.log(40), math.log(10) + math.log(20) + math.log(60)],
    "purchase_days": [1, 2, 4],
    "orders": [1, 3, 4],
    "mean_day_value": [50.0, 20.0, 30.0],
    "gross_value": [50.0, 40.0, 120.0],
    "returned_value": [10.0, 0.0, 12.0],
}


def summary_of(*, time_unit=TimeUnit.DAY, **columns):
    return CustomerSummary.from_arrays(WINDOW, time_unit=time_unit, **columns)


def table(summary, shop):
    return dict(zip(FEATURES, features(summary, shop).T, strict=True))


def test_every_number_is_what_a_plain_loop_finds():
    summary = summary_of(**COLUMNS)
    shop = Shop.of(summary, 91)
    found = table(summary, shop)

    assert shop.day_value == 30.0
    assert shop.pace == pytest.approx(4 / 491)
    for row in range(3):
        own = {name: values[row] for name, values in COLUMNS.items()}
        x, silent = own["frequency"], own["age"] - own["recency"] + 1
        expected = {
            "pace": math.log((x + 1) / (own["age"] * 4 / 491 + 1)),
            "inactivity": math.log(silent / 91),
            "overdue": math.log(silent * x / own["recency"]) if x else math.nan,
            "unevenness": math.nan,
            "day_value": math.log(own["mean_day_value"] / 30),
            "orders_per_day": own["orders"] / own["purchase_days"],
            "returns": own["returned_value"] / own["gross_value"],
        }
        if x > 1:
            expected["unevenness"] = math.log(own["recency"] / x) - own["log_intervals"] / x
        assert {name: found[name][row] for name in FEATURES} == pytest.approx(
            expected, rel=1e-12, nan_ok=True
        )


def test_a_steady_beat_is_not_uneven():
    steady = COLUMNS | {"log_intervals": [np.nan, math.log(40), 3 * math.log(30)]}
    summary = summary_of(**steady)

    found = table(summary, Shop.of(summary, 91))["unevenness"]

    assert found[2] == pytest.approx(0.0, abs=1e-12)


def test_weeks_and_days_tell_the_same():
    times = {name: np.array(COLUMNS[name]) / 7 for name in ("recency", "age")}
    of_days, of_weeks = (
        summary_of(**COLUMNS),
        summary_of(time_unit=TimeUnit.WEEK, **COLUMNS | times),
    )

    tables = [features(one, Shop.of(one, 91)) for one in (of_days, of_weeks)]

    np.testing.assert_allclose(*tables, rtol=1e-12)


def test_nobody_knows_the_currency():
    money = ("mean_day_value", "gross_value", "returned_value")
    dearer = {name: 137.0 * np.array(COLUMNS[name]) for name in money}
    here, there = summary_of(**COLUMNS), summary_of(**COLUMNS | dearer)

    tables = [features(one, Shop.of(one, 91)) for one in (here, there)]

    np.testing.assert_allclose(*tables, rtol=1e-12)


def test_what_is_not_known_of_a_customer_is_unknown_and_no_number():
    shop = Shop.of(summary_of(**COLUMNS), 91)
    bare = summary_of(**{name: COLUMNS[name] for name in ("frequency", "recency", "age")})

    found = table(bare, shop)

    unknown = {name for name in FEATURES if np.isnan(found[name]).all()}
    assert unknown == {"unevenness", "day_value", "orders_per_day", "returns"}


def test_they_know_no_date():
    later = ObservationWindow(*(day + dt.timedelta(days=366) for day in (WINDOW.start, WINDOW.end)))
    now = summary_of(**COLUMNS)
    then = dataclasses.replace(now, window=later)

    assert np.array_equal(*(features(one, Shop.of(one, 91)) for one in (now, then)), equal_nan=True)

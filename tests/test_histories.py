"""A few customers summarized in plain Python, against the ETL and against counts by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools

import numpy as np
import pytest
from data.small_logs import ORDERS, ingested, write
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from rows import differing

from clv.data.preprocess import Cleaning
from clv.data.sources.order_log import order_log
from clv.errors import QuestionUnanswerable
from clv.histories import Purchase, Tally, from_purchases, from_tally
from clv.store.parquet import read_summary

DAY = dt.date(2020, 3, 1)


def bought(customer, *orders):
    """Purchases of a customer from (days since the epoch of these tests, amount)."""
    start = dt.datetime.combine(DAY, dt.time()) - dt.timedelta(days=100)
    return [Purchase(customer, start + dt.timedelta(days=day), amount) for day, amount in orders]


moves = st.tuples(
    st.integers(0, 12),  # day
    st.sampled_from([0, 9 * 3600, 9 * 3600 + 1]),  # second of it
    st.integers(-30, 30).map(lambda pounds: pounds / 2),
    st.sampled_from(["", "A", "B"]),
)


@given(st.lists(st.lists(moves, min_size=1, max_size=9), min_size=4, max_size=25))
@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking would run the ETL for minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example([[(0, 0, 5.0, "A"), (0, 0, 5.0, ""), (0, 0, -5.0, "")], *[[(1, 0, 5.0, "A")]] * 3])
@pytest.mark.parametrize("net", [True, False])
def test_a_history_is_what_the_etl_makes_of_the_same_log(net, tmp_path_factory, customers):
    log = [
        Purchase(str(who), dt.datetime(2020, 1, 1 + day) + dt.timedelta(0, second), amount, order)
        for who, own in enumerate(customers)
        for day, second, amount, order in own
    ]
    log.append(Purchase("last", dt.datetime(2020, 2, 1), 5.0))
    folder = tmp_path_factory.mktemp("log")
    rows = [{"who": o.customer_id, "when": o.at, "total": o.amount, "no": o.order_id} for o in log]
    source = order_log(customer_id="who", date="when", amount="total", order_id="no")
    cleaning = Cleaning(keep_duplicates=True)

    etl = ingested(
        folder, write(folder / "log.csv", rows), source=source, cleaning=cleaning, net=net
    )

    expected = {row.pop("customer_id"): row for row in etl.rows("summary")}
    for who, own in itertools.groupby(log, key=lambda one: one.customer_id):
        found = from_purchases(list(own), dt.date(2020, 2, 1), net=net)
        if isinstance(found, QuestionUnanswerable):
            assert who not in expected
            continue
        row = {name: expected[who][name] for name in found}
        assert differing(found, row, rel=1e-12) == {}


def test_orders_have_the_season_of_days_the_etl_gives_them(tmp_path):
    rng = np.random.default_rng(4)
    start = dt.datetime(2020, 1, 1)
    log = []
    for who in range(150):
        for day in rng.integers(0, 700, rng.integers(1, 9)):
            at = start + dt.timedelta(int(day))
            dear = 2.5 if at.month in (10, 11) else 1
            log.append(Purchase(str(who), at, round(dear * rng.lognormal(3, 0.4), 2), None))
    rows = [{"who": o.customer_id, "when": o.at, "total": o.amount} for o in log]

    etl = ingested(tmp_path, write(tmp_path / "log.csv", rows), source=ORDERS)

    summary = read_summary(etl.path("summary"))
    season = summary.spend_season
    assert max(season) > 1.4
    for row in summary.table.to_pylist():
        own = [one for one in log if one.customer_id == row["customer_id"]]
        found = from_purchases(own, summary.window.end, spend_season=season)
        assert found["season_of_days"] == pytest.approx(row["season_of_days"], rel=1e-9)


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([(0, 10)], (0, 0, 100, 1, 10.0)),
        ([(0, 10), (0, 5)], (0, 0, 100, 1, 15.0)),
        ([(0, 10), (30, 5)], (1, 30, 100, 2, 15.0)),
        ([(30, 5), (0, 10)], (1, 30, 100, 2, 15.0)),
        ([(0, 10), (30, 5), (40, -5)], (0, 0, 100, 1, 10.0)),
        ([(0, 10), (30, 5), (40, -7)], (0, 0, 100, 1, 8.0)),
        ([(0, 10), (30, 5), (10, -10)], (0, 0, 70, 1, 5.0)),
        ([(0, 10), (1, -10)], (0, 0, 100, 0, 0.0)),
        ([(0, 10), (1, -10), (2, -99)], (0, 0, 100, 0, 0.0)),
        ([(0, 0.1), (1, 0.2), (2, -0.3)], (0, 0, 100, 0, 0.0)),
        ([(0, 10), (1, 0)], (0, 0, 100, 1, 10.0)),
    ],
)
def test_histories_by_hand(orders, expected):
    row = from_purchases(bought("a", *orders), DAY)

    names = ("frequency", "recency", "age", "purchase_days", "historic_clv")
    assert tuple(row[name] for name in names) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        ([(0, -10)], "bought nothing"),
        ([(0, 0)], "bought nothing"),
        ([(0, 10), (101, 5)], "orders after 2020-03-01: 1, first on 2020-03-02"),
    ],
)
def test_orders_that_say_nothing_or_come_too_late_are_named(orders, said):
    error = from_purchases(bought("ann", *orders), DAY)

    assert isinstance(error, QuestionUnanswerable)
    assert error.about == "transactions"
    assert said in str(error)
    assert "'ann'" in str(error)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"recency": 60.0}, "recency"),
        ({"recency": 0.0}, "recency"),
        ({"frequency": 0}, "recency"),
        ({"purchase_days": 3}, "purchase_days"),
        ({"purchase_days": 0}, "purchase_days"),
        ({"mean_day_value": None}, "mean_day_value"),
        ({"age": 1e6}, "age"),
        ({"age": DAY.toordinal() - 0.4}, "age"),
        (
            {"purchase_days": 0, "frequency": 0, "recency": 0.0, "mean_day_value": 5.0},
            "mean_day_value",
        ),
    ],
)
def test_a_tally_that_contradicts_itself_names_the_field(wrong, field):
    good = Tally("a", 3, 40.0, 50.0, 9.0)
    assert from_tally(good, DAY)["purchase_days"] == 4

    error = from_tally(dataclasses.replace(good, **wrong), DAY)

    assert isinstance(error, QuestionUnanswerable)
    assert error.about == field

"""What is learned from an earlier day, by hand; nothing after the cut reaches it."""

from __future__ import annotations

import datetime as dt

import pytest
from runs import ORDER_LOG, ingest_only, write_orders

from clv.pipeline.origins import origins_at
from clv.pipeline.splits import open_tables
from clv.pipeline.workbench import workbench

FIRST = dt.date(2023, 1, 1)
CUT = FIRST + dt.timedelta(days=120)
DAYS = [FIRST + dt.timedelta(days=day) for day in (90, 30)]


def at(customer, day, amount, hour=9):
    moment = dt.datetime.combine(FIRST, dt.time(hour)) + dt.timedelta(days=day)
    return customer, moment, amount


ORDERS = [
    at("first", 0, 5.0),
    at("often", 10, 20.0),
    at("often", 30, 20.0),
    at("often", 31, 20.0),
    at("often", 120, 20.0),
    at("once", 20, 30.0),
    at("returned", 25, 40.0),
    at("returned", 60, 41.0),
    at("returned", 80, 42.0),
    at("returned", 100, -83.0),
    at("young", 60, 50.0),
    at("unborn", 110, 60.0),
]


def learned(folder, orders, cut=CUT, days=DAYS):
    """By day and customer: repeat purchase days so far, days waited, whether an order came."""
    folder.mkdir(exist_ok=True)
    log = write_orders(folder / "orders.csv", orders)
    workspace = ingest_only(folder / "shop", log, **ORDER_LOG)
    with workbench(workspace) as (_, connection):
        origins = origins_at(open_tables(connection, workspace), days, cut)
    return {
        (origin.day - FIRST).days: {
            name: row
            for name, *row in zip(
                origin.summary.table["customer_id"].to_pylist(),
                origin.summary.table["frequency"].to_pylist(),
                origin.waited.tolist(),
                origin.came.tolist(),
                strict=True,
            )
        }
        for origin in origins
    }


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return learned(tmp_path_factory.mktemp("known"), ORDERS)


def test_each_customer_waits_to_the_next_purchase_day_that_still_stands_or_to_the_cut(known):
    assert known == {
        30: {
            "first": [0, 90.0, False],
            "often": [1, 1.0, True],
            "once": [0, 90.0, False],
            # Both later orders were sent back by the cut.
            "returned": [0, 90.0, False],
        },
        90: {
            "first": [0, 30.0, False],
            "often": [2, 30.0, True],
            "once": [0, 30.0, False],
            # What was sent back after that day was still standing on it.
            "returned": [2, 30.0, False],
            "young": [0, 30.0, False],
        },
    }


def test_what_happens_after_the_cut_changes_nothing(tmp_path, known):
    later = [at("once", 121, 9.0), at("often", 125, -20.0), at("new", 130, 9.0)]

    assert learned(tmp_path, [*ORDERS, *later]) == known


def test_an_order_on_the_cut_is_known_and_one_on_the_day_itself_is_not_waited_for(tmp_path):
    found = learned(tmp_path, [*ORDERS, at("once", 120, 9.0), at("first", 30, 9.0, hour=23)])

    assert found[90]["once"] == [0, 30.0, True]
    assert found[30]["once"] == [0, 90.0, True]
    assert found[30]["first"] == [1, 90.0, False]

"""Stretches without an order: said where they are beyond the log's own, and nowhere else."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from data.small_logs import log_of, write
from data.test_order_log import ORDERS, etl_of, order

from clv.data.gaps import LEAST_PAUSES, Gap, gaps
from clv.pipeline.ingest import ingest
from clv.store.workspace import Workspace

START = dt.date(2022, 1, 3)


def days(*numbers):
    return [START + dt.timedelta(days=number) for number in numbers]


def found(numbers, named=()):
    return gaps(days(*sorted(numbers)), frozenset(day.toordinal() for day in days(*named)))


def gap(first, last, next_longest, alone=None):
    ends = days(first, last)
    return Gap(*ends, next_longest, alone if alone is None else days(alone)[0])


DAILY = [*range(100), *range(281, 400)]
EPOCH = (dt.date(1970, 1, 1) - START).days


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (DAILY, [gap(100, 280, 0)]),
        ([EPOCH, *range(400)], [gap(EPOCH + 1, -1, 0, alone=EPOCH)]),
        ([*range(400), 900], [gap(400, 899, 0, alone=900)]),
        ([EPOCH, *DAILY], [gap(EPOCH + 1, -1, 181, alone=EPOCH), gap(100, 280, 0)]),
        ([*range(0, 100, 7), *range(200, 400, 7)], [gap(99, 199, 6)]),
    ],
    ids=["closed", "epoch", "last day", "both", "weekly"],
)
def test_a_stretch_beyond_the_logs_own_is_found(numbers, expected):
    assert found(numbers) == expected


def winters(years):
    return [365 * year + day for year in range(years) for day in range(200)]


@pytest.mark.parametrize(
    "numbers",
    [
        winters(4),
        [*range(100), *range(130, 400)],
        [*range(0, 400, 7), *range(420, 800, 7)],
        [0, 1, 2, 3, 60, 61],
        [0],
    ],
    ids=["every winter", "a month", "rare orders", "few days", "one day"],
)
def test_what_is_ordinary_in_a_log_is_no_gap(numbers):
    assert found(numbers) == []


def test_of_shops_with_forty_customers_or_fewer_hardly_one_is_warned():
    draw = random.Random(1)
    shops = [
        {draw.randrange(730) for _ in range(draw.choice([25, 50, 100, 200]))} for _ in range(2_000)
    ]

    assert sum(bool(found(shop)) for shop in shops) <= 3


def test_the_rule_needs_all_its_pauses():
    few = [*range(LEAST_PAUSES - 1), 500]

    assert found(few) == []
    assert len(found([-1, *few])) == 1


def test_days_the_calendar_names_are_no_gap_and_days_it_names_in_part_are():
    assert found(DAILY, named=range(100, 281)) == []
    assert found(DAILY, named=range(100, 280)) == [gap(100, 280, 0)]


CLOSED = [
    order(when=f"{day} 10:00:00", total=str(place + 1)) for place, day in enumerate(days(*DAILY))
]
FACT = {
    "first_day": "2022-04-13",
    "last_day": "2022-10-10",
    "days": 181,
    "next_longest": 0,
    "alone": None,
}


def test_the_ingest_keeps_where_the_log_has_no_order(tmp_path):
    assert etl_of(tmp_path, CLOSED).report["without_orders"] == [FACT]


def test_refused_lines_are_no_orders_but_for_the_day_the_log_begins_on(tmp_path):
    back = order(when="2022-06-01 10:00:00", total="-1")
    slip = order(when="1970-01-01 00:00:00", total="-1")

    first, second = etl_of(tmp_path, [*CLOSED, back, slip]).report["without_orders"]

    assert (first["alone"], first["last_day"]) == ("1970-01-01", "2022-01-02")
    assert second == FACT


def test_lines_after_the_observed_days_and_named_days_are_passed_over(tmp_path):
    log = write(tmp_path / "orders.csv", CLOSED)
    calendar = tmp_path / "calendar.csv"
    calendar.write_text("event,from,to\nclosed,2022-04-13,2022-10-10\n")

    for how in ({"observation_end": days(99)[0]}, {"calendar": calendar}):
        report = ingest(Workspace(tmp_path / "w"), log_of(log, source=ORDERS, **how), print)
        assert report["without_orders"] == []

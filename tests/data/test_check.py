"""A declaration means the same in memory and in the engine."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from clv.checked import check as check_in_memory
from clv.data import check, engine
from clv.errors import RuleBroken
from clv.tables import CUSTOMER_SUMMARY

GOOD = {
    "customer_id": ["a", "b"],
    "frequency": [1, 0],
    "recency": [10.0, 0.0],
    "age": [20.0, 5.0],
    "purchase_days": [2, 1],
    "orders": [2, 1],
    "first_purchase": [dt.date(2010, 1, 1)] * 2,
    "last_purchase": [dt.date(2010, 1, 11), dt.date(2010, 1, 1)],
}


def table_of(**changes):
    columns = GOOD | changes
    schema = CUSTOMER_SUMMARY.schema
    arrays = {
        field.name: pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(2, field.type)
        for field in schema
    }
    return pa.table(arrays)


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    with engine.connect(tmp_path_factory.mktemp("spill")) as opened:
        yield opened


def in_memory(table, connection):
    check_in_memory(table, CUSTOMER_SUMMARY)


def in_engine(table, connection):
    check.check(engine.hold(connection, table), CUSTOMER_SUMMARY)


@pytest.mark.parametrize("checked", [in_memory, in_engine])
def test_a_sound_table_passes(checked, connection):
    checked(table_of(), connection)


@pytest.mark.parametrize(
    ("changes", "rule", "count"),
    [
        ({"frequency": [-1, 0]}, "frequency >= 0", 1),
        ({"recency": [21.0, 0.0]}, "recency <= age", 1),
        ({"recency": [10.0, 1.0]}, "recency == 0 when frequency == 0", 1),
        ({"recency": [0.0, 0.0]}, "recency > 0 when frequency > 0", 1),
        ({"frequency": [2, 1], "recency": [1.0, 1.0]}, "frequency < purchase_days", 2),
        ({"orders": [1, 1]}, "purchase_days <= orders", 1),
        ({"mean_day_value": [0.0, None]}, "mean_day_value > 0", 1),
        ({"first_purchase": [dt.date(2011, 1, 1)] * 2}, "first_purchase <= last_purchase", 2),
        ({"customer_id": [None, "b"]}, "customer_id is known", 1),
        ({"age": [20.0, None]}, "age is known", 1),
        ({"age": [20.0, float("nan")]}, "age is finite", 1),
        ({"gross_value": [float("inf"), None]}, "gross_value is finite", 1),
        ({"customer_id": ["a", "a"]}, "one row for each customer_id", 1),
    ],
)
def test_a_broken_table_is_refused_by_the_same_rule_in_memory_and_in_the_engine(
    changes, rule, count, connection
):
    table, refusals = table_of(**changes), []
    for checked in (in_memory, in_engine):
        with pytest.raises(RuleBroken) as refusal:
            checked(table, connection)
        refusals.append(refusal.value)

    for broken in refusals:
        assert broken.rule.startswith(rule)
        assert broken.count == count
    assert repr(refusals[0].first) == repr(refusals[1].first)  # NaN is not itself

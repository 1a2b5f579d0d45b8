from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from data.small_logs import ORDERS, ingested, line, write
from reference import oracles_data

from clv.store.parquet import facts_of

COUNTED = [
    "frequency",
    "recency",
    "age",
    "purchase_days",
    "orders",
    "first_purchase",
    "last_purchase",
    "cohort",
]
MEASURED = [
    "log_intervals",
    "monetary_value",
    "mean_day_value",
    "gross_value",
    "largest_order",
    "returned_value",
    "historic_clv",
]


def against_the_loop(etl):
    """Every customer's row beside what the loop says."""
    clean, pairs = etl.rows("clv"), etl.rows("returns")
    end = dt.date.fromisoformat(facts_of(etl.path("summary"))["window_end"])
    expected = oracles_data.customer_summary(clean, pairs, end)
    found = {row["customer_id"]: row for row in etl.rows("summary")}
    assert list(found) == sorted(expected)
    return [(found[who], facts) for who, facts in expected.items()]


def assert_equal_to_the_loop(etl):
    for found, expected in against_the_loop(etl):
        assert {name: found[name] for name in COUNTED} == {name: expected[name] for name in COUNTED}
        for name in MEASURED:
            assert found[name] == pytest.approx(expected[name], abs=1e-6), name


@pytest.fixture(scope="module")
def shop_etl(shop_log, tmp_path_factory):
    return ingested(tmp_path_factory.mktemp("shop"), shop_log, currency="GBP")


def test_the_shop_is_summarized_as_a_plain_loop_summarizes_it(shop_etl):
    assert_equal_to_the_loop(shop_etl)
    assert any(expected["returned_value"] > 0 for _, expected in against_the_loop(shop_etl))


def test_the_loop_notices_a_return_left_out(shop_etl):
    clean, pairs = shop_etl.rows("clv"), shop_etl.rows("returns")
    end = max(row["invoice_date"] for row in clean).date()

    assert oracles_data.customer_summary(clean, pairs, end) != oracles_data.customer_summary(
        clean, pairs[1:], end
    )


def test_the_shop_has_the_cohorts_a_plain_loop_counts(shop_etl):
    clean, pairs = shop_etl.rows("clv"), shop_etl.rows("returns")
    end = dt.date.fromisoformat(facts_of(shop_etl.path("summary"))["window_end"])

    found = {
        (row["cohort"], row["period"]): (
            row["customers"],
            row["active"],
            row["orders"],
            row["value"],
        )
        for row in shop_etl.rows("cohorts")
    }

    assert found == oracles_data.cohorts(clean, pairs, end)


def day(date, **changes):
    return line(InvoiceDate=f"{date} 10:00:00", **changes)


BUY, AGAIN = day("2010-01-05"), day("2010-02-05", Invoice="2")
CASES = {
    "first day undone": [BUY, AGAIN, day("2010-01-09", Invoice="C1", Quantity="-12")],
    "all days undone": [
        BUY,
        day("2010-01-09", Invoice="C1", Quantity="-12"),
        day("2010-03-01") | {"Customer ID": "2"},
    ],
    "several orders a day": [BUY, day("2010-01-05", Invoice="2"), AGAIN],
    "one order of a day undone": [
        BUY,
        day("2010-01-05", Invoice="2", StockCode="Y"),
        day("2010-01-06", Invoice="C1", StockCode="Y", Quantity="-12"),
    ],
    "purchase in the last minute": [BUY, line(Invoice="2", InvoiceDate="2010-03-31 23:59:00")],
}


@pytest.mark.parametrize("case", CASES)
def test_a_crafted_case_is_summarized_as_a_plain_loop_summarizes_it(case, tmp_path):
    assert_equal_to_the_loop(ingested(tmp_path, write(tmp_path / "log.csv", CASES[case])))


def test_a_customer_who_returned_everything_keeps_a_row(tmp_path):
    etl = ingested(tmp_path, write(tmp_path / "log.csv", CASES["all days undone"]))

    row = next(r for r in etl.rows("summary") if r["customer_id"] == "13085")

    assert (row["frequency"], row["purchase_days"], row["orders"]) == (0, 0, 0)
    assert (row["historic_clv"], row["monetary_value"], row["mean_day_value"]) == (0, None, None)
    assert (row["first_purchase"], row["last_purchase"]) == (dt.date(2010, 1, 5), None)


def test_the_window_ends_with_its_last_day_included(tmp_path):
    path = write(tmp_path / "log.csv", CASES["purchase in the last minute"] + [day("2010-04-01")])
    end = dt.date(2010, 3, 31)

    row = ingested(tmp_path, path, observation_end=end).rows("summary")[0]

    assert (row["frequency"], row["age"]) == (1, 85.0)
    assert row["last_purchase"] == end


def test_gross_value_leaves_returns_alone(tmp_path):
    path = write(tmp_path / "log.csv", CASES["first day undone"])

    net, gross = (
        ingested(tmp_path / str(kind), path, net=kind).rows("summary")[0] for kind in (True, False)
    )

    assert (net["purchase_days"], gross["purchase_days"]) == (1, 2)
    assert gross["historic_clv"] == pytest.approx(2 * net["historic_clv"])


def test_country_and_product_are_those_of_the_dearest_goods_of_the_first_day(tmp_path):
    rows = [
        day("2010-01-05", Description="CHEAP", Price="0.10"),
        day("2010-01-05", Description="DEAR", Price="9.00", Country="France"),
        day("2010-01-05", StockCode="POST", Description="POSTAGE", Price="90.00"),
        day("2010-02-05", Description="LATER", Price="99.00", Country="Spain"),
    ]
    row = ingested(tmp_path, write(tmp_path / "log.csv", rows)).rows("summary")[0]

    assert (row["first_product"], row["country"]) == ("DEAR", "France")


def test_without_an_order_id_rows_of_one_moment_are_one_order(tmp_path):
    rows = [
        {"who": "a", "when": "2010-01-05 10:00:00", "total": "1"},
        {"who": "a", "when": "2010-01-05 10:00:00", "total": "2"},
        {"who": "a", "when": "2010-01-05 11:00:00", "total": "4"},
    ]
    etl = ingested(tmp_path, write(tmp_path / "log.csv", rows), source=ORDERS)

    assert_equal_to_the_loop(etl)
    assert etl.rows("summary")[0]["orders"] == 2
    assert etl.rows("cohorts")[0]["value"] == Decimal(7)

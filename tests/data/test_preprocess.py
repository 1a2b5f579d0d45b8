from __future__ import annotations

from decimal import Decimal

import pytest
from data.small_logs import ingested, line, raw_rows, write
from reference import oracles_data

from clv.data.preprocess import RULES, Cleaning


@pytest.fixture(scope="module")
def shop_etl(shop_log, tmp_path_factory):
    return ingested(tmp_path_factory.mktemp("shop"), shop_log, currency="GBP")


@pytest.fixture(scope="module")
def shop_ledger(shop):
    return oracles_data.ledger(raw_rows(shop.log))


@pytest.mark.parametrize("rule", [None, "duplicate", "no_customer", "return", "non_positive_price"])
def test_every_line_of_the_shop_is_kept_or_refused_as_a_plain_loop_says(
    rule, shop_etl, shop_ledger
):
    lines, money = shop_ledger
    report = shop_etl.report

    found = report["kept"] if rule is None else report["refused"][rule]
    amount = report["money"]["kept"] if rule is None else report["money"]["refused"][rule]

    assert lines[rule] > 0
    assert found == lines[rule]
    assert Decimal(amount) == money[rule]


def test_the_files_hold_every_raw_line_once(shop, shop_etl):
    clean, refused = shop_etl.table("clv"), shop_etl.table("refused")

    assert clean.num_rows + refused.num_rows == shop.log.num_rows == shop_etl.report["read"]
    assert set(refused["rule"].to_pylist()) == set(RULES) - {"not_goods"}


def test_the_ledger_adds_up_in_lines_and_in_money(shop_etl):
    report = shop_etl.report
    money = report["money"]

    assert report["read"] == report["kept"] + sum(report["refused"].values())
    assert Decimal(money["read"]) == Decimal(money["kept"]) + sum(
        Decimal(amount) for amount in money["refused"].values()
    )


def test_the_oracle_notices_another_order_of_rules(shop):
    rows = raw_rows(shop.log)
    returns_first = sum(row["quantity"] < 0 for row, rule in oracles_data.judged(rows) if rule)

    assert returns_first != oracles_data.ledger(rows)[0]["return"]


EVERY_FAULT = {"Customer_ID": "", "Quantity": "-1", "Price": "0", "StockCode": "POST"}


@pytest.mark.parametrize(
    ("mended", "rule"),
    [
        ([], "no_customer"),
        (["Customer_ID"], "return"),
        (["Customer_ID", "Quantity"], "non_positive_price"),
        (["Customer_ID", "Quantity", "Price"], "not_goods"),
    ],
)
def test_a_line_with_several_faults_is_refused_by_the_first_rule(mended, rule, tmp_path):
    faults = {name: value for name, value in EVERY_FAULT.items() if name not in mended}
    path = write(tmp_path / "log.csv", [line(), line(**faults), line(**faults)])

    refused = ingested(tmp_path, path, cleaning=Cleaning(goods_only=True)).report["refused"]

    assert {name: count for name, count in refused.items() if count} == {rule: 1, "duplicate": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"Invoice": "489435"},
        {"StockCode": "85048a"},
        {"Description": "LIGHTS "},
        {"Quantity": "13"},
        {"InvoiceDate": "2009-12-01 07:46:00"},
        {"Price": "6.96"},
        {"Customer_ID": "13086"},
        {"Country": "France"},
    ],
)
def test_lines_that_differ_in_any_one_column_are_no_duplicates(changes, tmp_path):
    path = write(tmp_path / "log.csv", [line(), line(**changes)])

    assert ingested(tmp_path, path).report["kept"] == 2


def test_lines_that_say_the_same_in_other_digits_are_duplicates(tmp_path):
    same = line(
        Quantity="12.0", Price="6.950", Customer_ID=" 13085 ", InvoiceDate="2009-12-01 07:45"
    )
    report = ingested(tmp_path, write(tmp_path / "log.csv", [line(), same])).report

    assert (report["kept"], report["refused"]["duplicate"]) == (1, 1)


def test_placeholder_lines_are_kept_but_are_no_customer(tmp_path):
    path = write(tmp_path / "log.csv", [line(), line(Customer_ID="")])
    etl = ingested(tmp_path, path, cleaning=Cleaning(anonymous_as="nobody"))

    assert etl.report["refused"]["no_customer"] == 0
    assert [row["customer_id"] for row in etl.rows("clv")] == ["13085", "nobody"]
    assert [row["customer_id"] for row in etl.rows("summary")] == ["13085"]


@pytest.mark.parametrize(
    ("code", "is_goods"),
    [
        *[(code, False) for code in ("POST", "m", "TEST001", "gift_0001_80")],
        *[(code, True) for code in ("85048", "DCGS0058", "SP1002", "MM")],
    ],
)
def test_only_goods_are_kept_where_goods_alone_are_wanted(code, is_goods, tmp_path):
    path = write(tmp_path / "log.csv", [line(), line(StockCode=code, Quantity="3")])

    marked = ingested(tmp_path / "all", path)
    goods = ingested(tmp_path / "goods", path, cleaning=Cleaning(goods_only=True))

    assert {row["quantity"]: row["is_goods"] for row in marked.rows("clv")}[3] is is_goods
    assert goods.report["refused"].get("not_goods", 0) == (not is_goods)


@pytest.mark.parametrize(("keep", "kept", "duplicates"), [(False, 2, 2), (True, 4, 0)])
def test_duplicates_are_kept_as_often_as_they_come_when_asked(keep, kept, duplicates, tmp_path):
    rows = [line(), line(), line(), line(Quantity="1"), line(Quantity="-1"), line(Quantity="-1")]
    path = write(tmp_path / "log.csv", rows)
    etl = ingested(tmp_path, path, cleaning=Cleaning(keep_duplicates=keep))

    assert etl.report["kept"] == etl.table("clv").num_rows == kept
    assert etl.report["refused"]["duplicate"] == duplicates + (not keep)
    assert etl.report["read"] == 6

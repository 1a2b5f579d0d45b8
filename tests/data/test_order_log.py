"""Logs of orders and amounts, under whatever headers, in one currency or several."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from decimal import Decimal

import pytest
from data.small_logs import ORDERS, ingested, write

from clv.data.preprocess import Cleaning
from clv.data.sources.order_log import order_log
from clv.errors import SourceUnreadable

CURRENCIES = order_log(customer_id="who", date="when", amount="total", currency_column="money")


def order(who="a", when="2020-01-05 10:00:00", total="10", **others):
    return {"who": who, "when": when, "total": total, **others}


def etl_of(folder, rows, **how):
    return ingested(folder, write(folder / "orders.csv", rows), **({"source": ORDERS} | how))


@pytest.mark.parametrize(
    ("text", "mark", "amount"),
    [
        ("12.5", ".", "12.5"),
        ("£1,234.50", ".", "1234.50"),
        ("€ 1,234,567", ".", "1234567"),
        ("$ 7", ".", "7"),
        ("1.234,50", ",", "1234.50"),
        ("12,5", ",", "12.5"),
        ("1.234.567", ",", "1234567"),
    ],
)
def test_amounts_are_read_as_people_write_them(text, mark, amount, tmp_path):
    source = dataclasses.replace(ORDERS, decimal_mark=mark)

    lines = etl_of(tmp_path, [order(total=text)], source=source).rows("clv")

    assert lines[0]["sales"] == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "mark"),
    [("1,5", "."), ("1.234,50", "."), ("1,234.50", ","), ("12.5", ","), ("1,23,456", ".")],
)
def test_an_amount_in_the_other_notation_is_refused_and_not_guessed(text, mark, tmp_path):
    source = dataclasses.replace(ORDERS, decimal_mark=mark)

    with pytest.raises(SourceUnreadable, match="no readable amount in column 'total'"):
        etl_of(tmp_path, [order(total=text)], source=source)


def test_a_negative_total_undoes_the_customers_latest_money(tmp_path):
    rows = [
        order(total="30"),
        order(when="2020-02-05", total="20"),
        order(when="2020-03-05", total="-£25"),
        order(who="b", when="2020-03-06", total="5"),
    ]
    etl = etl_of(tmp_path, rows)

    undone = {row["invoice_date"].month: row["value"] for row in etl.rows("returns")}
    assert undone == {2: 20, 1: 5}
    assert [row["quantity"] for row in etl.rows("returns")] == [None, None]
    assert [row["historic_clv"] for row in etl.rows("summary")] == [25.0, 5.0]
    assert etl.rows("summary")[0]["purchase_days"] == 1


@pytest.mark.parametrize(("hashed", "shown"), [(True, None), (False, "ann@example.org")])
def test_emails_that_differ_in_case_are_one_customer(hashed, shown, tmp_path):
    rows = [order(who="Ann@Example.org"), order(who=" ann@example.ORG ", when="2020-02-05")]
    etl = etl_of(tmp_path, rows, cleaning=Cleaning(hash_emails=hashed))

    expected = shown or hashlib.sha256(b"ann@example.org").hexdigest()
    assert [row["customer_id"] for row in etl.rows("summary")] == [expected]
    assert hashed != (b"xample" in etl.path("clv").read_bytes())


def test_ids_without_an_at_sign_keep_their_case(tmp_path):
    etl = etl_of(tmp_path, [order(who="Ab"), order(who="aB"), order(who="7.0"), order(who="x.0")])

    assert [row["customer_id"] for row in etl.rows("summary")] == ["7", "Ab", "aB", "x.0"]


@pytest.mark.parametrize(("note", "kept"), [("gift", 1), ("none", 2)])
def test_rows_equal_in_every_column_are_duplicates_and_others_are_not(note, kept, tmp_path):
    etl = etl_of(tmp_path, [order(note="gift"), order(note=note)])

    assert etl.report["kept"] == kept
    assert etl.report["refused"]["duplicate"] == 2 - kept


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-07-02T23:30:00-05:00", dt.datetime(2020, 7, 2, 23, 30)),
        ("2020-07-03T00:30:00+02:00", dt.datetime(2020, 7, 3, 0, 30)),
        ("2020-07-02T23:30:00Z", dt.datetime(2020, 7, 2, 23, 30)),
        ("2020-07-02", dt.datetime(2020, 7, 2)),
    ],
)
def test_the_clock_on_the_wall_decides_the_day(text, moment, tmp_path):
    assert etl_of(tmp_path, [order(when=text)]).rows("clv")[0]["invoice_date"] == moment


def test_dates_are_read_in_the_form_that_is_named(tmp_path):
    source = dataclasses.replace(ORDERS, date_format="%d/%m/%Y")

    lines = etl_of(tmp_path, [order(when=" 02/07/2020 ")], source=source).rows("clv")

    assert lines[0]["invoice_date"] == dt.datetime(2020, 7, 2)


RATES = "currency,rate,from\neur,0.80,2020-02-01\nEUR,0.90,2020-01-01\n"
FOREIGN = [
    order(money="GBP"),
    order(when="2020-01-31 23:59:00", money="EUR"),
    order(when="2020-02-01 00:00:00", money="eur "),
    order(when="2020-03-01 00:00:00", money=""),
]


def test_prices_are_converted_by_the_rate_of_their_day(tmp_path):
    (tmp_path / "rates.csv").write_text(RATES)

    etl = etl_of(tmp_path, FOREIGN, source=CURRENCIES, currency="GBP", rates=tmp_path / "rates.csv")

    assert [row["sales"] for row in etl.rows("clv")] == [10, 9, 8, 10]
    assert Decimal(etl.report["money"]["kept"]) == 37


@pytest.mark.parametrize("currency", [None, "GBP"])
def test_currencies_are_never_added_up_without_rates(currency, tmp_path):
    with pytest.raises(SourceUnreadable, match=r"2 currencies: EUR, GBP.*--currency.*--rates"):
        etl_of(tmp_path, FOREIGN, source=CURRENCIES, currency=currency)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "currency,rate,from\nEUR,0.80,2020-02-01\n",
            "1 line has no rate to GBP; first: EUR on 2020-01-31",
        ),
        ("currency,rate\nUSD,1\n", "2 different lines have no rate to GBP"),
        ("currency,rate\nEUR,-1\n", "row 1: '-1' is no rate"),
        ("currency,rate\nUSD,1\nEUR,inf\n", "row 2: 'inf' is no rate"),
        ("currency,rate\nEUR,nan\n", "'nan' is no rate"),
        ("currency,rate\nEUR,cheap\n", "'cheap' is no rate"),
        ("currency,rate\nEUR\n", "row 1: a currency or a rate is missing"),
        ("money,value\nEUR,1\n", "a currency or a rate is missing"),
        ("currency,rate,from\nEUR,1,01/02/2020\n", "'01/02/2020' is no day"),
        ("currency,rate\nEUR,1\nEUR,2\n", "row 2: EUR has another rate from the same day"),
        ("currency,rate\n", "it holds no rates"),
        (None, "it is not there"),
    ],
)
def test_rates_with_holes_or_nonsense_are_refused(text, said, tmp_path):
    path = tmp_path / "rates.csv"
    if text is not None:
        path.write_text(text)

    with pytest.raises(SourceUnreadable) as refusal:
        etl_of(tmp_path, FOREIGN, source=CURRENCIES, currency="GBP", rates=path)

    assert said in str(refusal.value)

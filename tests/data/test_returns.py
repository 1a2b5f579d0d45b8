from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from data.small_logs import MONEY, numbered, raw_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import oracles_data

from clv.data import engine, returns
from clv.tables import MONEY as MONEY_TYPE

SCHEMA = pa.schema(
    {
        "customer_id": pa.string(),
        "invoice_date": pa.timestamp("us"),
        "invoice": pa.string(),
        "stock_code": pa.string(),
        "unit_price": MONEY_TYPE,
        "quantity": pa.int64(),
        "description": pa.string(),
        "country": pa.string(),
        "line": pa.int64(),
        "sales": MONEY_TYPE,
    }
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    with engine.connect(tmp_path_factory.mktemp("spill")) as opened:
        yield opened


def row(minute, quantity, *, customer="a", code="x", price="1.00", invoice=None):
    return {
        "customer_id": customer,
        "invoice_date": dt.datetime(2010, 1, 1) + dt.timedelta(minutes=minute),
        "invoice": invoice or str(minute),
        "stock_code": code,
        "unit_price": Decimal(price).quantize(MONEY),
        "quantity": quantity,
        "description": "X",
        "country": "UK",
    }


def apart(rows):
    """Purchases and credit notes, numbered."""
    rows = numbered(rows)
    return [r for r in rows if r["quantity"] > 0], [r for r in rows if r["quantity"] < 0]


def pairs_of(connection, purchases, credits, *, has_articles=True):
    sides = [
        engine.hold(connection, pa.Table.from_pylist(rows, schema=SCHEMA))
        for rows in (purchases, credits)
    ]
    return engine.fetch(returns.match(*sides, has_articles=has_articles)).to_pylist()


moves = st.lists(
    st.builds(
        row,
        st.integers(0, 5),  # few minutes, so that many moves share one
        st.integers(-6, 6).filter(bool),
        customer=st.sampled_from("ab"),
        code=st.sampled_from("xy"),
        price=st.sampled_from(["0.01", "0.50", "1.25"]),
        invoice=st.sampled_from("123"),
    ),
    max_size=14,
    unique_by=oracles_data.content,
)


@settings(max_examples=60, deadline=None)
@given(moves)
def test_pieces_are_taken_from_the_stack_as_a_plain_loop_takes_them(connection, rows):
    purchases, credits = apart(rows)

    found = pairs_of(connection, purchases, credits)

    expected = oracles_data.matched_by_piece(purchases, credits)
    assert {(p["line"], p["credit_line"]): p["quantity"] for p in found} == dict(expected)
    prices = {r["line"]: r["unit_price"] for r in purchases}
    assert all(p["value"] == p["quantity"] * prices[p["line"]] for p in found)


@settings(max_examples=25, deadline=None)
@given(moves)
def test_a_log_without_articles_is_matched_by_money_as_a_plain_loop_matches(connection, rows):
    purchases, credits = apart(rows)

    found = pairs_of(connection, purchases, credits, has_articles=False)

    expected = oracles_data.matched_by_penny(purchases, credits)
    pennies = {(p["line"], p["credit_line"]): int(p["value"] * 100) for p in found}
    assert pennies == dict(expected)
    assert all(p["quantity"] is None for p in found)


@settings(max_examples=200, deadline=None)
@given(moves)
def test_the_two_oracles_agree_on_what_is_undone(rows):
    purchases, credits = apart(rows)
    by_line = dict.fromkeys((r["line"] for r in purchases), 0)
    for (bought, _), pieces in oracles_data.matched_by_piece(purchases, credits).items():
        by_line[bought] += pieces

    assert oracles_data.undone_by_window_sums(purchases, credits) == by_line


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([row(0, 5), row(1, -2)], {(0, 1): 2}, id="in part"),
        pytest.param([row(0, 5), row(1, -9)], {(0, 1): 5}, id="more than was bought"),
        pytest.param([row(0, -5), row(1, 5)], {}, id="before the purchase"),
        pytest.param([row(0, 5), row(0, -5)], {(0, 1): 5}, id="in the same minute"),
        pytest.param([row(0, 2), row(1, 2), row(2, -3)], {(1, 2): 2, (0, 2): 1}, id="latest first"),
        pytest.param(
            [row(0, 4), row(1, -1), row(2, -1), row(3, -5)],
            {(0, 1): 1, (0, 2): 1, (0, 3): 2},
            id="one after the other",
        ),
        pytest.param(
            [row(0, 3), row(1, -3), row(2, 3), row(3, -4)],
            {(0, 1): 3, (2, 3): 3},
            id="bought again",
        ),
        pytest.param([row(0, 3), row(1, -3, code="y")], {}, id="another article"),
        pytest.param([row(0, 3), row(1, -3, customer="b")], {}, id="another customer"),
        pytest.param(
            [row(0, 3, invoice="7")] * 1 + [row(0, 3, invoice="8"), row(0, -3)],
            {(1, 2): 3},
            id="later invoice of one minute first",
        ),
    ],
)
def test_a_credit_note_undoes_the_latest_earlier_purchase(connection, rows, expected):
    found = pairs_of(connection, *apart(rows))

    assert {(p["line"], p["credit_line"]): p["quantity"] for p in found} == expected


def test_what_is_undone_and_what_is_unmatched_make_up_every_credit_note(connection, shop):
    judged = oracles_data.judged(raw_rows(shop.log))
    rows = numbered([r for r, rule in judged if rule in (None, "return")])
    purchases, credits = (
        [r for r in rows if (r["quantity"] > 0) is sign] for sign in (True, False)
    )
    held = [
        engine.hold(connection, pa.Table.from_pylist(part, schema=SCHEMA))
        for part in (purchases, credits)
    ]
    pairs = engine.hold(connection, returns.match(*held, has_articles=True))

    undone = engine.fetch(returns.undo(held[0], pairs)).to_pylist()
    left = engine.fetch(returns.unmatched(held[1], pairs, has_articles=True)).to_pylist()

    expected = oracles_data.undone_by_window_sums(purchases, credits)
    assert {r["line"]: r["returned_quantity"] for r in undone} == expected
    assert sum(expected.values()) > 0
    used = oracles_data.matched_by_piece(purchases, credits)
    spare = {
        r["line"]: -r["quantity"] - sum(n for (_, credit), n in used.items() if credit == r["line"])
        for r in credits
    }
    priced = {r["line"]: spare[r["line"]] * r["unit_price"] for r in credits if spare[r["line"]]}
    assert {r["line"]: r["value"] for r in left} == {k: v for k, v in priced.items() if v > 0}


@pytest.mark.real_log
def test_every_return_of_the_real_log_is_matched_as_a_plain_loop_matches(real_log, tmp_path):
    from data.small_logs import ingested

    etl = ingested(tmp_path, real_log, currency="GBP")
    purchases = numbered(etl.rows("clv"))
    notes = [r for r in etl.rows("refused") if r["rule"] == "return"]
    credits = [r | {"line": -1 - i} for i, r in enumerate(notes)]

    expected = oracles_data.undone_by_window_sums(purchases, credits)

    assert {r["line"]: r["returned_quantity"] for r in purchases} == expected

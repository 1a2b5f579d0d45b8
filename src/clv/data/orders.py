"""The rows of a shop system's export as orders and their refunds, every row accounted for.

An order may take several rows, its status, total and refund on the first alone or repeated on
each, and may stand in several files, exported at different times. One row carries it: that of
the file in which it got furthest. Every other row is a line without money (`continuation`), or,
in another file, the same order once more (`duplicate`). A refund noted on an order is a line
of its own, so there are as many lines as rows and refunds. Tax and shipping, where they are to
be left out, stand beside a line's money as ``aside``; of a refund they are the same share as
of its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import ibis

from clv.data.load import RawFile
from clv.data.preprocess import (
    DECIMAL,
    Cleaning,
    amount,
    customer,
    moment,
    refuse_unreadable,
    stripped,
)
from clv.data.sources import Source

FURTHEST = {"cancelled": 2, "not_paid": 0, "draft": 0}


def order_lines(parts: Sequence[RawFile], source: Source, cleaning: Cleaning) -> ibis.Table:
    """The lines of an export, with the ``verdict`` of its rows and the money ``aside``.

    The columns are those of ``clv.data.preprocess.distinct_lines``, these two, and ``is_refund``.
    """
    stated = [_stated(part, i, source, cleaning) for i, part in enumerate(parts)]
    rows = _placed(reduce(ibis.union, stated))
    return _orders(rows).union(_refunds(rows))


def require_readable(parts: Sequence[RawFile], source: Source) -> None:
    """Stop where an amount, or the moment of an order, is written but cannot be read."""
    for part in parts:
        rows = part.table
        broken = {
            name: _money(rows[name], source).isnull() & rows[name].notnull()
            for name in ("amount", "refunded", "tax", "shipping")
        }
        at = moment(rows.invoice_date, source)
        broken["invoice_date"] = at.isnull() & (rows.amount.notnull() | rows.invoice_date.notnull())
        refuse_unreadable(part, broken)


def _stated(part: RawFile, number: int, source: Source, cleaning: Cleaning) -> ibis.Table:
    """What each row says, typed; null where it says nothing."""
    raw, export = part.table, source.export
    assert export is not None
    text = {verdict.column: _lowered(raw[verdict.column]) for verdict in export.verdicts}
    judged = [(text[v.column].re_search(v.pattern).fill_null(False), v) for v in export.verdicts]
    counted = [(match, v.rule) for match, v in judged if v.rule not in cleaning.also_count]
    total, refunded = _money(raw.amount, source), _money(raw.refunded, source).abs()
    in_full = _lowered(raw.status).re_search(export.refunded).fill_null(False)
    in_full &= refunded.fill_null(0) == 0
    who = customer(raw.customer_id, cleaning)
    aside = sum(_money(raw[name], source).abs().fill_null(0) for name in ("tax", "shipping"))
    return raw.select(
        part=ibis.literal(number, "int64"),
        customer_id=who.nullif("0"),  # what a guest is called where customers are numbered
        at=moment(raw.invoice_date, source),
        invoice=stripped(raw.invoice).nullif(""),
        total=total,
        charge=ibis.greatest(total.abs() - aside, ibis.literal(0).cast(DECIMAL)).cast(DECIMAL),
        refunded=ibis.ifelse(in_full, total, refunded.fill_null(0)).cast(DECIMAL),
        refunded_at=moment(raw.refunded_at, source),
        state=ibis.cases(*((match, v.rule) for match, v in judged)),
        verdict=ibis.cases(*counted) if counted else ibis.null("string"),
        country=raw.country,
        currency=stripped(raw.currency).upper(),
    )


def _placed(rows: ibis.Table) -> ibis.Table:
    """Each row with its ``verdict``: the part it plays among the rows of its order, else its own.

    A negative total is a return, and a line of its own.
    """
    alone = rows.customer_id.fill_null("") + ibis.literal(" ") + rows.at.cast("string")
    rows = rows.mutate(
        order=ibis.coalesce(rows.invoice, alone, ibis.literal("")),
        is_return=(rows.total < 0).fill_null(False),
        has_total=rows.total.notnull(),
        reached=rows.state.cases(*FURTHEST.items(), else_=1),
    )
    furthest = [
        rows.has_total.desc(),
        rows.refunded.desc(),
        rows.reached.desc(),
        rows.part.desc(),
        *(rows[name].desc(nulls_first=False) for name in ("total", "charge", "at", "customer_id")),
    ]
    order = ["order", "is_return"]
    returned = ibis.window(group_by=[*order, "at", "total"])
    placed = rows.mutate(
        in_part=ibis.row_number().over(group_by=[*order, "part"], order_by=furthest),
        overall=ibis.row_number().over(group_by=order, order_by=furthest),
        first_part=rows.part.min().over(returned),
        is_order=(rows.has_total & ~rows.is_return).max().over(group_by="order"),
        who=rows.customer_id.max().over(group_by="order"),
        day=rows["at"].min().over(group_by="order"),
    )
    known = placed.order != ""
    played = ibis.cases(
        (placed.is_return & (placed.part > placed.first_part), "duplicate"),
        (placed.is_return, placed.verdict),
        (~placed.has_total & (placed.is_order | ~known), "continuation"),
        (~placed.has_total, "no_total"),
        (placed.in_part > 0, "continuation"),
        (placed.overall > 0, "duplicate"),
        else_=placed.verdict,
    )
    return placed.mutate(
        verdict=played,
        customer_id=ibis.coalesce(placed.customer_id, ibis.ifelse(known, placed.who, None)),
        at=ibis.coalesce(placed["at"], ibis.ifelse(known, placed.day, None)),
    )


def _orders(rows: ibis.Table) -> ibis.Table:
    """A line for each row; those that only continue an order carry no money."""
    sign = ibis.ifelse(_carries(rows), ibis.ifelse(rows.is_return, -1, 1), 0)
    price, whole = rows.charge, rows.total
    return _lines(rows, rows["at"], sign=sign, price=price, whole=whole, is_refund=False)


def _refunds(rows: ibis.Table) -> ibis.Table:
    """A line for each refund noted on an order, on its own day or else on that of the order."""
    given = rows.filter(_carries(rows) & ~rows.is_return & (rows.refunded > 0))
    share = (given.charge / given.total.nullif(0)).fill_null(1.0).cast("float64")
    back = (given.refunded.cast("float64") * share).round(4).cast(DECIMAL)
    at = ibis.greatest(given["at"], ibis.coalesce(given.refunded_at, given["at"]))
    sign, whole = ibis.literal(-1), -given.refunded
    return _lines(given, at, sign=sign, price=back, whole=whole, is_refund=True)


def _carries(rows: ibis.Table) -> Any:
    """Whether a row has money of its own."""
    return ~rows.verdict.isin(["continuation", "no_total"]).fill_null(False)


def _lines(
    rows: ibis.Table, at: Any, *, sign: Any, price: Any, whole: Any, is_refund: bool
) -> ibis.Table:
    money = ibis.ifelse(sign == 0, 0, price).cast(DECIMAL)
    nothing = ibis.null("string")
    return rows.select(
        *("customer_id", "invoice", "country", "currency", "verdict"),
        invoice_date=at,
        stock_code=nothing,
        description=nothing,
        quantity=ibis.literal(0, "int64") + sign,
        unit_price=money,
        rest=nothing,
        copies=ibis.literal(1, "int64"),
        aside=ibis.ifelse(sign == 0, 0, whole - sign * money).cast(DECIMAL),
        is_refund=ibis.literal(is_refund),
    )


def _money(text: Any, source: Source) -> Any:
    return amount(text, source.decimal_mark)


def _lowered(text: Any) -> Any:
    return stripped(text).lower()

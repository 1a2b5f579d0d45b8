"""Each raw line named kept, or refused by the first rule it breaks; nothing is dropped here.

Order of the rules: an exact duplicate of another line, no customer, a return (negative
quantity), a price that is not positive, and, only where goods alone are wanted, an article
that is none. What was decided about a line is its column ``rule``, null when it is kept.

Text becomes numbers and dates first; a value that cannot be read stops the run and is named
with its row.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import ibis
import ibis.expr.datatypes as types

from clv.data.engine import count, first_row
from clv.data.load import RawFile
from clv.data.sources import Source
from clv.errors import SourceUnreadable
from clv.tables import MONEY

RULES = ("duplicate", "no_customer", "return", "non_positive_price")  # always reported
RULES_OF_SOME = (
    *("not_goods", "continuation", "no_total", "draft", "test_order", "cancelled", "not_paid"),
    "tax_and_shipping",  # of totals, no line of its own
)
CONTENT = (
    *("customer_id", "invoice_date", "invoice", "stock_code"),
    *("unit_price", "quantity", "description", "country"),
)
FEWEST_POINTED = 5
LARGEST_SALE = 1e13  # money has 14 digits before the point
BELIEVABLE = (dt.datetime(1900, 1, 1), dt.datetime(9999, 1, 1))
DECIMAL = types.Decimal(MONEY.precision, MONEY.scale)


@dataclasses.dataclass(frozen=True)
class Cleaning:
    """What a shop may want cleaned otherwise.

    ``anonymous_as`` puts lines without customer under that name instead of refusing them;
    ``also_count`` are rules about the state of an order that are to refuse nothing.
    """

    anonymous_as: str | None = None
    goods_only: bool = False
    keep_duplicates: bool = False
    hash_emails: bool = True
    also_count: tuple[str, ...] = ()


@ibis.udf.scalar.builtin(signature=(("string", "string"), "timestamp"))  # type: ignore[untyped-decorator]
def try_strptime(text: str, form: str) -> dt.datetime:  # type: ignore[empty-body]
    """The engine's own: null where the text does not fit the form."""


def distinct_lines(parts: Sequence[RawFile], source: Source, cleaning: Cleaning) -> ibis.Table:
    """Every different line of the log once, typed, with the number of its ``copies``.

    Where duplicates are kept every line counts as different.
    """
    lines = reduce(ibis.union, [_typed(part.table, source, cleaning) for part in parts])
    if cleaning.keep_duplicates:
        return lines.mutate(copies=ibis.literal(1, "int64"))
    return lines.group_by(lines.columns).agg(copies=lines.count())


def _typed(raw: ibis.Table, source: Source, cleaning: Cleaning) -> ibis.Table:
    values = _values(raw, source)
    if not source.has_articles:
        amount = values["amount"]
        values |= {"quantity": ibis.ifelse(amount < 0, -1, 1), "unit_price": amount.abs()}
    return raw.select(
        *("invoice", "stock_code", "description", "country"),
        currency=stripped(raw.currency).upper().nullif(""),
        rest=raw.rest,
        customer_id=customer(raw.customer_id, cleaning),
        invoice_date=values["invoice_date"],
        quantity=values["quantity"].cast("int64"),
        unit_price=values["unit_price"].cast(DECIMAL),
    )


def _values(raw: ibis.Table, source: Source) -> dict[str, Any]:
    """Numbers and moments read from text, by raw name; null where the text is neither."""
    at = moment(raw.invoice_date, source)
    if not source.has_articles:
        return {"invoice_date": at, "amount": amount(raw.amount, source.decimal_mark)}
    count = raw.quantity.try_cast(DECIMAL)
    whole = ibis.ifelse(count == count.round(), count, None)
    price = amount(raw.unit_price, source.decimal_mark)
    too_large = (whole.cast("float64") * price.cast("float64")).abs() >= LARGEST_SALE
    price = ibis.ifelse(too_large, None, price)
    return {"invoice_date": at, "quantity": whole, "unit_price": price}


def moment(text: ibis.Value, source: Source) -> ibis.Value:
    """A moment on the clock it was written by; null where the text is none."""
    plain = stripped(text)
    if source.date_format is None:
        at = plain.try_cast("timestamp")  # an offset is dropped: the shop's own clock counts
    else:
        at = try_strptime(plain, source.date_format)
    return ibis.ifelse(at.between(*BELIEVABLE), at, None)


def amount(text: ibis.Value, decimal_mark: str | None) -> ibis.Value:
    """Money as people export it: `£1,234.50`, `-€ 3`, `1.234,50` with a decimal comma."""
    plain = text.re_replace(r"[£$€\s]", "")
    if decimal_mark == ",":
        plain = plain.translate(".,", ",.")
    # A lone comma may be a decimal one: only whole groups of three are thousands.
    grouped = plain.re_search(r"^-?\d{1,3}(,\d{3})+(\.\d+)?$")
    read = ibis.ifelse(grouped, plain.replace(",", ""), plain).try_cast(DECIMAL)
    # Most amounts are bare numbers; a case, unlike coalesce, spares them the rest.
    bare = text.try_cast(DECIMAL)
    return read if decimal_mark == "," else ibis.ifelse(bare.notnull(), bare, read)


def customer(text: ibis.Value, cleaning: Cleaning) -> ibis.Value:
    """Ids as text: `13085.0` is `13085`; e-mails in lower case and, unless told, hashed."""
    trimmed = stripped(text).nullif("")
    is_number = trimmed.re_search(r"^\d+\.0$")
    email = trimmed.lower().hexdigest("sha256") if cleaning.hash_emails else trimmed.lower()
    return ibis.cases(
        (is_number, trimmed.left(trimmed.length() - 2)),
        (trimmed.contains("@"), email),
        else_=trimmed,
    )


def stripped(text: ibis.Value) -> ibis.Value:
    """Without blanks at its ends; to look first is several times faster than to strip all."""
    blank_ends = (text.left(1) <= " ") | (text.right(1) <= " ")
    return ibis.ifelse(blank_ends, text.strip(), text)


def require_readable(lines: ibis.Table, parts: Sequence[RawFile], source: Source) -> None:
    """Stop where a number or a date could not be read, naming the first."""
    unread = lines.quantity.isnull() | lines.unit_price.isnull() | lines.invoice_date.isnull()
    if count(lines.filter(unread)):
        for part in parts:
            values = _values(part.table, source)
            refuse_unreadable(part, {name: value.isnull() for name, value in values.items()})


def refuse_unreadable(part: RawFile, broken: Mapping[str, Any]) -> None:
    """Stop where a value of a part is ``broken``, by the raw name of its column."""
    found = first_row(part.table.aggregate(**{name: rows.sum() for name, rows in broken.items()}))
    for name in filter(found.get, broken):
        numbered = part.table.mutate(row_number_=ibis.row_number() + 1, broken_=broken[name])
        first = first_row(numbered.filter(numbered.broken_).order_by("row_number_"))
        kind, step = _KINDS.get(name, _AMOUNT)
        shown = "empty" if first[name] is None else repr(first[name])
        many = "1 row has" if found[name] == 1 else f"{found[name]:,} rows have"
        raise SourceUnreadable(
            part.label,
            f"{many} no readable {kind} in column '{part.headers[name]}'; first: row "
            f"{first['row_number_']:,} (without the header), {shown}.",
            next_step=step,
        )


_AMOUNT = (
    "amount",
    "Correct it, or say how amounts are written: --decimal-mark , or --decimal-mark .",
)
_KINDS = {
    "invoice_date": (
        "date",
        "Correct it, or, where all dates are written so, say how: --date-format '%d/%m/%Y' "
        "(and ' %H:%M' where there is a time).",
    ),
    "quantity": ("whole number", "Correct the row, or remove it."),
}


def require_clear_amounts(parts: Sequence[RawFile], source: Source) -> None:
    """Stop where a point may as well divide thousands, unless the decimal mark was said."""
    if source.has_articles or source.decimal_mark is not None:
        return
    for part in parts:
        pointed = part.table.filter(part.table.amount.contains("."))
        three = pointed.amount.re_search(r"^[^0-9]*\d{1,3}(\.\d{3})+[^0-9]*$")
        found = first_row(
            pointed.aggregate(rows=pointed.count(), three=three.sum(), one=pointed.amount.max())
        )
        if found["rows"] >= FEWEST_POINTED and found["rows"] == found["three"]:
            raise SourceUnreadable(
                part.label,
                f"all {found['rows']:,} amounts with a point in column '{part.headers['amount']}' "
                f"have three digits after it, such as {found['one']}: thousands, or thousandths?",
                next_step="Say --decimal-mark , if the point divides thousands, else "
                "--decimal-mark .",
            )


def require_past(lines: ibis.Table, today: dt.date) -> None:
    """Stop where lines are dated after ``today``."""
    later = lines.filter(lines.invoice_date >= today + dt.timedelta(days=1))
    if rows := count(later):
        first = first_row(later.order_by("invoice_date"))
        many = "1 line is" if rows == 1 else f"{rows:,} different lines are"
        whose = " ".join(
            f"{name.removesuffix('_id')} {first[name]}"
            for name in ("invoice", "customer_id")
            if first[name] is not None
        )
        raise SourceUnreadable(
            "log",
            f"{many} dated after today ({today}); first: {whose or 'a line'} on "
            f"{first['invoice_date']:%Y-%m-%d %H:%M}.",
            next_step="Correct the dates, or leave later days out with --observation-end DATE.",
        )


def judge(lines: ibis.Table, source: Source, cleaning: Cleaning) -> ibis.Table:
    """Each different line with its sales and the first rule it breaks, null when it is kept.

    The raw description stays for those who look at refused lines; kept ones are ``described``.

    Further copies are not rows here: ``copies - 1`` of each break the rule `duplicate`.
    """
    is_goods = ibis.literal(True)
    if source.not_goods is not None:
        code = lines.stock_code.upper()
        is_goods = ~code.re_search(source.not_goods).fill_null(False)
    branches = []
    if source.export is not None:
        branches.append((lines.verdict.notnull(), lines.verdict))
    if cleaning.anonymous_as is None:
        branches.append((lines.customer_id.isnull(), "no_customer"))
    branches += [(lines.quantity < 0, "return"), (lines.unit_price <= 0, "non_positive_price")]
    if cleaning.goods_only:
        branches.append((~is_goods, "not_goods"))
    return lines.mutate(
        customer_id=ibis.coalesce(lines.customer_id, ibis.literal(cleaning.anonymous_as, "string")),
        sales=(lines.quantity * lines.unit_price).cast(DECIMAL),
        is_goods=is_goods,
        described=stripped(lines.description).nullif("").fill_null("Unknown"),
        rule=ibis.cases(*branches),
    )


def kept(judged: ibis.Table) -> ibis.Table:
    """The lines no rule refuses."""
    lines = judged.filter(judged.rule.isnull())
    return lines.drop("description", "rule", "copies", "currency", "rest").rename(
        description="described"
    )


def refused(judged: ibis.Table) -> ibis.Table:
    """The lines some rule refuses, further copies among them, each with its rule."""
    first = judged.filter(judged.rule.notnull())
    again = judged.filter(judged.copies > 1).mutate(rule=ibis.literal("duplicate"))
    further = again.mutate(copy=ibis.range(1, again.copies).unnest())
    return first.union(further.drop("copy"))


def credits(judged: ibis.Table) -> ibis.Table:
    """The lines refused as returns, each once."""
    return judged.filter(judged.rule == "return")

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
from collections.abc import Sequence
from functools import reduce
from typing import Any

import ibis
import ibis.expr.datatypes as types

from clv.data.engine import count, first_row
from clv.data.load import RawFile
from clv.data.sources import Source
from clv.errors import SourceUnreadable
from clv.tables import MONEY

RULES = ("duplicate", "no_customer", "return", "non_positive_price", "not_goods")
CONTENT = (
    "customer_id",
    "invoice_date",
    "invoice",
    "stock_code",
    "unit_price",
    "quantity",
    "description",
    "country",
)
DECIMAL = types.Decimal(MONEY.precision, MONEY.scale)


@dataclasses.dataclass(frozen=True)
class Cleaning:
    """What a shop may want cleaned otherwise.

    ``anonymous_as`` puts lines without customer under that name instead of refusing them.
    """

    anonymous_as: str | None = None
    goods_only: bool = False
    keep_duplicates: bool = False
    hash_emails: bool = True


@ibis.udf.scalar.builtin(signature=(("string", "string"), "timestamp"))  # type: ignore[untyped-decorator]
def try_strptime(text: str, form: str) -> dt.datetime:  # type: ignore[empty-body]
    """The engine's own: null where the text does not fit the form."""


def distinct_lines(parts: Sequence[RawFile], source: Source, cleaning: Cleaning) -> ibis.Table:
    """Every different line of the log once, typed, with the number of its ``copies``."""
    lines = reduce(ibis.union, [_typed(part.table, source, cleaning) for part in parts])
    return lines.group_by(lines.columns).agg(copies=lines.count())


def _typed(raw: ibis.Table, source: Source, cleaning: Cleaning) -> ibis.Table:
    values = _values(raw, source)
    if not source.has_articles:
        amount = values["amount"]
        values["quantity"] = ibis.ifelse(amount < 0, -1, 1)
        values["unit_price"] = amount.abs()
    return raw.select(
        customer_id=_customer(raw.customer_id, cleaning),
        invoice_date=values["invoice_date"],
        invoice=raw.invoice,
        stock_code=raw.stock_code,
        description=raw.description,
        quantity=values["quantity"].cast("int64"),
        unit_price=values["unit_price"].cast(DECIMAL),
        country=raw.country,
        currency=raw.currency,
        rest=raw.rest,
    )


def _values(raw: ibis.Table, source: Source) -> dict[str, Any]:
    """Numbers and moments read from text, by raw name; null where the text is neither."""
    moment = raw.invoice_date.strip()
    if source.date_format is None:
        at = moment.try_cast("timestamp")
    else:
        at = try_strptime(moment, source.date_format)
    if not source.has_articles:
        return {"amount": _amount(raw.amount, source.decimal_mark), "invoice_date": at}
    count = raw.quantity.try_cast(DECIMAL)
    whole = ibis.ifelse(count == count.round(), count, None)
    price = raw.unit_price.try_cast(DECIMAL)
    return {"quantity": whole, "unit_price": price, "invoice_date": at}


def _amount(text: ibis.Value, decimal_mark: str) -> ibis.Value:
    """Money as people export it: `£1,234.50`, `-€ 3`, `1.234,50` with a decimal comma."""
    plain = text.re_replace(r"[£$€\s]", "")
    if decimal_mark == ",":
        plain = plain.replace(".", "").replace(",", ".")
    else:
        # A lone comma may be a decimal one: only whole groups of three are thousands.
        grouped = plain.re_search(r"^-?\d{1,3}(,\d{3})+(\.\d+)?$")
        plain = ibis.ifelse(grouped, plain.replace(",", ""), plain)
    return plain.try_cast(DECIMAL)


def _customer(text: ibis.Value, cleaning: Cleaning) -> ibis.Value:
    """Ids as text: `13085.0` is `13085`; e-mails in lower case and, unless told, hashed."""
    trimmed = text.strip().nullif("")
    number = trimmed.re_replace(r"^(\d+)\.0$", r"\1")
    plain = ibis.ifelse(trimmed.endswith(".0"), number, trimmed)
    email = plain.lower().hexdigest("sha256") if cleaning.hash_emails else plain.lower()
    return ibis.ifelse(plain.contains("@"), email, plain)


def require_readable(lines: ibis.Table, parts: Sequence[RawFile], source: Source) -> None:
    """Stop where a number or a date could not be read, naming the first.

    Raises:
        SourceUnreadable: with the part, how many rows, the first row, its column and value.
    """
    unread = lines.quantity.isnull() | lines.unit_price.isnull() | lines.invoice_date.isnull()
    if not count(lines.filter(unread)):
        return
    for part in parts:
        numbered = part.table.mutate(row_number_=ibis.row_number() + 1)
        for name, value in _values(numbered, source).items():
            broken = numbered.filter(value.isnull())
            if rows := count(broken):
                first = first_row(broken.order_by("row_number_"))
                raise _unreadable(part.label, source, name, rows, first)


def _unreadable(
    label: str, source: Source, name: str, rows: int, first: dict[str, Any]
) -> SourceUnreadable:
    header = " or ".join(source.headers[name])
    kind = {"invoice_date": "date", "quantity": "whole number"}.get(name, "amount")
    step = {
        "invoice_date": "Correct it, or say how dates are written: --date-format '%d/%m/%Y %H:%M'.",
        "amount": "Correct it, or say --decimal-mark ',' if amounts are written 1.234,50.",
    }.get(name, "Correct the row, or remove it.")
    value = first[name]
    shown = "empty" if value is None else repr(value)
    many = "1 row has" if rows == 1 else f"{rows:,} rows have"
    return SourceUnreadable(
        label,
        f"{many} no readable {kind} in column '{header}'; first: row {first['row_number_']:,} "
        f"(without the header), {shown}.",
        next_step=step,
    )


def require_past(lines: ibis.Table, today: dt.date) -> None:
    """Stop where lines are dated after ``today``.

    Raises:
        SourceUnreadable: with how many lines and the first.
    """
    later = lines.filter(lines.invoice_date >= today + dt.timedelta(days=1))
    if rows := count(later):
        first = first_row(later.order_by("invoice_date"))
        raise SourceUnreadable(
            "log",
            f"{rows:,} different lines are dated after today ({today}); first: invoice "
            f"{first['invoice']!r} of customer {first['customer_id']!r} on "
            f"{first['invoice_date']:%Y-%m-%d %H:%M}.",
            next_step="Correct the dates, or leave later days out with --observation-end DATE.",
        )


def judge(lines: ibis.Table, source: Source, cleaning: Cleaning) -> ibis.Table:
    """Each different line with its sales and the first rule it breaks, null when it is kept.

    Further copies are not rows here: ``copies - 1`` of each break the rule `duplicate`.
    """
    anonymous = lines.customer_id.isnull()
    is_goods = ibis.literal(True)
    if source.not_goods is not None:
        code = lines.stock_code.upper()
        is_goods = ~code.re_search(source.not_goods).fill_null(False)
    branches = [
        (lines.quantity < 0, "return"),
        (lines.unit_price <= 0, "non_positive_price"),
    ]
    if cleaning.anonymous_as is None:
        branches.insert(0, (anonymous, "no_customer"))
    if cleaning.goods_only:
        branches.append((~is_goods, "not_goods"))
    return lines.mutate(
        customer_id=ibis.coalesce(lines.customer_id, ibis.literal(cleaning.anonymous_as, "string")),
        sales=(lines.quantity * lines.unit_price).cast(DECIMAL),
        is_goods=is_goods,
        rule=ibis.cases(*branches),
    )


def kept(judged: ibis.Table, cleaning: Cleaning) -> ibis.Table:
    """The lines no rule refuses, numbered by content as ``line``."""
    lines = judged.filter(judged.rule.isnull())
    if cleaning.keep_duplicates:
        lines = _repeated(lines, lines.copies)
    described = lines.mutate(description=lines.description.strip().nullif("").fill_null("Unknown"))
    return described.mutate(line=ibis.row_number().over(order_by=list(CONTENT))).drop(
        "rule", "copies", "currency", "rest"
    )


def refused(judged: ibis.Table, cleaning: Cleaning) -> ibis.Table:
    """The lines some rule refuses, further copies among them, each with its rule."""
    first = judged.filter(judged.rule.notnull())
    if cleaning.keep_duplicates:
        return _repeated(first, first.copies)
    further = _repeated(judged, judged.copies - 1).mutate(rule=ibis.literal("duplicate"))
    return first.union(further)


def credits(refused_lines: ibis.Table) -> ibis.Table:
    """The returns among the refused lines, numbered by content as ``line``."""
    returned = refused_lines.filter(refused_lines.rule == "return")
    return returned.mutate(line=ibis.row_number().over(order_by=list(CONTENT)))


def _repeated(lines: ibis.Table, times: ibis.Value) -> ibis.Table:
    return lines.filter(times > 0).mutate(copy=ibis.range(0, times).unnest()).drop("copy")

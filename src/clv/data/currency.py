"""Prices in one currency, by a file of rates, where sources mix."""

from __future__ import annotations

import csv
import datetime as dt
import math
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from clv.data.engine import count, fetch, first_row, hold
from clv.data.preprocess import DECIMAL
from clv.errors import SourceUnreadable

_FORM = "It is a CSV with the columns currency, rate and, if rates change, from (YYYY-MM-DD)."


def read_rates(connection: Any, path: Path) -> ibis.Table:
    """Rates by ``rate_currency`` with the day ``since`` when each holds."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as cause:
        problem = "it is not there, or is no text that can be read."
        raise SourceUnreadable(path, problem, next_step=_FORM) from cause
    rows: dict[tuple[str, dt.date], float] = {}
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=1):
        try:
            key, rate = _rate(row)
            if key in rows:
                raise ValueError(f"{key[0]} has another rate from the same day")
        except ValueError as cause:
            raise SourceUnreadable(path, f"row {number}: {cause}.", next_step=_FORM) from cause
        rows[key] = rate
    if not rows:
        raise SourceUnreadable(path, "it holds no rates.", next_step=_FORM)
    names, days = zip(*rows, strict=True)
    table = {"rate_currency": names, "since": days, "rate": list(rows.values())}
    return hold(connection, pa.table(table))


def _rate(row: dict[str, str | None]) -> tuple[tuple[str, dt.date], float]:
    currency, written = ((row.get(name) or "").strip() for name in ("currency", "rate"))
    if not currency or not written:
        raise ValueError("a currency or a rate is missing")
    try:
        rate = float(written)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise ValueError(f"{written!r} is no rate")
    since = (row.get("from") or "").strip()
    try:
        return (currency.upper(), dt.date.fromisoformat(since) if since else dt.date.min), rate
    except ValueError:
        raise ValueError(f"{since!r} is no day") from None


def currencies(lines: ibis.Table) -> list[str]:
    """The currencies the lines state, in alphabetical order; empty where they state none."""
    stated = lines.filter(lines.currency.notnull()).select("currency").distinct()
    return sorted(fetch(stated)["currency"].to_pylist())


def convert(lines: ibis.Table, rates: ibis.Table, currency: str) -> ibis.Table:
    """Unit prices in ``currency``, to four decimals, by the rate of each line's day.

    Lines that state no currency, or this one, stay as they are.
    """
    day = lines.invoice_date.date()
    foreign = lines.currency.notnull() & (lines.currency != currency)
    dated = lines.mutate(day=day, foreign=foreign)
    rated = dated.asof_join(
        rates, dated.day >= rates.since, predicates=dated.currency == rates.rate_currency
    )
    unknown = rated.filter(rated.foreign & rated.rate.isnull())
    if rows := count(unknown):
        first = first_row(unknown.order_by("day", "currency"))
        many = "1 line has" if rows == 1 else f"{rows:,} different lines have"
        raise SourceUnreadable(
            "rates",
            f"{many} no rate to {currency}; first: {first['currency']} on {first['day']}.",
            next_step="Add it to the rates file.",
        )
    rate = ibis.ifelse(rated.foreign, rated.rate, 1.0)
    money = [name for name in ("unit_price", "aside") if name in lines.columns]
    converted = {name: (rated[name] * rate).round(4).cast(DECIMAL) for name in money}
    return rated.mutate(**converted).select(lines.columns)

"""Prices in one currency, by a file of rates, where sources mix."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from clv.data.engine import count, first_row, hold
from clv.data.preprocess import DECIMAL
from clv.errors import SourceUnreadable

_FORM = "It is a CSV with the columns currency, rate and, if rates change, from (YYYY-MM-DD)."


def read_rates(connection: Any, path: Path) -> ibis.Table:
    """Rates by ``currency`` with the days ``since`` and ``until`` which each holds.

    Raises:
        SourceUnreadable: the file is missing or a row cannot be read.
    """
    rows: list[tuple[str, dt.date, float]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                rate = float(row["rate"])
                if not rate > 0:
                    raise ValueError(f"rate {row['rate']!r} is not positive")
                rows.append((row["currency"].strip(), _since(row.get("from")), rate))
    except OSError as cause:
        raise SourceUnreadable(path, f"cannot be opened: {cause}.", next_step=_FORM) from cause
    except (KeyError, ValueError, AttributeError, TypeError) as cause:
        where = f"row {len(rows) + 1}"
        raise SourceUnreadable(path, f"{where} is no rate: {cause}.", next_step=_FORM) from cause
    return hold(connection, _spans(sorted(rows)))


def _since(text: str | None) -> dt.date:
    return dt.date.fromisoformat(text.strip()) if text and text.strip() else dt.date.min


def _spans(rows: list[tuple[str, dt.date, float]]) -> pa.Table:
    following = [*rows[1:], ("", dt.date.max, 0.0)]
    until = [
        after[1] if after[0] == row[0] else dt.date.max
        for row, after in zip(rows, following, strict=True)
    ]
    names, since, rates = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {"rate_currency": names, "since": since, "until": until, "rate": rates},
        schema=pa.schema(
            {
                "rate_currency": pa.string(),
                "since": pa.date32(),
                "until": pa.date32(),
                "rate": pa.float64(),
            }
        ),
    )


def currencies(lines: ibis.Table) -> list[str]:
    """The currencies the lines state, in alphabetical order; empty where they state none."""
    stated = lines.filter(lines.currency.notnull()).select("currency").distinct()
    names = stated.aggregate(names=stated.currency.collect())
    return sorted(first_row(names)["names"] or [])


def convert(lines: ibis.Table, rates: ibis.Table, currency: str) -> ibis.Table:
    """Unit prices in ``currency``, to four decimals, by the rate of each line's day.

    Lines that state no currency, or this one, stay as they are.

    Raises:
        SourceUnreadable: a line has a currency and day without a rate.
    """
    day = lines.invoice_date.date()
    foreign = lines.currency.notnull() & (lines.currency != currency)
    dated = lines.mutate(day=day, foreign=foreign)
    rated = dated.left_join(
        rates,
        [
            dated.foreign,
            dated.currency == rates.rate_currency,
            dated.day >= rates.since,
            dated.day < rates.until,
        ],
    )
    unknown = rated.filter(rated.foreign & rated.rate.isnull())
    if rows := count(unknown):
        first = first_row(unknown.order_by("day", "currency"))
        raise SourceUnreadable(
            "rates",
            f"{rows:,} different lines have no rate to {currency}; first: {first['currency']} on "
            f"{first['day']}.",
            next_step="Add it to the rates file.",
        )
    price = rated.unit_price * ibis.ifelse(rated.foreign, rated.rate, 1.0)
    return rated.mutate(unit_price=price.round(4).cast(DECIMAL)).select(lines.columns)

"""Earlier days of the log as lessons for the time to the next order.

Of each day what was known then, and how long each customer waited from there on, as far as it
is known at the cut: nothing after the cut enters, returns included.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from clv.checked import CustomerSummary
from clv.data import engine, summarize
from clv.models.xgb_survival import Origin
from clv.periods import ObservationWindow, TimeUnit

if TYPE_CHECKING:
    from clv.pipeline.backtest import Tables


def origins_at(tables: Tables, days: Iterable[dt.date], cut: dt.date) -> list[Origin]:
    """What was known on each of ``days`` and what has followed by ``cut``, its last day."""
    known = summarize.transactions(tables.lines, tables.returns, cut, net=tables.net)
    known = engine.hold(known.get_backend(), known)
    found = []
    for day in days:
        summary = _summary_at(tables, day)
        table = engine.fetch(summarize.next_purchases(known, day)).to_pydict()
        waited = dict(zip(table["customer_id"], table["waited"], strict=True))
        names = summary.table["customer_id"].to_pylist()
        until_cut = float((cut - day).days)
        found.append(
            Origin(
                summary,
                np.array([waited.get(name, until_cut) for name in names]),
                np.array([name in waited for name in names]),
            )
        )
    return found


def _summary_at(tables: Tables, day: dt.date) -> CustomerSummary:
    window = ObservationWindow(tables.window.start, day)
    days = summarize.transactions(tables.lines, tables.returns, day, net=tables.net)
    days = engine.hold(days.get_backend(), days)
    rows = summarize.customer_summary(tables.lines, days, window)
    by_day = summarize.repeat_purchases_by_day(days, window)
    return CustomerSummary.from_table(engine.fetch(rows), window, TimeUnit.DAY, by_day)

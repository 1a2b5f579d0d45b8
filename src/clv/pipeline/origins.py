"""Earlier days of the log as lessons for the time to the next order.

Of each day what was known then, and how long each customer waited from there on, as far as it
is known at the cut: nothing after the cut enters, returns included.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import numpy as np

from clv.data import engine, summarize
from clv.models.xgb_survival import Origin
from clv.pipeline.splits import Tables, split_at


def origins_at(tables: Tables, days: Iterable[dt.date], cut: dt.date) -> list[Origin]:
    """What was known on each of ``days`` and what has followed by ``cut``, its last day."""
    known = summarize.transactions(tables.lines, tables.returns, cut, net=tables.net)
    known = engine.hold(known.get_backend(), known)
    found = []
    for day in days:
        summary = split_at(tables, day).summary
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

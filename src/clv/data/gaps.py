"""Stretches without an order that are far beyond a log's own: a shop closed, or a date slipped.

A forecast takes such days for ones on which customers could have bought and did not, and a log
is as many days longer. Start reading at :func:`gaps`.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import NamedTuple

import ibis

from clv.data.engine import fetch
from clv.periods import ObservationWindow

DAY = dt.timedelta(days=1)
LEAST_DAYS = 30
TIMES_THE_NEXT = 5
LEAST_PAUSES = 20
"""A shop is held against itself alone, for forty customers order as rarely as they do. Were days
with orders random, the longest of 20 pauses would be five times the next in one log of 2,000, and
of more pauses in fewer. What comes again, as the winters of a shop open in summer, has its like."""


class Gap(NamedTuple):
    """Days without an order, both ends included; no other stretch has more than ``next_longest``.

    ``alone`` is the only day of the log beyond it, where there is but one.
    """

    first: dt.date
    last: dt.date
    next_longest: int
    alone: dt.date | None = None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def plain(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "first_day": self.first.isoformat(),
            "last_day": self.last.isoformat(),
            "days": self.days,
            "next_longest": self.next_longest,
            "alone": self.alone and self.alone.isoformat(),
        }


def order_days(kept: ibis.Table, window: ObservationWindow) -> list[dt.date]:
    """The days of the window with an order, and its first, sorted."""
    day = kept.invoice_date.date()
    found = fetch(kept.select(day=day).filter(ibis._.day <= window.end).distinct())
    return sorted({window.start, *found["day"].to_pylist()})


def gaps(days: list[dt.date], named: frozenset[int] = frozenset()) -> list[Gap]:
    """The gaps between ``days``, longest first, each far longer than all that follow.

    ``named`` are ordinals of days the shop's own calendar names: a stretch of them is no gap.
    """
    pauses = sorted(
        (
            (end.toordinal() - start.toordinal(), start, end)
            for start, end in itertools.pairwise(days)
            if (end - start).days == 1
            or not named.issuperset(range(start.toordinal() + 1, end.toordinal()))
        ),
        reverse=True,
    )
    found = []
    judged = max(len(pauses) - LEAST_PAUSES + 1, 0)
    pairs = itertools.islice(itertools.pairwise(pauses), judged)
    for (pause, start, end), (next_pause, *_) in pairs:
        if pause - 1 <= LEAST_DAYS or pause <= TIMES_THE_NEXT * next_pause:
            break
        alone = start if start == days[0] else end if end == days[-1] else None
        found.append(Gap(start + DAY, end - DAY, next_pause - 1, alone))
    return found

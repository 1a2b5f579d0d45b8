"""Calendar spans: the unit times are counted in, the window a summary looks at.

A day is whole: two invoices of one customer on one calendar day are one purchase day,
and a window ends with its last day included. Nothing here reads a clock.
"""

from __future__ import annotations

import calendar
import dataclasses
import datetime as dt
import enum
import math
from typing import NamedTuple, Self

DAYS_PER_YEAR = 365.25


class TimeUnit(enum.Enum):
    """The unit of ``recency``, ``age`` and of fitted rates; the value is its length in days."""

    DAY = 1
    WEEK = 7

    @property
    def days(self) -> int:
        return self.value

    def __str__(self) -> str:
        return self.name.lower()


@dataclasses.dataclass(frozen=True)
class ObservationWindow:
    """The days a summary knows about, both ends included."""

    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"the window ends on {self.end}, before it starts on {self.start}")

    @property
    def days(self) -> int:
        """Days from the first to the last: the age of a customer of the first day."""
        return (self.end - self.start).days

    def holdout(self, horizon_days: int) -> ObservationWindow:
        """The ``horizon_days`` that follow; they begin the day after this window."""
        return ObservationWindow(
            self.end + dt.timedelta(days=1), self.end + dt.timedelta(days=horizon_days)
        )

    @property
    def months(self) -> list[ObservationWindow]:
        """Its calendar months, of which the first and the last may be there in part."""
        found, first = [], self.start
        while first <= self.end:
            last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
            found.append(ObservationWindow(first, min(last, self.end)))
            first = last + dt.timedelta(days=1)
        return found

    @property
    def is_whole_month(self) -> bool:
        return self.start.day == 1 and (self.end + dt.timedelta(days=1)).day == 1


class Event(NamedTuple):
    """Days unlike others, both ends included; those of one ``name`` are alike.

    A plan was known from a day on, a holiday always: there that day is None.
    """

    name: str
    first: dt.date
    last: dt.date
    known_from: dt.date | None = None

    def is_known_on(self, day: dt.date) -> bool:
        return self.known_from is None or self.known_from <= day

    @property
    def ordinals(self) -> range:
        return range(self.first.toordinal(), self.last.toordinal() + 1)

    def plain(self) -> list[str | None]:
        """As JSON has it, read back by :meth:`of`."""
        return [self.name, *(str(day) if day else None for day in self[1:])]

    @classmethod
    def of(cls, name: str, first: str, last: str, known_from: str | None) -> Self:
        read = dt.date.fromisoformat
        return cls(name, read(first), read(last), read(known_from) if known_from else None)


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day of an earlier month, or that month's last."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = calendar.monthrange(years, month + 1)[1]
    return dt.date(years, month + 1, min(day.day, last))


def discount_per_unit(annual_rate: float, unit: TimeUnit) -> float:
    """The continuous discount rate per ``unit`` that compounds to ``annual_rate`` a year."""
    return math.log1p(annual_rate) * unit.days / DAYS_PER_YEAR

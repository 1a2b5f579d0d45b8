"""Days unlike others by the shop's own table, and how busy they are: campaigns, holidays.

All days of one name share an effect on the log of the purchase rate. It is drawn to none by a
normal prior and by nothing else: a name seen once counts ahead for what it was found to be.
What goes with these days is no effect of the campaign, which also moves sales from other days.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from clv.checked import CustomerSummary
from clv.models.base import Float
from clv.periods import Event

EFFECT_SD = 0.5
"""Standard deviation of the prior on an effect: in two of three cases 40 % less to 65 % more."""
LEAST_QUIET = 0.5
"""Share of a log's days that have to be like any other for those unlike them to be told."""


@dataclasses.dataclass(frozen=True)
class Events:
    """Days of the table, and what the log of the rate gains on those of each name, in order."""

    days: tuple[Event, ...] = ()
    effects: tuple[float, ...] = ()

    @property
    def names(self) -> list[str]:
        return sorted({event.name for event in self.days})

    @classmethod
    def shown_by(cls, summary: CustomerSummary) -> Self:
        """Those known on the last day whose name the log has seen; none where they fill it."""
        window = summary.window
        calendar = summary.calendar or ()
        known = cls(tuple(event for event in calendar if event.is_known_on(window.end)))
        found = known.on(window.start.toordinal() + 1, window.days).astype(bool)
        if found.any(axis=1).mean() > 1 - LEAST_QUIET:
            return cls()
        shown = {known.names[place] for place in np.flatnonzero(found.any(axis=0))}
        own = tuple(event for event in known.days if event.name in shown)
        return cls(own, (0.0,) * len(shown))

    def on(self, first: int, days: int) -> Float:
        """1 on the days of each name, from the ordinal ``first`` on, shape ``(days, names)``."""
        found = np.zeros((days, len(self.names)))
        for event in self.days:
            start, end = (max(at - first, 0) for at in (event.ordinals[0], event.ordinals[-1] + 1))
            found[start:end, self.names.index(event.name)] = 1.0
        return found

    def steps(self, first: int, days: int) -> tuple[int, ...]:
        """After how many of these days the multiplier jumps."""
        changed = np.diff(self.on(first, days), axis=0).any(axis=1)
        return tuple((np.flatnonzero(changed) + 1).tolist())

    def to_dict(self) -> dict[str, Any]:
        return {"days": [event.plain() for event in self.days], "effects": list(self.effects)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(tuple(Event.of(*row) for row in stored["days"]), tuple(stored["effects"]))

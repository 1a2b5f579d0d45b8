"""How busy each day of the year is, as a log has shown it, and how much of that is kept ahead.

Annual harmonics on the log of the purchase rate, maybe a drift of its level, and days of the
shop's own calendar. Start reading at :class:`YearlySeason`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import numpy as np
import numpy.typing as npt

from clv.models.base import Float
from clv.models.events import EFFECT_SD, Events
from clv.periods import DAYS_PER_YEAR

HARMONICS = 4
WAVES = [f"{wave}_{order}" for wave in ("sin", "cos") for order in range(1, HARMONICS + 1)]
SEASON_SD = 0.3
"""Standard deviation of the season's log, before the log has shown any."""
YEAR_SD = 0.15
"""The same of what one year does and the next does not."""
DRIFT_SD = 0.2
"""Standard deviation of the log of what the level gains in a year."""


@dataclasses.dataclass(frozen=True)
class YearlySeason:
    """Log of the purchase rate through the year, and the days that have shown it.

    ``coefficients`` are those of :func:`harmonics`, and then, where the level drifts, what its
    log gains in a year; none where the log cannot show a season. ``events`` go beside them.
    """

    coefficients: tuple[float, ...]
    seen_from: dt.date
    seen_to: dt.date
    events: Events = dataclasses.field(default_factory=Events)

    @property
    def every(self) -> tuple[float, ...]:
        """The coefficients, and then the effects of events."""
        return (*self.coefficients, *self.events.effects)

    @property
    def names(self) -> list[str]:
        """What the fit report calls the coefficients."""
        yearly = [*(f"season_{wave}" for wave in WAVES), "drift"][: len(self.coefficients)]
        return yearly + [f"event_{name}" for name in self.events.names]

    @property
    def spread(self) -> list[float]:
        """Standard deviations of the priors on the coefficients."""
        yearly = [SEASON_SD / np.sqrt(HARMONICS)] * len(WAVES) + [DRIFT_SD]
        return yearly[: len(self.coefficients)] + [EFFECT_SD] * len(self.events.effects)

    def fitted(self, every: tuple[float, ...]) -> YearlySeason:
        """The same where these were found."""
        count = len(self.coefficients)
        events = dataclasses.replace(self.events, effects=every[count:])
        return dataclasses.replace(self, coefficients=every[:count], events=events)

    @property
    def drift(self) -> float:
        """What the log of the level gained in a year, up to the last day seen and no further."""
        return sum(self.coefficients[len(WAVES) :])

    def log_multiplier(self, first: int, days: int) -> Float:
        """Of ``days`` days from the ordinal ``first`` on; beyond those seen it is shrunk."""
        if not self.every:
            return np.zeros(days)
        full: Float = self.waves(first, days) @ np.array(self.every)
        return full

    def waves(self, first: int, days: int) -> Float:
        """What each of ``every`` multiplies on those days, shape ``(days, k)``."""
        columns = [self._yearly(first, days)] if self.coefficients else []
        columns += [self.events.on(first, days)] if self.events.effects else []
        return np.hstack(columns)

    def _yearly(self, first: int, days: int) -> Float:
        ordinal = first + np.arange(days)
        seen_from, seen_to = self.seen_from.toordinal(), self.seen_to.toordinal()
        farthest = np.floor((ordinal - seen_from) / DAYS_PER_YEAR)
        nearest = np.maximum(np.ceil((ordinal - seen_to) / DAYS_PER_YEAR), 1.0)
        years = np.maximum(farthest - nearest + 1.0, 0.0)
        kept = years * SEASON_SD**2 / (years * SEASON_SD**2 + YEAR_SD**2)
        kept[ordinal <= seen_to] = 1.0
        waves = kept[:, None] * harmonics(ordinal)
        if len(self.coefficients) == len(WAVES):
            return waves
        years = (np.clip(ordinal, seen_from, seen_to) - seen_to) / DAYS_PER_YEAR
        return np.column_stack([waves, years])


def harmonics(ordinal: npt.NDArray[Any]) -> Float:
    """Waves of a year, shape ``(days, 2 HARMONICS)``; days as ordinals of the calendar."""
    angle = 2 * np.pi * (ordinal - 0.5) / DAYS_PER_YEAR
    orders = angle[:, None] * np.arange(1, HARMONICS + 1)
    return np.concatenate([np.sin(orders), np.cos(orders)], axis=1)

"""Boosted value: trees that correct a forecast of money where its past misses agree.

The base forecast knows the season, the level, and how customers come and go; it does not know
that a regular buyer who is late is later than others, or that spending goes with frequency.
Trees learn such things from earlier dates whose outcome is known, on top of the base: at each of
those dates they start from the base raised to what was really sold, so that they learn
differences between customers and never a season. On the day of use the shop's total stays the
base's.

Start reading at :meth:`BoostedValue.fit`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from clv.checked import CustomerSummary
from clv.models.base import Float
from clv.models.correction import STRENGTHS, TREES, Correction, Origin, rows
from clv.numerics.tweedie import unit_deviance

if TYPE_CHECKING:
    import xgboost

FLOOR_SHARE = 1e-3
"""Of the mean outcome: forecasts below are learned from and judged as if they were that."""

ROUNDS = 60
SETTINGS = TREES | {
    "objective": "reg:tweedie",
    "tweedie_variance_power": 1.5,
    "eta": 0.05,
    "reg_lambda": 5,
}


@dataclasses.dataclass(frozen=True)
class BoostedValue:
    """A fitted correction of a forecast of money over one horizon, a factor for each customer.

    ``level`` is the log of what keeps the shop's total.
    """

    name: ClassVar[str] = "boosted"

    level: float
    correction: Correction

    @classmethod
    def fit(cls, origins: Iterable[Origin], summary: CustomerSummary, base_mean: Float) -> Self:
        """The correction that earlier dates call for, or none.

        Gains of its trials are shares of the deviance saved, forecasts and base at the same
        total. ``base_mean`` is the base forecast of ``summary``, shape ``(n,)``, > 0 in total;
        the rest is as in :meth:`Correction.learned`.
        """
        correction = Correction.learned(cls.name, origins, summary, grow=_grow, gain=_gain)
        found = cls(0.0, correction)
        level = np.log(base_mean.sum() / found.correct(summary, base_mean).sum())
        return dataclasses.replace(found, level=float(level))

    def correct(self, summary: CustomerSummary, base_mean: Float) -> Float:
        """The corrected means, shape ``(n,)``; the base itself where nothing is corrected.

        Draws and quantiles of a customer's value are to be multiplied by corrected over base:
        what is unlikely stays so.
        """
        if not self.correction.strength:
            return base_mean
        return np.asarray(base_mean * np.exp(self.level + self.correction.of(summary)))

    def to_dict(self) -> dict[str, Any]:
        return {"model": self.name, "level": self.level, "correction": self.correction.to_dict()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(stored["level"], Correction.from_dict(stored["correction"]))


def _lesson(origin: Origin) -> tuple[Float, Float]:
    """Money in mean outcomes: the base raised to the total, and what came."""
    base, y = origin.base_mean, np.maximum(origin.actual, 0.0)
    return base / base.mean(), y / y.mean()


def _grow(origins: Sequence[Origin]) -> xgboost.Booster:
    """Trees on top of the base of all these dates."""
    import xgboost

    x = np.concatenate([one.features for one in origins])
    start, y = np.concatenate([_lesson(one) for one in origins], axis=1)
    # Else one purchase where next to nothing was expected would outweigh all the others.
    seen = rows(x, np.log(np.maximum(start, FLOOR_SHARE)), label=y)
    return xgboost.train(SETTINGS, seen, ROUNDS)


def _gain(origin: Origin, margin: Float) -> Float:
    """Share of the base's deviance each customer saves, shape ``(strengths, n)``."""
    start, y = _lesson(origin)
    base = unit_deviance(y, np.maximum(start, FLOOR_SHARE))
    saved = []
    for strength in STRENGTHS:
        mean = start * np.exp(strength * margin)
        mean = np.maximum(mean / mean.mean(), FLOOR_SHARE)
        saved.append((base - unit_deviance(y, mean)) / base.sum())
    return np.array(saved)

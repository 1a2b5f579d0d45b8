"""Probabilities that a forecast stated, held against what happened, and stated better.

The probability integral transform of an outcome is the chance its forecast gave to less: were
forecasts right, transforms would be uniform. How they lie instead, at earlier dates, says what
a stated chance has been worth. Outcomes are often exactly 0, where the chance of less jumps, so
the transform is drawn uniformly within the jump.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clv.numerics.quadrature import Float

LEVELS = 400
DATES_OF_DOUBT = 2.0
"""Earlier dates at which what happened counts as much as what the forecast says of itself."""


class Calibration(NamedTuple):
    """A rising map of chances, ``[0, 1]`` onto itself: what each of even ones is ``worth``."""

    worth: tuple[float, ...]

    @property
    def _stated(self) -> Float:
        return np.linspace(0, 1, len(self.worth))

    def of(self, chance: Float) -> Float:
        """What the stated ``chance`` is worth."""
        return np.asarray(np.interp(chance, self._stated, self.worth))

    def level(self, wanted: Float | float) -> Float:
        """The stated chance that is worth ``wanted``."""
        return np.asarray(np.interp(wanted, self.worth, self._stated))


AS_STATED = Calibration((0.0, 1.0))


def randomized_pit(below: Float, up_to: Float, *, seed: int) -> Float:
    """The transform of each outcome, by its chances of less and of no more, shape ``(n,)``.

    Source:
        Czado, Gneiting and Held (2009), "Predictive Model Assessment for Count Data".
    """
    share = np.random.default_rng(seed).random(below.shape)
    return below + share * (up_to - below)


def learned(transforms: Sequence[Float]) -> Calibration:
    """What stated chances were worth at earlier dates, one array of transforms for each.

    Customers of one date share what befell everybody, so dates count, not customers: each
    counts the same, and few of them move the map little.
    """
    if not transforms:
        return AS_STATED
    stated = np.linspace(0, 1, LEVELS + 1)
    seen = np.mean([(np.sort(u).searchsorted(stated, "right")) / u.size for u in transforms], 0)
    seen[0], seen[-1] = 0, 1
    trust = len(transforms) / (len(transforms) + DATES_OF_DOUBT)
    return Calibration(tuple((trust * seen + (1 - trust) * stated).tolist()))

"""A clock that runs faster on busy days: purchases follow its time, dropout the real one.

Day ``d`` of the log multiplies everybody's purchase rate by ``m(d)``. Between midnights the
clock runs smoothly, so that integrals over it converge as fast as without a calendar: time is
a cubic on each day, which gains ``m(d)`` exactly and leaves at the mean speed of the two days
that meet. Where the multiplier jumps, at a *step*, each side keeps its own speed, and an
integral has to be cut there.

Nothing here knows a model. Start reading at :class:`Clock`.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]


class Clock(NamedTuple):
    """The speed of purchases on each day, and the day it is.

    ``multiplier`` has shape ``(days,)``, > 0: entry ``i`` is the day that ends at time
    ``i + 1``, counted from the first day of the log, and reaches as far as anybody asks
    ahead. ``steps`` are the times at which it jumps, whole numbers. ``today`` is the end of
    observation, common to all customers, so one of age ``T`` first bought on day ``today - T``.
    """

    multiplier: Float
    today: float | Float
    steps: tuple[int, ...] = ()

    def age(self, T: Float, t: Float) -> Float:
        """Time on this clock between a customer's first purchase and age ``t``.

        Args:
            T: Age today, shape ``(n,)``, at most ``today``.
            t: An earlier or later age, any shape that goes with ``T``.
        """
        path = Path.of(self.multiplier, self.steps)
        born = self.today - T
        return path.at(born + t) - path.at(born)

    def speed(self, v: Float) -> Float:
        """The multiplier ``v`` after today, any shape."""
        return Path.of(self.multiplier, self.steps).slope(self.today + v)

    def cuts(self, T: Float) -> Float | None:
        """The ages of customers at the steps, shape ``(steps, n)``."""
        if not self.steps:
            return None
        return np.asarray(self.steps, dtype=float)[:, None] - (self.today - T)

    def ahead(self, t: Float) -> Self:
        """The same clock ``t`` later, for customers whose life begins today."""
        return self._replace(today=np.asarray(self.today + t))


class Path(NamedTuple):
    """What daily amounts add up to at any time: a cubic on each day, one table per power.

    ``powers`` has shape ``(4, ..., days)`` for amounts of shape ``(..., days)``.
    """

    powers: Float

    @classmethod
    def of(cls, amounts: Float, steps: tuple[int, ...] = ()) -> Self:
        """The path of ``amounts``, shape ``(..., days)``, with jumps at the times ``steps``."""
        own = own_speed(amounts.shape[-1], steps)
        before = np.concatenate([amounts[..., :1], amounts[..., :-1]], axis=-1)
        after = np.concatenate([amounts[..., 1:], amounts[..., -1:]], axis=-1)
        arrive = own[:-1] * amounts + (1 - own[:-1]) * before
        leave = own[1:] * amounts + (1 - own[1:]) * after
        start = np.cumsum(amounts, axis=-1) - amounts
        bend = 3 * amounts - 2 * arrive - leave, arrive + leave - 2 * amounts
        return cls(np.stack([start, arrive, *bend]))

    def at(self, time: Float) -> Float:
        """The sum up to each of the times, shape ``(..., *time.shape)``."""
        day, passed = split(time, self.powers.shape[-1])
        start, first, second, third = (power[..., day] for power in self.powers)
        return np.asarray(start + passed * (first + passed * (second + passed * third)))

    def slope(self, time: Float) -> Float:
        """How fast the sum grows at each of the times, the same shape."""
        day, passed = split(time, self.powers.shape[-1])
        _, first, second, third = (power[..., day] for power in self.powers)
        return np.asarray(first + passed * (2 * second + passed * 3 * third))


def split(time: Float, days: int) -> tuple[npt.NDArray[np.int64], Float]:
    """The day each time lies in and how much of it has passed, 0 to 1."""
    if np.max(time, initial=0) > days:
        raise ValueError(f"the calendar ends after {days} days, but day {np.max(time):g} is asked")
    day = np.minimum(time.astype(np.int64), days - 1)
    return day, time - day


def own_speed(days: int, steps: tuple[int, ...]) -> Float:
    """At each midnight, ``(days + 1,)``, the weight of a day's own amount in its speed there."""
    own = np.full(days + 1, 0.5)
    own[[0, days, *steps]] = 1.0
    return own


def exposure(weights: Float, time: Float, own: Float) -> Float:
    """Derivative of the weighted sum of a path at ``time`` in each day's amount, ``(days,)``.

    Args:
        weights: Any shape.
        time: The same shape.
        own: From :func:`own_speed`.
    """
    days = own.size - 1
    day, f = split(time.reshape(-1), days)
    weight = weights.reshape(-1)

    def by_day(amounts: Float) -> Float:
        return np.asarray(np.bincount(day, weights=amounts, minlength=days), dtype=float)

    passed = by_day(weight)
    arriving, leaving = by_day(weight * f * (1 - f) ** 2), by_day(-weight * f**2 * (1 - f))
    later = np.cumsum(passed[::-1])[::-1] - passed
    total = later + by_day(weight * f**2 * (3 - 2 * f))
    total = total + own[:-1] * arriving + own[1:] * leaving
    total[:-1] += ((1 - own[:-1]) * arriving)[1:]
    total[1:] += ((1 - own[1:]) * leaving)[:-1]
    return np.asarray(total)

"""A clock that runs faster on busy days: purchases follow its time, dropout the real one.

Day ``d`` of the log multiplies everybody's purchase rate by ``m(d)``. At every midnight the
clock has gained exactly the multipliers so far; in between it runs so smoothly (a quintic on
each day, with speeds and bends of sixth order at its ends) that an integral over it converges
as fast as without a calendar. Where the multiplier jumps, at a *step*, each side is smooth on
its own, and an integral has to be cut there.

Nothing here knows a model. Start reading at :class:`Clock`.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from clv.numerics.quadrature import Float, blocks

Days = npt.NDArray[np.int64]

WIDEST = 6
"""Days that the clock's speed at a midnight is taken from."""


@dataclasses.dataclass(frozen=True, eq=False)
class Clock:
    """The speed of purchases on each day, and the day it is.

    ``multiplier`` has shape ``(days,)``, > 0: entry ``i`` is the day that ends at time
    ``i + 1``. It reaches as far as anybody asks ahead; before day 0 the speed is 1. ``steps``
    are the times at which it jumps, whole numbers. ``today`` is the end of observation, common
    to all customers, so one of age ``T`` first bought on day ``today - T``.
    """

    multiplier: Float
    today: float | Float
    steps: tuple[int, ...] = ()

    @functools.cached_property
    def path(self) -> Path:
        return Path.of(self.multiplier[None], self.steps)

    def _read(self, time: Float) -> Float:
        return np.asarray(self.path.at(np.maximum(time, 0.0))[0] + np.minimum(time, 0.0))

    def set_to(self, today: float | Float) -> Clock:
        """The same clock on another day, or on one of their own for each customer."""
        other = Clock(self.multiplier, today, self.steps)
        other.__dict__["path"] = self.path  # which is costly to make
        return other

    def age(self, T: Float, t: Float) -> Float:
        """Time on this clock between a customer's first purchase and age ``t``.

        Args:
            T: Age today, shape ``(n,)``, at most ``today``.
            t: An earlier or later age, any shape that goes with ``T``.
        """
        born = self.today - T
        return self._read(born + t) - self._read(born)

    def speed(self, v: Float) -> Float:
        """The multiplier ``v`` after today, any shape."""
        return np.asarray(self.path.slope(self.today + v)[0])

    def cuts(self, T: Float) -> Float | None:
        """The ages of customers at the steps, shape ``(steps, n)``."""
        if not self.steps:
            return None
        return np.asarray(self.steps, dtype=float)[:, None] - (self.today - T)

    def panels(self, T: Float, t_x: Float, nodes: int) -> tuple[list[int], Float | None]:
        """Where integrals between two ages are cut, and into panels of how many nodes each.

        Both are none too many for those in which the customers of :meth:`alike` differ.
        """
        if not self.steps:
            return [nodes], None
        first = int(self._panel(T, t_x).min())
        last = max(int(np.searchsorted(self.steps, np.max(self.today))), first)
        cuts = np.asarray(self.steps[first:last], dtype=float)[:, None] - (self.today - T)
        return self._nodes(first, nodes)[: last - first + 1], cuts

    def alike(self, T: Float, t_x: Float, nodes: int) -> Iterator[Days]:
        """Blocks of customers whose integrals from age ``t_x`` on begin in the same panel."""
        panel = self._panel(T, t_x)
        order = np.argsort(panel, kind="stable")
        for same in np.split(order, np.flatnonzero(np.diff(panel[order])) + 1):
            for part in blocks(same.size, nodes=sum(self._nodes(int(panel[same[0]]), nodes))):
                yield same[part]

    def _panel(self, T: Float, t_x: Float) -> Days:
        return np.searchsorted(self.steps, self.today - T + t_x, side="right")

    def _nodes(self, first: int, most: int) -> list[int]:
        """How many nodes the panels from the ``first`` on take, that one itself the ``most``.

        Just after a purchase the integrand may fall steeply. A day later it falls over days, and
        a panel of a few takes a few nodes, each 1e-9 from the truth where ``most`` is 96.
        """
        days = np.diff(self.steps)
        few = np.ceil(most / 96 * (3 + 3 * np.log1p(days) + days / 12))
        every = [most, *np.fmin(few, most).astype(int).tolist(), most]
        return [most, *every[first + 1 : len(self.steps) + 1]]

    def ahead(self, t: Float) -> Clock:
        """The same clock ``t`` later, for customers whose life begins today."""
        return self.set_to(np.asarray(self.today + t))


class Path(NamedTuple):
    """What daily amounts add up to at any time: a polynomial on each day.

    ``powers`` has shape ``(days, 6, k)`` for ``k`` kinds of amounts.
    """

    powers: Float

    @classmethod
    def of(cls, amounts: Float, steps: tuple[int, ...] = ()) -> Self:
        """The paths of ``amounts``, shape ``(k, days)``, with jumps at the times ``steps``."""
        days = amounts.shape[1]
        shape = _shape_within_days(days, steps) @ amounts.T
        start = (np.cumsum(amounts, axis=1) - amounts).T
        return cls(np.concatenate([start[:, None], shape.reshape(days, 5, -1)], axis=1))

    def at(self, time: Float) -> Float:
        """The sums up to each of the times, shape ``(k, *time.shape)``."""
        day, passed = _split(time, len(self.powers))
        return self._weighted(day, _powers(passed, 6), time.shape)

    def slope(self, time: Float) -> Float:
        """How fast the sums grow at each of the times, shape ``(k, *time.shape)``."""
        day, passed = _split(time, len(self.powers))
        rising = _powers(passed, 5) * np.arange(1, 6)
        return self._weighted(day, np.insert(rising, 0, 0.0, axis=1), time.shape)

    def _weighted(
        self, day: npt.NDArray[np.int64], weights: Float, shape: tuple[int, ...]
    ) -> Float:
        sums: Float = np.einsum("npk,np->kn", self.powers.take(day, axis=0), weights)
        return sums.reshape(self.powers.shape[2], *shape)


class Calendars(NamedTuple):
    """Many clocks for draws: between two midnights each of them runs straight.

    ``sums`` has shape ``(days + 1, k)``, the time gained by each midnight; ``today`` and what
    lies before day 0 are as in :class:`Clock`.
    """

    sums: Float
    today: float

    @classmethod
    def of(cls, multiplier: Float, today: float) -> Self:
        """Those of shape ``(days, k)``."""
        return cls(np.concatenate([np.zeros_like(multiplier[:1]), multiplier.cumsum(0)]), today)

    def age(self, T: Float, t: Float) -> Float:
        """As of one :class:`Clock`, of shape ``(*t.shape, k)``."""
        born, days = self.today - T, len(self.sums) - 1
        return self.at(Moments.of(born + t, days)) - self.at(Moments.of(born, days))

    def ahead(self, t: Float, which: npt.NDArray[np.int64]) -> Float:
        """Time from today to ``t`` later on the clocks ``which``, all of one shape."""
        day, passed = _split(self.today + t, len(self.sums) - 1)
        before = self.sums[day, which]
        today = self.at(Moments.of(np.array([self.today]), len(self.sums) - 1))[0]
        return np.asarray(before + passed * (self.sums[day + 1, which] - before) - today[which])

    def at(self, moments: Moments) -> Float:
        """The time gained by each moment, of shape ``(*moments.day.shape, k)``."""
        before = self.sums.take(moments.day, axis=0)
        found = self.sums.take(moments.day + 1, axis=0)
        found -= before
        found *= moments.passed[..., None]
        found += before
        found += moments.early[..., None]
        return found


class Moments(NamedTuple):
    """Times looked up in a calendar once, for many clocks; all of one shape.

    ``early`` is what lies before day 0, 0 or less.
    """

    day: Days
    passed: Float
    early: Float

    @classmethod
    def of(cls, time: Float, days: int) -> Self:
        """Those in a calendar of so many days."""
        day, passed = _split(np.maximum(time, 0.0), days)
        return cls(day.reshape(time.shape), passed.reshape(time.shape), np.minimum(time, 0.0))


def exposure(weights: Float, time: Float, days: int, steps: tuple[int, ...]) -> Float:
    """Derivative of the weighted sum of a path at ``time`` in each day's amount, ``(days,)``.

    ``weights`` and ``time`` have the same shape, whichever.
    """
    day, passed = _split(time, days)
    by_power = [
        np.bincount(day, weights=weights.reshape(-1) * passed**power, minlength=days)
        for power in range(6)
    ]
    later = np.cumsum(by_power[0][::-1])[::-1] - by_power[0]
    within = _shape_within_days(days, steps).T @ np.stack(by_power[1:], axis=1).reshape(-1)
    return np.asarray(later + within)


def _split(time: Float, days: int) -> tuple[npt.NDArray[np.int64], Float]:
    """The day each time lies in and how much of it has passed, 0 to 1, in one row."""
    flat = time.reshape(-1)
    if flat.size and flat.max() > days:
        raise ValueError(f"the calendar ends after {days} days, but day {flat.max():g} is asked")
    if flat.size and flat.min() < 0:
        raise ValueError(f"the calendar begins on day 0, but day {flat.min():g} is asked")
    day = np.minimum(flat.astype(np.int64), days - 1)
    return day, flat - day


def _powers(of: Float, count: int) -> Float:
    """Powers from 0 on, shape ``(n, count)``, to the bit as ``np.vander``, which is much slower."""
    found = np.ones((of.size, count))
    for power in range(1, count):
        np.multiply(found[:, power - 1], of, out=found[:, power])
    return found


@functools.lru_cache(maxsize=16)
def _shape_within_days(days: int, steps: tuple[int, ...]) -> sparse.csr_array:
    """From amounts to the powers 1 to 5 of each day's polynomial, ``(5 days, days)``."""
    inner = sorted({step for step in steps if 0 < step < days})
    # Around each day a band of amounts its polynomial may depend on.
    band = np.zeros((days, 5, 2 * WIDEST + 1))
    for first, last in zip([0, *inner], [*inner, days], strict=True):
        for day in range(first, last):
            gain, start, end = np.zeros((3, 2, band.shape[2]))
            gain[0, WIDEST] = 1
            for ends, midnight in ((start, day), (end, day + 1)):
                lowest, weights = _speed_and_bend(midnight, first, last)
                left = lowest - day + WIDEST
                ends[:, left : left + weights.shape[1]] = weights
            band[day] = _QUINTIC @ np.vstack([gain[:1], start, end])
    of, power, offset = np.nonzero(band)
    entries = band[of, power, offset], (5 * of + power, of + offset - WIDEST)
    return sparse.csr_array(entries, shape=(5 * days, days))


_QUINTIC = np.array(
    [
        [0, 1, 0, 0, 0],
        [0, 0, 0.5, 0, 0],
        [10, -6, -1.5, -4, 0.5],
        [-15, 8, 1.5, 7, -1],
        [6, -3, -0.5, -3, 0.5],
    ]
)
"""Powers 1 to 5 from what the day gains, then speed and bend at its start and at its end."""


def _speed_and_bend(midnight: int, first: int, last: int) -> tuple[int, Float]:
    """Speed and bend of the clock at a midnight, from the days ``first`` to ``last``.

    Returns:
        The first day they depend on, and the weights of the days from there, ``(2, n)``.
    """
    count = min(WIDEST, last - first)
    lowest = min(max(midnight - WIDEST // 2, first), last - count)
    return lowest, _weights_of_days(lowest - midnight, count)


@functools.cache
def _weights_of_days(begin: int, count: int) -> Float:
    """Speed and bend at 0 of the polynomial that gains given amounts on days from ``begin``."""
    starts = np.arange(begin, begin + count)[:, None].astype(float)
    power = np.arange(1, count + 1)
    gains = ((starts + 1) ** power - starts**power) / power
    weights = np.zeros((max(count, 2), count))
    weights[:count] = np.linalg.inv(gains)
    return weights[:2]

"""When the next order is due: the days by which a part of the chance of one has passed.

Exact, from the model's own chance of an order within so many days; nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from clv.checked import CustomerSummary
from clv.models.base import Float

LIKELY = 0.5
"""Chance of an order within the horizon from which a date is given: more likely than not.
Below it the median of the customer's value is nothing, and a date would contradict it."""

QUARTILES = (0.25, 0.5, 0.75)

PARTS = 8
"""Of the horizon, in each of which orders come nearly at a steady rate."""
PATIENCE = 4
"""Straight lines after which a day that is still not found is looked for halfway."""


def next_order_days(
    p_purchase: Callable[[CustomerSummary, Float], Float],
    summary: CustomerSummary,
    horizon_days: int,
    within: Float,
) -> tuple[npt.NDArray[np.bool_], Float]:
    """Quartiles of the day of the next order, given that one comes within the horizon.

    ``p_purchase`` is the chance of an order within each customer's own days, and ``within``
    the same within the horizon, shape ``(n,)``.

    Returns:
        Who is likely to order at all, shape ``(n,)``, and for them alone the days, whole
        numbers from 1, as three rows: lower quartile, median, upper quartile.

    Raises:
        TimeUnitMismatch, HorizonOutOfRange: from the model.
    """
    is_likely = within >= LIKELY
    places = np.flatnonzero(is_likely)
    ends = np.unique(np.linspace(0, horizon_days, PARTS + 1).astype(int)).astype(float)

    def chance(places: npt.NDArray[np.int64], days: Float) -> Float:
        asked = summary.table.take(places)
        return p_purchase(CustomerSummary(asked, summary.window, summary.time_unit), days)

    inner = np.repeat(ends[1:-1], places.size)
    by_end = np.zeros((ends.size, places.size))
    between = chance(np.tile(places, ends.size - 2), inner)
    by_end[1:-1] = between.reshape(ends.size - 2, places.size)
    by_end[-1] = within[places]
    each = np.tile(np.arange(places.size), len(QUARTILES))
    wanted = np.outer(QUARTILES, within[places]).reshape(-1)
    part = np.maximum((by_end[:, each] < wanted).sum(axis=0), 1)
    days = _first_days(
        lambda some, day: chance(places[each[some]], day),
        wanted,
        (ends[part - 1], ends[part]),
        (by_end[part - 1, each], by_end[part, each]),
    )
    return is_likely, days.reshape(len(QUARTILES), places.size)


def _first_days(
    chance: Callable[[npt.NDArray[np.int64], Float], Float],
    wanted: Float,
    between: tuple[Float, Float],
    chances: tuple[Float, Float],
) -> Float:
    """The first days by which an order has come with at least the chance ``wanted``.

    ``chance`` says it of some places and their days; by the days ``between`` it is less, and
    enough, namely ``chances``. Where orders come at a steady rate, what is left of the chance
    of none falls exponentially, so in logs the day is looked for on a straight line.
    """
    (before, by), goal = between, _log_left(wanted)
    low, high = (_log_left(end) for end in chances)
    turn = 0
    while np.any(by - before > 1):
        turn += 1
        left = by - before
        still = np.flatnonzero(left > 1)
        share = (goal - low)[still] / np.maximum(high - low, 1e-300)[still]
        day = before[still] + left[still] * (share if turn % PATIENCE else 0.5)
        day = np.clip(np.ceil(day), before[still] + 1, by[still] - 1)
        found = chance(still, day)
        enough = found >= wanted[still]
        for is_end, days, logs in ((enough, by, high), (~enough, before, low)):
            days[still[is_end]], logs[still[is_end]] = day[is_end], _log_left(found[is_end])
    return by


def _log_left(chance: Float) -> Float:
    return -np.log1p(-np.minimum(chance, 1 - 1e-16))

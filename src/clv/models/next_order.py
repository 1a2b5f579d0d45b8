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
    places = np.tile(np.flatnonzero(is_likely), len(QUARTILES))
    wanted = np.outer(QUARTILES, within[is_likely]).ravel()
    before, by = np.zeros(places.size), np.full(places.size, float(horizon_days))
    while (still := np.flatnonzero(by - before > 1)).size:
        day = (before + by)[still] // 2
        asked = summary.table.take(places[still])
        chance = p_purchase(CustomerSummary(asked, summary.window, summary.time_unit), day)
        is_enough = chance >= wanted[still]
        by[still[is_enough]], before[still[~is_enough]] = day[is_enough], day[~is_enough]
    return is_likely, by.reshape(len(QUARTILES), -1)

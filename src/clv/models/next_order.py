"""When the next order is due: the days by which a part of the chance of one has passed.

Exact, from the model's own chance of an order within so many days; nothing is drawn.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from clv.checked import CustomerSummary
from clv.models.base import Float, PurchaseModel

LIKELY = 0.5
"""Chance of an order within the horizon from which a date is given: more likely than not.
Below it the median of the customer's value is nothing, and a date would contradict it."""

QUARTILES = (0.25, 0.5, 0.75)


def next_order_days(
    purchases: PurchaseModel, summary: CustomerSummary, horizon_days: int
) -> tuple[npt.NDArray[np.bool_], Float]:
    """Quartiles of the day of the next order, given that one comes within the horizon.

    Returns:
        Who is likely to order at all, shape ``(n,)``, and for them alone the days, whole
        numbers from 1, as three rows: lower quartile, median, upper quartile.

    Raises:
        TimeUnitMismatch, HorizonOutOfRange: from the model.
    """
    within = purchases.p_purchase(summary, horizon_days)
    is_likely = within >= LIKELY
    places = np.flatnonzero(is_likely)
    asked = CustomerSummary(summary.table.take(places), summary.window, summary.time_unit)
    return is_likely, np.stack(
        [first_day(purchases, asked, within[places] * part, horizon_days) for part in QUARTILES]
    )


def first_day(
    purchases: PurchaseModel, summary: CustomerSummary, chance: Float, horizon_days: int
) -> Float:
    """The first day by which an order has come with at least each customer's ``chance``.

    By bisection; where it has not within the horizon, the horizon.
    """
    before, by = np.zeros(chance.shape), np.full(chance.shape, float(horizon_days))
    while np.any(by - before > 1):
        # The model is asked from the first day on.
        middle = np.maximum(np.floor((before + by) / 2), 1)
        has_come = purchases.p_purchase(summary, middle) >= chance
        by = np.where(has_come, middle, by)
        before = np.where(has_come, before, middle)
    return by

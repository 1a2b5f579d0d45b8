"""What a model expects of all customers together, day by day, beside what they did.

Each customer counts from their own first purchase on, as the new customer they were then:
nothing they did later is looked at. So a curve that follows what came says that the population
is understood, season and dropout, whatever is known of single customers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from clv.checked import CustomerSummary
from clv.models.base import Float, PurchaseModel


class Tracking(NamedTuple):
    """Repeat purchase days of all customers on each day of a window, shape ``(days,)``."""

    day: npt.NDArray[np.datetime64]
    expected: Float
    actual: Float


def tracking(model: PurchaseModel[Any], summary: CustomerSummary) -> Tracking | None:
    """What ``model`` expects of the customers of ``summary``, each from the first day on.

    Args:
        model: Fitted to this summary, or to an earlier one of the same shop.
        summary: In the time unit of the fit, first purchases on whole days; where it does not
            say how many repeat purchases fell on each day, the answer is None.

    Raises:
        TimeUnitMismatch.
    """
    if summary.purchases_by_day is None:
        return None
    days = summary.window.days
    params, _, calendar = model.asked(summary, 0)
    age = np.round(summary.in_days("age")).astype(np.int64)
    born, first, newcomers = np.unique(
        np.maximum(days - age, 0), return_index=True, return_counts=True
    )
    # Who first bought on the same day has the same parameters.
    own = (v if np.ndim(v) == 0 else np.asarray(v)[first, None] for v in params)
    time = np.arange(days + 1) / model.time_unit.days
    begun = model.numerics.expected_transactions(type(params)(*own), time)
    each_day = np.broadcast_to(np.diff(begun), (born.size, days))
    expected = np.zeros(days)
    for day, customers, made in zip(born, newcomers, each_day, strict=True):
        expected[day:] += customers * made[: days - day]
    if clock := calendar.get("clock"):
        speed = clock.multiplier[: int(clock.today)][-days:]
        expected[days - speed.size :] *= speed
    last = np.datetime64(summary.window.end) + 1
    return Tracking(
        np.arange(last - days, last), expected, np.asarray(summary.purchases_by_day, dtype=float)
    )

"""What anybody can forecast without a model: the rivals every forecast has to beat.

Each takes what a customer did lately and says it goes on, for purchase days and for value
alike; a value may have been counted on any basis.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

YEAR_DAYS = 365


@dataclasses.dataclass(frozen=True)
class Past:
    """Of one quantity, what each customer did before the cut, each shape ``(n,)``.

    ``last_period`` counts the last ``horizon_days`` days, ``last_year`` the last
    ``YEAR_DAYS`` (fewer where the log is younger: ``year_days``), ``whole`` everything.
    ``age`` is days since the first purchase, the first day included.
    """

    last_period: Float
    last_year: Float
    whole: Float
    age: Float
    year_days: int
    horizon_days: int


def last_period_repeated(past: Past) -> Float:
    """The next period is the last one again."""
    return past.last_period


def last_year_scaled(past: Past) -> Float:
    """The last 365 days, scaled to the horizon."""
    return past.last_year * (past.horizon_days / past.year_days)


def historical_rate(past: Past) -> Float:
    """The whole history's rate per day, over the horizon."""
    return past.whole / past.age * past.horizon_days


BASELINES = {
    "last-period-repeated": last_period_repeated,
    "last-365-days-scaled": last_year_scaled,
    "historical-rate": historical_rate,
}

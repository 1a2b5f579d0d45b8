"""What anybody can forecast without a model: the rivals every forecast has to beat.

Each takes what a customer did lately and says it goes on, for purchase days and for value
alike; a value may have been counted on any basis.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

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


BASELINES: Mapping[str, Callable[[Past], Float]] = {
    "last-period-repeated": lambda past: past.last_period,
    "last-365-days-scaled": lambda past: past.last_year * (past.horizon_days / past.year_days),
    "historical-rate": lambda past: past.whole / past.age * past.horizon_days,
}

"""What trees know of a customer: seven numbers without a currency, a calendar or a shop.

Each is a ratio to the shop's own mean, to the customer's own habit, or to the horizon, mostly as
a log, so that what was learned at one date holds at another. There is no date among them, and no
age: at one date, who came when is one with what the season did to them then. NaN is unknown.
"""

from __future__ import annotations

import dataclasses
from typing import Self

import numpy as np

from clv.checked import CustomerSummary
from clv.models.base import Float
from clv.numerics.quotient import per

FEATURES = (
    "pace",  # purchase days in the time since the first, to the shop's, drawn to it by one
    "inactivity",  # days since the last purchase, to the horizon
    "overdue",  # the same to the customer's own mean interval
    "unevenness",  # log of the mean interval less the mean of the logs: 0 is a steady beat
    "day_value",  # gross value of a purchase day, to the shop's
    "orders_per_day",  # orders of a purchase day
    "returns",  # share of the gross value that came back
)


@dataclasses.dataclass(frozen=True)
class Shop:
    """What a customer is measured against: the whole shop's means on one day.

    ``pace`` is repeat purchases per day since the first purchase, ``day_value`` in currency. Both
    are above 0 in a shop that a forecast of money can be made for.
    """

    horizon_days: int
    pace: float
    day_value: float

    @classmethod
    def of(cls, summary: CustomerSummary, horizon_days: int) -> Self:
        frequency, age = summary.column("frequency"), summary.in_days("age")
        gross, days = (np.nansum(summary.column(of)) for of in ("gross_value", "purchase_days"))
        return cls(
            horizon_days,
            float(frequency.sum() / age.sum()),
            float(gross / days),
        )


def features(summary: CustomerSummary, shop: Shop) -> Float:
    """The columns ``FEATURES``, shape ``(n, 7)``; a customer's row depends on no other."""
    column = summary.column
    x, t_x, age = column("frequency"), summary.in_days("recency"), summary.in_days("age")
    days, gross = column("purchase_days"), column("gross_value")
    silent = summary.inactivity + 1.0
    interval, mean_log = per(t_x, x), per(column("log_intervals"), x)
    found = {
        "pace": _log((x + 1.0) / (age * shop.pace + 1.0)),
        "inactivity": _log(silent / shop.horizon_days),
        "overdue": _log(per(silent, interval)),
        "unevenness": np.where(x > 1, _log(interval) - mean_log, np.nan),
        "day_value": _log(column("mean_day_value") / shop.day_value),
        "orders_per_day": per(column("orders"), days),
        "returns": per(column("returned_value"), gross),
    }
    return np.column_stack([found[name] for name in FEATURES])


def _log(ratio: Float) -> Float:
    empty = np.full(np.shape(ratio), np.nan)
    return np.asarray(np.log(ratio, out=empty, where=ratio > 0))

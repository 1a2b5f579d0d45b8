"""What trees may know of a customer when they correct the time to the next order.

Counts, ratios and times since, never a date and never a place in the log: a tree that knew the
season of its training days would carry it into another. What is not known is NaN.
"""

from __future__ import annotations

import numpy as np

from clv.checked import CustomerSummary
from clv.models.base import Float, PurchaseModel

FEATURES = (
    "frequency",
    "log_recency",
    "log_age",
    "log_inactivity",
    "recency_of_age",
    "log_mean_interval",
    "intervals_overdue",
    "regularity",
    "log_mean_day_value",
    "orders_of_a_day",
    "returned_share",
    "p_alive",
    "log_odds_of_purchase",
)


def survival_features(base: PurchaseModel, summary: CustomerSummary, horizon_days: int) -> Float:
    """Shape ``(n, len(FEATURES))``, in that order; times in days.

    Args:
        base: The purchase model to be corrected; two of its answers are features.
        summary: In the time unit of ``base``.
        horizon_days: Of the chance of a purchase that is one of them.
    """
    frequency = summary.column("frequency")
    recency, age = (summary.column(name) * summary.time_unit.days for name in ("recency", "age"))
    inactivity = age - recency
    likely = base.p_purchase(summary, horizon_days)
    with np.errstate(divide="ignore", invalid="ignore"):
        interval = recency / frequency
        known = {
            "frequency": frequency,
            "log_recency": np.log1p(recency),
            "log_age": np.log1p(age),
            "log_inactivity": np.log1p(inactivity),
            "recency_of_age": recency / age,
            "log_mean_interval": np.log(interval),
            "intervals_overdue": inactivity / interval,
            # Log of geometric over arithmetic mean: 0 for a clock, below it the more irregular.
            "regularity": summary.column("log_intervals") / frequency - np.log(interval),
            "log_mean_day_value": np.log(summary.column("mean_day_value")),
            "orders_of_a_day": summary.column("orders") / summary.column("purchase_days"),
            "returned_share": summary.column("returned_value") / summary.column("gross_value"),
            "p_alive": base.p_alive(summary),
            "log_odds_of_purchase": np.log(likely) - np.log1p(-likely),
        }
    columns = np.column_stack([known[name] for name in FEATURES])
    return np.where(np.isfinite(columns), columns, np.nan)

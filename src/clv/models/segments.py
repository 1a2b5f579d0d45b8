"""What the CLV table says about a customer beside the forecast, as functions of arrays.

Value tiers and percentiles rank the forecasts, RFM groups describe what was bought, and
reason codes with a confidence level say how far to trust a row. Every rule a shop may want
to show is here once: as a returned threshold, a constant, or the table ``RFM_MAP``.

Nothing here knows models or dates. Each function takes one entry per customer, shape
``(n,)``, in any order, and gives customers with equal entries equal answers. Orders are those
that still stand, edges and thresholds those of all customers of the shop.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
TextArray = npt.NDArray[np.str_]

TIERS = ("A", "B", "C")
SHARE_OF_A, SHARE_OF_A_AND_B = 0.5, 0.8
TIER_STICKINESS = 0.1

# Read it as a map: the most recent buyers on top, the most and best orders to the right.
RFM_MAP: TextArray = np.array(
    [
        # FM 1, 2, 3, 4, 5
        ["new_customer", "potential_loyalist", "potential_loyalist", "champions", "champions"],
        ["promising", "potential_loyalist", "potential_loyalist", "loyal", "loyal"],
        ["about_to_sleep", "about_to_sleep", "needs_attention", "loyal", "loyal"],
        ["hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"],
        ["lost", "lost", "at_risk", "at_risk", "cannot_lose"],
    ]
)

SHORT_HISTORY_DAYS = 91
DOMINATING_SHARE = 2 / 3
ORDERS_FOR_HIGH_CONFIDENCE = 4
WIDTH_FOR_HIGH_CONFIDENCE = 2.0

HorizonValidated = Literal["checked", "checked_once", "extrapolated"]


@dataclasses.dataclass(frozen=True)
class TierEdges:
    """The forecasts, in money, from which tier A and tier B begin; NaN when there are none."""

    a: float
    b: float


def value_tiers(predicted_clv: FloatArray, edges: TierEdges, previous: TextArray) -> TextArray:
    """Tier A makes up the first half of all predicted value, B the next 30 %, C the rest.

    Customers are taken from the best forecast down. Who crosses an edge belongs to the upper
    tier, and so does who ties with that customer. Where nothing is predicted all are C.

    A customer with a previous tier keeps it until 10 % past its edge: up at 1.1 times the edge
    or more, down below 0.9 times. In ``previous`` a new customer has any other text.
    """
    reaches_a = _reaches(predicted_clv, edges.a, previous, TIERS[:1])
    reaches_b = _reaches(predicted_clv, edges.b, previous, TIERS[:2])
    return np.select([reaches_a, reaches_b], TIERS[:2], TIERS[2])


def tier_edges(predicted_clv: FloatArray) -> TierEdges:
    """Where the tiers of these customers begin."""
    best_first = np.sort(predicted_clv)[::-1]
    running = np.cumsum(best_first)
    if not best_first.size or running[-1] <= 0.0:
        return TierEdges(np.nan, np.nan)
    # The first whose running total reaches the share is the one who crosses the edge.
    shares = np.array([SHARE_OF_A, SHARE_OF_A_AND_B])
    crossing = np.searchsorted(running, shares * running[-1])
    a, b = best_first[crossing]
    return TierEdges(float(a), float(b))


def _reaches(
    value: FloatArray, edge: float, previous: TextArray, upper: tuple[str, ...]
) -> BoolArray:
    was_above = np.isin(previous, upper)
    was_below = np.isin(previous, TIERS) & ~was_above
    slack = np.select([was_above, was_below], [-TIER_STICKINESS, TIER_STICKINESS], 0.0)
    return np.asarray(value >= edge * (1.0 + slack))


def value_percentile(predicted_clv: FloatArray, ranked: FloatArray) -> FloatArray:
    """Percentage of customers whose forecast is no better, shape ``(n,)``: 100 is the best.

    ``ranked`` are the forecasts of all customers in ascending order. Ties share the mean of
    their places: where there are two customers, alike, both have 75.
    """
    below = np.searchsorted(ranked, predicted_clv)
    up_to = np.searchsorted(ranked, predicted_clv, side="right")
    mean_place = np.minimum((below + up_to + 1) / 2.0, ranked.size)
    return np.asarray(100.0 * mean_place / max(1, ranked.size))


@dataclasses.dataclass(frozen=True)
class RfmThresholds:
    """Where the fifths end: four values each, ascending; NaN when nobody has an order.

    A customer is above a threshold when strictly above it. Days without an order are best
    when few, orders and their value when many.
    """

    inactivity: tuple[float, ...]
    orders: tuple[float, ...]
    value: tuple[float, ...]


def rfm_thresholds(inactivity: FloatArray, orders: FloatArray, value: FloatArray) -> RfmThresholds:
    """Between the fifths of these customers, as :func:`rfm_groups` takes them."""
    return RfmThresholds(*(_fifths(own[orders > 0]) for own in (inactivity, orders, value)))


def rfm_groups(
    inactivity: FloatArray, orders: FloatArray, value: FloatArray, thresholds: RfmThresholds
) -> TextArray:
    """Each customer's RFM group, read off ``RFM_MAP``.

    R, F and M are fifths of 1 to 5 by inactivity, orders and value, 5 the best. Thresholds
    are values that occur, so ties are never split, and a fifth may be empty: where most
    bought once, one order is F 1 and two may be F 4. FM is the mean of F and M, a half upward.

    Customers without any standing order (all returned) are ``lost`` and set no threshold.
    """
    above_r, above_f, above_m = (
        np.searchsorted(limits, x)
        for limits, x in (
            (thresholds.inactivity, inactivity),
            (thresholds.orders, orders),
            (thresholds.value, value),
        )
    )
    groups = RFM_MAP[above_r, (above_f + above_m + 1) // 2]
    return np.where(orders > 0, groups, "lost")


def _fifths(values: FloatArray) -> tuple[float, ...]:
    if not values.size:
        return (np.nan,) * 4
    limits = np.quantile(values, [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
    return tuple(limits.tolist())


def reason_flags(
    *,
    orders: FloatArray,
    age_days: FloatArray,
    horizon_days: int,
    opening_cohort: BoolArray,
    largest_order_share: FloatArray,
    simulated: bool,
) -> dict[str, BoolArray]:
    """Why to read a row with care: each code with who has it, shape ``(n,)``.

    ========================  ==========================================================
    ``one_order``             exactly one order stands
    ``short_history``         first purchase less than 91 days ago
    ``beyond_experience``     known for less time than the horizon reaches ahead; nobody is
                              older than the log, so a horizon beyond the log sets it for all
    ``one_order_dominates``   two orders or more, one of them worth over two thirds of all
    ``all_orders_returned``   bought, and sent everything back
    ``opening_cohort``        first purchase within the first 30 days of the log: perhaps a
                              customer long before
    ``simulated``             made up by the simulator, no customer at all
    ========================  ==========================================================
    """
    return {
        "one_order": orders == 1,
        "short_history": age_days < SHORT_HISTORY_DAYS,
        "beyond_experience": age_days < horizon_days,
        "one_order_dominates": (orders >= 2) & (largest_order_share > DOMINATING_SHARE),
        "all_orders_returned": orders == 0,
        "opening_cohort": opening_cohort,
        "simulated": np.full(orders.shape, simulated),
    }


def reason_codes(flags: Mapping[str, BoolArray]) -> list[tuple[str, ...]]:
    """Each customer's codes, in the order of ``flags`` from :func:`reason_flags`."""
    of_each = zip(*(flag.tolist() for flag in flags.values()), strict=True)
    return [tuple(itertools.compress(flags, holds)) for holds in of_each]


def confidence(
    flags: Mapping[str, BoolArray],
    *,
    orders: FloatArray,
    horizon_validated: HorizonValidated,
    predicted_clv: FloatArray,
    interval_width: FloatArray,
) -> TextArray:
    """``high``, ``medium`` or ``low``: how much one customer's forecast rests on.

    ``low``
        one order or none that stands, less than 91 days of history, or a horizon that is
        ``extrapolated``, never held against what happened.
    ``high``
        at least four orders, no reason code (``simulated`` aside), a horizon that is
        ``checked``, and an interval no wider than twice the forecast.
    ``medium``
        everybody else.
    """
    low = (orders < 2) | flags["short_history"] | (horizon_validated == "extrapolated")
    any_reason = np.logical_or.reduce([flags[code] for code in flags if code != "simulated"])
    high = (
        ~any_reason
        & (orders >= ORDERS_FOR_HIGH_CONFIDENCE)
        & (interval_width <= WIDTH_FOR_HIGH_CONFIDENCE * predicted_clv)
        & (horizon_validated == "checked")
    )
    return np.select([low, high], ["low", "high"], "medium")

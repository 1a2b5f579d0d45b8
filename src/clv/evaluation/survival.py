"""How good a chance of an order by any day was, as functions of arrays; arrays in, number out.

What happened is two arrays: ``waited``, the days to a customer's next order or to the last day
known of them, and ``came``, whether it came. Days are whole: of a customer whose last known
day is 91, no order by the end of day 91 is known. Where customers are known for different
lengths of time, those known long enough count for the others too, by the inverse of their
chance to be (Kaplan-Meier); where all are known to the horizon these weights are all 1.

Start reading at :func:`score`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

LEAST_CHANCE = 1e-6
"""What the log score takes a chance of 0 for, and 1 less it for a chance of 1."""


def score(waited: Float, came: Bool, chance: Float, days: Float) -> dict[str, float]:
    """Every judgment of one forecast, by name; the same call for every model makes a table.

    Args:
        waited: Shape ``(n,)``, at least 1 and, where no order came, up to the last of ``days``.
        came: Shape ``(n,)``.
        chance: Of an order by each day and customer, shape ``(len(days), n)``.
        days: Increasing, at least two; the last is the horizon.
    """
    horizon, by_then = float(days[-1]), np.asarray(chance[-1])
    ordered = came & (waited <= horizon)
    return {
        "uno_c": uno_c(waited, came, by_then, horizon_days=horizon),
        "integrated_brier": integrated_brier(waited, came, chance, days),
        "log_score": log_score(ordered, by_then),
        "largest_gap": largest_gap(reliability(ordered, by_then)),
    }


def uno_c(waited: Float, came: Bool, chance: Float, *, horizon_days: float) -> float:
    """How often, of two customers, the one to whom the higher chance was given ordered first.

    Of pairs of which the first order lies within the horizon; equal chances count half. NaN
    without such a pair.

    Source:
        Uno, Cai, Pencina, D'Agostino & Wei (2011), "On the C-statistics for evaluating overall
        adequacy of risk prediction procedures with censored survival data".
    """
    right = pairs = 0.0
    days = np.unique(waited[came & (waited <= horizon_days)])
    for day, weight in zip(days, _known_until(waited, came, days) ** -2, strict=True):
        first = chance[came & (waited == day)]
        # A customer last known on that day had not ordered by its end.
        later = np.sort(chance[(waited > day) | ((waited == day) & ~came)])
        below, upto = (np.searchsorted(later, first, side=side) for side in ("left", "right"))
        right += weight * (below + upto).sum() / 2
        pairs += weight * first.size * later.size
    return float(right / pairs) if pairs > 0 else float("nan")


def integrated_brier(waited: Float, came: Bool, chance: Float, days: Float) -> float:
    """Mean squared error of the chance of an order by a day, averaged over ``days``.

    The average is that of the line through the scores of the days. Arguments as in
    :func:`score`.

    Source:
        Graf, Schmoor, Sauerbrei & Schumacher (1999), "Assessment and comparison of prognostic
        classification schemes for survival data".
    """
    known = _known_until(waited, came, days)
    of_order = np.ones(waited.shape)
    of_order[came] = _known_until(waited, came, waited[came])
    scores = []
    for day, given, known_so_far in zip(days, chance, known, strict=True):
        ordered = came & (waited <= day)
        quiet = (waited > day) | ((waited == day) & ~came)
        parts = ordered * (1.0 - given) ** 2 / of_order + quiet * given**2 / known_so_far
        scores.append(parts.mean())
    return float(np.trapezoid(scores, days) / (days[-1] - days[0]))


def log_score(ordered: Bool, chance: Float) -> float:
    """Mean negative log of the chance given to what happened; less is better."""
    given = np.clip(np.where(ordered, chance, 1.0 - chance), LEAST_CHANCE, 1.0)
    return float(-np.log(given).mean())


@dataclasses.dataclass(frozen=True)
class Reliability:
    """Groups of customers from the lowest chances to the highest, each array one per group."""

    customers: npt.NDArray[np.int64]
    chance: Float
    share: Float
    """Who ordered."""


def reliability(ordered: Bool, chance: Float, *, groups: int = 10) -> Reliability:
    """The mean chance given against the share who ordered, by deciles of the chance.

    Customers of the same chance share a group, so that their order does not matter; groups
    may be larger than a tenth, or missing.
    """
    edges = np.quantile(chance, np.arange(1, groups) / groups)
    group = np.searchsorted(edges, chance, side="left")
    customers = np.bincount(group, minlength=groups)
    present = customers > 0
    sums = (np.bincount(group, weights, minlength=groups) for weights in (chance, ordered))
    means = [of[present] / customers[present] for of in sums]
    return Reliability(customers[present], *means)


def largest_gap(of: Reliability) -> float:
    """The largest distance between chance and share over the groups."""
    return float(np.abs(of.chance - of.share).max())


def _known_until(waited: Float, came: Bool, days: Float) -> Float:
    """Chance that a customer is known up to each of ``days``, that day included."""
    ends, lost = np.unique(waited[~came], return_counts=True)
    known = waited.size - np.searchsorted(np.sort(waited), ends, side="left")
    ordered = np.sort(waited[came])
    ordered_then = np.searchsorted(ordered, ends, side="right") - np.searchsorted(ordered, ends)
    # An order comes before the end of its day, being lost to sight at the end of it.
    kept = np.cumprod(1.0 - lost / (known - ordered_then))
    return np.concatenate([[1.0], kept])[np.searchsorted(ends, days, side="left")]

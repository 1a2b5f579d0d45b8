"""How good a chance of an order by any day was, as functions of arrays; arrays in, number out.

What happened is ``waited``, whole days to a customer's next order, infinite where none came by the
end of the horizon. Everybody is known to that end.

Start reading at :func:`score`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

GROUPS = 10
LEAST_CHANCE = 1e-6
"""What the log score takes a chance of 0 for, and 1 less it for a chance of 1."""


def score(waited: Float, chance: Float, days: Float) -> dict[str, float]:
    """Every judgment of one forecast, by name; the same call for every model makes a table.

    Args:
        waited: Shape ``(n,)``, at least 1.
        chance: Of an order by each day and customer, shape ``(len(days), n)``.
        days: Increasing, above 0; the last is the horizon.
    """
    by_then, came = np.asarray(chance[-1]), np.isfinite(waited)
    return {
        "uno_c": uno_c(waited, by_then),
        "integrated_brier": integrated_brier(waited, chance, days),
        "log_score": log_score(came, by_then),
        "largest_gap": largest_gap(came, by_then),
    }


def uno_c(waited: Float, chance: Float) -> float:
    """How often, of two customers, the one to whom the higher chance was given ordered first.

    Of pairs of which the first order lies within the horizon; equal chances count half. NaN
    without such a pair. With everybody known to the horizon its weights are all 1.

    Source:
        Uno, Cai, Pencina, D'Agostino & Wei (2011), "On the C-statistics for evaluating overall
        adequacy of risk prediction procedures with censored survival data".
    """
    right = pairs = 0.0
    for day in np.unique(waited[np.isfinite(waited)]):
        first, later = chance[waited == day], np.sort(chance[waited > day])
        below, upto = (np.searchsorted(later, first, side=side) for side in ("left", "right"))
        right += (below + upto).sum() / 2
        pairs += first.size * later.size
    return float(right / pairs) if pairs > 0 else float("nan")


def integrated_brier(waited: Float, chance: Float, days: Float) -> float:
    """Mean squared error of the chance of an order by a day, averaged from today to the horizon.

    The average is that of the line through the scores of ``days``, and 0 today. Arguments as in
    :func:`score`.

    Source:
        Graf, Schmoor, Sauerbrei & Schumacher (1999), "Assessment and comparison of prognostic
        classification schemes for survival data".
    """
    scores = np.square((waited <= days[:, None]) - chance).mean(axis=1)
    return float(np.trapezoid([0.0, *scores], [0.0, *days]) / days[-1])


def log_score(ordered: Bool, chance: Float) -> float:
    """Mean negative log of the chance given to what happened; less is better."""
    given = np.clip(np.where(ordered, chance, 1.0 - chance), LEAST_CHANCE, 1.0)
    return float(-np.log(given).mean())


def largest_gap(ordered: Bool, chance: Float) -> float:
    """The largest distance between the mean chance and who ordered, over deciles of the chance.

    Customers of the same chance share a group, so that their order does not matter; groups
    may be larger than a tenth, or missing.
    """
    edges = np.quantile(chance, np.arange(1, GROUPS) / GROUPS)
    group = np.searchsorted(edges, chance, side="left")
    customers = np.bincount(group)
    off = np.bincount(group, chance - ordered)
    return float(np.abs(off[customers > 0] / customers[customers > 0]).max())

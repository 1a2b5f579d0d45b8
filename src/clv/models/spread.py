"""A whole forecast, every customer's distribution, held against what happened.

Start reading at :func:`held_against`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clv.checked import CustomerSummary
from clv.models import ranges
from clv.models.base import Float
from clv.models.lifetime_value import LifetimeValue
from clv.numerics import predictive
from clv.numerics.calibration import Calibration, randomized_pit
from clv.numerics.predictive import Draws, Places, Shock

LEVELS = (np.arange(40) + 0.5) / 40
"""Quantiles whose losses, averaged, are half the CRPS."""
SEED = 20_111_209
"""Of the transforms of outcomes."""


class Range(NamedTuple):
    """How a forecast of one quantity spreads, each shape ``(n,)`` but ``total``.

    ``beyond`` is the chance of more than ``upper`` that the forecast states. ``stated`` is the
    randomized transform of the outcome as first stated, ``pit`` the same as calibrated at
    earlier dates. ``total`` is the range of everybody together.
    """

    median: Float
    lower: Float
    upper: Float
    beyond: Float
    crps: Float
    stated: Float
    pit: Float
    total: tuple[float, float] | None = None


def held_against(
    model: LifetimeValue,
    summary: CustomerSummary,
    horizon_days: int,
    *,
    purchase_days: Float,
    value: Float,
    level: float,
    shock: Shock,
    calibrations: Sequence[Calibration],
) -> tuple[Range, Range] | None:
    """How purchase days and value spread at ``horizon_days``; None without a posterior.

    Args:
        purchase_days, value: What happened; a value below 0 counts as 0, which a forecast of
            purchases cannot go below.
        calibrations: Of purchase days and of value, as learned at earlier dates.

    The rest is as in :func:`clv.models.ranges.of_customers_and_groups`.
    """
    if model.posterior is None:
        return None
    p_zero = 1.0 - model.p_purchase(summary, horizon_days)
    factor = shock.draw(ranges.DRAWS, seed=ranges.SEED)
    of_days, of_value = calibrations
    bought = np.maximum(value, 0.0)

    def use(places: Places, drawn: Draws) -> tuple[tuple[Float, ...], tuple[Float, ...], Float]:
        chance = p_zero[places]
        return (
            _spread(drawn.purchases, chance, purchase_days[places], level, of_days),
            _spread(drawn.value * factor, chance, bought[places], level, of_value),
            drawn.value.sum(axis=0),
        )

    found, total = np.empty((2, 7, len(summary))), np.zeros(ranges.DRAWS)
    for places, (*of_each, together) in ranges.each_block(model, summary, horizon_days, use):
        found[:, :, places] = of_each
        total += together
    _, lower, upper = ranges.of_sums(total[None], factor, level)
    return (
        _range(found[0], of_days),
        _range(found[1], of_value)._replace(total=(float(lower[0]), float(upper[0]))),
    )


def _range(found: Float, calibration: Calibration) -> Range:
    median, lower, upper, beyond, crps, below, up_to = found
    stated = randomized_pit(below, up_to, seed=SEED)
    return Range(median, lower, upper, beyond, crps, stated, calibration.of(stated))


def _spread(
    draws: Float, p_zero: Float, actual: Float, level: float, calibration: Calibration
) -> tuple[Float, ...]:
    """Median, ends, chance beyond and CRPS; of the outcome, the chances of less and no more."""
    draws = np.sort(draws, axis=1)
    middle, lower, upper = predictive.ranges(draws, p_zero, level, calibration)
    from_zero = predictive.runs_from_zero(p_zero, level, calibration)
    at = calibration.level(LEVELS)
    short = actual[:, None] - predictive.quantiles(draws, p_zero, at)
    crps = 2 * np.maximum(LEVELS * short, (LEVELS - 1) * short).mean(axis=1)
    below, up_to = (
        _chance(draws, p_zero, reached)
        for reached in (draws < actual[:, None], draws <= actual[:, None])
    )
    return (
        middle,
        lower,
        upper,
        np.where(from_zero, 1 - level, (1 - level) / 2),
        crps,
        np.where(actual > 0, below, 0.0),
        np.where(actual > 0, up_to, p_zero),
    )


def _chance(draws: Float, p_zero: Float, reached: np.ndarray) -> Float:
    """Of what was ``reached``: the exact chance of nothing, and the draws' share of the rest."""
    some = draws > 0
    share = (reached & some).sum(axis=1) / np.maximum(some.sum(axis=1), 1)
    return np.asarray(p_zero + (1 - p_zero) * share)

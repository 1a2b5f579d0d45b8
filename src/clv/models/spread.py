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
from clv.numerics.calibration import Calibration
from clv.numerics.predictive import Draws, Places, Ranges, Shock

LEVELS = (np.arange(40) + 0.5) / 40
"""Quantiles whose losses, averaged, are half the CRPS."""


class Spread(NamedTuple):
    """Of each customer, shape ``(n,)``: the range, and where the outcome fell.

    ``beyond`` is the chance of more than ``upper`` that the rule of the range leaves;
    ``below`` and ``up_to`` are the chances the draws gave to less than the outcome and to no
    more, as stated, before any calibration.
    """

    median: Float
    lower: Float
    upper: Float
    beyond: Float
    below: Float
    up_to: Float
    crps: Float


class Held(NamedTuple):
    """Spreads of purchase days and of value, and the range of everybody's value together."""

    purchase_days: Spread
    value: Spread
    total: Ranges


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
) -> Held | None:
    """The spread of each customer at ``horizon_days``; None where the model has no posterior.

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

    def use(places: Places, drawn: Draws) -> tuple[Spread, Spread, Float]:
        chance = p_zero[places]
        return (
            _spread(drawn.purchases, chance, purchase_days[places], level, of_days),
            _spread(drawn.value * factor, chance, bought[places], level, of_value),
            drawn.value.sum(axis=0),
        )

    found, total = np.empty((2, len(Spread._fields), len(summary))), np.zeros(ranges.DRAWS)
    for places, (days, worth, together) in ranges.each_block(model, summary, horizon_days, use):
        found[0][:, places], found[1][:, places] = days, worth
        total += together
    return Held(Spread(*found[0]), Spread(*found[1]), ranges.of_sums(total[None], factor, level))


def _spread(
    draws: Float, p_zero: Float, actual: Float, level: float, calibration: Calibration
) -> Spread:
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
    return Spread(
        middle,
        lower,
        upper,
        np.where(from_zero, 1 - level, (1 - level) / 2),
        np.where(actual > 0, below, 0.0),
        np.where(actual > 0, up_to, p_zero),
        crps,
    )


def _chance(draws: Float, p_zero: Float, reached: np.ndarray) -> Float:
    """Of what was ``reached``: the exact chance of nothing, and the draws' share of the rest."""
    some = draws > 0
    share = (reached & some).sum(axis=1) / np.maximum(some.sum(axis=1), 1)
    return np.asarray(p_zero + (1 - p_zero) * share)

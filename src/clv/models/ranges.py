"""How far a forecast may be off: median and interval of one customer, or of any group.

Both come from the same draws, made from the model's posterior with a random stream for each
customer, so a customer has the same interval whoever else is asked about, and intervals of
groups know that errors in the parameters are everybody's. What the draws cannot know, a better
or a worse year for all, is a common shock that widens both. Expectations are not drawn.

Start reading at :func:`of_customers`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from clv.checked import CustomerSummary
from clv.models.base import Float
from clv.models.gamma_gamma import known_spend
from clv.models.lifetime_value import LifetimeValue, MeanSpend
from clv.models.posterior import Posterior
from clv.numerics import predictive
from clv.numerics.calibration import AS_STATED, Calibration
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.predictive import Draws, Places, Ranges, Shock, Spend

Found = TypeVar("Found")

DRAWS = 600
"""Per customer, three from each draw of the parameters: the chance of being above the upper end
of an 80 % interval is then right within three points, and a shop is drawn in seconds."""
SEED = 20_111_210
CUSTOMERS_AT_ONCE = 500


def of_customers(
    model: LifetimeValue,
    summary: CustomerSummary,
    horizon_days: float,
    *,
    level: float,
    shock: Shock,
    calibration: Calibration = AS_STATED,
    names: Sequence[str] | None = None,
) -> Ranges | None:
    """Median and interval of each customer's value less returns, in currency.

    Args:
        model: Without a posterior the answer is None.
        summary: In the time unit of the fit.
        horizon_days: 1 to ``LONGEST_HORIZON_DAYS``.
        level: Chance the interval is meant to hold, by the rule of ``predictive.ranges``.
        shock: What may move everybody at once.
        calibration: What the chances such draws state are worth, as learned at earlier dates.
        names: By which each customer's random stream is known, if not by ``customer_id``.

    Raises:
        TimeUnitMismatch, HorizonOutOfRange.
    """
    if model.posterior is None:
        return None
    p_zero = 1.0 - model.p_purchase(summary, horizon_days)
    own, _ = of_customers_and_total(
        model,
        summary,
        horizon_days,
        level=level,
        shock=shock,
        calibration=calibration,
        names=names,
        p_zero=p_zero,
    )
    return own


def of_customers_and_total(
    model: LifetimeValue,
    summary: CustomerSummary,
    horizon_days: float,
    *,
    level: float,
    shock: Shock,
    p_zero: Float,
    calibration: Calibration = AS_STATED,
    names: Sequence[str] | None = None,
) -> tuple[Ranges, Ranges]:
    """Those of each customer and, from the same draws, of all of them together.

    As in :func:`of_customers`, of a model that has a posterior; ``p_zero`` is its chance of no
    purchase within the horizon, shape ``(n,)``.
    """
    factor = shock.draw(DRAWS, seed=SEED)
    found, total = np.empty((3, len(summary))), np.zeros(DRAWS)

    def use(places: Places, drawn: Draws) -> tuple[Ranges, Float]:
        own = predictive.ranges(np.sort(drawn.value * factor), p_zero[places], level, calibration)
        return own, drawn.value.sum(axis=0)

    for places, (own, together) in each_block(model, summary, horizon_days, names, use):
        found[:, places] = own
        total += together
    return Ranges(*found), of_sums(total[None], factor, level)


def of_groups(
    model: LifetimeValue,
    summary: CustomerSummary,
    horizon_days: float,
    group: npt.NDArray[np.int64],
    *,
    level: float,
    shock: Shock,
) -> Ranges | None:
    """Median and interval of what all customers of each group bring, in currency.

    ``group`` has each customer's number, from 0, shape ``(n,)``, or several where they belong to
    several groups, ``(n, k)``; the rest is as in :func:`of_customers`. Answers have one entry
    per group.
    """
    if model.posterior is None:
        return None
    totals = np.zeros((group.max(initial=-1) + 1, DRAWS))

    def use(places: Places, drawn: Draws) -> tuple[Places, Float]:
        present, which = np.unique(group[places], return_inverse=True)
        sums = np.zeros((present.size, DRAWS))
        for of_each in which.reshape(len(drawn.value), -1).T:
            np.add.at(sums, of_each, drawn.value)
        return present, sums

    for _, (present, sums) in each_block(model, summary, horizon_days, None, use):
        totals[present] += sums
    return of_sums(totals, shock.draw(DRAWS, seed=SEED), level)


def of_sums(totals: Float, factor: Float, level: float) -> Ranges:
    """The ranges of sums over customers, ``(n, DRAWS)``, each moved by the shock's factor."""
    return predictive.ranges(np.sort(totals * factor), (totals <= 0).mean(axis=1), level)


def each_block(
    model: LifetimeValue,
    summary: CustomerSummary,
    horizon_days: float,
    names: Sequence[str] | None,
    use: Callable[[Places, Draws], Found],
) -> Iterator[tuple[Places, Found]]:
    """What ``use`` makes of draws of purchases and of their value less returns, by places.

    Some customers at a time, on all processors, those of one history together.
    """
    assert model.posterior is not None
    buying = model.purchases.ahead(summary, horizon_days, model.posterior.purchases)
    spend = _spend(model, model.posterior, summary)
    names = names or summary.table["customer_id"].to_pylist()
    kept = (1.0 - model.return_share.of(summary)) * _correction(model, summary, horizon_days)
    kept *= model.season_ahead(summary, horizon_days)

    def found(places: Places) -> tuple[Places, Found]:
        drawn = predictive.draw(buying, spend, names, places, draws=DRAWS, seed=SEED)
        return places, use(places, drawn._replace(value=drawn.value * kept[places, None]))

    order = np.lexsort(buying.history())
    blocks = np.split(order, range(CUSTOMERS_AT_ONCE, order.size, CUSTOMERS_AT_ONCE))
    if len(blocks) == 1:
        yield found(order)
        return
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        yield from threads.map(found, blocks)


def _correction(model: LifetimeValue, summary: CustomerSummary, horizon_days: float) -> Float:
    """What the correction of the mean does to each customer's draws, shape ``(n,)``."""
    if not model.is_corrected(horizon_days):
        return np.ones(len(summary))
    days = model.purchases.expected_transactions(summary, horizon_days)
    value = days * model.day_value(summary, horizon_days)
    corrected = model.corrected(summary, horizon_days, value)
    return np.divide(corrected, value, out=np.ones_like(value), where=value > 0)


def _spend(model: LifetimeValue, posterior: Posterior, summary: CustomerSummary) -> Spend:
    count, mean = known_spend(summary, model.spend.season)
    spent = np.where(count > 0, count * mean, 0.0)
    if isinstance(model.spend, MeanSpend):
        return Spend(model.spend.mean, count, spent)
    assert posterior.spend is not None
    points = posterior.spend.array.T
    return Spend(GammaGammaParams(*np.exp(points[:3]), *points[3:]), count, spent)

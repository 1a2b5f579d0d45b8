"""How far a forecast may be off: median and interval of one customer, of any group, of a month.

All come from the same draws, made from the model's posterior with a random stream for each
customer, so a customer has the same interval whoever else is asked about, and intervals of
groups know that errors in the parameters are everybody's. What the draws cannot know, a better
or a worse year for all, is a common shock that widens them. Expectations are not drawn.

Start reading at :func:`of_customers_and_groups`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from clv.checked import CustomerSummary
from clv.models.base import Float
from clv.models.gamma_gamma import known_spend
from clv.models.lifetime_value import LifetimeValue, MeanSpend
from clv.models.posterior import Posterior
from clv.numerics import predictive
from clv.numerics.calibration import Calibration
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.predictive import Bool, Draws, Places, Ranges, Shock, Spend

Found = TypeVar("Found")

DRAWS = 600
"""Per customer, three from each draw of the parameters: the chance of being above the upper end
of an 80 % interval is then right within three points, and a shop is drawn in seconds."""
SEED = 20_111_210
CUSTOMERS_AT_ONCE = 500


def of_customers_and_groups(
    model: LifetimeValue,
    summary: CustomerSummary,
    horizon_days: float,
    *,
    level: float,
    shock: Shock,
    calibration: Calibration,
    p_zero: Float,
    belongs: Bool,
) -> tuple[Ranges, Ranges]:
    """Median and interval of each customer's value less returns, and of what groups bring together.

    Args:
        model: One that has a posterior.
        summary: In the time unit of the fit.
        horizon_days: 1 to ``LONGEST_HORIZON_DAYS``.
        level: Chance the interval is meant to hold, by the rule of ``predictive.ranges``.
        shock: What may move everybody at once.
        calibration: What the chances such draws state are worth, as learned at earlier dates.
        p_zero: The model's chance of no purchase within the horizon, shape ``(n,)``.
        belongs: Who is in each group, shape ``(groups, n)``.

    Returns:
        Ranges of customers and of groups, from the same draws, in currency.

    Raises:
        TimeUnitMismatch, HorizonOutOfRange.
    """
    factor = shock.draw(DRAWS, seed=SEED)
    found, totals = np.empty((3, len(summary))), np.zeros((len(belongs), DRAWS))

    def use(places: Places, drawn: Draws) -> tuple[Ranges, Float]:
        own = predictive.ranges(np.sort(drawn.value * factor), p_zero[places], level, calibration)
        return own, _together(drawn, belongs[:, places])

    for places, (own, together) in each_block(model, summary, horizon_days, use):
        found[:, places] = own
        totals += together
    return Ranges(*found), of_sums(totals, factor, level)


def of_groups(
    model: LifetimeValue,
    summary: CustomerSummary,
    horizon_days: float,
    belongs: Bool,
    *,
    level: float,
    shock: Shock,
) -> Ranges | None:
    """Median and interval of what all customers of each group bring, in currency.

    As in :func:`of_customers_and_groups`; None where the model has no posterior.
    """
    if model.posterior is None:
        return None
    totals = np.zeros((len(belongs), DRAWS))

    def use(places: Places, drawn: Draws) -> Float:
        return _together(drawn, belongs[:, places])

    for _, of_block in each_block(model, summary, horizon_days, use):
        totals += of_block
    return of_sums(totals, shock.draw(DRAWS, seed=SEED), level)


def _together(drawn: Draws, belongs: Bool) -> Float:
    """What the members of each group bring together, ``(groups, draws)``."""
    sums = [drawn.value[members].sum(axis=0) for members in belongs]
    return np.reshape(sums, (len(belongs), drawn.value.shape[1]))


def of_months(
    model: LifetimeValue, summary: CustomerSummary, horizon_days: int, *, level: float, shock: Shock
) -> Ranges | None:
    """Median and interval of what all customers bring in each calendar month of the horizon.

    From the draws of the whole horizon, told apart by when purchases fall, each month dear or
    cheap by itself. The shock is that of the horizon, one and the same for all of its months.
    """
    if model.posterior is None:
        return None
    months = summary.window.holdout(horizon_days).months
    dear = model.season_of(months) / model.season_ahead(summary, horizon_days)
    ends = [(month.end - summary.window.end).days for month in months]

    def use(places: Places, drawn: Draws) -> Float:
        assert drawn.parts is not None
        who, of, _, share = drawn.parts
        # An infinite draw is nothing in the months without a purchase.
        worth = np.zeros_like(share)
        np.multiply(share, drawn.value[who, of][:, None], out=worth, where=share > 0)
        return np.array([np.bincount(of, own, DRAWS) for own in (worth * dear).T])

    totals = np.zeros((len(months), DRAWS))
    for _, of_block in each_block(model, summary, horizon_days, use, ends=ends):
        totals += of_block
    return of_sums(totals, shock.draw(DRAWS, seed=SEED), level)


def of_sums(totals: Float, factor: Float, level: float) -> Ranges:
    """The ranges of sums over customers, ``(n, DRAWS)``, each moved by the shock's factor."""
    return predictive.ranges(np.sort(totals * factor), (totals <= 0).mean(axis=1), level)


def each_block(
    model: LifetimeValue,
    summary: CustomerSummary,
    horizon_days: float,
    use: Callable[[Places, Draws], Found],
    *,
    ends: Sequence[int] = (),
) -> Iterator[tuple[Places, Found]]:
    """What ``use`` makes of draws of purchases and of their value less returns, by places.

    Some customers at a time, on all processors, those of one history together; in parts of the
    horizon too where the days that ``ends`` them are given.
    """
    assert model.posterior is not None
    buying = model.purchases.ahead(summary, horizon_days, model.posterior.purchases)
    spend = _spend(model, model.posterior, summary)
    names = summary.table["customer_id"].to_pylist()
    kept = (1.0 - model.return_share.of(summary)) * _correction(model, summary, horizon_days)
    kept *= model.season_ahead(summary, horizon_days)
    parts = [days / model.purchases.time_unit.days for days in ends]

    def found(places: Places) -> tuple[Places, Found]:
        drawn = predictive.draw(buying, spend, names, places, draws=DRAWS, seed=SEED, ends=parts)
        return places, use(places, drawn._replace(value=drawn.value * kept[places, None]))

    order = np.lexsort(buying.history())
    at_once = CUSTOMERS_AT_ONCE // (1 + len(ends) // 12)
    blocks = np.split(order, range(at_once, order.size, at_once))
    if len(blocks) == 1:
        yield found(order)
        return
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        yield from threads.map(found, blocks)


def _correction(model: LifetimeValue, summary: CustomerSummary, horizon_days: float) -> Float:
    """What the correction of the mean does to each customer's draws, shape ``(n,)``."""
    if not model.is_corrected:
        return np.ones(len(summary))
    value = model.uncorrected_value(summary, horizon_days)
    corrected = model.corrected(summary, value, horizon_days)
    return np.divide(corrected, value, out=np.ones_like(value), where=value > 0)


def _spend(model: LifetimeValue, posterior: Posterior, summary: CustomerSummary) -> Spend:
    count, mean = known_spend(summary, model.spend.season)
    spent = np.where(count > 0, count * mean, 0.0)
    if isinstance(model.spend, MeanSpend):
        return Spend(model.spend.mean, count, spent)
    assert posterior.spend is not None
    points = posterior.spend.array.T
    return Spend(GammaGammaParams(*np.exp(points[:3]), *points[3:]), count, spent)

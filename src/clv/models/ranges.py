"""How far a forecast may be off: median and interval of one customer, or of any group.

Both come from the same draws, made from the model's posterior with a random stream for each
customer, so a customer has the same interval whoever else is asked about, and intervals of
groups know that errors in the parameters are everybody's. What the draws cannot know, a better
or a worse year for all, is a common shock that widens both. Expectations are not drawn.

Start reading at :func:`of_customers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from clv.checked import CustomerSummary
from clv.models.base import Float, horizon_in_units
from clv.models.gamma_gamma import known_spend
from clv.models.lifetime_value import LifetimeValue, MeanSpend
from clv.models.posterior import ParetoFamily, Posterior
from clv.numerics import predictive
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.predictive import Customers, Ranges, Shock

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
    names: Sequence[str] | None = None,
) -> Ranges | None:
    """Median and interval of each customer's value less returns, in currency.

    Args:
        model: Without a posterior the answer is None.
        summary: In the time unit of the fit.
        horizon_days: 1 to ``LONGEST_HORIZON_DAYS``.
        level: Chance the interval is meant to hold, by the rule of ``predictive.ranges``.
        shock: What may move everybody at once.
        names: By which each customer's random stream is known, if not by ``customer_id``.

    Raises:
        TimeUnitMismatch, HorizonOutOfRange.
    """
    if model.posterior is None:
        return None
    p_zero = 1.0 - model.purchases.p_purchase(summary, horizon_days)
    factor = shock.draw(DRAWS, seed=SEED)
    found = np.empty((3, len(summary)))
    for rows, value in _value(model, model.posterior, summary, horizon_days, names):
        found[:, rows] = predictive.ranges(value * factor, p_zero[rows], level)
    return Ranges(*found)


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

    ``group`` has each customer's number, shape ``(n,)``, from 0; the rest is as in
    :func:`of_customers`. Answers have one entry per group.
    """
    if model.posterior is None:
        return None
    totals = np.zeros((group.max(initial=-1) + 1, DRAWS))
    for rows, value in _value(model, model.posterior, summary, horizon_days, None):
        np.add.at(totals, group[rows], value)
    nothing = (totals <= 0).mean(axis=1)
    return predictive.ranges(totals * shock.draw(DRAWS, seed=SEED), nothing, level)


def _value(
    model: LifetimeValue,
    posterior: Posterior,
    summary: CustomerSummary,
    horizon_days: float,
    names: Sequence[str] | None,
) -> Iterator[tuple[slice, Float]]:
    """Draws of value less returns, ``(customers, DRAWS)``, some customers at a time."""
    assert isinstance(model.purchases, ParetoFamily)
    fitted = model.purchases.params
    horizon = float(horizon_in_units(horizon_days, model.purchases.time_unit))
    own, history, calendar = model.purchases.asked(summary, horizon_days)
    params = ParetoNBDParams(*posterior.purchases.columns())
    if isinstance(model.spend, MeanSpend):
        spend: GammaGammaParams | float = model.spend.mean
    else:
        assert posterior.spend is not None
        spend = GammaGammaParams(*posterior.spend.columns())
    count, mean = known_spend(summary)
    spent = np.where(count > 0, count * mean, 0.0)
    shares = (
        np.broadcast_to(np.divide(*rates), count.shape)
        for rates in ((own.alpha, fitted.alpha), (own.beta, fitted.beta))
    )
    known = Customers(*history, count, spent, *shares)
    names = names or summary.table["customer_id"].to_pylist()
    kept = 1.0 - model.return_share.of(summary)
    for first in range(0, len(summary), CUSTOMERS_AT_ONCE):
        rows = slice(first, first + CUSTOMERS_AT_ONCE)
        drawn = predictive.draw(
            Customers(*(column[rows] for column in known)),
            horizon,
            names[rows],
            params=params,
            spend=spend,
            draws=DRAWS,
            seed=SEED,
            **calendar,
        )
        yield rows, drawn.value * kept[rows, None]

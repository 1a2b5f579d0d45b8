"""BG/NBD and its relatives under many parameters: draws of them, and what customers do under each.

Given the rate and the chance to drop out, no moment of purchase matters: as many purchases come
as the clock ticks for, unless the customer drops out at an earlier one, and at which is a coin
thrown until it falls. Start reading at :func:`draw`, then :class:`Ahead`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clv.numerics import bg_nbd, bg_nbd_fit, posterior
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.histories import Histories
from clv.numerics.optimize import LogPrior
from clv.numerics.posterior import ParameterDraws
from clv.numerics.predictive import Dice, Made, Places, counts, some
from clv.numerics.quadrature import Float


def draw(
    rows: Histories,
    params: BGNBDParams,
    prior: LogPrior | None,
    *,
    count: int,
    seed: int,
) -> ParameterDraws:
    """Points of ``log r, log alpha, log a, log b`` from the posterior; ``k`` stays as it is.

    Args:
        rows: Distinct histories.
        params: The optimum of these rows under ``prior``.
        prior: That of the fit.
        count, seed: As in :func:`clv.numerics.posterior.draw`.
    """
    total = functools.partial(
        bg_nbd_fit.log_likelihood_total, k=params.k, drops_at_once=params.drops_at_once
    )
    mode = np.log(np.array(params[:4], dtype=float))
    return posterior.draw_of_rows(total, rows, mode, prior, count=count, seed=seed)


class Ahead(NamedTuple):
    """The customers of a shop under draws of the parameters, and a horizon >= 0.

    ``points`` has shape ``(draws, 4)``, those of :func:`draw`.
    """

    points: Float
    x: Float
    t_x: Float
    T: Float
    horizon: float
    k: int
    drops_at_once: bool

    def history(self) -> Sequence[Float]:
        return self.x, self.t_x, self.T

    def purchases(self, places: Places, dice: Dice) -> Made:
        """As :class:`clv.numerics.predictive.Buying` has it."""
        shape = (places.size, len(self.points))
        r, alpha, a, b = (np.broadcast_to(v, shape).reshape(-1) for v in np.exp(self.points).T)
        params = BGNBDParams(r, alpha, a, b, self.k, self.drops_at_once)
        history = (np.repeat(column[places], shape[1]) for column in self.history())
        own = bg_nbd.survivor(params, *history)
        alive = own.is_alive.reshape(shape)[:, np.arange(dice.draws) % shape[1]]
        thrown, luck = dice.uniform(2)
        living, who, of = some(thrown < alive)
        j = who * shape[1] + of % shape[1]
        # Below the chance of being alive the same number is uniform once more: ticks waited.
        phases = own.phases[:, j].cumsum(axis=0)
        waited = (thrown.take(living) / alive.take(living) >= phases[:-1]).sum(axis=0, dtype=float)
        growth = self.horizon / own.rate[j]
        ticks = counts(luck.take(living), own.ticks[j] + waited, growth, who, dice)
        reached = (waited + ticks) // self.k
        buying = np.flatnonzero(reached)
        who, of, j = (column[buying] for column in (who, of, j))
        ticks, waited, reached = (count[buying] for count in (ticks, waited, reached))
        leaves = dice.beta(own.a[j], own.b[j], who)
        with np.errstate(over="ignore", divide="ignore"):
            last = np.log1p(-dice.some_uniform(who)) / np.log1p(-leaves)
        number = np.minimum(reached, np.floor(last) + 1)
        return Made(who, of, number, ticks, lambda t: t / self.horizon, waited, self.k)

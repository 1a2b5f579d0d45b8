"""Pareto/NBD under many parameters at once: draws of them, and what customers do under each.

The nodes of the dropout time stay where the fitted parameters put them, so that thousands of
evaluations near the fit cost two logarithms and an exponential per node. Between two midnights
a calendar's clock runs straight here: a draw's own noise hides what that bends. What follows
from one set of parameters to the last digit is in :mod:`clv.numerics.pareto_nbd`.

Start reading at :func:`draw`, then :class:`Ahead`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clv.numerics import posterior
from clv.numerics.clock import Calendars, Moments
from clv.numerics.histories import Histories
from clv.numerics.optimize import LogPrior
from clv.numerics.pareto_nbd import ParetoNBDParams, decay_scale
from clv.numerics.pareto_nbd_total import Pieces, Season, log_likelihood_total, scale_of_nodes
from clv.numerics.posterior import LogDensity, ParameterDraws
from clv.numerics.predictive import Dice, Made, Places, counts, some
from clv.numerics.quadrature import Float, blocks, dropout_nodes, log_sum_exp, sum_of_nodes
from clv.numerics.rising import rising_factorials

FEW_NODES = 10
"""Nodes for a draw, whose own noise hides an error of 1e-3 in a probability."""


def draw(
    rows: Histories,
    point: Float,
    prior: LogPrior | None,
    *,
    count: int,
    seed: int,
    season: Season | None = None,
) -> ParameterDraws:
    """Points as in ``pareto_nbd_total`` from the posterior: rates, covariates and season.

    Args:
        rows: Distinct histories.
        point: The optimum of these rows under ``prior``.
        prior: That of the fit.
        count, seed: As in :func:`clv.numerics.posterior.draw`.
        season: That of the fit.
    """
    return posterior.draw_of_rows(
        functools.partial(_total, season=season),
        rows,
        point,
        prior,
        value_of=functools.partial(_value_near, point=point, season=season),
        count=count,
        seed=seed,
    )


def _total(point: Float, rows: Histories, *, season: Season | None) -> tuple[float, Float, Float]:
    scale = scale_of_nodes(point, rows, season)
    return log_likelihood_total(point, rows, scale, nodes=FEW_NODES, season=season)


def _value_near(rows: Histories, *, point: Float, season: Season | None) -> LogDensity:
    """The log-likelihood of ``rows``, quick near ``point``."""
    scale = scale_of_nodes(point, rows, season)
    alike = blocks(rows.x.size, nodes=FEW_NODES)
    parts = [_Part.of(rows, part, scale, season) for part in alike]
    counts = np.bincount(rows.x.astype(np.int64), weights=rows.weights)

    def value(at: Float) -> float:
        pieces = Pieces.of(at, rows)
        rising, *_ = rising_factorials(float(pieces.params.r), counts.size - 1)
        total = float(counts @ rising)
        calendars = None
        if season is not None:
            shape = season.basis @ pieces.season
            total += float(season.purchases @ shape)
            calendars = Calendars.of(np.exp(shape)[:, None], season.today)
        for part in parts:
            total += part.total(pieces, calendars)
        return total

    return value


class _Part(NamedTuple):
    """Some rows and their nodes; ``times`` has the last one at ``T``.

    ``moments``, where there is a season, are those of the times and, last, of the births.
    """

    rows: Histories
    times: Float
    log_weights: Float
    moments: Moments | None

    @classmethod
    def of(cls, rows: Histories, part: slice, scale: Float, season: Season | None) -> _Part:
        own = Histories(*(column[part] for column in rows))
        times, log_weights = dropout_nodes(own.t_x, own.T, scale[part], nodes=FEW_NODES)
        times, moments = np.vstack([times, own.T]), None
        if season is not None:
            since = season.today - own.T + np.vstack([times, np.zeros_like(own.T)])
            moments = Moments.of(since, len(season.basis))
        return cls(own, times, log_weights, moments)

    def total(self, pieces: Pieces, calendars: Calendars | None) -> float:
        own, active = self.rows, self.times
        if calendars is not None and self.moments is not None:
            passed = calendars.at(self.moments)[..., 0]
            active = passed[:-1] - passed[-1]
        r, alpha, s, beta = pieces.own_rates(own)
        falling = np.log1p(self.times / beta)
        terms = np.log1p(active / alpha)
        terms *= -(r + own.x)
        terms[:-1] += self.log_weights
        terms[:-1] -= falling[:-1]
        terms[-1] -= np.log(s / beta)
        falling *= s
        terms -= falling
        values = log_sum_exp(terms)[0] + np.log(s / beta) - own.x * np.log(alpha)
        return float(own.weights @ values)


class Ahead(NamedTuple):
    """The customers of a shop under draws of the parameters, and a horizon >= 0.

    ``points`` has shape ``(k, p)``, as in ``pareto_nbd_total`` but for the season's, whose
    draws are the ``calendars``. ``purchase_z`` and ``dropout_z`` have shape ``(n, q)``.
    """

    points: Float
    x: Float
    t_x: Float
    T: Float
    purchase_z: Float
    dropout_z: Float
    horizon: float
    calendars: Calendars | None = None

    def history(self) -> Sequence[Float]:
        return self.x, self.t_x, self.T, *self.purchase_z.T, *self.dropout_z.T

    def purchases(self, places: Places, dice: Dice) -> Made:
        """As :class:`clv.numerics.predictive.Buying` has it."""
        distinct, which = np.unique(
            np.stack([column[places] for column in self.history()]), axis=1, return_inverse=True
        )
        which = which.reshape(-1)
        p_alive, seen, alpha, beta = self._of(distinct).under_each()
        drawn = np.arange(dice.draws) % len(self.points)
        thrown, luck = dice.uniform(2)
        alive, who, of = some(thrown < p_alive.take(which, axis=0).take(drawn, axis=1))
        thrown, luck, j = thrown.take(alive), luck.take(alive), drawn.take(of)
        own = which.take(who) * len(self.points) + j
        r, _, s, _ = np.exp(self.points[:, :4]).T
        # One uniform number says both whether a customer is alive and for how much longer:
        # P(alive at T + v) = P(alive) ((beta + T) / (beta + T + v))^s.
        with np.errstate(over="ignore", divide="ignore"):
            longer = (p_alive.take(own) / thrown) ** (1 / s).take(j) - 1
            since = beta.take(own) + self.T[places].take(who)
            lasting = np.minimum(since * longer, self.horizon)
        if self.calendars is not None:
            lasting = self.calendars.ahead(lasting, j)
        growth = lasting / (alpha + seen).take(own)
        shape = r.take(j) + self.x[places].take(who)
        number = counts(luck, shape, growth, who, dice)
        buying = np.flatnonzero(number)
        who, of, j = (column.take(buying) for column in (who, of, j))
        number, lasting = number.take(buying), lasting.take(buying)
        return Made(who, of, number, number, lambda t: self._until(t).take(j) / lasting)

    def _until(self, t: float) -> Float:
        """The time from today to ``t`` on the clock of each draw, along which purchases fall."""
        same = np.full(len(self.points), t)
        return same if self.calendars is None else self.calendars.ahead(same, np.arange(same.size))

    def _of(self, columns: Float) -> Ahead:
        """The same with the customers of other histories."""
        x, t_x, T, *z = columns
        covariates = np.array(z).reshape(len(z), T.size).T
        split = self.purchase_z.shape[1]
        return self._replace(
            x=x, t_x=t_x, T=T, purchase_z=covariates[:, :split], dropout_z=covariates[:, split:]
        )

    def under_each(self) -> tuple[Float, Float, Float, Float]:
        """P(alive), age on the clock, and own ``alpha`` and ``beta``, each ``(n, k)``."""
        split = 4 + self.purchase_z.shape[1]
        r, alpha, s, beta = np.exp(self.points[:, :4]).T
        alpha = alpha * _moved(self.purchase_z, self.points[:, 4:split])
        beta = beta * _moved(self.dropout_z, self.points[:, split:])
        found = [np.empty((self.x.size, r.size)) for _ in range(2)]
        middle = ParetoNBDParams(
            float(np.median(r)), np.median(alpha, axis=1), float(np.median(s)), np.median(beta, 1)
        )
        scale = decay_scale(middle, self.x, self.t_x)
        for part in blocks(self.x.size, nodes=FEW_NODES * r.size):
            times, log_weights = dropout_nodes(
                self.t_x[part], self.T[part], scale[part], nodes=FEW_NODES
            )
            times = np.vstack([times, self.T[part]])
            active = times[..., None]
            if self.calendars is not None:
                active = self.calendars.age(self.T[part], times)
            # The log of each node's chance over that of being alive, which is the last one.
            terms = np.log(active + alpha[part])
            terms *= -(r + self.x[part, None])
            gone = np.log(times[..., None] + beta[part])
            terms -= s * gone
            terms -= terms[-1].copy()
            terms[:-1] += log_weights[..., None] - gone[:-1]
            with np.errstate(over="ignore"):
                odds = sum_of_nodes(np.exp(terms[:-1]))
                found[0][part] = 1 / (1 + s * odds)
            found[1][part] = np.broadcast_to(active[-1], odds.shape)
        return found[0], found[1], alpha, beta


def _moved(z: Float, coefficients: Float) -> Float:
    """What covariates make of a rate, ``(n, k)``; a customer alone has the same bits."""
    moved = np.zeros((len(z), len(coefficients)))
    for column, coefficient in zip(z.T, coefficients.T, strict=True):
        moved -= column[:, None] * coefficient
    return np.exp(moved)

"""The Pareto/NBD log-likelihood of all customers at once, with gradient and Hessian.

The nodes of the dropout time, weighted by their share of a customer's likelihood, are the
posterior over that moment. With d the derivative of the log of one node,

    gradient = E[d],        Hessian = E[d d'] + E[second derivative of the log] - E[d] E[d]',

so value, gradient and Hessian come from one pass. Customers with the same history are one
row with a weight. A *point* holds the logs of ``r, alpha, s, beta``, then the coefficients of
the covariates of buying and of dropping out, then those of the season:

    alpha_i = alpha exp(-coefficients . purchase_z_i)
    beta_i = beta exp(-coefficients . dropout_z_i)
    log m(d) = coefficients . basis(d)

Start reading at :func:`log_likelihood_total`.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from clv.numerics.clock import Clock, Path, exposure
from clv.numerics.histories import Histories
from clv.numerics.pareto_nbd import ParetoNBDParams, decay_scale
from clv.numerics.quadrature import Float, blocks, dropout_nodes, log_sum_exp
from clv.numerics.rising import rising_factorials


class Season(NamedTuple):
    """A calendar whose shape is estimated: the log of the multiplier is ``basis @ coefficients``.

    ``basis`` has shape ``(days, k)`` and ``purchases``, the repeat purchases of all customers
    on each day, ``(days,)``; days as in :class:`Clock`, up to ``today``.
    """

    basis: Float
    purchases: Float
    steps: tuple[int, ...] = ()

    @property
    def today(self) -> float:
        return float(len(self.basis))

    def clock(self, coefficients: Float) -> Clock:
        return Clock(np.exp(self.basis @ coefficients), self.today, self.steps)


class Pieces(NamedTuple):
    """A point taken apart."""

    params: ParetoNBDParams
    purchase: Float
    dropout: Float
    season: Float

    @classmethod
    def of(cls, point: Float, rows: Histories) -> Pieces:
        first = 4 + rows.purchase_z.shape[1]
        second = first + rows.dropout_z.shape[1]
        params = ParetoNBDParams(*(float(v) for v in np.exp(point[:4])))
        return cls(params, point[4:first], point[first:second], point[second:])

    def directions(self, rows: Histories) -> tuple[Float, Float]:
        """How ``log alpha`` and ``log beta`` of each row move with the point, ``(rows, p)``."""
        covariates = 4 + self.purchase.size
        in_alpha = np.zeros((rows.x.size, covariates + self.dropout.size + self.season.size))
        in_beta = np.zeros_like(in_alpha)
        in_alpha[:, 1], in_beta[:, 3] = 1, 1
        in_alpha[:, 4:covariates] = -rows.purchase_z
        in_beta[:, covariates : covariates + self.dropout.size] = -rows.dropout_z
        return in_alpha, in_beta

    def own_rates(self, rows: Histories) -> ParetoNBDParams:
        """``alpha`` and ``beta`` of each row."""
        r, alpha, s, beta = self.params
        return ParetoNBDParams(
            r,
            alpha * np.exp(-(rows.purchase_z @ self.purchase)),
            s,
            beta * np.exp(-(rows.dropout_z @ self.dropout)),
        )


def scale_of_nodes(point: Float, rows: Histories, season: Season | None = None) -> Float:
    """The decay scale of each row at ``point``, shape ``(rows,)``."""
    pieces = Pieces.of(point, rows)
    active = None if season is None else season.clock(pieces.season).age(rows.T, rows.t_x)
    return decay_scale(pieces.own_rates(rows), rows.x, rows.t_x, active=active)


def log_likelihood_total(
    point: Float,
    rows: Histories,
    scale: Float,
    *,
    nodes: int,
    season: Season | None = None,
) -> tuple[float, Float, Float]:
    """Summed log-likelihood with its gradient and Hessian in ``point``.

    Args:
        point: See the module, shape ``(p,)``.
        rows: Distinct histories with weights.
        scale: Decay scale that places the nodes, shape ``(rows,)``; hold it fixed in a search.
        nodes: Nodes per row, and per panel between two steps of the season.
        season: The calendar to estimate; its coefficients are the last entries of ``point``.

    Returns:
        Value, gradient ``(p,)``, Hessian ``(p, p)``. Memory does not grow with the rows.
    """
    pieces = Pieces.of(point, rows)
    r = float(pieces.params.r)
    value, gradient, hessian = 0.0, np.zeros(point.size), np.zeros((point.size, point.size))
    ticking = None if season is None else _Ticking.of(season, pieces.season)
    panels = 1 if season is None else 1 + len(season.steps)
    for part in blocks(rows.x.size, nodes=nodes * panels):
        block = Histories(*(column[part] for column in rows))
        v, g, h = _block_total(pieces, block, scale[part], nodes, ticking)
        value, gradient, hessian = value + v, gradient + g, hessian + h
    counts = np.bincount(rows.x.astype(np.int64), weights=rows.weights)
    tables = rising_factorials(r, counts.size - 1)
    log_value, first, second = (float(counts @ table) for table in tables)
    value += log_value - float((rows.weights * rows.x) @ np.log(pieces.own_rates(rows).alpha))
    gradient[0] += r * first
    hessian[0, 0] += r * first + r**2 * second
    if season is not None and ticking is not None:
        own = slice(point.size - pieces.season.size, None)
        value += float(season.purchases @ (season.basis @ pieces.season))
        gradient[own] += season.purchases @ season.basis
        busy = ticking.clock.multiplier * ticking.exposed
        hessian[own, own] -= (season.basis.T * busy) @ season.basis
    return value, gradient, (hessian + hessian.T) / 2


@dataclasses.dataclass(frozen=True)
class _Ticking:
    """A season at one point: its clock, the clock's derivatives, and the exposure gathered.

    ``exposed`` is the posterior exposure of each day, the derivative of the summed
    log-likelihood in the multiplier but for the purchases, with its sign turned.
    """

    clock: Clock
    derivatives: Path
    exposed: Float

    @classmethod
    def of(cls, season: Season, coefficients: Float) -> _Ticking:
        clock = season.clock(coefficients)
        amounts = season.basis.T * clock.multiplier
        return cls(clock, Path.of(amounts, season.steps), np.zeros(clock.multiplier.size))

    def age_derivatives(self, T: Float, times: Float) -> Float:
        """Of the active age at each time, in the season's coefficients, ``(k, nodes, n)``."""
        born = self.clock.today - T
        return self.derivatives.at(born + times) - self.derivatives.at(born)[:, None]

    def expose(self, weights: Float, T: Float, times: Float) -> None:
        born = self.clock.today - T
        days, steps = self.clock.multiplier.size, self.clock.steps
        self.exposed[:] += exposure(weights, born + times, days, steps)
        self.exposed[:] -= exposure(weights.sum(axis=0), born, days, steps)


def _block_total(
    pieces: Pieces, rows: Histories, scale: Float, nodes: int, ticking: _Ticking | None
) -> tuple[float, Float, Float]:
    """The part of the total that needs the nodes. The last node is being alive at ``T``."""
    r, alpha, s, beta = pieces.own_rates(rows)
    x, t_x, T, weights, *_ = rows
    cuts = None if ticking is None else ticking.clock.cuts(T)
    times, log_weights = dropout_nodes(t_x, T, scale, nodes=nodes, cuts=cuts)
    times = np.vstack([times, T])
    active = times if ticking is None else ticking.clock.age(T, times)
    dropped = np.ones((len(times), 1))
    dropped[-1] = 0
    log_a, log_b = np.log1p(active / alpha), np.log1p(times / beta)
    terms = log_a * -(r + x)
    terms -= log_b * (s + dropped)
    terms[:-1] += log_weights + np.log(s / beta)
    totals, shares = log_sum_exp(terms)
    shares *= weights

    # First derivatives of each node's log, in log r, log alpha, log s, log beta. With the
    # ratios A / (alpha + A) and t / (beta + t) in [0, 1] nothing in them cancels.
    a, b = active / (alpha + active), times / (beta + times)
    in_alpha, in_beta = pieces.directions(rows)
    first = np.zeros((in_alpha.shape[1], *times.shape))
    np.multiply(log_a, -r, out=first[0])
    np.subtract(dropped, s * log_b, out=first[2])
    for directions, slope in ((in_alpha, a * (r + x) - x), (in_beta, b * (s + dropped) - dropped)):
        for column in np.flatnonzero(directions.any(axis=0)):
            np.multiply(slope, directions[:, column], out=first[column])
    season = slice(first.shape[0] - pieces.season.size, None)
    if ticking is not None:
        per_time = (r + x) / (alpha + active)
        np.multiply(ticking.age_derivatives(T, times), -per_time, out=first[season])
        ticking.expose(shares * per_time, T, times)
    weighted = first * shares
    sums = weighted.sum(axis=1)
    gradient = sums.sum(axis=1)
    flat = first.reshape(len(first), -1)
    hessian = weighted.reshape(flat.shape) @ flat.T - (sums / weights) @ sums.T
    # In log r, and in log s but for the 1 of a dropout, a node's log is linear in r and s.
    hessian[0, 0] += gradient[0]
    hessian[2, 2] += gradient[2] - (shares * dropped).sum()

    shares_a, shares_b = shares * a, shares * b
    bend = r * shares_a.sum(axis=0) @ in_alpha, s * shares_b.sum(axis=0) @ in_beta
    own_a = (r + x) * (shares_a * (1 - a)).sum(axis=0)
    own_b = ((shares_b * (1 - b)) * (s + dropped)).sum(axis=0)
    hessian -= (in_alpha.T * own_a) @ in_alpha + (in_beta.T * own_b) @ in_beta
    mixed = np.zeros_like(hessian)
    mixed[0], mixed[2] = bend
    if ticking is not None:
        busy = weighted[season]
        mixed[0, season] += busy.sum(axis=1) @ (r / (r + x))
        mixed[season] -= (busy * (1 - a)).sum(axis=1) @ in_alpha
        curved = (first[season] / (r + x)).reshape(len(busy), -1)
        hessian[season, season] += busy.reshape(curved.shape) @ curved.T
    hessian += mixed + mixed.T
    return float(weights @ totals), gradient, hessian

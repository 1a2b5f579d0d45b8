"""The Pareto/NBD log-likelihood of all customers at once, with gradient and Hessian.

Customers with the same history are one row with a weight; value and derivatives of each row are
those of :mod:`clv.numerics.pareto_nbd_unseen`. A *point* holds the logs of ``r, alpha, s,
beta``, then the coefficients of the covariates of buying and of dropping out, then those of the
season:

    alpha_i = alpha exp(-coefficients . purchase_z_i)
    beta_i = beta exp(-coefficients . dropout_z_i)
    log m(d) = coefficients . basis(d)

Start reading at :func:`log_likelihood_total`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from clv.numerics.clock import Clock, Path, exposure
from clv.numerics.histories import Histories
from clv.numerics.pareto_nbd import ParetoNBDParams, Unseen, decay_scale
from clv.numerics.pareto_nbd_unseen import row_derivatives
from clv.numerics.quadrature import Float, blocks, enough_nodes
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

    def covariates(self, rows: Histories) -> Iterator[tuple[slice, int, Float]]:
        """Where the coefficients are in a point, and what they move: 1 ``alpha``, 3 ``beta``."""
        first = 4 + self.purchase.size
        if self.purchase.size:
            yield slice(4, first), 1, rows.purchase_z
        if self.dropout.size:
            yield slice(first, first + self.dropout.size), 3, rows.dropout_z

    def own_rates(self, rows: Histories) -> ParetoNBDParams:
        """``alpha`` and ``beta`` of each row, or the one of all."""
        if self.purchase.size + self.dropout.size == 0:
            return self.params
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
        rows: Distinct histories with weights, fastest in the order of :func:`by_reach`.
        scale: Decay scale that places the nodes, shape ``(rows,)``; hold it fixed in a search.
        nodes: How fine the nodes are, see :func:`enough_nodes`; with a season, their number,
            in the first panel between two of its steps.
        season: The calendar to estimate; its coefficients are the last entries of ``point``.

    Returns:
        Value, gradient ``(p,)``, Hessian ``(p, p)``. Memory does not grow with the rows.
    """
    pieces = Pieces.of(point, rows)
    r = float(pieces.params.r)
    value, gradient, hessian = 0.0, np.zeros(point.size), np.zeros((point.size, point.size))
    ticking = None if season is None else _Ticking.of(season, pieces.season)
    clock = None if ticking is None else ticking.clock
    for block in _blocks(pieces, rows, scale, nodes, clock):
        v, g, h = _block_total(pieces, block, ticking)
        value, gradient, hessian = value + v, gradient + g, hessian + h
    v, first, second = _purchases(pieces, rows, season)
    value += v
    gradient[0] += r * first
    hessian[0, 0] += r * first + r**2 * second
    if season is not None and ticking is not None:
        own = slice(point.size - pieces.season.size, None)
        gradient[own] += season.purchases @ season.basis
        busy = ticking.clock.multiplier * ticking.exposed
        hessian[own, own] -= (season.basis.T * busy) @ season.basis
    return value, gradient, (hessian + hessian.T) / 2


def log_likelihood_value(
    point: Float, rows: Histories, scale: Float, *, nodes: int, season: Season | None = None
) -> float:
    """The value alone of :func:`log_likelihood_total`, at a fraction of the cost."""
    pieces = Pieces.of(point, rows)
    clock = None if season is None else season.clock(pieces.season)
    value, _, _ = _purchases(pieces, rows, season)
    for block in _blocks(pieces, rows, scale, nodes, clock):
        value += float(block.rows.weights @ block.unseen.log_likelihood())
    return value


def by_reach(rows: Histories, scale: Float) -> Histories:
    """The same rows, those with short integrals first: a block has the nodes of its longest."""
    reach = np.log1p((rows.T - rows.t_x) / scale)
    order = np.argsort(enough_nodes(reach, 128), kind="stable")
    return Histories(*(column[order] for column in rows))


def _purchases(
    pieces: Pieces, rows: Histories, season: Season | None
) -> tuple[float, float, float]:
    """The part of the total that needs no nodes, and its two derivatives in ``r``."""
    counts = np.bincount(rows.x.astype(np.int64), weights=rows.weights)
    tables = rising_factorials(float(pieces.params.r), counts.size - 1)
    value, first, second = (float(counts @ table) for table in tables)
    if season is not None:
        value += float(season.purchases @ (season.basis @ pieces.season))
    return value, first, second


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


class _Block(NamedTuple):
    """Some of the rows and what their nodes say."""

    rows: Histories
    unseen: Unseen


def _blocks(
    pieces: Pieces, every: Histories, scale: Float, nodes: int, clock: Clock | None
) -> Iterator[_Block]:
    alike = blocks(every.x.size, nodes=nodes)
    for part in alike if clock is None else clock.alike(every.T, every.t_x, nodes):
        rows, count = Histories(*(column[part] for column in every)), nodes
        if clock is None:  # as many as the longest integral needs
            reach = np.log1p((rows.T - rows.t_x) / scale[part])
            count = int(enough_nodes(reach.max(), nodes))
        own = pieces.own_rates(rows)
        yield _Block(rows, Unseen.of(own, rows[:3], scale[part], count, clock))


def _block_total(
    pieces: Pieces, block: _Block, ticking: _Ticking | None
) -> tuple[float, Float, Float]:
    """The part of the total that needs the nodes."""
    rows, unseen = block
    first, slope, second = row_derivatives(unseen)
    slope *= rows.weights
    second *= rows.weights
    size = 4 + pieces.purchase.size + pieces.dropout.size + pieces.season.size
    gradient, hessian = np.zeros(size), np.zeros((size, size))
    gradient[:4], hessian[:4, :4] = slope.sum(axis=1), second.sum(axis=2)
    covariates = list(pieces.covariates(rows))
    for place, of, z in covariates:
        gradient[place] = -slope[of] @ z
        hessian[:4, place] = -second[:, of] @ z
        hessian[place, :4] = hessian[:4, place].T
        for other, of_other, other_z in covariates:
            hessian[place, other] = (z.T * second[of, of_other]) @ other_z
    if ticking is not None:
        season = slice(size - pieces.season.size, None)
        total = _season_total(block, ticking, first)
        gradient[season], hessian[season, season], mixed = total
        hessian[:4, season] = mixed.sum(axis=2)
        for place, of, z in covariates:
            hessian[place, season] = -z.T @ mixed[of].T
        hessian[season] = hessian[:, season].T
    return float(rows.weights @ unseen.log_likelihood()), gradient, hessian


def _season_total(block: _Block, ticking: _Ticking, first: Float) -> tuple[Float, Float, Float]:
    """Gradient and Hessian in the season, and what ties it to the four of each row, ``(4, k, n)``.

    ``first`` are the derivatives in these four, but for what all nodes have in common.
    """
    own, rows, unseen = block.unseen.own, *block
    x, t_x, T, weights, *_ = rows
    ticks = own.r + x
    times = np.minimum(t_x + unseen.since, T)
    aged = (own.alpha + unseen.seen) * (1 + unseen.growth_a)
    share, per_time = unseen.share * weights, ticks / aged
    ticking.expose(share * per_time, T, times)
    derivatives = ticking.age_derivatives(T, times)
    derivatives *= -per_time
    busy = derivatives * share
    sums = busy.sum(axis=1)
    mixed = np.einsum("ikn,jkn->ijn", first, busy)
    mixed -= (first * unseen.share).sum(axis=1)[:, None] * sums
    mixed[0] += sums * (own.r / ticks)
    mixed[1] -= (busy * (own.alpha / aged)).sum(axis=1)
    curved = (derivatives * (1 + 1 / ticks)).reshape(len(busy), -1)
    hessian = busy.reshape(curved.shape) @ curved.T - (sums / weights) @ sums.T
    return sums.sum(axis=1), hessian, mixed

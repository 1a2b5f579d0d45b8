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
from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np

from clv.numerics.clock import Clock, Path, exposure
from clv.numerics.histories import Histories
from clv.numerics.pareto_nbd import ParetoNBDParams, decay_scale
from clv.numerics.quadrature import Float, blocks, enough_nodes, log_time_nodes
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
        rows: Distinct histories with weights, fastest in the order of :func:`by_reach`.
        scale: Decay scale that places the nodes, shape ``(rows,)``; hold it fixed in a search.
        nodes: How fine the nodes are, see :func:`enough_nodes`; with a season, their number,
            in each panel between two of its steps.
        season: The calendar to estimate; its coefficients are the last entries of ``point``.

    Returns:
        Value, gradient ``(p,)``, Hessian ``(p, p)``. Memory does not grow with the rows.
    """
    pieces = Pieces.of(point, rows)
    r = float(pieces.params.r)
    value, gradient, hessian = 0.0, np.zeros(point.size), np.zeros((point.size, point.size))
    ticking = None if season is None else _Ticking.of(season, pieces.season)
    for block, unseen in _unseen(pieces, rows, scale, nodes, ticking and ticking.clock):
        v, g, h = _block_total(pieces, block, unseen, ticking)
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
    for block, unseen in _unseen(pieces, rows, scale, nodes, clock):
        value += float(block.weights @ unseen.log_likelihood)
    return value


def by_reach(rows: Histories, scale: Float) -> Histories:
    """The same rows, those whose integral is short first: a block has the nodes of its longest."""
    order = np.argsort((rows.T - rows.t_x) / scale, kind="stable")
    return Histories(*(column[order] for column in rows))


def _purchases(
    pieces: Pieces, rows: Histories, season: Season | None
) -> tuple[float, float, float]:
    """The part of the total that needs no nodes, and its two derivatives in ``r``."""
    counts = np.bincount(rows.x.astype(np.int64), weights=rows.weights)
    tables = rising_factorials(float(pieces.params.r), counts.size - 1)
    value, first, second = (float(counts @ table) for table in tables)
    value -= float((rows.weights * rows.x) @ np.log(pieces.own_rates(rows).alpha))
    if season is not None:
        value += float(season.purchases @ (season.basis @ pieces.season))
    return value, first, second


class _Unseen(NamedTuple):
    """What the moments of dropout say of each row of a block; the last is being alive at ``T``.

    ``since`` is the time from the last purchase on, ``share`` a moment's share of the likelihood.
    ``ratio_a`` is by how much alpha + A has grown since, ``log_a`` the log of its growth;
    ``ratio_b`` and ``log_b`` the same of beta + t. All have shape ``(nodes + 1, n)``; ``seen``,
    the clock at the last purchase, and ``log_likelihood``, but for what needs no nodes, ``(n,)``.
    """

    since: Float
    share: Float
    log_a: Float
    log_b: Float
    ratio_a: Float
    ratio_b: Float
    seen: Float
    log_likelihood: Float

    @classmethod
    def of(
        cls,
        own: ParetoNBDParams,
        rows: Histories,
        scale: Float,
        nodes: int,
        clock: Clock | None,
    ) -> Self:
        r, alpha, s, beta = own
        x, t_x, T, *_ = rows
        cuts = None if clock is None else clock.cuts(T)
        u, weights = log_time_nodes(t_x, T, scale, nodes=nodes, cuts=cuts)
        since = np.expm1(u)
        since *= scale
        seen = t_x if clock is None else clock.age(T, t_x)
        busy = since if clock is None else clock.age(T, np.minimum(t_x + since, T)) - seen
        ratio_a, ratio_b = busy / (alpha + seen), since / (beta + t_x)
        log_a, log_b = np.log1p(ratio_a), np.log1p(ratio_b)
        # Relative to its height at t_x, from where the integrand only falls, nothing overflows.
        share = log_a * -(r + x)
        share -= s * log_b
        u -= log_b
        share[:-1] += u[:-1]
        np.exp(share, out=share)
        weights *= scale * s / (beta + t_x)
        share[:-1] *= weights
        total = share.sum(axis=0)
        share /= total
        value = np.log(total) - (r + x) * np.log1p(seen / alpha) - s * np.log1p(t_x / beta)
        return cls(since, share, log_a, log_b, ratio_a, ratio_b, seen, value)


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


def _unseen(
    pieces: Pieces, rows: Histories, scale: Float, nodes: int, clock: Clock | None
) -> Iterator[tuple[Histories, _Unseen]]:
    """Block by block, each with the nodes its longest integral needs."""
    panels = 1 if clock is None else 1 + len(clock.steps)
    for part in blocks(rows.x.size, nodes=nodes * panels):
        block = Histories(*(column[part] for column in rows))
        count = nodes
        if clock is None:
            reach = np.log1p(((block.T - block.t_x) / scale[part]).max())
            count = enough_nodes(reach, nodes)
        yield block, _Unseen.of(pieces.own_rates(block), block, scale[part], count, clock)


def _block_total(
    pieces: Pieces, rows: Histories, unseen: _Unseen, ticking: _Ticking | None
) -> tuple[float, Float, Float]:
    """The part of the total that needs the nodes."""
    r, alpha, s, beta = pieces.own_rates(rows)
    x, t_x, _, weights, *_ = rows
    share = unseen.share
    dropped = 1 - share[-1]
    # A / (alpha + A) and t / (beta + t), at the last purchase and how far they go on from there
    # to 1. As ratios in [0, 1] nothing in them cancels.
    a0, b0 = unseen.seen / (alpha + unseen.seen), t_x / (beta + t_x)
    a = unseen.ratio_a / (1 + unseen.ratio_a)
    b = unseen.ratio_b / (1 + unseen.ratio_b)
    mean_a, square_a = _moments(a, share)
    mean_b_dropped, square_b_dropped = _moments(b[:-1], share[:-1])
    mean_b = mean_b_dropped + share[-1] * b[-1]
    square_b = square_b_dropped + share[-1] * b[-1] ** 2

    # First derivatives of each node's log, in log r, log alpha, log s and log beta, but for
    # what all nodes of a customer have in common.
    first = np.empty((4, *share.shape))
    np.multiply(unseen.log_a, -r, out=first[0])
    np.multiply(a, (r + x) * (1 - a0), out=first[1])
    np.multiply(unseen.log_b, -s, out=first[2])
    first[2, :-1] += 1
    np.multiply(b, s, out=first[3])
    first[3, :-1] += b[:-1] - 1
    first[3] *= 1 - b0
    weighted = first * share
    means = weighted.sum(axis=1)
    second = np.empty((4, *means.shape))
    for i in range(4):
        second[i, i:] = np.einsum("jkn,kn->jn", first[i:], weighted[i])
        second[i:, i] = second[i, i:]
    second -= means[:, None] * means

    slope = means.copy()
    slope[0] -= r * np.log1p(unseen.seen / alpha)
    slope[1] += r * a0 - x * (1 - a0)
    slope[2] -= s * np.log1p(t_x / beta)
    slope[3] += s * b0
    # In log r, and in log s but for the 1 of a dropout, a node's log is linear in r and s.
    second[0, 0] += slope[0]
    second[2, 2] += slope[2] - dropped
    second[0, 1] += r * (a0 + (1 - a0) * mean_a)
    second[1, 0] = second[0, 1]
    second[2, 3] += s * (b0 + (1 - b0) * mean_b)
    second[3, 2] = second[2, 3]
    second[1, 1] -= (r + x) * _bend(a0, 1.0, mean_a, square_a)
    second[3, 3] -= s * _bend(b0, 1.0, mean_b, square_b)
    second[3, 3] -= _bend(b0, dropped, mean_b_dropped, square_b_dropped)
    slope *= weights
    second *= weights
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
        own = slice(size - pieces.season.size, None)
        gradient[own], hessian[own, own], mixed = _season_total(
            r, alpha, rows, unseen, ticking, first
        )
        hessian[:4, own] = mixed.sum(axis=2)
        for place, of, z in covariates:
            hessian[place, own] = -z.T @ mixed[of].T
            hessian[own, place] = hessian[place, own].T
        hessian[own, :4] = hessian[:4, own].T
    return float(weights @ unseen.log_likelihood), gradient, hessian


def _moments(value: Float, share: Float) -> tuple[Float, Float]:
    return np.einsum("kn,kn->n", value, share), np.einsum("kn,kn,kn->n", value, value, share)


def _bend(start: Float, total: Float | float, mean: Float, square: Float) -> Float:
    """Mean of v (1 - v), v being ``start`` and the share of the rest to 1 with these moments."""
    return (1 - start) * (start * total + (1 - 2 * start) * mean - (1 - start) * square)


def _season_total(
    r: float, alpha: Float, rows: Histories, unseen: _Unseen, ticking: _Ticking, first: Float
) -> tuple[Float, Float, Float]:
    """Gradient and Hessian in the season, and what ties it to the four of each row, ``(4, k, n)``.

    ``first`` are the derivatives in these four, but for what all nodes have in common.
    """
    x, t_x, T, weights, *_ = rows
    times = np.minimum(t_x + unseen.since, T)
    aged = (alpha + unseen.seen) * (1 + unseen.ratio_a)
    share = unseen.share * weights
    per_time = (r + x) / aged
    ticking.expose(share * per_time, T, times)
    own = ticking.age_derivatives(T, times)
    own *= -per_time
    busy = own * share
    sums = busy.sum(axis=1)
    mixed = np.einsum("ikn,jkn->ijn", first, busy)
    mixed -= (first * unseen.share).sum(axis=1)[:, None] * sums
    mixed[0] += sums * (r / (r + x))
    mixed[1] -= (busy * (alpha / aged)).sum(axis=1)
    curved = (own * (1 + 1 / (r + x))).reshape(len(own), -1)
    hessian = busy.reshape(curved.shape) @ curved.T - (sums / weights) @ sums.T
    return sums.sum(axis=1), hessian, mixed

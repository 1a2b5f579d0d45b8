"""What the nodes of the dropout time say of a block of rows: value and derivatives of each.

Each node is a moment at which a customer may have dropped out, the last one being alive at
``T``, and has its share of the customer's likelihood. With d the derivative of the log of one
node,

    gradient = E[d],        Hessian = E[d d'] + E[second derivative of the log] - E[d] E[d]',

so that a few sums over the nodes of a row tell all. Everything is counted from the last
purchase on: there the integrand is highest, and what all nodes have in common cancels from
the differences. Arrays of nodes have shape ``(nodes + 1, n)``.

Start reading at :class:`Unseen`, then :func:`row_derivatives`.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from clv.numerics.clock import Clock
from clv.numerics.histories import Histories
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.quadrature import Float, log_time_nodes


class Unseen(NamedTuple):
    """The moments at which each row of a block may have dropped out; the last: alive at ``T``.

    ``since`` is the time from the last purchase on, ``share`` a moment's share of the
    likelihood. Since that purchase alpha + A has grown by ``growth_a``, in logs ``log_a``, and
    beta + t by ``growth_b``. All have shape ``(nodes + 1, n)``; ``seen``, the clock at the last
    purchase, and ``log_likelihood``, but for what needs no nodes, have ``(n,)``.
    """

    since: Float
    share: Float
    growth_a: Float
    growth_b: Float
    log_a: Float
    log_b: Float
    seen: Float
    log_likelihood: Float

    @classmethod
    def of(
        cls, own: ParetoNBDParams, rows: Histories, scale: Float, nodes: int, clock: Clock | None
    ) -> Self:
        r, alpha, s, beta = own
        x, t_x, T, *_ = rows
        each, cuts = ([nodes], None) if clock is None else clock.panels(T, t_x, nodes)
        u, weights = log_time_nodes(t_x, T, scale, nodes=each, cuts=cuts)
        since = np.expm1(u)
        since *= scale
        seen = t_x if clock is None else clock.age(T, t_x)
        busy = since if clock is None else clock.age(T, np.minimum(t_x + since, T)) - seen
        growth_a, growth_b = busy / (alpha + seen), since / (beta + t_x)
        log_a, log_b = np.log1p(growth_a), np.log1p(growth_b)
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
        return cls(since, share, growth_a, growth_b, log_a, log_b, seen, value)


class RowDerivatives(NamedTuple):
    """In log r, log alpha, log s and log beta of each row, alpha and beta being its own.

    ``gradient`` has shape ``(4, n)``, ``hessian`` ``(4, 4, n)``; ``first``, shape
    ``(4, nodes + 1, n)``, are the derivatives of each node's log but for what all nodes of a
    row have in common.
    """

    first: Float
    gradient: Float
    hessian: Float


def row_derivatives(own: ParetoNBDParams, rows: Histories, unseen: Unseen) -> RowDerivatives:
    """Of each row's log-likelihood, but for its factor Gamma(r + x) / Gamma(r)."""
    r, alpha, s, beta = own
    x, t_x, share = rows.x, rows.t_x, unseen.share
    a = _Ratio.of(unseen.seen / (alpha + unseen.seen), unseen.growth_a)
    b = _Ratio.of(t_x / (beta + t_x), unseen.growth_b)
    dropped = np.ones((len(share), 1))
    dropped[-1] = 0
    first = np.empty((4, *share.shape))
    np.multiply(unseen.log_a, -r, out=first[0])
    np.multiply(a.on, (r + x) * (1 - a.start), out=first[1])
    np.subtract(dropped, s * unseen.log_b, out=first[2])
    np.subtract((s + dropped) * b.on, dropped, out=first[3])
    first[3] *= 1 - b.start

    means, squares = _moments(first, share)
    means[0] -= r * np.log1p(unseen.seen / alpha)
    means[1] += r * a.start - x * (1 - a.start)
    means[2] -= s * np.log1p(t_x / beta)
    means[3] += s * b.start
    # In log r, and in log s but for the 1 of a dropout, a node's log is linear in r and s.
    squares[0, 0] += means[0]
    squares[2, 2] += means[2] - (1 - share[-1])
    squares[0, 1] += r * a.mean(share)
    squares[1, 0] = squares[0, 1]
    squares[2, 3] += s * b.mean(share)
    squares[3, 2] = squares[2, 3]
    squares[1, 1] -= (r + x) * a.bend(share)
    squares[3, 3] -= b.bend(share * (s + dropped))
    return RowDerivatives(first, means, squares)


def _moments(first: Float, share: Float) -> tuple[Float, Float]:
    """Mean and covariance over the nodes of each row."""
    weighted = first * share
    means = weighted.sum(axis=1)
    covariance = np.empty((4, *means.shape))
    for i in range(4):
        covariance[i, i:] = np.einsum("jkn,kn->jn", first[i:], weighted[i])
        covariance[i:, i] = covariance[i, i:]
    covariance -= means[:, None] * means
    return means, covariance


class _Ratio(NamedTuple):
    """A ratio like A / (alpha + A), which nothing cancels in, as it is in [0, 1].

    ``start`` is its value at the last purchase, shape ``(n,)``, ``on`` how much of the way from
    there to 1 it has gone at each node.
    """

    start: Float
    on: Float

    @classmethod
    def of(cls, start: Float, growth: Float) -> Self:
        return cls(start, growth / (1 + growth))

    def mean(self, share: Float) -> Float:
        return np.asarray(self.start + (1 - self.start) * np.einsum("kn,kn->n", self.on, share))

    def bend(self, weight: Float) -> Float:
        """Weighted sum over nodes of v (1 - v), v being the ratio."""
        v, rest = self.start, 1 - self.start
        total, mean = weight.sum(axis=0), np.einsum("kn,kn->n", self.on, weight)
        square = np.einsum("kn,kn,kn->n", self.on, self.on, weight)
        return np.asarray(rest * (v * total + (1 - 2 * v) * mean - rest * square))

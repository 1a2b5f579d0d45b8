"""What the nodes of the dropout time say of a block of rows: the derivatives of each.

Each node is a moment at which a customer may have dropped out, the last one being alive at
``T``, and has its share of the customer's likelihood. With d the derivative of the log of one
node,

    gradient = E[d],        Hessian = E[d d'] + E[second derivative of the log] - E[d] E[d]',

so that a few sums over the nodes of a row tell all. Everything is counted from the last
purchase on: there the integrand is highest, and what all nodes have in common cancels from
the differences. Arrays of nodes have shape ``(nodes + 1, n)``.

Start reading at :func:`row_derivatives`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clv.numerics.pareto_nbd import Unseen
from clv.numerics.quadrature import Float


class RowDerivatives(NamedTuple):
    """In log r, log alpha, log s and log beta of each row, alpha and beta being its own.

    ``gradient`` has shape ``(4, n)``, ``hessian`` ``(4, 4, n)``; ``first``, shape
    ``(4, nodes + 1, n)``, are the derivatives of each node's log but for what all nodes of a
    row have in common.
    """

    first: Float
    gradient: Float
    hessian: Float


def row_derivatives(unseen: Unseen) -> RowDerivatives:
    """Of each row's log-likelihood, but for its factor Gamma(r + x) / Gamma(r)."""
    r, alpha, s, beta = unseen.own
    x, t_x, T = unseen.history
    share = unseen.share
    on_a = unseen.growth_a / (1 + unseen.growth_a)
    on_b = unseen.growth_b / (1 + unseen.growth_b)
    start_a, start_b = unseen.seen / (alpha + unseen.seen), t_x / (beta + t_x)
    first = np.empty((4, *share.shape))
    np.multiply(unseen.log_a, -r, out=first[0])
    np.multiply(on_a, (r + x) * (1 - start_a), out=first[1])
    np.multiply(unseen.log_b, -s, out=first[2])
    np.multiply(on_b, (s + 1) * (1 - start_b), out=first[3])
    first[2, :-1] += 1
    first[3, :-1] -= 1 - start_b
    first[3, -1] *= s / (s + 1)

    means, squares = _moments(first, share)
    means[0] -= r * np.log1p(unseen.seen / alpha)
    means[1] += r * start_a - x * (1 - start_a)
    means[2] -= s * np.log1p(t_x / beta)
    means[3] += s * start_b
    # In log r, and in log s but for the 1 of a dropout, a node's log is linear in r and s.
    squares[0, 0] += means[0]
    squares[2, 2] += means[2] - (1 - share[-1])
    ratio_a, bend_a = _ratio(start_a, on_a, share)
    ratio_b, bend_b = _ratio(start_b, on_b, share)
    squares[0, 1] += r * ratio_a
    squares[1, 0] = squares[0, 1]
    squares[2, 3] += s * ratio_b
    squares[3, 2] = squares[2, 3]
    squares[1, 1] -= (r + x) * bend_a
    squares[3, 3] -= (s + 1) * bend_b - share[-1] * T * beta / (beta + T) ** 2
    return RowDerivatives(first, means, squares)


def _moments(first: Float, share: Float) -> tuple[Float, Float]:
    """Mean and covariance over the nodes of each row."""
    means, covariance = np.empty((4, share.shape[1])), np.empty((4, 4, share.shape[1]))
    for i in range(4):
        weighted = first[i] * share
        weighted.sum(axis=0, out=means[i])
        np.einsum("jkn,kn->jn", first[i:], weighted, out=covariance[i, i:])
        covariance[i:, i] = covariance[i, i:]
    covariance -= means[:, None] * means
    return means, covariance


def _ratio(start: Float, on: Float, share: Float) -> tuple[Float, Float]:
    """Means of v and of v (1 - v) over the nodes of each row, for a ratio like A / (alpha + A).

    It is ``start`` at the last purchase, shape ``(n,)``, and has gone ``on`` of the way from
    there to 1 at each node, so that nothing cancels.
    """
    rest = 1 - start
    mean = np.einsum("kn,kn->n", on, share)
    square = np.einsum("kn,kn,kn->n", on, on, share)
    return start + rest * mean, rest * (start + (1 - 2 * start) * mean - rest * square)

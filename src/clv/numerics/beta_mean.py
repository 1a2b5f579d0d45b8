"""The mean over a dropout probability that differs between customers as a beta.

What is averaged is a falling, convex function f of the probability p, flat up to some p near
``1 / steepness``, which may be smaller than any p the beta makes likely, or larger. Two known
means are taken out of it, that of f(0) (1 - p)^steepness and that of f(1) p: what remains
vanishes at both ends, however much of the beta lies there (a or b near 0). In the log odds
u = log(p / (1 - p)) it is smooth and falls exponentially, where equal steps converge fastest.

Arrays of nodes have shape ``(nodes, n)``. Nothing here knows a model. Start reading at
:func:`mean_over_beta`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clv.numerics.quadrature import Float, log_sum_exp, sum_of_nodes
from clv.numerics.rising import log_survival

NODES = 96
"""Nodes for a result per customer: 1e-9 of it anywhere on the stress grid of the tests."""

REACH = 28.0
"""Nodes end where the integrand has fallen by exp(-28)."""

Function = Callable[[Float], Float]
"""From log(1 - p), shape ``(nodes, n)``, to the value for each customer there."""

ALMOST_ZERO, ALMOST_ONE = -1e-200, -700.0
"""What log(1 - p) is where p is as good as 0 or 1."""


def mean_over_beta(f: Function, a: Float, b: Float, steepness: Float) -> Float:
    """Mean of ``f`` where p is Beta(a, b), shape ``(n,)``.

    Args:
        f: Falling and convex in p from f(0) > 0 to f(1) >= 0.
        a, b: Of the beta, shape ``(n,)``, > 0.
        steepness: At least 1 and -f'(0) / f(0), shape ``(n,)``.
    """
    (at_zero,), (at_one,) = (f(np.full((1, a.size), end)) for end in (ALMOST_ZERO, ALMOST_ONE))
    log_q, shares = _nodes(a + 1, b + 1, steepness)
    p, q = -np.expm1(log_q), np.exp(log_q)
    rest = f(log_q) - at_zero * np.exp(steepness * log_q) - at_one * p
    # The shares are of Beta(a + 1, b + 1): they sum to one, so no gamma function is needed.
    inner = sum_of_nodes(shares * rest / (p * q))
    total = a + b
    ends = at_zero * np.exp(log_survival(a, b, steepness)) + at_one * a / total
    return np.asarray(ends + inner * (a / total) * (b / (total + 1)))


def _nodes(a: Float, b: Float, steepness: Float) -> tuple[Float, Float]:
    """Values of log(1 - p) in equal steps of the log odds, and each one's share of Beta(a, b)."""
    mode, reach = np.log(a / b), np.full_like(a, REACH)
    # To the left the integrand is as much larger than the mean as f(0) can be.
    first = mode - _distance(a, b, reach + 2 * np.log1p(steepness * a / (a + b)))
    last = mode + _distance(b, a, reach)
    u = first + (last - first) * np.linspace(0, 1, NODES)[:, None]
    log_q = -np.log1p(np.exp(u))
    _, shares = log_sum_exp(a * (u + log_q) + b * log_q)
    return log_q, shares


def _distance(a: Float, b: Float, reach: Float) -> Float:
    """How far below its mode, in log odds, the log density of Beta(a, b) has lost ``reach``.

    Newton from the far side of a convex function, which never passes the root.
    """
    peak = a / (a + b)
    d = (reach + (a + b) * np.log1p(a / b)) / a
    for _ in range(30):
        lost = a * d + (a + b) * np.log1p(peak * np.expm1(-d))
        slope = a - (a + b) * peak * np.exp(-d) / (1 + peak * np.expm1(-d))
        d = d - (lost - reach) / slope
    return d

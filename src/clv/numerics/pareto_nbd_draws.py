"""Pareto/NBD under many parameters at once: draws of them, and P(alive) under each.

The nodes of the dropout time stay where the fitted parameters put them, so that thousands of
evaluations near the fit cost two logarithms and an exponential per node. What follows from one
set of parameters to the last digit is in :mod:`clv.numerics.pareto_nbd`.

Start reading at :func:`draw`.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from clv.numerics import posterior
from clv.numerics.clock import Clock
from clv.numerics.optimize import LogPrior
from clv.numerics.pareto_nbd import ParetoNBDParams, decay_scale, rising_factorials
from clv.numerics.pareto_nbd_total import Histories, log_likelihood_total, scale_of_nodes
from clv.numerics.posterior import ParameterDraws
from clv.numerics.quadrature import Float, blocks, dropout_nodes, log_sum_exp

NODES = 16
"""Nodes for a draw, whose own noise hides an error of 1e-3 in a probability."""


class Nodes(NamedTuple):
    """Moments at which customers may have dropped out, the last one being alive today.

    ``times`` and ``active``, the same moments on the customers' clock, have shape
    ``(nodes + 1, n)``, ``log_weights`` one row less.
    """

    x: Float
    times: Float
    active: Float
    log_weights: Float

    @classmethod
    def around(
        cls,
        params: ParetoNBDParams,
        x: Float,
        t_x: Float,
        T: Float,
        *,
        clock: Clock | None = None,
    ) -> Self:
        """The nodes that suit parameters near ``params``."""
        cuts = None if clock is None else clock.cuts(T)
        busy = None if clock is None else clock.age(T, t_x)
        scale = decay_scale(params, x, t_x, active=busy)
        times, log_weights = dropout_nodes(t_x, T, scale, nodes=NODES, cuts=cuts)
        times = np.vstack([times, T])
        return cls(x, times, times if clock is None else clock.age(T, times), log_weights)

    def survey(self, params: ParetoNBDParams) -> tuple[Float, Float]:
        """Log of the likelihood but for its factor in ``x`` and ``r``, and P(alive), ``(n,)``."""
        r, alpha, s, beta = params
        falling = np.log1p(self.times / beta)
        terms = np.log1p(self.active / alpha)
        terms *= -(r + self.x)
        terms -= s * falling
        terms[:-1] += self.log_weights + np.log(s / beta) - falling[:-1]
        total, shares = log_sum_exp(terms)
        return total - self.x * np.log(alpha), shares[-1]


def draw(
    rows: Histories,
    fitted: ParetoNBDParams,
    prior: LogPrior | None,
    *,
    count: int,
    seed: int,
) -> ParameterDraws:
    """Points of ``log r, log alpha, log s, log beta`` from the posterior.

    Args:
        rows: Distinct histories, without covariates.
        fitted: The optimum of these rows under ``prior``.
        prior: That of the fit.
        count, seed: As in :func:`clv.numerics.posterior.draw`.
    """
    mode = np.log(np.array(fitted))
    counts = np.bincount(rows.x.astype(np.int64), weights=rows.weights)
    parts = [
        (rows.weights[part], Nodes.around(fitted, rows.x[part], rows.t_x[part], rows.T[part]))
        for part in blocks(rows.x.size, nodes=NODES)
    ]

    def log_posterior(point: Float) -> float:
        params = ParetoNBDParams(*np.exp(point))
        rising, *_ = rising_factorials(float(params.r), counts.size - 1)
        value = counts @ rising
        value += sum(weights @ nodes.survey(params)[0] for weights, nodes in parts)
        if prior is not None:
            value -= prior.precision @ (point - prior.mean) ** 2 / 2
        return float(value) if np.isfinite(value) else -np.inf

    _, _, hessian = log_likelihood_total(mode, rows, scale_of_nodes(mode, rows), nodes=NODES)
    if prior is not None:
        hessian = hessian - np.diag(prior.precision)
    return posterior.draw(log_posterior, mode, hessian, count=count, seed=seed)

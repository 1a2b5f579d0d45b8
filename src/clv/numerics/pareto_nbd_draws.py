"""Pareto/NBD under many parameters at once: draws of them, and P(alive) under each.

The nodes of the dropout time stay where the fitted parameters put them, so that thousands of
evaluations near the fit cost two logarithms and an exponential per node. What follows from one
set of parameters to the last digit is in :mod:`clv.numerics.pareto_nbd`.

Start reading at :func:`draw`.
"""

from __future__ import annotations

import numpy as np

from clv.numerics import posterior
from clv.numerics.histories import Histories
from clv.numerics.optimize import LogPrior
from clv.numerics.pareto_nbd import Nodes, ParetoNBDParams
from clv.numerics.pareto_nbd_total import Pieces, Season, log_likelihood_total, scale_of_nodes
from clv.numerics.posterior import ParameterDraws
from clv.numerics.quadrature import Float, blocks
from clv.numerics.rising import rising_factorials

FEW_NODES = 16
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
    """Points of ``log r, log alpha, log s, log beta`` from the posterior.

    The coefficients of covariates and season stay as they are fitted.

    Args:
        rows: Distinct histories.
        point: The optimum of these rows under ``prior``, as in ``pareto_nbd_total``.
        prior: That of the fit on the first four.
        count, seed: As in :func:`clv.numerics.posterior.draw`.
        season: That of the fit.
    """
    fitted = Pieces.of(point, rows)
    own, clock = fitted.own_rates(rows), season and season.clock(fitted.season)
    alphas, betas = np.asarray(own.alpha), np.asarray(own.beta)
    shares = alphas / fitted.params.alpha, betas / fitted.params.beta
    parts = []
    for part in blocks(rows.x.size, nodes=FEW_NODES):
        around = ParetoNBDParams(own.r, alphas[part], own.s, betas[part])
        history = rows.x[part], rows.t_x[part], rows.T[part]
        nodes = Nodes.around(around, history, FEW_NODES, clock)
        parts.append((rows.weights[part], [share[part] for share in shares], nodes))
    counts = np.bincount(rows.x.astype(np.int64), weights=rows.weights)

    def log_posterior(at: Float) -> float:
        r, alpha, s, beta = (float(v) for v in np.exp(at))
        rising, *_ = rising_factorials(r, counts.size - 1)
        value = counts @ rising
        for weights, (of_alpha, of_beta), nodes in parts:
            params = ParetoNBDParams(r, alpha * of_alpha, s, beta * of_beta)
            value += weights @ nodes.survey(params)[0]
        if prior is not None:
            value -= prior.precision @ (at - prior.mean) ** 2 / 2
        return float(value) if np.isfinite(value) else -np.inf

    scale = scale_of_nodes(point, rows, season)
    _, _, hessian = log_likelihood_total(point, rows, scale, nodes=FEW_NODES, season=season)
    hessian = hessian[:4, :4]
    if prior is not None:
        hessian = hessian - np.diag(prior.precision)
    return posterior.draw(log_posterior, point[:4], hessian, count=count, seed=seed)

"""The Pareto/NBD log-likelihood of all customers at once, with derivatives, and its maximum.

The nodes of the dropout time, weighted by their share of a customer's likelihood, are the
posterior over that moment. With d the derivative of the log of one node,

    gradient = E[d],        Hessian = E[d d'] + E[second derivative of the log] - E[d] E[d]',

so value, gradient and Hessian come from one pass. Customers with the same history are one
row with a weight. Derivatives are with respect to the logs of ``r, alpha, s, beta``.

Start reading at :func:`fit`.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from clv.numerics.histories import Histories
from clv.numerics.optimize import LogPrior, Optimum, Status, maximize, precision_limit
from clv.numerics.pareto_nbd import ParetoNBDParams, decay_scale
from clv.numerics.quadrature import Float, blocks, dropout_nodes, log_sum_exp
from clv.numerics.rising import rising_factorials

FEWEST_NODES, MOST_NODES = 16, 128

ENOUGH_TO_START = 4000
"""Distinct histories whose maximum is a good start for that of many more."""

PRIOR_SD = 3.0
"""Standard deviation of the weak prior on log s and log beta: a factor of 20 either way."""


def fit(rows: Histories, *, prior_beta: float | None = None) -> Optimum:
    """The maximum-likelihood ``r, alpha, s, beta``, or with a weak prior the posterior mode.

    Args:
        rows: Distinct histories, at least one of them with a repeat transaction.
        prior_beta: Center of the prior on ``beta``, in the time unit of the rows. Given, the
            prior is -1/2 [(log s)^2 + (log(beta / prior_beta))^2] / 3^2; else there is none.

    Returns:
        The optimum, found with nodes that follow the problem: they are doubled, and the
        fit repeated, until doubling moves the log-likelihood by no more than
        ``precision_limit``. Always read its ``status``.

    >>> from clv.numerics.histories import distinct_histories
    >>> rows = distinct_histories([0, 0, 1, 4, 9], [0, 0, 5, 20, 38], [39, 39, 30, 35, 38])
    >>> fit(rows, prior_beta=52.0).status
    <Status.NOT_IDENTIFIED: 'not_identified'>
    """
    prior = None
    if prior_beta is not None:
        information = np.array([0, 0, 1, 1]) / PRIOR_SD**2
        prior = LogPrior(np.array([0, 0, 0, np.log(prior_beta)]), information)
    point, spent = _starting_point(rows, prior)
    nodes = FEWEST_NODES
    while True:
        # Nodes stay where they are during one search, or the objective would have steps.
        scale = _scale(point, rows)
        total = functools.partial(log_likelihood_total, rows=rows, scale=scale, nodes=nodes)
        found = maximize(total, point, prior=prior)
        spent += found.evaluations + 1
        point = np.log(found.parameters)
        if not found.status.converged:
            break
        finer, _, _ = log_likelihood_total(point, rows, _scale(point, rows), nodes=2 * nodes)
        if abs(finer - found.log_likelihood) <= precision_limit(finer):
            break
        nodes *= 2
        if nodes > MOST_NODES:
            found = dataclasses.replace(found, status=Status.TOO_FEW_NODES)
            break
    return dataclasses.replace(found, evaluations=spent)


def _scale(point: Float, rows: Histories) -> Float:
    return decay_scale(ParetoNBDParams(*np.exp(point)), rows.x, rows.t_x)


def _starting_point(rows: Histories, prior: LogPrior | None) -> tuple[Float, int]:
    """Log parameters to start from, and the evaluations they cost."""
    purchases, seen, age = (
        float(np.average(v, weights=rows.weights)) for v in (rows.x, rows.t_x, rows.T)
    )
    # Purchases per time seen, were half of all customers to drop out by their mean age.
    point = np.log([1.0, (seen + age) / 2 / purchases, 1.0, age])
    every = rows.x.size // ENOUGH_TO_START
    if every < 2:
        return point, 0
    # Rows are in order, so every so manyth is a fair sample. It finds the neighborhood at a
    # fraction of the cost, unless it is too small to say where the maximum lies.
    sample = Histories(*(column[::every] for column in rows))
    scale = _scale(point, sample)
    total = functools.partial(log_likelihood_total, rows=sample, scale=scale, nodes=FEWEST_NODES)
    nearby = maximize(total, point, prior=prior)
    is_good = nearby.status is Status.OPTIMUM
    return (np.log(nearby.parameters) if is_good else point), nearby.evaluations


def log_likelihood_total(
    point: Float, rows: Histories, scale: Float, *, nodes: int
) -> tuple[float, Float, Float]:
    """Summed log-likelihood with its gradient and Hessian in log parameters.

    Args:
        point: Logs of ``r, alpha, s, beta``, shape ``(4,)``.
        rows: Distinct histories with weights.
        scale: Decay scale that places the nodes, shape ``(rows,)``; hold it fixed in a search.
        nodes: Nodes per row.

    Returns:
        Value, gradient ``(4,)``, Hessian ``(4, 4)``. Memory does not grow with the rows.
    """
    r, alpha, s, beta = (float(v) for v in np.exp(point))
    value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
    for part in blocks(rows.x.size, nodes=nodes):
        block = Histories(*(column[part] for column in rows))
        v, g, h = _block_total(ParetoNBDParams(r, alpha, s, beta), block, scale[part], nodes)
        value, gradient, hessian = value + v, gradient + g, hessian + h
    counts = np.bincount(rows.x.astype(np.int64), weights=rows.weights)
    log_value, first, second = (counts @ table for table in rising_factorials(r, counts.size - 1))
    value += log_value - np.log(alpha) * float(counts @ np.arange(counts.size))
    gradient[0] += r * first
    hessian[0, 0] += r * first + r**2 * second
    return value, gradient, (hessian + hessian.T) / 2


def _block_total(
    params: ParetoNBDParams, rows: Histories, scale: Float, nodes: int
) -> tuple[float, Float, Float]:
    """The part of the total that needs the nodes. The last node is being alive at ``T``."""
    r, alpha, s, beta = params
    x, t_x, T, weights = rows
    times, log_weights = dropout_nodes(t_x, T, scale, nodes=nodes)
    log_weights += np.log(s / beta)
    times = np.vstack([times, T])
    dropped = np.ones((nodes + 1, 1))
    dropped[-1] = 0
    log_a, log_b = np.log1p(times / alpha), np.log1p(times / beta)
    terms = log_a * -(r + x)
    terms -= log_b * (s + dropped)
    terms[:-1] += log_weights
    totals, shares = log_sum_exp(terms)
    shares *= weights

    # First derivatives of each node's log, in log r, log alpha, log s, log beta. With the
    # ratios t / (alpha + t) and t / (beta + t) in [0, 1] nothing in them cancels.
    a, b = times / (alpha + times), times / (beta + times)
    first = np.empty((4, *times.shape))
    np.multiply(log_a, -r, out=first[0])
    np.subtract(a * (r + x), x, out=first[1])
    np.subtract(dropped, s * log_b, out=first[2])
    np.subtract(b * (s + dropped), dropped, out=first[3])
    weighted = first * shares
    sums = weighted.sum(axis=1)
    gradient = sums.sum(axis=1)
    hessian = weighted.reshape(4, -1) @ first.reshape(4, -1).T - (sums / weights) @ sums.T
    hessian += _mean_second_derivatives(params, x, dropped, shares, a=a, b=b)
    # In log r, and in log s but for the 1 of a dropout, a node's log is linear in r and s.
    hessian[0, 0] += gradient[0]
    hessian[2, 2] += gradient[2] - (shares * dropped).sum()
    return float(weights @ totals), gradient, hessian


def _mean_second_derivatives(
    params: ParetoNBDParams, x: Float, dropped: Float, shares: Float, *, a: Float, b: Float
) -> Float:
    """Second derivatives of the nodes' logs that involve alpha or beta, weighted and summed."""
    r, _, s, _ = params
    shares_a, shares_b = shares * a, shares * b
    mixed_a, mixed_b = r * shares_a.sum(), s * shares_b.sum()
    own_a = (r + x) @ (shares_a * (1 - a)).sum(axis=0)
    own_b = (shares_b * (1 - b)).sum(axis=1) @ (s + dropped[:, 0])
    return np.array(
        [
            [0, mixed_a, 0, 0],
            [mixed_a, -own_a, 0, 0],
            [0, 0, 0, mixed_b],
            [0, 0, mixed_b, -own_b],
        ]
    )

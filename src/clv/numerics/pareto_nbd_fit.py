"""The Pareto/NBD parameters that explain a shop's histories best.

Plain, the fit has four parameters. Covariates add one coefficient each, on buying or on
dropping out; a season adds the coefficients of its shape. Start reading at :func:`fit`.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from clv.numerics.histories import Histories, require_repeats
from clv.numerics.optimize import LogPrior, Optimum, Status, maximize, precision_limit
from clv.numerics.pareto_nbd_total import (
    Season,
    by_reach,
    log_likelihood_total,
    log_likelihood_value,
    scale_of_nodes,
)
from clv.numerics.quadrature import Float

FEWEST_NODES, MOST_NODES = 12, 192
"""The fewest are enough, mostly; twice as many then confirm it. A steep season takes the most."""
HARMLESS = 1e-4
"""Error of the log-likelihood that no estimate shows, where the most are still not enough."""

ENOUGH_TO_START = 2000
"""Distinct histories whose maximum is a good start for that of many more."""

PRIOR_SD = 3.0
"""Standard deviation of the weak prior on log s and log beta: a factor of 20 either way."""


def fit(
    rows: Histories,
    *,
    prior_beta: float | None = None,
    season: Season | None = None,
    spread: Float | None = None,
) -> Optimum:
    """The maximum-likelihood parameters, or with priors the posterior mode.

    Args:
        rows: Distinct histories, at least one of them with a repeat transaction.
        prior_beta: Center of the prior on ``beta``, in the time unit of the rows. Given, the
            prior is -1/2 [(log s)^2 + (log(beta / prior_beta))^2] / 3^2; else there is none.
        season: The calendar to estimate, if any; times are then in days.
        spread: Standard deviations of normal priors around 0 on the coefficients of covariates
            and season, shape ``(k,)``, infinite for none; without it there are none at all.

    Returns:
        The optimum at ``r, alpha, s, beta`` and the coefficients of ``purchase_z``,
        ``dropout_z`` and ``season``, found with nodes that follow the problem: they are
        doubled, and the fit repeated, until doubling moves the log-likelihood by no more
        than ``precision_limit``. Always read its ``status``.

    >>> from clv.numerics.histories import distinct_histories
    >>> rows = distinct_histories([0, 0, 1, 4, 9], [0, 0, 5, 20, 38], [39, 39, 30, 35, 38])
    >>> fit(rows, prior_beta=52.0).status
    <Status.NOT_IDENTIFIED: 'not_identified'>
    """
    require_repeats(rows)
    coefficients = rows.purchase_z.shape[1] + rows.dropout_z.shape[1]
    coefficients += 0 if season is None else season.basis.shape[1]
    prior = log_prior(prior_beta, np.full(coefficients, np.inf) if spread is None else spread)
    plain, spent = _starting_point(rows, prior)
    point = np.concatenate([plain, np.zeros(coefficients)])
    nodes = FEWEST_NODES
    rows = by_reach(rows, scale_of_nodes(point, rows, season))
    while True:
        # Nodes stay where they are during one search, or the objective would have steps.
        scale = scale_of_nodes(point, rows, season)
        total = functools.partial(
            log_likelihood_total, rows=rows, scale=scale, nodes=nodes, season=season
        )
        found = maximize(total, point, prior=prior, coefficients=coefficients)
        spent += found.evaluations + 1
        point = np.array([*np.log(found.parameters[:4]), *found.parameters[4:]])
        if not found.status.converged:
            break
        scale = scale_of_nodes(point, rows, season)
        finer = log_likelihood_value(point, rows, scale, nodes=2 * nodes, season=season)
        error = abs(finer - found.log_likelihood)
        if error <= precision_limit(finer):
            break
        nodes *= 2
        if nodes > MOST_NODES:
            if error > HARMLESS:
                found = dataclasses.replace(found, status=Status.TOO_FEW_NODES)
            break
    return dataclasses.replace(found, evaluations=spent)


def log_prior(beta: float | None, spread: Float) -> LogPrior | None:
    precision = np.concatenate([np.zeros(4), 1 / spread**2])
    center = np.zeros(precision.size)
    if beta is not None:
        precision[2:4] = PRIOR_SD**-2
        center[3] = np.log(beta)
    return LogPrior(center, precision) if precision.any() else None


def _starting_point(rows: Histories, prior: LogPrior | None) -> tuple[Float, int]:
    """Log ``r, alpha, s, beta`` to start from, and the evaluations they cost."""
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
    none = np.empty((sample.x.size, 0))
    sample = sample._replace(purchase_z=none, dropout_z=none)
    sample = by_reach(sample, scale_of_nodes(point, sample))
    scale = scale_of_nodes(point, sample)
    total = functools.partial(log_likelihood_total, rows=sample, scale=scale, nodes=FEWEST_NODES)
    plain = None if prior is None else LogPrior(prior.mean[:4], prior.precision[:4])
    nearby = maximize(total, point, prior=plain)
    is_good = nearby.status is Status.OPTIMUM
    return (np.log(nearby.parameters) if is_good else point), nearby.evaluations

"""Pareto/NBD: the chance of each number of transactions, of a new customer or of a known one.

Given when a customer drops out, the number of their transactions until then is a negative
binomial; its mean over that moment is the positive integral every function of
:mod:`clv.numerics.pareto_nbd` is built on, in place of the published sums of hypergeometrics
whose signs alternate. Start reading at :func:`probability_of_count`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from clv.numerics.clock import Clock
from clv.numerics.pareto_nbd import (
    NODES_OF_A_SEASON,
    Float,
    ParetoNBDParams,
    decay_scale,
    p_alive,
)
from clv.numerics.quadrature import blocks, dropout_nodes, log_sum_exp
from clv.numerics.required import require_counts, require_horizon, require_params
from clv.numerics.rising import log_rising
from clv.numerics.time_alive import NODES

NEXT_TO_NOTHING = 1e-300
"""Stands for 0, so that a chance of 0 has a logarithm."""


def probability_of_count(
    params: ParetoNBDParams, t: npt.ArrayLike, n: npt.ArrayLike, *, clock: Clock | None = None
) -> Float:
    """Probability that a customer new today makes exactly ``n`` repeat transactions by ``t``.

    Args:
        params: The four rates, in the time unit of ``t``.
        t: Horizon, finite, >= 0.
        n: Whole number >= 0; where arrays, all shapes have to go together.
        clock: The purchase rate's calendar, if it has one; it has to reach the horizon.

    Raises:
        ValueError: ``t`` is negative or infinite.

    Source:
        Fader & Hardie (2005), eq. 16 to 18, before the integral becomes hypergeometrics.

    >>> p = ParetoNBDParams(r=0.55, alpha=10.56, s=0.61, beta=11.64)
    >>> probability_of_count(p, 39.0, [0, 1]).round(7)
    array([0.5959381, 0.1650624])
    """
    horizon, count = np.asarray(t, dtype=float), np.asarray(n, dtype=float)
    require_horizon(horizon, finite=True)
    require_params(params)
    require_counts("n", count)
    today = 0.0 if clock is None else clock.today
    columns = np.broadcast_arrays(*params, horizon, count, today)
    flat = [np.asarray(column, dtype=float).reshape(-1) for column in columns]
    nodes, steps = (NODES, 0) if clock is None else (NODES_OF_A_SEASON, len(clock.steps))
    chances = np.empty(flat[0].shape)
    for part in blocks(chances.size, nodes=nodes * (2 + steps)):
        *rates, end, made, now = (column[part] for column in flat)
        # One born today is, at the horizon, of that age.
        aging = None if clock is None else clock.set_to(now + end)
        chances[part] = _of_count(ParetoNBDParams(*rates), end, made, nodes, aging)
    return chances.reshape(columns[0].shape)


def conditional_probability_of_count(
    params: ParetoNBDParams,
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    n: npt.ArrayLike,
    clock: Clock | None = None,
) -> Float:
    """Probability that each customer makes exactly ``n`` transactions in the next ``t``.

    ``params, x, t_x, T`` as in :func:`clv.numerics.pareto_nbd.p_alive`, the others as in
    :func:`probability_of_count`. Who is alive at ``T`` is a new customer of other rates.

    >>> p = ParetoNBDParams(r=0.55, alpha=10.6, s=0.61, beta=11.7)
    >>> conditional_probability_of_count(p, 2.0, 30.0, 39.0, 26.0, n=[0, 1]).round(3)
    array([0.49 , 0.244])
    """
    counts, ages = np.asarray(x, dtype=float), np.asarray(T, dtype=float)
    alive = p_alive(params, counts, t_x, ages, clock=clock)
    seen = ages if clock is None else clock.age(ages, ages)
    later = ParetoNBDParams(params.r + counts, params.alpha + seen, params.s, params.beta + ages)
    gone = (1 - alive) * (np.asarray(n) == 0)
    return np.asarray(gone + alive * probability_of_count(later, t, n, clock=clock))


def _of_count(
    params: ParetoNBDParams, t: Float, n: Float, nodes: int, clock: Clock | None
) -> Float:
    r, alpha, s, beta = params
    # The integrand rises until its mode: a panel on either side, or a sharp one falls between.
    cuts = _mode(params, n)[None]
    if clock is not None and (steps := clock.cuts(t)) is not None:
        cuts = np.sort(np.vstack([cuts, steps]), axis=0)
    scale = decay_scale(params, n, np.zeros_like(t))
    times, log_weights = dropout_nodes(np.zeros_like(t), t, scale, nodes=nodes, cuts=cuts)
    times = np.vstack([times, t])
    active = times if clock is None else clock.age(t, times)
    falling = np.log1p(times / beta)
    share = np.maximum(active / (alpha + active), NEXT_TO_NOTHING)
    terms = special.xlogy(n, share) - r * np.log1p(active / alpha)
    terms -= s * falling
    terms[:-1] += log_weights + np.log(s / beta) - falling[:-1]
    log_counted = log_rising(r, n) - special.gammaln(n + 1)
    return np.asarray(np.exp(log_counted + log_sum_exp(terms)[0]))


def _mode(params: ParetoNBDParams, n: Float) -> Float:
    """The dropout time at which ``n`` transactions so far and dropout are likeliest together.

    Where its log has slope 0: n / v = (r + n) / (alpha + v) + (s + 1) / (beta + v).
    """
    r, alpha, s, beta = params
    bend = r + s + 1
    slope = (r * beta + (s + 1) * alpha - n * alpha) / 2
    root = np.sqrt(slope**2 + bend * n * alpha * beta)
    # The form of the root in which nothing cancels.
    return np.where(slope > 0, n * alpha * beta / (slope + root), (root - slope) / bend)

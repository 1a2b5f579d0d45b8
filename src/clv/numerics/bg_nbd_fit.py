"""The log-likelihood of BG/NBD and its relatives with derivatives, and its maximum.

It is a sum over k + 1 events a customer: alive after each number of ticks, or dropped out at
the last purchase. With d the derivative of the log of one event, and the events' shares of the
likelihood as weights,

    gradient = E[d],        Hessian = E[d d'] + E[second derivative of the log] - E[d] E[d]',

to which what all events have in common adds its own. Customers with the same history are one
row with a weight. Derivatives are with respect to the logs of ``r, alpha, a, b``.

Start reading at :func:`fit`.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy import special

from clv.numerics.histories import Histories
from clv.numerics.optimize import LogPrior, Optimum, maximize
from clv.numerics.quadrature import Float, blocks, log_sum_exp
from clv.numerics.rising import rising_factorials

PRIOR_SD = 3.0
"""Standard deviation of the weak prior on log a and log b: a factor of 20 either way."""
PRIOR = LogPrior(np.zeros(4), np.array([0, 0, 1, 1]) / PRIOR_SD**2)


def fit(
    rows: Histories, *, k: int = 1, drops_at_once: bool = False, prior: bool = False
) -> Optimum:
    """The maximum-likelihood ``r, alpha, a, b``, or with a weak prior the posterior mode.

    Args:
        rows: Distinct histories, at least one of them with a repeat transaction.
        k, drops_at_once: The traits of ``BGNBDParams``.
        prior: Whether to add -1/2 [(log a)^2 + (log b)^2] / 3^2.

    Returns:
        The optimum. Always read its ``status``. Its log-likelihood leaves out the times
        between purchases, see :func:`timing`.

    >>> from clv.numerics.histories import distinct_histories
    >>> rows = distinct_histories([0, 0, 1, 4, 9], [0, 0, 5, 20, 38], [39, 39, 30, 35, 38])
    >>> fit(rows, prior=True).status
    <Status.PRIOR_GOVERNED: 'prior_governed'>
    """
    total = functools.partial(log_likelihood_total, rows=rows, k=k, drops_at_once=drops_at_once)
    return maximize(total, _starting_point(rows, k), prior=PRIOR if prior else None)


def timing(purchases: float, log_intervals: float, *, k: int) -> float:
    """What the times between purchases add to a log-likelihood where different k are compared.

    ``log_intervals`` is the sum of their logs, over as many ``purchases``.
    """
    return float((k - 1) * log_intervals - purchases * special.gammaln(k))


def _starting_point(rows: Histories, k: int) -> Float:
    purchases, seen, age = (
        float(np.average(v, weights=rows.weights)) for v in (rows.x, rows.t_x, rows.T)
    )
    # Ticks per time seen, were half of all customers to drop out by their mean age.
    return np.log([1.0, (seen + age) / 2 / (k * purchases), 1.0, 1.0 + purchases])


def log_likelihood_total(
    point: Float, rows: Histories, *, k: int, drops_at_once: bool
) -> tuple[float, Float, Float]:
    """Summed log-likelihood with its gradient and Hessian in log parameters.

    Args:
        point: Logs of ``r, alpha, a, b``, shape ``(4,)``.
        rows: Distinct histories with weights.
        k, drops_at_once: The traits of ``BGNBDParams``.

    Returns:
        Value, gradient ``(4,)``, Hessian ``(4, 4)``. Memory does not grow with the rows.
    """
    r, alpha, a, b = (float(v) for v in np.exp(point))
    value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
    for part in blocks(rows.x.size, nodes=k + 1):
        block = Histories(*(column[part] for column in rows))
        v, g, h = _block_total((r, alpha, a, b), block, k, drops_at_once)
        value, gradient, hessian = value + v, gradient + g, hessian + h
    counts = np.bincount(rows.x.astype(np.int64), weights=rows.weights)
    purchases = np.arange(counts.size)
    tables = rising_factorials(r, k * (counts.size - 1))
    log_value, first, second = (counts @ table[k * purchases] for table in tables)
    value += log_value - k * np.log(alpha) * float(counts @ purchases)
    gradient[0] += r * first
    hessian[0, 0] += r * first + r**2 * second
    v, g, h = _survived_chances(a, b, np.concatenate([np.zeros(int(drops_at_once)), counts]))
    gradient[2:] += g
    hessian[2:, 2:] += h
    return value + v, gradient, (hessian + hessian.T) / 2


def _survived_chances(a: float, b: float, counts: Float) -> tuple[float, Float, Float]:
    """Summed log of B(a, b + c) / B(a, b), of ``counts[c]`` customers, in log a and log b.

    Term by term it is the log of (b + i) / (a + b + i); so written nothing cancels, however
    large or small a and b are.
    """
    left = np.concatenate([np.cumsum(counts[::-1])[::-1][1:], [0.0]])  # customers beyond i
    i = np.arange(counts.size)
    stay, drop = (b + i) / (a + b + i), a / (a + b + i)
    value = -left @ np.log1p(a / (b + i))
    by_b = drop * b / (b + i)
    gradient = np.array([-left @ drop, left @ by_b])
    mixed = left @ (drop * b / (a + b + i))
    own_b = left @ (by_b * (1 - b / (b + i) - b / (a + b + i)))
    return float(value), gradient, np.array([[-left @ (drop * stay), mixed], [mixed, own_b]])


def _block_total(
    params: tuple[float, float, float, float], rows: Histories, k: int, drops_at_once: bool
) -> tuple[float, Float, Float]:
    """The part of the total that differs between events. The last one is having dropped out."""
    r, alpha, a, b = params
    x, t_x, T, weights, *_ = rows
    ticks, others = r + k * x, x + drops_at_once - 1
    had_chance = others >= 0
    phase = np.append(np.arange(k), 0.0)[:, None]
    times = np.vstack([np.broadcast_to(T, (k, T.size)), t_x])
    log_times, share = np.log1p(times / alpha), times / (alpha + times)
    rise, slope, bend = _phase_factors(ticks, (T - t_x) / alpha, k)
    others = np.where(had_chance, others, 1.0)
    with np.errstate(divide="ignore"):
        rise[-1] = np.log(np.where(had_chance, a / (b + others), 0.0))
    totals, shares = log_sum_exp(rise - (ticks + phase) * log_times)
    shares *= weights

    # First derivatives of each event's log, in log r, log alpha, log a, log b.
    dropped, held = shares[-1], b / (b + others)
    first = np.zeros((4, *times.shape))
    first[0] = r * (slope - log_times)
    first[1] = share * (ticks + phase) - k * x - phase
    first[2, -1] = 1.0
    first[3, -1] = -held
    weighted = first * shares
    sums = weighted.sum(axis=1)
    gradient = sums.sum(axis=1)
    hessian = weighted.reshape(4, -1) @ first.reshape(4, -1).T - (sums / weights) @ sums.T
    mixed = r * (shares * share).sum()
    hessian[0, 0] += gradient[0] + r**2 * (shares * bend).sum()
    hessian[0, 1] += mixed
    hessian[1, 0] += mixed
    hessian[1, 1] -= (shares * (ticks + phase) * share * (1 - share)).sum()
    hessian[3, 3] -= dropped @ (held * (1 - held))
    return float(weights @ totals), gradient, hessian


def _phase_factors(ticks: Float, idle: Float, k: int) -> tuple[Float, Float, Float]:
    """Log of Gamma(N+j)/Gamma(N) idle^j / j! and its two derivatives in N, ``(k + 1, n)``.

    The last row, of the customers who dropped out, is zero.
    """
    value, slope, bend = np.zeros((3, k + 1, ticks.size))
    with np.errstate(divide="ignore"):
        log_idle = np.log(idle)
    for j in range(k - 1):
        value[j + 1] = value[j] + np.log((ticks + j) / (j + 1)) + log_idle
        slope[j + 1] = slope[j] + 1 / (ticks + j)
        bend[j + 1] = bend[j] - 1 / (ticks + j) ** 2
    return value, slope, bend

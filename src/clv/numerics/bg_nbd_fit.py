"""The log-likelihood of BG/NBD and its relatives with derivatives, and its maximum.

It is a sum over k + 1 events a customer: alive after each number of ticks, or dropped out at
the last purchase. With d the derivative of the log of one event, and the events' shares of the
likelihood as weights,

    gradient = E[d],        Hessian = E[d d'] + E[second derivative of the log] - E[d] E[d]',

to which what all events have in common adds its own. Customers with the same history are one
row with a weight. A *point* holds the logs of ``r, alpha, a, b``, then the coefficients of the
covariates of buying and of dropping out, see :meth:`BGNBDParams.with_covariates`. Whatever a row
has of its own moves along straight lines, in logs, so the chain rule has no second term.

Start reading at :func:`fit`.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.histories import Histories, require_repeats
from clv.numerics.optimize import LogPrior, Optimum, maximize
from clv.numerics.quadrature import Float, blocks, log_sum_exp
from clv.numerics.rising import rising_factorials

PRIOR_SD = 3.0
"""Standard deviation of the weak prior on log a and log b: a factor of 20 either way."""
PRIOR = LogPrior(np.zeros(4), np.array([0, 0, 1, 1]) / PRIOR_SD**2)


def fit(
    rows: Histories, *, k: int = 1, drops_at_once: bool = False, prior: bool = False
) -> Optimum:
    """The maximum-likelihood parameters, or with a weak prior on two the posterior mode.

    Args:
        rows: Distinct histories, at least one of them with a repeat transaction.
        k, drops_at_once: The traits of ``BGNBDParams``.
        prior: Whether to add -1/2 [(log a)^2 + (log b)^2] / 3^2.

    Returns:
        The optimum at ``r, alpha, a, b`` and the coefficients of ``purchase_z`` and
        ``dropout_z``. Always read its ``status``. Its log-likelihood leaves out the times
        between purchases, see :func:`timing`.

    >>> from clv.numerics.histories import distinct_histories
    >>> rows = distinct_histories([0, 0, 1, 4, 9], [0, 0, 5, 20, 38], [39, 39, 30, 35, 38])
    >>> fit(rows, prior=True).status
    <Status.PRIOR_GOVERNED: 'prior_governed'>
    """
    coefficients = rows.purchase_z.shape[1] + rows.dropout_z.shape[1]
    require_repeats(rows)
    start = np.concatenate([_starting_point(rows, k), np.zeros(coefficients)])
    held = np.concatenate([[0, 0, 1, 1], np.zeros(coefficients)]) / PRIOR_SD**2
    total = functools.partial(log_likelihood_total, rows=rows, k=k, drops_at_once=drops_at_once)
    return maximize(
        total,
        start,
        prior=LogPrior(np.zeros(start.size), held) if prior else None,
        coefficients=coefficients,
    )


def timing(purchases: float, log_intervals: float, *, k: int) -> float:
    """What the times between purchases add to a log-likelihood where different k are compared.

    ``log_intervals`` is the sum of their logs, over as many ``purchases``.
    """
    return float((k - 1) * log_intervals - purchases * special.gammaln(k))


def regularity(x: Float, t_x: Float, log_intervals: Float, *, k: int) -> float:
    """By how many standard errors purchases are more regular than every ``k``-th tick of a clock.

    Of customers with ``x`` repeat purchases, the last of them at ``t_x``, the shares of that time
    between purchases are a Dirichlet with k for each, whatever rate each customer has: a score
    test, which fits nothing. ``log_intervals`` are the summed logs of the times between.

    Source:
        Wheat & Morrison (1990) for two intervals a customer, here for all of them.
    """
    again = x > 0
    x, slope = x[again], log_intervals[again] - x[again] * np.log(t_x[again])
    slope += x * (special.digamma(k * x) - special.digamma(k))
    information = x * special.polygamma(1, k) - x**2 * special.polygamma(1, k * x)
    total = information.sum()
    return float(slope.sum() / np.sqrt(total)) if total > 0 else 0.0


def _starting_point(rows: Histories, k: int) -> Float:
    purchases, seen, age = (
        float(np.average(v, weights=rows.weights)) for v in (rows.x, rows.t_x, rows.T)
    )
    # Ticks per time seen, were half of all customers to drop out by their mean age.
    return np.log([1.0, (seen + age) / 2 / (k * purchases), 1.0, 1.0 + purchases])


def log_likelihood_total(
    point: Float, rows: Histories, *, k: int, drops_at_once: bool
) -> tuple[float, Float, Float]:
    """Summed log-likelihood with its gradient and Hessian in ``point``.

    Args:
        point: See the module, shape ``(p,)``.
        rows: Distinct histories with weights.
        k, drops_at_once: The traits of ``BGNBDParams``.

    Returns:
        Value, gradient ``(p,)``, Hessian ``(p, p)``. Memory does not grow with the rows.
    """
    r = float(np.exp(point[0]))
    value, gradient, hessian = 0.0, np.zeros(point.size), np.zeros((point.size, point.size))
    for part in blocks(rows.x.size, nodes=k + 1):
        block = Histories(*(column[part] for column in rows))
        own = _Own.of(point, block, k=k, drops_at_once=drops_at_once)
        for v, g, h in (_block_total(own, block), _survived_chances(own, block)):
            value, gradient, hessian = value + v, gradient + g, hessian + h
    counts = np.bincount(rows.x.astype(np.int64), weights=rows.weights)
    tables = rising_factorials(r, k * (counts.size - 1))
    log_value, first, second = (
        float(counts @ table[k * np.arange(counts.size)]) for table in tables
    )
    gradient[0] += r * first
    hessian[0, 0] += r * first + r**2 * second
    return value + log_value, gradient, (hessian + hessian.T) / 2


class _Own(NamedTuple):
    """The parameters of each row, and how their logs move with the point, each ``(p, n)``."""

    params: BGNBDParams
    in_alpha: Float
    in_a: Float
    in_b: Float

    @classmethod
    def of(cls, point: Float, rows: Histories, *, k: int, drops_at_once: bool) -> _Own:
        r, alpha, a, b = (float(v) for v in np.exp(point[:4]))
        purchase, dropout = np.split(point[4:], [rows.purchase_z.shape[1]])
        shared = BGNBDParams(r, alpha, a, b, k, drops_at_once)
        own = shared.with_covariates(rows.purchase_z @ purchase, rows.dropout_z @ dropout)
        in_alpha, in_a, in_b = np.zeros((3, point.size, rows.x.size))
        in_alpha[1], in_a[2], in_b[3] = 1, 1, 1
        in_alpha[4 : 4 + purchase.size] = -rows.purchase_z.T
        in_a[4 + purchase.size :] = in_b[4 + purchase.size :] = rows.dropout_z.T
        return cls(own, in_alpha, in_a, in_b)


def _survived_chances(own: _Own, rows: Histories) -> tuple[float, Float, Float]:
    """Summed log of B(a, b + c) / B(a, b), where c chances to drop out were survived.

    Term by term it is the log of (b + i) / (a + b + i); so written nothing cancels, however
    large or small a and b are.
    """
    whose, i, customers = _chances(rows, own.params.drops_at_once)
    a, b = np.asarray(own.params.a)[whose], np.asarray(own.params.b)[whose]
    stay, drop = (b + i) / (a + b + i), a / (a + b + i)
    by_b = drop * b / (b + i)
    slopes = -drop, by_b
    bends = -drop * stay, drop * b / (a + b + i), by_b * (1 - b / (b + i) - b / (a + b + i))
    of_a, of_b, of_aa, of_ab, of_bb = (
        np.bincount(whose, customers * each) for each in (*slopes, *bends)
    )
    in_a, in_b = own.in_a[:, : of_a.size], own.in_b[:, : of_a.size]
    mixed = (in_a * of_ab) @ in_b.T
    hessian = (in_a * of_aa) @ in_a.T + mixed + mixed.T + (in_b * of_bb) @ in_b.T
    value = -customers @ np.log1p(a / (b + i))
    return float(value), in_a @ of_a + in_b @ of_b, hessian


def _chances(
    rows: Histories, drops_at_once: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Float]:
    """Of each chance that was survived the row, the number before it, and how many customers."""
    survived = rows.x.astype(np.int64) + drops_at_once
    if rows.dropout_z.shape[1] == 0:
        # Everybody has the same a and b, so that all chances with as many before are one.
        customers = np.bincount(survived, rows.weights).astype(float)
        beyond = np.cumsum(customers[::-1])[::-1][1:]
        return np.zeros(beyond.size, dtype=np.int64), np.arange(beyond.size), beyond
    whose = np.repeat(np.arange(survived.size), survived)
    before = np.cumsum(survived) - survived
    return whose, np.arange(whose.size) - before[whose], rows.weights[whose]


def _block_total(own: _Own, rows: Histories) -> tuple[float, Float, Float]:
    """The part of the total that differs between events. The last one is having dropped out."""
    (r, alpha, a, b, k, drops_at_once), in_alpha, in_a, in_b = own
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

    # First derivatives of each event's log in the point, by way of log r, alpha, a and b.
    dropped, held = shares[-1], b / (b + others)
    first = np.zeros((len(in_alpha), *times.shape))
    first[0] = r * (slope - log_times)
    of_alpha = share * (ticks + phase) - k * x - phase
    for entry in np.flatnonzero(in_alpha.any(axis=1)):
        np.multiply(of_alpha, in_alpha[entry], out=first[entry])
    first[2:, -1] += in_a[2:] - in_b[2:] * held
    weighted = first * shares
    sums = weighted.sum(axis=1)
    gradient = sums.sum(axis=1)
    flat = first.reshape(len(first), -1)
    hessian = weighted.reshape(flat.shape) @ flat.T - (sums / weights) @ sums.T
    hessian[0, 0] += gradient[0] + r**2 * (shares * bend).sum()
    mixed = in_alpha @ (r * (shares * share).sum(axis=0))
    hessian[0] += mixed
    hessian[:, 0] += mixed
    own_alpha = (shares * (ticks + phase) * share * (1 - share)).sum(axis=0)
    hessian -= (in_alpha * own_alpha) @ in_alpha.T
    hessian -= (in_b * (dropped * held * (1 - held))) @ in_b.T
    value = weights @ (totals - k * x * np.log(alpha))
    return float(value), gradient, hessian


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

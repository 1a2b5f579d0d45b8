"""BG/NBD and its relatives in closed form, as functions of plain arrays.

A customer buys at random, at a personal rate, and after each purchase may drop out, with a
personal probability. The rates differ between customers (a gamma: ``r, alpha``), and so do the
probabilities (a beta: ``a, b``). Two traits make four models of one:

* ``drops_at_once``: the first purchase counts as a chance to drop out too (MBG/NBD). Without
  it (BG/NBD) a customer who never came back is alive for certain.
* ``k``: purchases are regular, each being the ``k``-th tick of a clock that ticks at random
  (Erlang-k, the CNBD-k models). ``alpha`` is then about ticks, of which a purchase takes ``k``.

With N = r + k x ticks and c chances to drop out survived, the likelihood is a sum of positive
terms: alive, j < k ticks since the last purchase; or dropped out right at ``t_x``.

    L = Gamma(N)/Gamma(r) alpha^r B(a, b+c)/B(a, b) {
        sum over j of Gamma(N+j)/Gamma(N) (T-t_x)^j / j! (alpha+T)^-(N+j)
        + a / (b+c-1) (alpha+t_x)^-N }

With a calendar everything is the same in the time of its clock, exactly, for customers drop out at
purchases: ``t_x``, ``T`` and ``T + t`` are read off it (:meth:`clv.numerics.clock.Clock.age`), and
the log-likelihood gains the logs of the multipliers on the days of purchases.

Given that a customer is alive, the rate is gamma with N + j and alpha + T, and the dropout
probability beta with a and b + c, independently, whence all that is expected follows.

Nothing here knows about tables, dates or currencies. Times are in the unit the parameters
were fitted in. ``alpha, a, b`` may be arrays, one value per customer, wherever a result per
customer is returned. Sources: Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way";
Batislam, Denizel & Filiztekin (2007) for MBG/NBD; Platzer & Reutterer (2016), "Ticking Away
the Moments", for regularity. Start reading at :func:`log_likelihood`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from clv.numerics.bg_nbd_survivor import Survivor, expected_if_alive, reached
from clv.numerics.quadrature import Float, sum_of_nodes
from clv.numerics.required import (
    require_counts,
    require_discount,
    require_history,
    require_horizon,
    require_params,
)
from clv.numerics.rising import log_rising, log_survival
from clv.numerics.time_alive import Rate


class BGNBDParams(NamedTuple):
    """``r, alpha``: shape and rate of the purchase rates; ``a, b``: of the dropout chances."""

    r: Rate
    alpha: Rate
    a: Rate
    b: Rate
    k: int = 1
    drops_at_once: bool = False

    def with_covariates(self, on_buying: Float, on_dropout: Float) -> BGNBDParams:
        """Everybody's own parameters, from the sum of coefficients x covariates of each, ``(n,)``.

        ``on_buying`` is the log of what a customer's purchase rate is multiplied by.
        ``on_dropout`` leaves the mean chance to drop out, a / (a + b), as it is: the larger
        it is, the closer to that mean such customers are to one another.

        Source:
            Fader & Hardie (2007), "Incorporating Time-Invariant Covariates into the Pareto/NBD
            and BG/NBD Models", with one coefficient for a and b as in CLVTools (0.12.1,
            ``bgnbd_staticcov_LL_ind``), so that a model of k covariates has k of dropout.

        >>> p = BGNBDParams(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> p.with_covariates(np.log([1.0, 2.0]), np.log([1.0, 3.0])).alpha
        array([4.414, 2.207])
        """
        more_alike = np.exp(on_dropout)
        return self._replace(
            alpha=self.alpha * np.exp(-on_buying), a=self.a * more_alike, b=self.b * more_alike
        )


def log_likelihood(
    params: BGNBDParams,
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    log_intervals: npt.ArrayLike = 0.0,
) -> Float:
    """Log-likelihood of each customer's history.

    Args:
        params: The four parameters, in the time unit of ``t_x`` and ``T``.
        x: Repeat transactions, shape ``(n,)``, whole numbers >= 0.
        t_x: Time of the last transaction, shape ``(n,)``, ``0 <= t_x <= T``.
        T: Age at the end of observation, shape ``(n,)``, >= 0.
        log_intervals: Sum of the logs of the times between transactions, shape ``(n,)``. It
            matters only where different ``k`` are compared.

    Returns:
        Shape ``(n,)``, finite.

    Source:
        Fader, Hardie & Lee (2005), eq. 6; with ``k`` ticks Platzer & Reutterer (2016).

    >>> p = BGNBDParams(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> log_likelihood(p, [0.0, 2.0], [0.0, 30.0], [39.0, 39.0]).round(4)
    array([-0.5555, -9.4561])
    """
    require_params(params)
    require_history(x, t_x, T)
    r, alpha, a, b, x, t_x, T = _columns(*params[:4], x, t_x, T)
    k = params.k
    ticks = r + k * x
    log_alive = np.log(_phases(ticks, (T - t_x) / (alpha + T), k).sum(axis=0))
    log_alive -= ticks * np.log1p(T / alpha)
    log_dropped = _log_odds_of_dropout(params, a, b, x) - ticks * np.log1p(t_x / alpha)
    front = log_rising(r, k * x) - k * x * np.log(alpha)
    front += log_survival(a, b, x + params.drops_at_once)
    timing = (k - 1) * np.asarray(log_intervals, dtype=float) - x * special.gammaln(k)
    return np.asarray(front + timing + np.logaddexp(log_alive, log_dropped))


def p_alive(params: BGNBDParams, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> Float:
    """Probability that each customer has not dropped out by ``T``, shape ``(n,)``.

    Arguments as in :func:`log_likelihood`. It is below 1 where ``t_x = T``: a customer may
    drop out at the very purchase just seen.

    >>> p = BGNBDParams(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> p_alive(p, [0.0, 2.0], [0.0, 30.0], [39.0, 39.0]).round(3)
    array([1.  , 0.72])
    """
    return survivor(params, x, t_x, T).is_alive


def conditional_expected_transactions(
    params: BGNBDParams,
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    discount: float = 0.0,
) -> Float:
    """Transactions each customer is expected to make in the next ``t`` time units.

    Args:
        params: The four parameters, in the time unit of ``t_x``, ``T`` and ``t``.
        x: Repeat transactions so far, shape ``(n,)``, whole numbers >= 0.
        t_x: Time of the last transaction, shape ``(n,)``, ``0 <= t_x <= T``.
        T: Age at the end of observation, shape ``(n,)``, >= 0.
        t: Horizon, one number or shape ``(n,)``, >= 0; infinite gives the endless sum.
        discount: Continuous rate per time unit, >= 0, by which later ones count less.

    Returns:
        Shape ``(n,)``, >= 0: zero at ``t = 0``, never falling as ``t`` grows.

    Raises:
        ValueError: ``t`` or ``discount`` is negative, or the sum is infinite: endless,
            without a discount, and ``a <= 1``, where dropout is too rare to bound it.

    Source:
        Fader, Hardie & Lee (2005), eq. 10, before the dropout chance is integrated out: given
        it all is elementary, and its mean is taken by
        :mod:`clv.numerics.bg_nbd_survivor`.

    >>> p = BGNBDParams(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> x, t_x, T = np.array([2.0, 2.0]), np.array([30.43, 10.0]), np.array([38.86, 38.86])
    >>> conditional_expected_transactions(p, x, t_x, T, t=39.0).round(3)
    array([1.226, 0.453])
    """
    horizon = np.asarray(t, dtype=float)
    require_horizon(horizon)
    require_discount(discount)
    customer = survivor(params, x, t_x, T)
    horizon, is_alive = np.broadcast_arrays(horizon, customer.is_alive)
    customer = Survivor(*(np.broadcast_to(v, (*v.shape[:-1], horizon.size)) for v in customer))
    is_endless = np.isinf(horizon) & (discount == 0)
    if np.any(is_endless & (customer.a <= 1)):
        raise ValueError(
            "without a discount and with a <= 1 the endless sum of expected transactions is "
            "infinite: too few customers ever drop out. Give a discount or a finite horizon."
        )
    finite_horizon = np.where(is_endless, 0.0, horizon)
    finite = expected_if_alive(customer, params.k, finite_horizon, discount)
    endless = (customer.a + customer.b - 1) / np.where(is_endless, customer.a - 1, 1)
    return np.asarray(is_alive * np.where(is_endless, endless, finite))


def expected_transactions(params: BGNBDParams, t: npt.ArrayLike) -> Float:
    """Repeat transactions of a new customer in the first ``t`` time units, shape of ``t``.

    Source:
        Fader, Hardie & Lee (2005), eq. 9: what is expected of the history ``x = T = 0``.

    >>> p = BGNBDParams(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> expected_transactions(p, [0.0, 1.0, 78.0]).round(4)
    array([0.    , 0.0533, 1.8605])
    """
    shape = np.broadcast_shapes(np.shape(t), *(np.shape(v) for v in params[:4]))
    return conditional_expected_transactions(params, 0.0, 0.0, 0.0, t).reshape(shape)


def probability_of_no_transaction(
    params: BGNBDParams,
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    t: npt.ArrayLike,
) -> Float:
    """Probability that each customer makes no transaction in the next ``t`` time units.

    Arguments as in :func:`conditional_expected_transactions`. One at ``t = 0``, never rising.
    A customer alive who has waited ``j`` ticks buys once ``k - j`` more have come.

    >>> p = BGNBDParams(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> probability_of_no_transaction(p, [0.0], [0.0], [39.0], 39.0).round(3)
    array([0.856])
    """
    horizon = np.asarray(t, dtype=float)
    require_horizon(horizon, finite=True)
    customer = survivor(params, x, t_x, T)
    buys = reached(customer, params.k, horizon)(1)
    return np.asarray(1 - customer.is_alive * buys)


def probability_of_count(params: BGNBDParams, t: npt.ArrayLike, n: npt.ArrayLike) -> Float:
    """Probability that a new customer makes exactly ``n`` repeat transactions by ``t``.

    Either ``n`` chances to drop out were survived (and the first purchase, where it is one)
    and the next purchase had not come, or the ``n``-th purchase was the last.

    Source:
        Fader, Hardie & Lee (2005), eq. 8.

    >>> p = BGNBDParams(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> probability_of_count(p, 39.0, [0, 1]).round(7)
    array([0.5737864, 0.1993953])
    """
    require_horizon(np.asarray(t, dtype=float), finite=True)
    require_params(params)
    require_counts("n", n)
    r, alpha, a, b, time, count = _columns(*params[:4], t, n)
    k, share = params.k, time / (alpha + time)
    chances = count + params.drops_at_once
    waits = np.zeros_like(share)
    for ticks in (k * count + j for j in range(k)):
        log_pmf = log_rising(r, ticks) - special.gammaln(ticks + 1)
        waits += np.exp(log_pmf + special.xlogy(ticks, share) - r * np.log1p(time / alpha))
    reached = np.where(count > 0, special.betainc(np.maximum(k * count, 1), r, share), 1.0)
    survived = np.exp(log_survival(a, b, chances))
    dropped = survived * np.exp(_log_odds_of_dropout(params, a, b, count))
    shape = np.broadcast_shapes(np.shape(t), np.shape(n), *(np.shape(v) for v in params[:4]))
    return np.asarray(survived * waits + dropped * reached).reshape(shape)


def _columns(*values: npt.ArrayLike) -> tuple[Float, ...]:
    columns = (np.atleast_1d(np.asarray(v, dtype=float)) for v in values)
    return tuple(np.ascontiguousarray(v) for v in np.broadcast_arrays(*columns))


def _log_odds_of_dropout(params: BGNBDParams, a: Float, b: Float, x: Float) -> Float:
    """Log odds that the last chance to drop out was taken; minus infinity where none was had."""
    others = x + params.drops_at_once - 1
    had_one = others >= 0
    odds = a / np.where(had_one, b + others, 1)
    with np.errstate(divide="ignore"):
        return np.log(np.where(had_one, odds, 0))


def _phases(ticks: Float, idle: Float, k: int) -> Float:
    """Weight of each number of ticks since the last purchase, relative to none, ``(k, n)``."""
    weights = [np.ones_like(idle)]
    for j in range(k - 1):
        weights.append(weights[-1] * (ticks + j) * idle / (j + 1))
    return np.array(weights)


def survivor(
    params: BGNBDParams, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike
) -> Survivor:
    """Arguments as in :func:`log_likelihood`."""
    require_params(params)
    require_history(x, t_x, T)
    r, alpha, a, b, x, t_x, T = _columns(*params[:4], x, t_x, T)
    ticks = r + params.k * x
    phases = _phases(ticks, (T - t_x) / (alpha + T), params.k)
    total = sum_of_nodes(phases)
    log_odds = np.log(total) - ticks * np.log1p((T - t_x) / (alpha + t_x))
    is_alive = special.expit(log_odds - _log_odds_of_dropout(params, a, b, x))
    b_now = b + x + params.drops_at_once
    return Survivor(is_alive, ticks, alpha + T, a, b_now, phases / total)

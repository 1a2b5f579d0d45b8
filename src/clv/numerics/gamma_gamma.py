"""Gamma-Gamma: what a purchase of each customer is worth, as functions of plain arrays.

A customer's purchases vary around a personal mean (a gamma of shape ``p``), and the rates of
these gammas vary between customers (a gamma of shape ``q`` and rate ``gamma``). The papers take
spend to be independent of how often a customer buys; a power ``eta`` of the number of purchases
on ``gamma`` lets who buys more often spend more, or less, and says how surely so.

A posterior mean needs ``p x + q > 1``. Where it is infinite, which for a customer without
purchases is ``q <= 1``, the median of the customer's own mean is given in its place.

Source: Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value". Nothing here knows
about tables or currencies. Start reading at :func:`log_likelihood`.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from clv.numerics import posterior
from clv.numerics.optimize import Float, LogPrior, Optimum, Status, maximize
from clv.numerics.posterior import ParameterDraws
from clv.numerics.required import require_counts, require_params, require_spend
from clv.numerics.rising import log_rising

Rate = float | Float

POWER_SD = 0.5
"""Standard deviation of the prior on ``eta``, where it is fitted: ten times the purchases, up to
ten times the value. It decides only where customers hardly differ in how often they buy."""
_PRIOR = LogPrior(np.zeros(4), np.array([0.0, 0.0, 0.0, POWER_SD**-2]))


class GammaGammaParams(NamedTuple):
    """``p``: shape of one customer's purchases; ``q, gamma``: of the rates between customers.

    ``gamma`` holds for a customer of one purchase and grows with their number to the power
    ``eta``; 0 is the model of the papers. Each may be an array where draws of them are asked for.
    """

    p: Rate
    q: Rate
    gamma: Rate
    eta: Rate = 0.0

    def own_gamma(self, x: npt.ArrayLike) -> Float:
        """Of customers with ``x`` purchases; of none as of one."""
        return np.asarray(self.gamma * np.maximum(x, 1.0) ** self.eta)


def log_likelihood(params: GammaGammaParams, x: npt.ArrayLike, mean: npt.ArrayLike) -> Float:
    """Log density of each customer's mean purchase value.

    Args:
        params: Fitted shapes and rate; ``gamma`` in the unit of ``mean``.
        x: Purchases the mean was taken over, shape ``(n,)``, >= 1.
        mean: Mean value of these purchases, shape ``(n,)``, > 0.

    Returns:
        Shape ``(n,)``.

    Source:
        Fader & Hardie (2013), eq. 1a.

    >>> params = GammaGammaParams(p=6.25, q=3.74, gamma=15.44)
    >>> log_likelihood(params, [1, 5], [35.0, 20.0]).round(4)
    array([-4.1821, -3.45  ])
    """
    require_params(params)
    require_spend(x, mean)
    count, value = np.asarray(x, dtype=float), np.asarray(mean, dtype=float)
    p, q, gamma = params.p, params.q, params.own_gamma(count)
    total = count * value
    return np.asarray(
        -special.betaln(p * count, q)
        - q * np.log1p(total / gamma)
        - p * count * np.log1p(gamma / total)
        - np.log(value)
    )


def expected_spend(params: GammaGammaParams, x: npt.ArrayLike, mean: npt.ArrayLike) -> Float:
    """Mean value of a future purchase of each customer.

    Args:
        params: Fitted shapes and rate.
        x: Purchases so far, shape ``(n,)``, >= 0.
        mean: Their mean value, shape ``(n,)``; not looked at where ``x`` is 0.

    Returns:
        Shape ``(n,)``, > 0. A customer without purchases gets the mean of those with one,
        ``p gamma / (q - 1)``. Where a posterior mean is infinite (``p x + q <= 1``) it is the
        median of the customer's own mean, ``p`` over the median of its gamma rate.

    Source:
        Fader & Hardie (2013), eq. 5.

    >>> params = GammaGammaParams(p=6.25, q=3.74, gamma=15.44)
    >>> expected_spend(params, [2, 0], [22.0, np.nan]).round(2)
    array([24.38, 35.22])
    """
    require_params(params)
    count, value = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(mean, dtype=float))
    require_counts("x", count)
    require_spend(count[count > 0], value[count > 0])
    p, q = params.p, params.q
    shape = p * count + q
    rate = params.own_gamma(count) + np.where(count > 0, count * value, 0.0)
    has_mean = shape > 1
    divisor = np.where(has_mean, shape - 1, special.gammaincinv(shape, 0.5))
    return np.asarray(p * rate / divisor)


def fit(x: npt.ArrayLike, mean: npt.ArrayLike, *, power: bool = False) -> Optimum:
    """The maximum-likelihood ``p, q, gamma``, and ``eta`` where ``power`` asks for it.

    Args:
        x: Purchases of each customer, shape ``(n,)``, >= 1.
        mean: Their mean value, shape ``(n,)``, > 0, not the same for all.
        power: Whether ``eta``, under its prior, is fitted too; else it is 0.

    Returns:
        The optimum; ``INFINITE_MEAN`` where ``q <= 1``. Always read its ``status``.
    """
    require_spend(x, mean)
    value = np.asarray(mean, dtype=float)
    # Fitted around 1, so that the start suits every currency.
    unit = float(np.exp(np.mean(np.log(value))))
    start = np.array([0.0, np.log(2.0), 0.0, 0.0])[: 3 + power]
    found = maximize(
        functools.partial(_total, seen=_seen(x, value, unit, power)),
        start,
        prior=_PRIOR if power else None,
        coefficients=int(power),
    )
    return _in_currency(found, unit, float(np.log(value).sum()))


def draw(
    x: npt.ArrayLike,
    mean: npt.ArrayLike,
    params: GammaGammaParams,
    *,
    power: bool = False,
    count: int,
    seed: int,
) -> ParameterDraws:
    """Points of ``log p, log q, log gamma`` (and ``eta``) from the posterior around the fit.

    ``x``, ``mean`` and ``power`` are those of the fit, ``count`` and ``seed`` as in
    :func:`clv.numerics.posterior.draw`.
    """
    seen = _seen(x, np.asarray(mean, dtype=float), 1.0, power)
    p, q, gamma, eta = (float(value) for value in params)
    mode = np.array([np.log(p), np.log(q), np.log(gamma), eta])[: 3 + power]
    precision = _PRIOR.precision[: mode.size]

    def log_posterior(point: Float) -> float:
        value = _value(point, seen)[0] - float(precision @ point**2) / 2
        return value if np.isfinite(value) else -np.inf

    hessian = _total(mode, seen)[2] - np.diag(precision)
    return posterior.draw(log_posterior, mode, hessian, count=count, seed=seed)


class _Purchases(NamedTuple):
    """What a fit looks at: purchases ``x`` of each customer and their total ``z``.

    ``of_gamma`` is what the customer's log gamma is made of: 1 and perhaps the log of ``x``;
    ``customers`` how many have each ``distinct`` number of purchases.
    """

    x: Float
    z: Float
    of_gamma: Float
    distinct: Float
    customers: npt.NDArray[np.int64]


def _seen(x: npt.ArrayLike, mean: Float, unit: float, power: bool) -> _Purchases:
    count = np.asarray(x, dtype=float)
    of_gamma = np.column_stack([np.ones_like(count), np.log(count)])[:, : 1 + power]
    return _Purchases(count, count * mean / unit, of_gamma, *np.unique(count, return_counts=True))


def _value(point: Float, seen: _Purchases) -> tuple[float, Float, float, float]:
    """Summed log-likelihood of the totals but for its constant, and what it is made of.

    That is the ratio of each total to its gamma, and the sums of the log of 1 + the ratio, and,
    ``x`` times, of 1 + its inverse.
    """
    p, q = (float(v) for v in np.exp(point[:2]))
    ratio = seen.z / np.exp(seen.of_gamma @ point[2:])
    below, above = float(np.log1p(ratio).sum()), float(seen.x @ np.log1p(1 / ratio))
    value = float(seen.customers @ _negative_log_beta(p * seen.distinct, q))
    return value - q * below - p * above, ratio, below, above


def _total(point: Float, seen: _Purchases) -> tuple[float, Float, Float]:
    """The same log-likelihood with gradient and Hessian, in log parameters."""
    x, _, of_gamma, distinct, customers = seen
    p, q = (float(v) for v in np.exp(point[:2]))
    own, both = p * distinct, p * distinct + q
    value, ratio, below, above = _value(point, seen)
    # Each from its own quotient: where customers hardly vary the rest is next to nothing.
    share, rest = ratio / (1 + ratio), 1 / (1 + ratio)
    first_own, second_own = _digamma_rise(own, q)
    first_q, second_q = _digamma_rise(q, own)
    second = special.polygamma(1, both)
    slope = q * share - p * x * rest
    gradient = np.array(
        [
            customers @ (own * first_own) - p * above,
            q * (customers @ first_q - below),
            *(slope @ of_gamma),
        ]
    )
    hessian = np.zeros((point.size, point.size))
    hessian[0, 0] = customers @ (own**2 * second_own) + gradient[0]
    hessian[0, 1] = q * (customers @ (own * second))
    hessian[0, 2:] = -p * ((x * rest) @ of_gamma)
    hessian[1, 1] = q**2 * (customers @ second_q) + gradient[1]
    hessian[1, 2:] = q * (share @ of_gamma)
    bend = (p * x + q) * share * rest
    hessian[2:, 2:] = -np.triu(of_gamma.T @ (bend[:, None] * of_gamma))
    hessian += np.triu(hessian, 1).T
    return value, gradient, hessian


def _negative_log_beta(a: Float, b: float) -> Float:
    """Minus the log of the beta function, as the rise of log gamma from the larger argument.

    Where the shapes run to millions three log gammas would leave seven digits, too few for the
    search to see that it climbs.
    """
    added = np.minimum(a, b)
    return log_rising(np.maximum(a, b), added) - special.gammaln(added)


def _digamma_rise(base: npt.ArrayLike, added: npt.ArrayLike) -> tuple[Float, Float]:
    """How much the digamma and trigamma functions change from ``base`` to ``base + added``.

    Where customers or purchases hardly vary the shapes run to millions, and a difference of
    two digammas would be rounding; there the difference is taken in Stirling's series.
    """
    low, high = np.broadcast_arrays(np.asarray(base, dtype=float), np.add(base, added))
    first = special.digamma(high) - special.digamma(low)
    second = special.polygamma(1, high) - special.polygamma(1, low)
    large = low > 100
    a, b = 1 / low[large], 1 / high[large]
    step = np.broadcast_to(added, low.shape)[large] * a * b  # a - b, without cancellation
    powers = step * (a + b), step * (a**2 + a * b + b**2), step * (a + b) * (a**2 + b**2)
    first[large] = np.log1p(step / b) + step / 2 + powers[0] / 12 - powers[2] / 120
    second[large] = -step - powers[0] / 2 - powers[1] / 6
    return first, second


def _in_currency(found: Optimum, unit: float, log_values: float) -> Optimum:
    p, q, gamma, *eta = found.parameters
    covariance = found.covariance
    if covariance is not None:
        scale = np.array([1.0, 1.0, unit, *np.ones_like(eta)])
        scaled = np.asarray(covariance) * np.outer(scale, scale)
        covariance = tuple(tuple(float(v) for v in row) for row in scaled)
    status = found.status
    if status.converged and q <= 1:
        status = Status.INFINITE_MEAN
    return dataclasses.replace(
        found,
        parameters=(p, q, gamma * unit, *eta),
        log_likelihood=found.log_likelihood - log_values,
        covariance=covariance,
        status=status,
    )

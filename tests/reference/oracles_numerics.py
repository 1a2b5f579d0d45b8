"""Slow, obvious second computations of what `clv.numerics` answers fast.

The package integrates over the dropout time. Nothing here does: the closed forms use the
hypergeometric function in many digits, and the averages integrate over the two rates of
one customer, given which everything is elementary.
"""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
from scipy import integrate, special

DIGITS = 60


def log_likelihood_in_many_digits(params, x, t_x, T):
    """Fader & Hardie (2005), eq. 13 to 15, by 2F1 in 60 digits."""
    with mpmath.workdps(DIGITS):
        r, alpha, s, beta, t_x, T = (mpmath.mpf(float(v)) for v in (*params, t_x, T))
        x = int(x)
        alive = (alpha + T) ** -(r + x) * (beta + T) ** -s
        dropped = (
            s / (r + s + x) * (_a0((r, alpha, s, beta), x, t_x) - _a0((r, alpha, s, beta), x, T))
        )
        front = mpmath.loggamma(r + x) - mpmath.loggamma(r)
        front += r * mpmath.log(alpha) + s * mpmath.log(beta)
        return float(front + mpmath.log(alive + dropped)), float(alive / (alive + dropped))


def _a0(params, x, t):
    r, alpha, s, beta = params
    if alpha >= beta:
        base, other, second = alpha + t, alpha - beta, s + 1
    else:
        base, other, second = beta + t, beta - alpha, r + x
    total = r + s + x
    return mpmath.hyp2f1(total, second, total + 1, other / base) / base**total


def discounted_expectation_in_many_digits(params, customer, t, discount):
    """P(alive) times the purchases of a survivor, integrated directly."""
    x, t_x, T = customer
    _, alive = log_likelihood_in_many_digits(params, x, t_x, T)
    with mpmath.workdps(30):
        r, alpha, s, beta, T, delta = (mpmath.mpf(float(v)) for v in (*params, T, discount))
        edges = [
            0,
            *(e for e in map(mpmath.mpf, (1, 10, 100, 1000, 10_000)) if e < t),
            mpmath.mpf(t),
        ]
        time_alive = mpmath.quad(
            lambda v: mpmath.exp(-delta * v) * ((beta + T) / (beta + T + v)) ** s, edges
        )
        return float(alive * (r + int(x)) / (alpha + T) * time_alive)


def over_the_rates(params, x, t_x, T, answer):
    """Mean of ``answer(rate, dropout_rate)``, times still alive at ``T``, over both rates."""
    r, alpha, s, beta = params

    def given_both(u, v, is_alive):
        lam, mu = v ** (1 / r), u ** (1 / s)  # flattens the integrable spikes at zero
        prior = math.exp(-alpha * lam - beta * mu)
        alive = lam**x * math.exp(-(lam + mu) * T)
        if is_alive:
            return prior * alive * answer(lam, mu)
        gone = lam**x * mu / (lam + mu) if lam + mu > 0 else 0.0
        return prior * (gone * (math.exp(-(lam + mu) * t_x) - math.exp(-(lam + mu) * T)) + alive)

    most = ((60 + 3 * x) / (alpha + t_x)) ** r, (60 / beta) ** s
    above, below = (
        integrate.dblquad(given_both, 0, most[0], 0, most[1], args=(flag,), epsabs=0, epsrel=1e-8)[
            0
        ]
        for flag in (True, False)
    )
    return above / below


def p_alive_by_integration(params, x, t_x, T):
    return over_the_rates(params, x, t_x, T, lambda _lam, _mu: 1.0)


def discounted_expectation_by_integration(params, customer, t, discount):
    return over_the_rates(
        params,
        *customer,
        lambda lam, mu: (
            lam * -math.expm1(-(mu + discount) * t) / (mu + discount)
            if mu + discount > 0
            else lam * t
        ),
    )


def no_transaction_by_integration(params, x, t_x, T, t):
    def buys(lam, mu):
        return lam / (lam + mu) * -math.expm1(-(lam + mu) * t) if lam + mu > 0 else 0.0

    return 1 - over_the_rates(params, x, t_x, T, buys)


def gamma_gamma_density_by_integration(params, x, mean):
    """Density of a mean of ``x`` purchases: a gamma, averaged over its unknown rate."""
    p, q, gamma = params

    def given(rate):
        log_density = (
            p * x * math.log(x * rate) + (p * x - 1) * math.log(mean) - x * rate * mean
        ) - special.gammaln(p * x)
        log_prior = q * math.log(gamma) + (q - 1) * math.log(rate) - gamma * rate
        return math.exp(log_density + log_prior - special.gammaln(q))

    middle = (p * x + q) / (gamma + x * mean)
    halves = (0, middle), (middle, 40 * middle)
    return sum(integrate.quad(given, *half, epsabs=0, epsrel=1e-10)[0] for half in halves)


def stress_grid(count, seed):
    """Corners of the parameter space where closed forms fail, as tuples (params, x, t_x, T)."""
    rng = np.random.default_rng(seed)
    shapes = list(
        itertools.product(
            (0, 1, 2, 5, 20, 100, 300, 1000),
            (10, 52, 365, 1000),
            (0, 0.1, 0.5, 0.9, 0.99, 0.9999, 1),
        )
    )
    for _ in range(count):
        x, T, share = shapes[rng.integers(len(shapes))]
        ranges = ((0.05, 10), (0.01, 3000), (0.05, 60), (0.01, 8000))
        params = tuple(float(np.exp(rng.uniform(np.log(a), np.log(b)))) for a, b in ranges)
        yield params, x, share * T, float(T)

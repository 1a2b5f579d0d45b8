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


def log_likelihood_by_2f1(params, x, t_x, T):
    """The same in doubles, of many customers at once; good near ordinary parameters."""
    r, alpha, s, beta = params
    total = r + s + x
    most, least = np.maximum(alpha, beta), np.minimum(alpha, beta)
    second = np.where(alpha >= beta, s + 1, r + x)

    def a0(t):
        form = special.hyp2f1(total, second, total + 1, (most - least) / (most + t))
        return form * (most + t) ** -total

    alive = (alpha + T) ** -(r + x) * (beta + T) ** -s
    front = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return front + np.log(alive + s / total * (a0(t_x) - a0(T)))


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
    p, q, gamma = params.p, params.q, params.gamma * x**params.eta

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


def bg_parts_in_many_digits(params, x, t_x, T):
    """Parts of the (M)BG/CNBD-k likelihood: alive after each number of ticks, then dropped out."""
    r, alpha, a, b, t_x, T = (mpmath.mpf(float(v)) for v in (*params[:4], t_x, T))
    k, x, chances = params.k, int(x), int(x) + params.drops_at_once
    front = alpha**r / mpmath.gamma(r) / mpmath.beta(a, b) / mpmath.gamma(k) ** x
    parts = []
    for j in range(k):
        gamma = mpmath.gamma(r + k * x + j) / (alpha + T) ** (r + k * x + j)
        idle = (T - t_x) ** j / mpmath.factorial(j)
        parts.append(front * mpmath.beta(a, b + chances) * gamma * idle)
    gamma = mpmath.gamma(r + k * x) / (alpha + t_x) ** (r + k * x)
    dropped = front * mpmath.beta(a + 1, b + chances - 1) * gamma if chances else mpmath.mpf(0)
    return parts, dropped


def bg_log_likelihood_in_many_digits(params, x, t_x, T):
    """Log-likelihood and P(alive), by plain gamma functions in 60 digits."""
    with mpmath.workdps(DIGITS):
        parts, dropped = bg_parts_in_many_digits(params, x, t_x, T)
        total = mpmath.fsum(parts) + dropped
        return float(mpmath.log(total)), float(mpmath.fsum(parts) / total)


def bg_expectation_by_2f1(params, customer, t):
    """Fader, Hardie & Lee (2005), eq. 10, for k = 1."""
    x, t_x, T = customer
    with mpmath.workdps(DIGITS):
        (alive,), dropped = bg_parts_in_many_digits(params, x, t_x, T)
        r, alpha, a, b, T, t = (mpmath.mpf(float(v)) for v in (*params[:4], T, t))
        b, rate = b + int(x) + params.drops_at_once, alpha + T
        form = (rate / (rate + t)) ** (r + int(x))
        form *= mpmath.hyp2f1(r + int(x), b, a + b - 1, t / (rate + t))
        return float(alive / (alive + dropped) * (a + b - 1) / (a - 1) * (1 - form))


def bg_expectation_by_summing(params, customer, t, *, most=200_000):
    """P(alive) times the chance of each future purchase, added up; NaN where ``most`` are few."""
    x, t_x, T = customer
    r, alpha, a, b = params[:4]
    k, b, share = params.k, b + x + params.drops_at_once, t / (alpha + T + t)
    with mpmath.workdps(DIGITS):
        parts, dropped = bg_parts_in_many_digits(params, x, t_x, T)
        shares = [float(part / (mpmath.fsum(parts) + dropped)) for part in parts]
    expected, stays, size = 0.0, 1.0, 64
    first = 1
    while first < most:
        n = np.arange(first, first + size)
        chances = np.cumprod((b + n - 1) / (a + b + n - 1))
        stay = stays * np.concatenate([[1.0], chances[:-1]])
        arrive = sum(
            part * special.betainc(k * n - j, r + k * x + j, share) for j, part in enumerate(shares)
        )
        terms = stay * arrive
        expected += float(np.sum(terms))
        if terms[-1] * n[-1] <= 1e-14 * expected:
            return expected
        stays, first, size = stays * chances[-1], first + size, 2 * size
    return math.nan


def bg_no_transaction_in_many_digits(params, customer, t):
    """One less P(alive), plus the chance that too few ticks come, count by count."""
    x, t_x, T = customer
    with mpmath.workdps(DIGITS):
        parts, dropped = bg_parts_in_many_digits(params, x, t_x, T)
        r, alpha, T, t = (mpmath.mpf(float(v)) for v in (*params[:2], T, t))
        share, quiet = t / (alpha + T + t), dropped
        for j, part in enumerate(parts):
            ticks = r + params.k * int(x) + j
            for n in range(params.k - j):
                quiet += (
                    part
                    * mpmath.rf(ticks, n)
                    / mpmath.factorial(n)
                    * share**n
                    * (1 - share) ** ticks
                )
        return float(quiet / (mpmath.fsum(parts) + dropped))


def bg_over_rate_and_chance(params, x, t_x, T, answer):
    """Mean of ``answer(rate, chance)``, times still alive at ``T``, for k = 1, over both."""
    r, alpha, a, b = params[:4]
    chances = x + params.drops_at_once

    def given_both(u, v, is_alive):
        lam, p = v ** (1 / r), u ** (1 / a)  # flattens the integrable spikes at zero
        prior = math.exp(-alpha * lam) * (1 - p) ** (b - 1)
        alive = (1 - p) ** chances * lam**x * math.exp(-lam * T)
        if is_alive:
            return prior * alive * answer(lam, p)
        gone = p * (1 - p) ** (chances - 1) * lam**x * math.exp(-lam * t_x) if chances else 0.0
        return prior * (alive + gone)

    most = ((60 + 3 * x) / (alpha + t_x)) ** r
    above, below = (
        integrate.dblquad(given_both, 0, most, 0, 1, args=(flag,), epsabs=0, epsrel=1e-8)[0]
        for flag in (True, False)
    )
    return above / below


def bg_stress_grid(count, seed):
    """Corners of the parameter space, a and b tiny and huge among them: (params, x, t_x, T)."""
    rng = np.random.default_rng(seed)
    shapes = list(
        itertools.product(
            (0, 1, 2, 5, 20, 100, 300, 1000),
            (0, 10, 52, 365, 1000),
            (0, 0.1, 0.5, 0.9, 0.99, 0.9999, 1),
        )
    )
    for _ in range(count):
        x, T, share = shapes[rng.integers(len(shapes))]
        ranges = ((0.05, 10), (0.01, 3000), (1e-3, 1e5), (1e-3, 1e5))
        params = tuple(float(np.exp(rng.uniform(np.log(a), np.log(b)))) for a, b in ranges)
        yield params, x, share * T, float(T)


def count_in_many_digits(params, t, n):
    """Chance that a new customer makes ``n`` purchases: a negative binomial for each dropout."""
    with mpmath.workdps(30):
        r, alpha, s, beta, t = (mpmath.mpf(float(v)) for v in (*params, t))

        def until(v):
            share = v / (alpha + v)
            return mpmath.rf(r, n) / mpmath.factorial(n) * (1 - share) ** r * share**n

        edges = [0, *(t * mpmath.mpf(2) ** -k for k in range(20, -1, -2))]
        dropped = mpmath.quad(lambda v: until(v) * s / beta * (beta / (beta + v)) ** (s + 1), edges)
        return float(dropped + until(t) * (beta / (beta + t)) ** s)

"""What a customer who is alive is expected to buy, under BG/NBD and its relatives.

Given the chance to stay after a purchase all is elementary. What is left is a mean over that
chance, which differs between customers as a beta, and with a discount an integral over the
horizon. Start reading at :func:`expected_if_alive`.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from scipy import special

from clv.numerics import beta_mean
from clv.numerics.beta_mean import mean_over_beta
from clv.numerics.quadrature import Float, blocks, dropout_nodes

TIME_NODES = 24
"""Moments within the horizon at which a discounted expectation is looked at."""

SMALL = 1e-6
"""Chance to stay below which its third power is nothing."""


class Survivor(NamedTuple):
    """What is known of each customer at ``T``, shape ``(n,)``, if alive but for ``is_alive``.

    ``ticks`` and ``rate`` are the gamma's, ``a`` and ``b`` the beta's; ``phases`` has shape
    ``(k, n)``, the probability of each number of ticks since the last purchase.
    """

    is_alive: Float
    ticks: Float
    rate: Float
    a: Float
    b: Float
    phases: Float


def expected_if_alive(customer: Survivor, k: int, t: Float, discount: float) -> Float:
    """Transactions within ``t`` of who is alive for certain, shape ``(n,)``.

    Purchases are every ``k``-th tick; ``discount`` is per time unit. An endless ``t`` takes one.
    """
    expected = np.empty(t.shape)
    for part in blocks(t.size, nodes=beta_mean.NODES):
        own = Survivor(*(v[..., part] for v in customer))
        moments = _moments(own, t[part], discount)
        given_dropout = functools.partial(_valued_given_dropout, moments=moments, own=own, k=k)
        latest = moments[0][0] / own.rate
        steepness = np.maximum(1.0, (own.ticks + k) * latest / 2)
        expected[part] = mean_over_beta(given_dropout, own.a, own.b, steepness)
    return expected


def _moments(own: Survivor, t: Float, discount: float) -> list[tuple[Float, Float]]:
    """Times, the latest first, and what the expectation up to each counts, each ``(n,)``.

    By parts, a discounted expectation is exp(-discount t) E(t) and all that E(v) loses in
    value on the way, an integral over v.
    """
    if discount == 0:
        return [(t, np.ones_like(t))]
    # Beyond 45 discount lengths nothing is left that a double could hold.
    end = np.minimum(t, 45 / discount)
    scale = 1 / (discount + (own.ticks + 1) * own.a / (own.a + own.b) / own.rate)
    times, log_weights = dropout_nodes(np.zeros_like(end), end, scale, nodes=TIME_NODES)
    losses = discount * np.exp(log_weights - discount * times)
    return [(end, np.exp(-discount * end)), *zip(times, losses, strict=True)]


def _valued_given_dropout(
    log_q: Float, *, moments: list[tuple[Float, Float]], own: Survivor, k: int
) -> Float:
    value = np.zeros_like(log_q)
    for time, weight in moments:
        value += weight * _expected_given_dropout(log_q, time / own.rate, own.ticks, own.phases, k)
    return value


def _expected_given_dropout(
    log_q: Float, growth: Float, ticks: Float, phases: Float, k: int
) -> Float:
    """Expected transactions of one who stays after each with chance ``exp(log_q)``.

    With k = 1 the dropout chance p thins the ticks: (1 - (1 + p growth)^-ticks) / p. With
    more, purchases are every k-th of the ticks that count, which a mean over the k-th roots
    of one picks out.
    """
    expected = np.zeros_like(log_q)
    stay = np.exp(log_q / k)
    for j in range(k):
        shape = ticks + j
        leave = -np.expm1(log_q / k)
        found = -np.expm1(-shape * np.log1p(leave * growth)) / leave
        for turn in range(1, k // 2 + 1):
            is_half = 2 * turn == k  # minus one, its own conjugate, in real arithmetic
            root: complex = -1.0 if is_half else np.exp(2j * np.pi * turn / k)
            c = 1 - root * stay
            waited = root ** (j + 1) * (1 - np.exp(-shape * np.log(1 + c * growth))) / c
            found += waited.real * (1 if is_half else 2)
        if k > 1:  # the roots cancel where hardly anybody stays
            found *= np.exp(log_q * ((j + 1) / k - 1)) / k
            q = np.exp(log_q)
            found = np.where(q < SMALL, _three_terms(q, growth, shape, k, j), found)
        expected += phases[j] * np.maximum(found, 0)  # which rounding may be below
    return expected


def _three_terms(q: Float, growth: Float, shape: Float, k: int, j: int) -> Float:
    """Expected transactions of one who has waited ``j`` ticks: the first three at most."""
    share = growth / (1 + growth)
    first, second, third = (special.betainc(k * n - j, shape, share) for n in (1, 2, 3))
    return np.asarray(first + q * (second + q * third))

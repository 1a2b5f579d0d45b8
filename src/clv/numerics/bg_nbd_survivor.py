"""What a customer who is alive is expected to buy, under BG/NBD and its relatives.

Of regular buyers few purchases fit into a horizon, and each has a chance to come and a chance
that its buyer is still there, both in closed form. Of who buys at random, and over very long
horizons, purchases are too many: there all is elementary given the chance to stay after each,
and a mean over that chance is taken. With a discount comes an integral over the horizon. Start
reading at :func:`expected_if_alive`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from clv.numerics import beta_mean
from clv.numerics.beta_mean import mean_over_beta
from clv.numerics.quadrature import Float, blocks, dropout_nodes
from clv.numerics.rising import log_rising

TIME_NODES = 24
"""Moments within the horizon at which a discounted expectation is looked at."""

SMALL = 1e-6
"""Chance to stay below which its third power is nothing."""

MOST_TERMS = 300
"""Purchases one by one; beyond, a mean over the chance to stay takes less."""

Moment = tuple[Float, Float]


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
    expected, terms = np.empty(t.shape), _terms(customer, k, t)
    alike = np.argsort(terms, kind="stable")
    is_counted = (k > 1) & (terms[alike] <= MOST_TERMS)
    counted, averaged = alike[is_counted], alike[~is_counted]
    for whom, way, nodes in ((counted, _counted, k), (averaged, _averaged, beta_mean.NODES)):
        for part in blocks(whom.size, nodes=nodes):
            some = whom[part]
            own = Survivor(*(v[..., some] for v in customer))
            expected[some] = way(own, _moments(own, t[some], discount), k)
    return expected


def reached(customer: Survivor, k: int, t: Float) -> Callable[[int], Float]:
    """From a number of purchases, the chance that they come within ``t`` to who never leaves.

    The chance for who has waited no tick, and the more for each tick waited, as it makes the
    last one needed that much sooner; all terms are above zero.
    """
    ticks, growth = customer.ticks, t / customer.rate
    with np.errstate(divide="ignore"):
        log_growth = np.log(growth)
    waited = np.arange(k - 1)[:, None]
    more_waited = customer.phases[:0:-1].cumsum(axis=0)[::-1]
    steps = np.log(ticks + waited)
    steps[:1] = 0.0
    gone = steps.cumsum(axis=0)

    def chance(number: int) -> Float:
        needed = k * number
        left = needed - 1 - waited
        last = log_rising(ticks + 1, needed - 1) - (ticks + needed - 1) * np.log1p(growth)
        logs = last - gone - special.gammaln(left + 1) + left * log_growth
        none_waited = special.betainc(needed, ticks, growth / (1 + growth))
        # In order: a customer has the same bits alone as in a crowd.
        return np.asarray(sum(more_waited * np.exp(logs), start=none_waited))

    return chance


def _terms(customer: Survivor, k: int, t: Float) -> Float:
    """Number of purchases within ``t`` beyond which nothing is left that a double could hold."""
    growth, shape = t / customer.rate, customer.ticks + k
    most = shape * growth + 9 * np.sqrt(shape * growth * (1 + growth)) + 36 * (1 + growth)
    return np.asarray(np.ceil(most / k) + 1)


def _counted(own: Survivor, moments: list[Moment], k: int) -> Float:
    """A sum over purchases, each with the chance to come and to have stayed until then."""
    terms = _terms(own, k, moments[0][0])
    value = np.zeros_like(terms)
    for time, weight in moments:
        chance, stays = reached(own, k, time), weight
        for number in range(1, int(terms.max()) + 1):
            value += np.where(number <= terms, stays * chance(number), 0.0)
            others = own.b + number - 1
            stays = stays * others / (own.a + others)
    return value


def _averaged(own: Survivor, moments: list[Moment], k: int) -> Float:
    """A mean over the chance to drop out, whatever the number of purchases."""
    given_dropout = functools.partial(_valued_given_dropout, moments=moments, own=own, k=k)
    latest = moments[0][0] / own.rate
    steepness = np.maximum(1.0, (own.ticks + k) * latest / 2)
    return mean_over_beta(given_dropout, own.a, own.b, steepness)


def _moments(own: Survivor, t: Float, discount: float) -> list[Moment]:
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


def _valued_given_dropout(log_q: Float, *, moments: list[Moment], own: Survivor, k: int) -> Float:
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

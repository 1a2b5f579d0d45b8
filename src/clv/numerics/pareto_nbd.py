"""Pareto/NBD by an integral over the dropout time, as functions of plain arrays.

A customer buys at random while alive, at a personal rate, and drops out unseen at a random
moment. The rates differ between customers (two gamma distributions), and that is the whole
model: four numbers, ``r, alpha`` (buying) and ``s, beta`` (dropping out).

Either the customer is still alive at ``T``, or dropped out at some ``t`` between the last
purchase and ``T``. Given that moment everything is elementary:

    L = Gamma(r+x)/Gamma(r) alpha^r beta^s { (alpha+T)^-(r+x) (beta+T)^-s
        + s * integral from t_x to T of (alpha+t)^-(r+x) (beta+t)^-(s+1) dt }

Where a ``clock`` is given, purchases follow its time and dropout the real one: ``alpha + t``
becomes ``alpha + A(t)``, with ``A`` the time that passed on the clock. Times are then in days.

Nothing here knows about tables, dates or currencies. Times are in the unit the parameters
were fitted in. ``alpha`` and ``beta`` may be arrays, one value per customer, wherever a
result per customer is returned. Source of the model: Fader & Hardie (2005), "A Note on
Deriving the Pareto/NBD Model and Related Expressions".

Start reading at :func:`log_likelihood`; every other function is built on the same nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from clv.numerics.clock import Clock
from clv.numerics.quadrature import blocks, enough_nodes, log_time_nodes, sum_of_nodes
from clv.numerics.required import require_history, require_horizon, require_params
from clv.numerics.rising import rising_factorials
from clv.numerics.time_alive import Rate, broadcast, time_alive

Float = npt.NDArray[np.float64]

FINENESS = 16
"""How fine the nodes of the dropout time are, see :func:`enough_nodes`, for a result per
customer: log L to 2e-11 anywhere on the stress grid of the tests, to 1e-13 for most."""
FINEST = 32
"""The same where not even the last digit may rise from one horizon to the next."""
NODES_OF_A_SEASON = 96
"""Nodes with a calendar, whose waves they have to follow over years, however fine."""
AT_ONCE = 131_072
"""Customers, and then nodes, for a result per customer: more than in a fit's blocks."""


class ParetoNBDParams(NamedTuple):
    """``r, alpha``: shape and rate of the purchase rates; ``s, beta``: of the dropout rates."""

    r: Rate
    alpha: Rate
    s: Rate
    beta: Rate


def log_likelihood(
    params: ParetoNBDParams,
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    clock: Clock | None = None,
) -> Float:
    """Log-likelihood of each customer's history.

    Args:
        params: The four rates, in the time unit of ``t_x`` and ``T``.
        x: Repeat transactions, shape ``(n,)``, whole numbers >= 0.
        t_x: Time of the last transaction, shape ``(n,)``, ``0 <= t_x <= T``.
        T: Age at the end of observation, shape ``(n,)``, >= 0.
        clock: The purchase rate's calendar, if it has one. The factor m(d) of each purchase
            is not a customer's own and is left out: add the sum of log m over purchases.

    Returns:
        Shape ``(n,)``, finite; zero for a customer of age 0.

    Source:
        Fader & Hardie (2005), eq. 14 before its integral is turned into hypergeometrics.

    >>> p = ParetoNBDParams(r=0.55, alpha=10.6, s=0.61, beta=11.7)
    >>> log_likelihood(p, [0.0, 2.0], [0.0, 30.0], [39.0, 39.0]).round(4)
    array([-0.5173, -9.5572])
    """
    require_params(params)
    require_history(x, t_x, T)
    counts = np.atleast_1d(np.asarray(x, dtype=np.int64))
    purchases = rising_factorials(float(params.r), counts.max(initial=0))[0][counts]
    return np.asarray(purchases + _survey(Unseen.log_likelihood, params, (counts, t_x, T), clock))


def p_alive(
    params: ParetoNBDParams,
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    clock: Clock | None = None,
) -> Float:
    """Probability that each customer has not dropped out by ``T``, shape ``(n,)``.

    Arguments as in :func:`log_likelihood`. It is the share of the likelihood that comes from
    the customer being alive at ``T``: 1 where ``t_x = T``.

    >>> p = ParetoNBDParams(r=0.55, alpha=10.6, s=0.61, beta=11.7)
    >>> p_alive(p, [0.0, 2.0], [0.0, 30.0], [39.0, 39.0]).round(3)
    array([0.294, 0.858])
    """
    require_params(params)
    require_history(x, t_x, T)
    return _survey(Unseen.p_alive, params, (x, t_x, T), clock)


def conditional_expected_transactions(
    params: ParetoNBDParams,
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    discount: float = 0.0,
    clock: Clock | None = None,
) -> Float:
    """Transactions each customer is expected to make in the next ``t`` time units.

    Args:
        params: The four rates, in the time unit of ``t_x``, ``T`` and ``t``.
        x: Repeat transactions so far, shape ``(n,)``, whole numbers >= 0.
        t_x: Time of the last transaction, shape ``(n,)``, ``0 <= t_x <= T``.
        T: Age at the end of observation, shape ``(n,)``, >= 0.
        t: Horizon, one number or shape ``(n,)``, >= 0; infinite gives the endless sum.
        discount: Continuous rate per time unit, >= 0, by which later ones count less; the
            endless sum is then the DERT.
        clock: The purchase rate's calendar, if it has one; it has to reach the horizon.

    Returns:
        Shape ``(n,)``, >= 0: zero at ``t = 0``, never falling as ``t`` grows.

    Raises:
        ValueError: ``t`` or ``discount`` is negative, or ``t`` lies beyond the calendar, or the
            sum is infinite: endless, without a discount, and ``s <= 1``, where dropout is too
            rare to bound it.

    Source:
        Fader & Hardie (2005), eq. 41, with ``expm1`` in place of the power so that ``s = 1`` is
        an ordinary point rather than 0 / 0; discounted, Fader, Hardie & Lee (2005), "RFM and
        CLV", eq. 2, as an integral over the time alive.

    >>> p = ParetoNBDParams(r=0.55, alpha=10.6, s=0.61, beta=11.7)
    >>> x, t_x, T = np.array([2.0, 2.0]), np.array([30.0, 10.0]), np.array([39.0, 39.0])
    >>> conditional_expected_transactions(p, x, t_x, T, t=26.0).round(2)
    array([1.  , 0.31])
    >>> p = ParetoNBDParams(r=0.563, alpha=12.559, s=0.408, beta=10.515)
    >>> conditional_expected_transactions(
    ...     p, [7.0], [35.0], [77.86], np.inf, discount=0.0027).round(3)
    array([1.865])
    """
    counts, ages = np.asarray(x, dtype=float), np.asarray(T, dtype=float)
    seen = ages if clock is None else clock.age(ages, ages)
    rate = (params.r + counts) / (params.alpha + seen)
    alive = p_alive(params, counts, t_x, ages, clock=clock)
    lasting = time_alive(params.s, params.beta + ages, t, discount=discount, clock=clock)
    return np.asarray(alive * rate * lasting)


def expected_transactions(
    params: ParetoNBDParams, t: npt.ArrayLike, *, clock: Clock | None = None
) -> Float:
    """Repeat transactions of a customer new today in the first ``t`` time units, shape of ``t``.

    Source:
        Fader & Hardie (2005), eq. 19.

    >>> p = ParetoNBDParams(r=0.55, alpha=10.56, s=0.61, beta=11.64)
    >>> expected_transactions(p, [0.0, 1.0, 9.0]).round(8)
    array([0.        , 0.05077821, 0.38909211])
    """
    require_params(params)
    rate = np.divide(params.r, params.alpha)
    return np.asarray(rate * time_alive(params.s, params.beta, t, discount=0.0, clock=clock))


def probability_of_no_transaction(
    params: ParetoNBDParams,
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    clock: Clock | None = None,
) -> Float:
    """Probability that each customer makes no transaction in the next ``t`` time units.

    Arguments as in :func:`conditional_expected_transactions`. One at ``t = 0``, never rising.

    Raises:
        ValueError: ``t`` is negative or not finite.

    Source:
        A customer alive at ``T`` is one whose rates follow gammas with ``r + x``,
        ``alpha + T``, ``s`` and ``beta + T``; buying nothing for ``t`` is then the history
        ``x = 0`` of a new customer under those, so the same integral answers.

    >>> p = ParetoNBDParams(r=0.55, alpha=10.6, s=0.61, beta=11.7)
    >>> probability_of_no_transaction(p, [2.0], [30.0], [39.0], 26.0).round(3)
    array([0.49])
    """
    counts, ages, horizon = (np.asarray(v, dtype=float) for v in (x, T, t))
    require_horizon(horizon, finite=True)
    alive = p_alive(params, counts, t_x, ages, clock=clock)
    seen = ages if clock is None else clock.age(ages, ages)
    later = ParetoNBDParams(params.r + counts, params.alpha + seen, params.s, params.beta + ages)
    ahead = None if clock is None else clock.ahead(horizon)
    new = 0.0, 0.0, horizon
    log_quiet = _survey(Unseen.log_likelihood, later, new, ahead, fineness=FINEST)
    return np.asarray(1 + alive * np.expm1(log_quiet))


def _survey(
    ask: Callable[[Unseen], Float],
    params: ParetoNBDParams,
    history: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike],
    clock: Clock | None,
    *,
    fineness: int = FINENESS,
) -> Float:
    """What the nodes answer for each customer, block by block; history is ``x, t_x, T``."""
    today = 0.0 if clock is None else clock.today
    columns = broadcast(*params, today, *np.atleast_1d(*history))
    found = np.empty(columns[0].shape)

    for part in blocks(found.size, nodes=1, at_once=AT_ONCE):
        some = [column[part] for column in columns]
        for which, nodes in _alike(some, clock, fineness):
            # What all customers share stays one number.
            *rates, now = (v[:1] if v.strides == (0,) else v.take(which) for v in some[:5])
            x, t_x, T = (v.take(which) for v in some[5:])
            own = ParetoNBDParams(*rates)
            ticking = None if clock is None else clock.set_to(now)
            active = None if ticking is None else ticking.age(T, t_x)
            scale = decay_scale(own, x, t_x, active=active)
            found[part][which] = ask(Unseen.of(own, (x, t_x, T), scale, nodes, ticking))
    return found


def _alike(columns: list[Float], clock: Clock | None, fineness: int) -> Iterator[tuple[Any, int]]:
    """Blocks of customers who need the same number of nodes, in which nobody else has a say."""
    *rates, now, x, t_x, T = columns
    if clock is not None:
        for same in clock.set_to(now).alike(T, t_x, NODES_OF_A_SEASON):
            yield same, NODES_OF_A_SEASON
        return
    scale = decay_scale(ParetoNBDParams(*rates), x, t_x)
    needed = enough_nodes(np.log1p((T - t_x) / scale), fineness)
    order = np.argsort(needed, kind="stable")
    for same in np.split(order, np.flatnonzero(np.diff(needed[order])) + 1):
        nodes = int(needed[same[0]])
        for part in blocks(same.size, nodes=nodes, at_once=AT_ONCE):
            yield same[part], nodes


class Unseen(NamedTuple):
    """The moments at which customers may have dropped out; the last: alive at ``T``.

    ``since`` is the time from the last purchase on, ``share`` a moment's share of the
    likelihood. Since that purchase alpha + A has grown by ``growth_a``, in logs ``log_a``, and
    beta + t by ``growth_b``. All have shape ``(nodes + 1, n)``; ``seen``, the clock at the last
    purchase, and ``total``, the likelihood relative to its height there, have ``(n,)``.
    """

    own: ParetoNBDParams
    history: tuple[Float, Float, Float]
    since: Float
    share: Float
    growth_a: Float
    growth_b: Float
    log_a: Float
    log_b: Float
    seen: Float
    total: Float

    @classmethod
    def of(
        cls,
        own: ParetoNBDParams,
        history: tuple[Float, Float, Float],
        scale: Float,
        nodes: int,
        clock: Clock | None,
    ) -> Self:
        """History is ``x, t_x, T``; ``scale`` places the nodes, see :func:`decay_scale`."""
        r, alpha, s, beta = own
        x, t_x, T = history
        each, cuts = ([nodes], None) if clock is None else clock.panels(T, t_x, nodes)
        u, log_weights, width = log_time_nodes(t_x, T, scale, nodes=each, cuts=cuts)
        since = np.expm1(u)
        since *= scale
        seen = t_x if clock is None else clock.age(T, t_x)
        busy = since if clock is None else clock.age(T, np.minimum(t_x + since, T)) - seen
        growth_a, growth_b = busy / (alpha + seen), since / (beta + t_x)
        log_a, log_b = np.log1p(growth_a), np.log1p(growth_b)
        # Relative to its height at t_x, from where the integrand only falls, nothing overflows.
        u[-1] = log_b[-1]  # being alive falls with s, dropping out with s + 1
        u -= log_a * (r + x)
        u -= log_b * (s + 1)
        share = np.exp(u, out=u)
        share[:-1] *= np.exp(log_weights) * (width * (scale * s / (beta + t_x)))
        total = sum_of_nodes(share)
        share /= total
        return cls(own, history, since, share, growth_a, growth_b, log_a, log_b, seen, total)

    def log_likelihood(self) -> Float:
        """But for its factor Gamma(r + x) / Gamma(r), ``(n,)``."""
        r, alpha, s, beta = self.own
        x, t_x, _ = self.history
        height = (
            x * np.log(alpha) + (r + x) * np.log1p(self.seen / alpha) + s * np.log1p(t_x / beta)
        )
        return np.asarray(np.log(self.total) - height)

    def p_alive(self) -> Float:
        return np.asarray(self.share[-1])


def decay_scale(
    params: ParetoNBDParams, x: Float, t_x: Float, *, active: Float | None = None
) -> Float:
    """Time over which the integrand of the dropout time falls, just after ``t_x``.

    ``active`` is that moment on the customer's clock, ``t_x`` itself where there is no calendar.
    It is no longer than ``alpha + t_x``: in log time the integrand is then smooth for everybody,
    also where ``r + x`` is small, and hardly falls.
    """
    busy = t_x if active is None else active
    purchases = np.maximum(params.r + x, 1) / (params.alpha + busy)
    falling = purchases + (params.s + 1) / (params.beta + t_x)
    return np.asarray(1 / falling)

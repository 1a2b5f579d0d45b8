"""Customers with known truth: when they buy, and what they spend under Gamma-Gamma.

Every function takes the random generator it draws from, so the same seed gives the same
customers. Start reading at :func:`purchases`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.quadrature import Float


class Purchases(NamedTuple):
    """Repeat purchases, ordered by customer and time, and the truth behind them.

    ``customer`` and ``time`` have one entry per purchase, time counted from the customer's
    own first purchase, which is not among them. ``rate`` and ``lifetime`` have one per
    customer: purchases per time unit while alive, and the moment of dropout.
    """

    customer: npt.NDArray[np.int64]
    time: Float
    rate: Float
    lifetime: Float


def purchases(
    params: ParetoNBDParams, duration: npt.ArrayLike, rng: np.random.Generator
) -> Purchases:
    """Repeat purchases of one customer per entry of ``duration``, under Pareto/NBD."""
    span = np.asarray(duration, dtype=float)
    rate = rng.gamma(params.r, 1 / np.asarray(params.alpha), span.shape)
    dropout = rng.gamma(params.s, 1 / np.asarray(params.beta), span.shape)
    # A rate that underflows to zero is a customer who never drops out.
    with np.errstate(divide="ignore"):
        lifetime = rng.exponential(size=span.shape) / dropout
    active = np.minimum(span, lifetime)
    customer = np.repeat(np.arange(span.size), rng.poisson(rate * active))
    time = rng.random(customer.size) * active[customer]
    order = np.lexsort([time, customer])
    return Purchases(customer, time[order], rate, lifetime)


def regular_purchases(
    params: BGNBDParams, duration: npt.ArrayLike, rng: np.random.Generator
) -> Purchases:
    """The same for customers who may drop out at each purchase, under (M)BG/CNBD-k."""
    span = np.asarray(duration, dtype=float)
    rate = rng.gamma(params.r, 1 / np.asarray(params.alpha), span.shape)
    leaves = rng.beta(np.broadcast_to(params.a, span.shape), params.b)
    now, lifetime = np.zeros(span.shape), np.full(span.shape, np.inf)
    active = np.arange(span.size)
    if params.drops_at_once:
        lifetime[rng.random(span.size) < leaves] = 0.0
        active = active[np.isinf(lifetime)]
    customers, times = [active[:0]], [now[:0]]
    while active.size:
        now[active] += rng.gamma(params.k, 1 / rate[active])
        active = active[now[active] <= span[active]]
        customers.append(active)
        times.append(now[active])
        gone = rng.random(active.size) < leaves[active]
        lifetime[active[gone]] = now[active[gone]]
        active = active[~gone]
    customer, time = np.concatenate(customers), np.concatenate(times)
    order = np.lexsort([time, customer])
    return Purchases(customer[order], time[order], rate, lifetime)


def on_whole_days(made: Purchases) -> Purchases:
    """The same purchases at the end of their day, several of one day merged into one."""
    day = np.ceil(made.time)
    is_new = np.ones(day.size, dtype=bool)
    is_new[1:] = (made.customer[1:] != made.customer[:-1]) | (day[1:] != day[:-1])
    return made._replace(customer=made.customer[is_new], time=day[is_new])


def history(made: Purchases, T: npt.ArrayLike) -> tuple[Float, Float]:
    """What is seen of each customer up to age ``T``: ``x`` and ``t_x``, shape ``(n,)``."""
    age = np.broadcast_to(np.asarray(T, dtype=float), made.rate.shape)
    seen = made.time <= age[made.customer]
    x = np.bincount(made.customer[seen], minlength=age.size).astype(float)
    t_x = np.zeros(age.size)
    np.maximum.at(t_x, made.customer[seen], made.time[seen])
    return x, t_x


def log_intervals(made: Purchases) -> Float:
    """Summed logs of the times from one purchase to the next, the first of all included."""
    begins = np.append(True, made.customer[1:] != made.customer[:-1])[: made.customer.size]
    before = np.where(begins, 0.0, np.roll(made.time, 1))
    logs = np.log(made.time - before)
    return np.bincount(made.customer, logs, minlength=made.rate.size).astype(float)


def spend(
    params: GammaGammaParams,
    customer: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    customers: int,
) -> tuple[Float, Float]:
    """Value of each purchase, shape of ``customer``, and each customer's true mean value."""
    gamma = params.own_gamma(np.bincount(customer, minlength=customers))
    rate = rng.gamma(params.q, 1 / gamma, customers)
    return rng.gamma(params.p, 1 / rate[customer]), params.p / rate

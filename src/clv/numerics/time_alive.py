"""How long a customer who is alive stays one: the time alive within a horizon.

Dropout rates differ between customers as a gamma distribution with ``s`` and ``beta``, so the
chance of being alive after ``v`` is (beta / (beta + v))^s. Its integral, each moment worth less
the later it comes and more where the calendar is busy, times the purchase rate is what a
customer is expected to buy. Start reading at :func:`time_alive`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from clv.numerics.clock import Clock
from clv.numerics.quadrature import Float, blocks, dropout_nodes, gauss_legendre, sum_of_nodes
from clv.numerics.required import require_discount, require_horizon

Rate = float | Float

NODES = 128


def time_alive(
    s: Rate, beta: Rate, t: npt.ArrayLike, *, discount: float, clock: Clock | None
) -> Float:
    """Integral from 0 to ``t`` of m(today + v) exp(-discount v) (beta / (beta + v))^s dv."""
    horizon = np.asarray(t, dtype=float)
    require_horizon(horizon)
    require_discount(discount)
    if clock is not None:
        return _busy_time_alive(s, beta, horizon, discount, clock)
    if discount > 0:
        return _discounted_time_alive(s, beta, horizon, discount)
    if np.any(np.isinf(horizon) & (np.asarray(s) <= 1)):
        raise ValueError(
            "without a discount and with s <= 1 the endless sum of expected transactions is "
            "infinite: too few customers ever drop out. Give a discount or a finite horizon."
        )
    # At s = 1 the step that stands for none is too short for a double to tell.
    rest = np.where(np.equal(s, 1), 1e-20, np.subtract(1, s))
    return np.asarray(beta * (np.expm1(rest * np.log1p(horizon / beta)) / rest))


def _busy_time_alive(s: Rate, beta: Rate, horizon: Float, discount: float, clock: Clock) -> Float:
    """The integral with a calendar, once for each different customer: by age they are few."""
    columns = broadcast(s, beta, horizon)
    flat = np.stack([column.reshape(-1) for column in columns])
    distinct, which = np.unique(flat, axis=1, return_inverse=True)
    values = np.zeros(distinct.shape[1])
    for end in np.unique(distinct[2, distinct[2] > 0]):
        # A panel for each day, within which m is smooth, and finer ones on the first: the most
        # restless of customers are gone by its evening.
        edges = np.concatenate([[0.0], 2.0 ** np.arange(-20, 1), np.arange(2.0, end)])
        edges = np.append(edges[edges < end], end)
        positions, log_weights = gauss_legendre(5)
        times = (edges[:-1] + positions * np.diff(edges)).T.reshape(-1, 1)
        worth = (np.exp(log_weights) * np.diff(edges)).T.reshape(-1, 1)
        worth = worth * clock.speed(times) * np.exp(-discount * times)
        of_end = np.flatnonzero(distinct[2] == end)
        for part in blocks(of_end.size, nodes=times.size):
            shape, rate = distinct[:2, of_end[part]]
            alive = worth * np.exp(-shape * np.log1p(times / rate))
            # One node after the other, so that a customer alone has the same bits.
            values[of_end[part]] = np.cumsum(alive, axis=0)[-1]
    return values[which.reshape(-1)].reshape(columns[0].shape)


def broadcast(*values: npt.ArrayLike) -> list[Float]:
    return list(np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in values)))


def _discounted_time_alive(s: Rate, beta: Rate, horizon: Float, discount: float) -> Float:
    # Beyond 45 discount lengths nothing is left that a double could hold.
    columns = broadcast(s, beta, np.minimum(horizon, 45 / discount))
    shape, rate, end = (column.reshape(-1) for column in columns)
    values = np.empty(end.shape)
    for part in blocks(end.size, nodes=NODES):
        scale = 1 / (discount + shape[part] / rate[part])
        times, log_weights = dropout_nodes(np.zeros_like(scale), end[part], scale, nodes=NODES)
        log_alive = -discount * times - shape[part] * np.log1p(times / rate[part])
        values[part] = sum_of_nodes(np.exp(log_alive + log_weights))
    return values.reshape(columns[0].shape)

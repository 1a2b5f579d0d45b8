"""NBD: customers who buy at random, at a personal rate, and never stop.

Two numbers, ``r, alpha``: the shape and rate of the gamma the purchase rates follow. A forecast
that knows of dropout has to beat this one. Nothing here knows about tables or dates. Source:
Ehrenberg (1959), "The Pattern of Consumer Purchases", with each customer's own length of
observation. Start reading at :func:`log_likelihood`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clv.numerics import posterior
from clv.numerics.histories import Histories, require_repeats
from clv.numerics.optimize import Optimum, maximize
from clv.numerics.posterior import ParameterDraws
from clv.numerics.predictive import Dice, Made, Places, counts, some
from clv.numerics.quadrature import Float
from clv.numerics.required import require_discount, require_history, require_horizon, require_params
from clv.numerics.rising import log_rising, rising_factorials


class NBDParams(NamedTuple):
    """``r, alpha``: shape and rate of the purchase rates."""

    r: float
    alpha: float | Float


def log_likelihood(params: NBDParams, x: npt.ArrayLike, T: npt.ArrayLike) -> Float:
    """Log-likelihood of each customer's purchase times, of which their number is enough.

    Args:
        params: Shape and rate, in the time unit of ``T``.
        x: Repeat transactions, shape ``(n,)``, whole numbers >= 0.
        T: Age at the end of observation, shape ``(n,)``, >= 0.

    >>> log_likelihood(NBDParams(r=0.385, alpha=12.07), [0.0, 2.0], [39.0, 39.0]).round(4)
    array([-0.5554, -9.0506])
    """
    require_params(params)
    require_history(x, 0.0, T)
    r, alpha = params
    counts, age = np.asarray(x, dtype=float), np.asarray(T, dtype=float)
    return np.asarray(
        log_rising(r, counts) - counts * np.log(alpha) - (r + counts) * np.log1p(age / alpha)
    )


def p_alive(params: NBDParams, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> Float:
    """One for every customer: nobody stops."""
    return np.ones(np.broadcast_shapes(np.shape(x), np.shape(t_x), np.shape(T)))


def conditional_expected_transactions(
    params: NBDParams,
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    discount: float = 0.0,
) -> Float:
    """Transactions each customer is expected to make in the next ``t`` time units.

    With a ``discount``, a continuous rate per time unit, later ones count less. ``t_x`` is not
    looked at: when a customer bought says nothing where nobody stops.

    >>> p = NBDParams(r=0.385, alpha=12.07)
    >>> conditional_expected_transactions(p, [0.0, 2.0], 0.0, 39.0, 52.0, discount=0.0018).round(3)
    array([0.374, 2.318])
    """
    require_params(params)
    require_history(x, 0.0, T)
    horizon = np.asarray(t, dtype=float)
    require_horizon(horizon)
    require_discount(discount)
    length = -np.expm1(-discount * horizon) / discount if discount > 0 else horizon
    return np.asarray((params.r + np.asarray(x)) / (params.alpha + np.asarray(T)) * length)


def expected_transactions(params: NBDParams, t: npt.ArrayLike) -> Float:
    """Repeat transactions of a new customer in the first ``t`` time units, shape of ``t``."""
    return np.asarray(params.r / params.alpha * np.asarray(t, dtype=float))


def probability_of_no_transaction(
    params: NBDParams, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike, t: npt.ArrayLike
) -> Float:
    """Probability that each customer makes no transaction in the next ``t`` time units.

    >>> probability_of_no_transaction(NBDParams(0.385, 12.07), [0.0, 2.0], 0.0, 39.0, 52.0).round(3)
    array([0.763, 0.187])
    """
    require_params(params)
    require_history(x, 0.0, T)
    horizon = np.asarray(t, dtype=float)
    require_horizon(horizon)
    growth = horizon / (params.alpha + np.asarray(T, dtype=float))
    return np.exp(-(params.r + np.asarray(x)) * np.log1p(growth))


def fit(rows: Histories) -> Optimum:
    """The maximum-likelihood ``r, alpha``. Always read its ``status``."""
    require_repeats(rows)
    purchases, age = (float(np.average(v, weights=rows.weights)) for v in (rows.x, rows.T))
    total = functools.partial(log_likelihood_total, rows=rows)
    return maximize(total, np.log([1.0, age / purchases]))


def log_likelihood_total(point: Float, rows: Histories) -> tuple[float, Float, Float]:
    """Summed log-likelihood with its gradient and Hessian in log parameters."""
    r, alpha = (float(v) for v in np.exp(point))
    weights, shape = rows.weights, r + rows.x
    counts = np.bincount(rows.x.astype(np.int64), weights=weights)
    rise, slope, bend = (counts @ table for table in rising_factorials(r, counts.size - 1))
    log_growth, share = np.log1p(rows.T / alpha), rows.T / (alpha + rows.T)
    value = rise - weights @ (rows.x * np.log(alpha) + shape * log_growth)
    gradient = np.array([r * (slope - weights @ log_growth), weights @ (shape * share - rows.x)])
    mixed = r * (weights @ share)
    own = weights @ (shape * share * (1 - share))
    return float(value), gradient, np.array([[gradient[0] + r**2 * bend, mixed], [mixed, -own]])


def draw(rows: Histories, params: NBDParams, *, count: int, seed: int) -> ParameterDraws:
    """Points of ``log r, log alpha`` from the posterior around the optimum of these rows.

    ``count`` and ``seed`` are as in :func:`clv.numerics.posterior.draw`.
    """
    mode = np.log(np.array(params, dtype=float))
    return posterior.draw_of_rows(log_likelihood_total, rows, mode, None, count=count, seed=seed)


class Ahead(NamedTuple):
    """The customers of a shop under draws of the parameters, and a horizon >= 0.

    ``points`` has shape ``(k, 2)``, those of :func:`draw`.
    """

    points: Float
    x: Float
    T: Float
    horizon: float

    def history(self) -> Sequence[Float]:
        return self.x, self.T

    def purchases(self, places: Places, dice: Dice) -> Made:
        """As :class:`clv.numerics.predictive.Buying` has it."""
        who = np.repeat(np.arange(places.size), dice.draws)
        drawn = np.tile(np.arange(dice.draws) % len(self.points), places.size)
        r, alpha = np.exp(self.points).T
        growth = self.horizon / (alpha[drawn] + self.T[places][who])
        (luck,) = dice.uniform()
        number = counts(luck.reshape(-1), r[drawn] + self.x[places][who], growth, who, dice)
        buying, who, of = some(number.reshape(luck.shape) > 0)
        number = number.take(buying)
        return Made(who, of, number, number, lambda t: t / self.horizon)

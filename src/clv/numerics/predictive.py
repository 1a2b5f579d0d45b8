"""What each customer may do within a horizon: draws of purchase days and of their value.

Draw ``d`` takes one set of parameters for everybody, then for each customer on their own: how
much longer they stay, how often they buy, what a purchase of theirs is worth. So the draws of
one customer have a median, and those of a group, added up draw by draw, carry what is not known
about the parameters too.

Every customer has a random stream derived from the seed and their name, so an answer depends
neither on who else is asked about nor on the order. Nothing here knows tables or currencies.
Start reading at :func:`draw`; :func:`ranges` turns draws into an interval.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clv.numerics.clock import Clock
from clv.numerics.gamma_gamma import GammaGammaParams, Rate
from clv.numerics.pareto_nbd import Nodes, ParetoNBDParams
from clv.numerics.pareto_nbd_draws import FEW_NODES
from clv.numerics.quadrature import Float


class Customers(NamedTuple):
    """What is known of each, all of shape ``(n,)``.

    ``bought`` purchases added up to ``spent``, both 0 where no value of a purchase is known.
    ``of_alpha`` and ``of_beta`` are what covariates make of everybody's rates.
    """

    x: Float
    t_x: Float
    T: Float
    bought: Float
    spent: Float
    of_alpha: Float
    of_beta: Float


class Draws(NamedTuple):
    """Purchases within the horizon and their value, each of shape ``(n, draws)``."""

    purchases: Float
    value: Float


class Shock(NamedTuple):
    """What moves everybody at once: its log follows a t with this scale and these degrees."""

    scale: float
    degrees: float

    def draw(self, draws: int, *, seed: int) -> Float:
        """Factors for the draws of every customer alike, shape ``(draws,)``.

        For quantiles only: a t on the log scale has no mean.
        """
        rng = np.random.default_rng(seed)
        return np.asarray(np.exp(self.scale * rng.standard_t(self.degrees, draws)))


def streams(seed: int, names: Sequence[str]) -> Iterator[np.random.Generator]:
    """The random numbers of each name from their beginning; the one generator moves on."""
    counter = np.random.Philox(key=0)
    start, generator = counter.state, np.random.Generator(counter)
    salt = seed.to_bytes(8, "little")
    for name in names:
        digest = hashlib.blake2b(name.encode(errors="replace"), digest_size=16, key=salt).digest()
        start["state"]["key"] = np.frombuffer(digest, dtype=np.uint64)
        counter.state = start
        yield generator


def draw(
    customers: Customers,
    horizon: float,
    names: Sequence[str],
    *,
    params: ParetoNBDParams,
    spend: GammaGammaParams | float,
    draws: int,
    seed: int,
    clock: Clock | None = None,
) -> Draws:
    """Draws of what each customer does within the horizon.

    Args:
        customers: In the time unit of ``params``, in the currency of ``spend``.
        horizon: In that unit, >= 0.
        names: One per customer; equal names have equal random numbers.
        params: Each of shape ``(k,)``: draws of the parameters, used in turn.
        spend: The same of Gamma-Gamma, or the value of every purchase.
        draws: How many, a multiple of ``k`` to use all parameters equally often.
        seed: Of the streams.
        clock: The purchase rate's calendar, if it has one, the same in all draws.
    """
    rates = [np.atleast_1d(rate) for rate in params]
    which = np.arange(draws) % rates[0].size
    each = ParetoNBDParams(*(rate[which] for rate in rates))
    worth = [] if isinstance(spend, float) else [_in_turn(part, which) for part in spend]
    p_alive = _p_alive(params, customers, clock)[which]
    seen = customers.T if clock is None else clock.age(customers.T, customers.T)
    if clock is not None:
        path, today = clock.path, np.asarray(clock.today, dtype=float)
        so_far = path.at(today)[0]
    made, value = np.zeros((2, len(names), draws))
    for i, rng in enumerate(streams(seed, names)):
        x, _, age, bought, spent, of_alpha, of_beta = (float(column[i]) for column in customers)
        # One uniform number says both whether a customer is alive and for how much longer:
        # P(alive at T + v) = P(alive) ((beta + T) / (beta + T + v))^s.
        with np.errstate(over="ignore"):
            longer = (p_alive[:, i] / (1 - rng.random(draws))) ** (1 / each.s) - 1
            lasting = np.clip((each.beta * of_beta + age) * longer, 0, horizon)
        if clock is not None:
            lasting = path.at(today + lasting)[0] - so_far
        rate = rng.standard_gamma(each.r + x) / (each.alpha * of_alpha + seen[i])
        made[i] = rng.poisson(rate * lasting)
        buying = np.flatnonzero(made[i])
        if isinstance(spend, float):
            value[i] = made[i] * spend
            continue
        own = GammaGammaParams(*(part[buying] for part in worth))
        # Where q is next to nothing some draws of a customer without purchases are infinite.
        with np.errstate(over="ignore", divide="ignore"):
            per_unit = rng.standard_gamma(own.p * bought + own.q)
            per_unit /= own.own_gamma(bought) + spent
            value[i, buying] = rng.standard_gamma(own.p * made[i, buying]) / per_unit
    return Draws(made, value)


def _in_turn(part: Rate, which: npt.NDArray[np.int64]) -> Float:
    values = np.atleast_1d(part)
    return values[which % values.size]


def _p_alive(params: ParetoNBDParams, customers: Customers, clock: Clock | None) -> Float:
    """P(alive) of each customer under each draw of the parameters, shape ``(k, n)``."""
    middle = [float(np.median(rate)) for rate in params]

    def own(r: float, alpha: float, s: float, beta: float) -> ParetoNBDParams:
        return ParetoNBDParams(r, alpha * customers.of_alpha, s, beta * customers.of_beta)

    nodes = Nodes.around(own(*middle), customers[:3], FEW_NODES, clock)
    rates = zip(*(np.atleast_1d(rate).tolist() for rate in params), strict=True)
    return np.stack([nodes.survey(own(*rate))[1] for rate in rates])


class Ranges(NamedTuple):
    """Median and interval, each of shape ``(n,)``."""

    median: Float
    lower: Float
    upper: Float


def ranges(value: Float, p_zero: Float, level: float) -> Ranges:
    """The median, and the interval meant to hold with the chance ``level``.

    It runs from 0 to the quantile at ``level`` where nothing at all is likelier than the lower
    tail of a central interval, so that the chance of more is always ``1 - level``; else it is
    central.

    Args:
        value: Draws, shape ``(n, draws)``, >= 0.
        p_zero: Exact chance of no purchase, shape ``(n,)``, which the draws only estimate.
        level: More than 0, less than 1.
    """
    ordered = np.sort(value, axis=1)
    tail = (1 - level) / 2
    from_zero = p_zero > tail
    lower = np.where(from_zero, 0.0, _quantile(ordered, p_zero, np.full_like(p_zero, tail)))
    upper = _quantile(ordered, p_zero, np.where(from_zero, level, 1 - tail))
    return Ranges(_quantile(ordered, p_zero, np.full_like(p_zero, 0.5)), lower, upper)


def _quantile(ordered: Float, p_zero: Float, at: Float) -> Float:
    """Quantiles of 0 with its exact chance, and of the draws above 0 with what remains."""
    draws = ordered.shape[1]
    zeros = (ordered <= 0).sum(axis=1)
    share = (at - p_zero) / np.maximum(1 - p_zero, 1e-300)
    place = np.clip(zeros + share * (draws - zeros) - 0.5, zeros, draws - 1)
    below = np.floor(place).astype(int)
    rows = np.arange(len(ordered))
    low, high = ordered[rows, below], ordered[rows, np.minimum(below + 1, draws - 1)]
    return np.where(share > 0, low + (place - below) * (high - low), 0.0)

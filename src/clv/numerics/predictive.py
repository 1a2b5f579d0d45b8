"""What each customer may do within a horizon: draws of purchase days and of their value.

Draw ``d`` takes one set of parameters for everybody, then for each customer on their own: how
much longer they stay, how often they buy, what a purchase of theirs is worth. So the draws of
one customer have a median, and those of a group, added up draw by draw, carry what is not known
about the parameters too.

How customers buy is a :class:`Buying`, of which every family of models has its own. Random
numbers are those of :class:`Dice`: every customer throws their own, derived from the seed and
their name, so an answer depends neither on who else is asked about nor on the order. Nothing
here knows tables or currencies. Start reading at :func:`draw`; :func:`ranges` turns draws into
an interval.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from clv.numerics.calibration import AS_STATED, Calibration
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.quadrature import Float

Bool = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

MANY = 30.0
"""Purchases expected, or times the scale of the rate, from which chances are not added up."""


class Made(NamedTuple):
    """Purchases within the horizon, one entry for each customer and draw with any.

    ``who``, in rising order, are customers and ``of`` draws. Of so many ``ticks``, spread evenly
    over some time, every ``k``-th after those ``waited`` already is a purchase; the first
    ``number`` are made. ``passed`` says which share of that time is over at a moment of the
    horizon; more than 1 is all of it.
    """

    who: Places
    of: Places
    number: Float
    ticks: Float
    passed: Callable[[float], Float | float]
    waited: Float | float = 0.0
    k: int = 1

    def by_part(self, ends: Sequence[float], dice: Dice) -> Float:
        """How many are made in each part of the horizon, ``(entries, parts)``.

        ``ends`` are those of the parts and rise to the horizon.
        """
        passed = np.empty((self.who.size, len(ends)))
        for part, end in enumerate(ends):
            passed[:, part] = np.minimum(self.passed(end), 1.0)
        chances = np.diff(passed, prepend=0.0)
        ticks = dice.multinomial(self.ticks.astype(np.int64), chances, self.who)
        if self.number is self.ticks:
            return ticks
        reached = (ticks.cumsum(axis=1) + np.reshape(self.waited, (-1, 1))) // self.k
        return np.diff(np.minimum(reached, self.number[:, None]), prepend=0.0)


class Parts(NamedTuple):
    """Purchases of each part of the horizon, and the share of their value among all of them.

    Both have shape ``(entries, parts)``, an entry for each customer ``who`` buys under draw ``of``.
    """

    who: Places
    of: Places
    purchases: Float
    share: Float


class Draws(NamedTuple):
    """Purchases within the horizon and their value, each of shape ``(n, draws)``."""

    purchases: Float
    value: Float
    parts: Parts | None = None


class Spend(NamedTuple):
    """What purchases are worth.

    ``params`` are draws of Gamma-Gamma's, each of shape ``(k,)``, or the value of every purchase.
    ``bought`` purchases added up to ``spent``, both of shape ``(n,)`` and 0 where no value of a
    purchase is known.
    """

    params: GammaGammaParams | float
    bought: Float
    spent: Float


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


class Dice:
    """Random numbers of some customers, each throw of each of them a stream of its own.

    A throw for several draws of a customer takes ``who``, the customers' places in rising
    order, one entry per number.
    """

    def __init__(self, seed: int, names: Sequence[str], draws: int) -> None:
        salt = seed.to_bytes(8, "little")
        digests = (
            hashlib.blake2b(name.encode(errors="replace"), digest_size=16, key=salt).digest()
            for name in names
        )
        self._keys = np.frombuffer(b"".join(digests), dtype=np.uint64).reshape(-1, 2)
        self._throws = 0
        self.customers, self.draws = len(names), draws

    def uniform(self, times: int = 1) -> list[Float]:
        """Numbers in [0, 1) for every draw, ``times`` arrays of shape ``(n, draws)``."""
        thrown = np.empty((self.customers, times * self.draws))
        for row, rng in zip(thrown, self._streams(range(self.customers)), strict=True):
            rng.random(out=row)
        return np.split(thrown, times, axis=1)

    def some_uniform(self, who: Places) -> Float:
        return self._thrown(who, lambda rng, part: rng.random(part.stop - part.start))

    def gamma(self, shape: Float, who: Places) -> Float:
        return self._thrown(who, lambda rng, part: rng.standard_gamma(shape[part]))

    def beta(self, a: Float, b: Float, who: Places) -> Float:
        return self._thrown(who, lambda rng, part: rng.beta(a[part], b[part]))

    def poisson(self, mean: Float, who: Places) -> Float:
        return self._thrown(who, lambda rng, part: rng.poisson(mean[part]))

    def multinomial(self, number: Places, chances: Float, who: Places) -> Float:
        """How many of each ``number`` fall on each of the ``chances``, of shape ``(who, k)``."""
        k = chances.shape[1]
        return self._thrown(who, lambda rng, part: rng.multinomial(number[part], chances[part]), k)

    def _thrown(
        self,
        who: Places,
        throw: Callable[[np.random.Generator, slice], npt.NDArray[np.generic]],
        *each: int,
    ) -> Float:
        thrown = np.empty((who.size, *each))
        ends = np.flatnonzero(np.diff(who, append=-1)) + 1
        first = 0
        for rng, end in zip(self._streams(who[ends - 1]), ends.tolist(), strict=True):
            thrown[first:end] = throw(rng, slice(first, end))
            first = end
        return thrown

    def _streams(self, places: range | Places) -> Iterator[np.random.Generator]:
        """The stream of each for the next throw; the one generator moves on."""
        self._throws += 1
        counter = np.random.Philox(key=0, counter=[0, 0, 0, self._throws])
        start, generator = counter.state, np.random.Generator(counter)
        for place in places:
            start["state"]["key"] = self._keys[place]
            counter.state = start
            yield generator


def some(is_one: npt.NDArray[np.bool_]) -> tuple[Places, Places, Places]:
    """Places of what is true in an array of two dimensions; their rows, rising, and columns.

    To take at places is many times as fast as to look through a mask again.
    """
    places = np.flatnonzero(is_one)
    rows = places // is_one.shape[1]
    return places, rows, places - rows * is_one.shape[1]


def counts(thrown: Float, shape: Float, growth: Float, who: Places, dice: Dice) -> Float:
    """Purchases at gamma rates of this shape within ``growth`` times their scale.

    A number ``thrown`` from [0, 1) says how many, by their chances added up from none on; where
    that would be many the rate itself is thrown, and the purchases at it.
    """
    made = np.zeros(thrown.shape)
    is_many = np.maximum(shape, 1) * growth > MANY
    many = np.flatnonzero(is_many)
    rate = dice.gamma(shape[many], who[many])
    made[many] = dice.poisson(rate * growth[many], who[many])
    chance = np.exp(-shape * np.log1p(growth))
    left = np.flatnonzero((thrown >= chance) & ~is_many)
    columns = [column.take(left) for column in (thrown, chance, growth / (1 + growth), shape)]
    number, below = 0, columns[1].copy()
    while left.size:
        thrown, chance, share, shape = columns
        chance *= share * (shape + number) / (number + 1)
        below += chance
        number += 1
        made[left] = number
        # Chances too small to move their sum are no chances.
        more = np.flatnonzero((thrown >= below) & (chance > 1e-17))
        left, below = left.take(more), below.take(more)
        columns = [column.take(more) for column in columns]
    return made


class Buying(Protocol):
    """How customers buy under each draw of the parameters, of some family of models."""

    def history(self) -> Sequence[Float]:
        """What the chances of a customer depend on, each of shape ``(n,)``."""
        ...

    def purchases(self, places: Places, dice: Dice) -> Made:
        """Those within the horizon of the customers at ``places``."""
        ...


def draw(
    buying: Buying,
    spend: Spend,
    names: Sequence[str],
    places: Places | None = None,
    *,
    draws: int,
    seed: int,
    ends: Sequence[float] = (),
) -> Draws:
    """Draws of what each customer does within the horizon.

    Args:
        buying: How they buy.
        spend: What a purchase is worth.
        names: One per customer; equal names have equal random numbers.
        places: Those of the customers wanted, if not all.
        draws: How many, a multiple of the draws of parameters to use all equally often.
        seed: Of the random numbers.
        ends: Of parts of the horizon, if they are wanted; they move nothing of the whole.
    """
    wanted = np.arange(len(names)) if places is None else places
    dice = Dice(seed, [names[place] for place in wanted], draws)
    made = buying.purchases(wanted, dice)
    who, which = made.who, made.of
    at, purchases = who * draws + which, np.zeros((wanted.size, draws))
    purchases.put(at, made.number)
    if isinstance(spend.params, float):
        parts = _parts(made, ends, dice) if ends else None
        return Draws(purchases, purchases * spend.params, parts)
    own = GammaGammaParams(*(np.resize(part, draws).take(which) for part in spend.params))
    bought, spent = (column[wanted].take(who) for column in (spend.bought, spend.spent))
    value = np.zeros_like(purchases)
    # Where q is next to nothing some draws of a customer without purchases are infinite.
    with np.errstate(over="ignore", divide="ignore"):
        per_unit = dice.gamma(own.p * bought + own.q, who) / (own.own_gamma(bought) + spent)
        value.put(at, dice.gamma(own.p * made.number, who) / per_unit)
    return Draws(purchases, value, _parts(made, ends, dice, np.asarray(own.p)) if ends else None)


def _parts(made: Made, ends: Sequence[float], dice: Dice, p: Float | None = None) -> Parts:
    """Purchases alike in worth, or, given its shape ``p``, each worth a gamma number of its own."""
    worth = purchases = made.by_part(ends, dice)
    if p is not None:
        at, entry, _ = some(purchases > 0)
        worth = np.zeros_like(purchases)
        drawn = dice.gamma(p.take(entry) * purchases.take(at), made.who.take(entry))
        worth.put(at, np.maximum(drawn, 1e-300))
    return Parts(made.who, made.of, purchases, worth / worth.sum(axis=1, keepdims=True))


class Ranges(NamedTuple):
    """Median and interval, each of shape ``(n,)``."""

    median: Float
    lower: Float
    upper: Float


def ranges(
    ordered: Float, p_zero: Float, level: float, calibration: Calibration = AS_STATED
) -> Ranges:
    """The median, and the interval meant to hold with the chance ``level``.

    It runs from 0 to the quantile at ``level`` where nothing at all is likelier than the lower
    tail of a central interval, so that the chance of more is always ``1 - level``; else it is
    central.

    Args:
        ordered: Draws, each row rising, shape ``(n, draws)``, >= 0.
        p_zero: Exact chance of no purchase, shape ``(n,)``, which the draws only estimate.
        level: More than 0, less than 1.
        calibration: What the chances stated by such draws are worth.
    """
    tail = (1 - level) / 2
    from_zero = runs_from_zero(p_zero, level, calibration)
    upper = np.where(from_zero, level, 1 - tail)
    stated = calibration.level(
        np.stack([np.full_like(upper, 0.5), np.full_like(upper, tail), upper])
    )
    middle, lower, upper = quantiles(ordered, p_zero, stated.T).T
    return Ranges(middle, np.where(from_zero, 0.0, lower), upper)


def runs_from_zero(p_zero: Float, level: float, calibration: Calibration = AS_STATED) -> Bool:
    """Whether a customer's interval at ``level`` begins at 0 for want of a lower tail."""
    return np.asarray(calibration.of(p_zero) > (1 - level) / 2)


def quantiles(ordered: Float, p_zero: Float, at: Float) -> Float:
    """Quantiles of 0 with its exact chance, and of the draws above 0 with what remains.

    Of each row at ``k`` chances, its own or the same for all; the answer has shape ``(n, k)``.
    """
    draws = ordered.shape[1]
    zeros, nothing = (ordered <= 0).sum(axis=1)[:, None], p_zero[:, None]
    share = (at - nothing) / np.maximum(1 - nothing, 1e-300)
    place = np.clip(zeros + share * (draws - zeros) - 0.5, zeros, draws - 1)
    below = np.floor(place).astype(int)
    low, high = (
        np.take_along_axis(ordered, np.minimum(below + step, draws - 1), axis=1) for step in (0, 1)
    )
    return np.where(share > 0, low + (place - below) * (high - low), 0.0)

"""Who buys on which day, and for how long: the part of the shop that models try to recover.

The Pareto/NBD story with a calendar: a customer buys at a personal rate times the level of
the day, until dropout at a personal rate in plain days. Rates differ by two gammas, the
wholesale segment buys more often and for more. The opening cohort began before the log and is
in it only if it bought again, so who stays long and buys often is over-represented there.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Pareto/NBD, in days.
R, ALPHA, S, BETA = 1.05, 99.0, 0.4, 100.0
LONGEST_STAY = 200 * 365
OPENING_SHARE, OPENING_PAST_DAYS = 0.3, 1_500
OPENING_TRIED = 3  # drawn for each customer; two in five of them buy within two years
ACQUISITION_DECLINE = 0.75  # per year: newcomers arrive ever more rarely

# Expected value of an order in GBP; spreads are standard deviations of logarithms.
MEAN_SPEND, SPEND_SPREAD = 325.0, 0.48
WHOLESALE_SHARE, WHOLESALE_RATE, WHOLESALE_SPEND, WHOLESALE_SPREAD = 0.02, 7.0, 4.2, 0.8

FIRST, LAST = dt.date(2009, 12, 1), dt.date(2011, 12, 9)
DAYS = (LAST - FIRST).days + 1
# A level year but for the autumn and the new year: middle and width in days, height.
SEASONS = ((310, 32.0, 0.9), (22, 24.0, -0.2))
# From Monday.
WEEKDAYS = np.array([1.0, 1.15, 1.15, 1.35, 0.95, 0.0, 0.82])
OPENS, CLOSES = 3, 357  # days of the year, from 0: 4 January, 24 December


def _levels() -> Floats:
    """How busy each day of the log is: 0 when closed, 1 on average over its first two years."""
    dates = np.datetime64(FIRST, "D") + np.arange(DAYS)
    of_year = (dates - dates.astype("datetime64[Y]")).astype(np.int64)
    level = np.ones(DAYS)
    for middle, width, height in SEASONS:
        away = (of_year - middle + 182) % 365 - 182
        level += height * np.exp(-0.5 * (away / width) ** 2)
    level *= (of_year >= OPENS) & (of_year < CLOSES)
    level *= WEEKDAYS[(dates.astype(np.int64) + 3) % 7]  # 1970 began on a Thursday
    return np.asarray(level / level[: 2 * 365].mean())


LEVEL = _levels()
TOTAL = np.concatenate([[0.0], np.cumsum(LEVEL)])  # before each day, and in the end


def day_at(total: Floats) -> Ints:
    """The open day within which the running total of levels passes ``total``."""
    day: Ints = np.searchsorted(TOTAL, total, side="right") - 1
    return np.minimum(day, DAYS - 1)


def elapsed(time: Floats) -> Floats:
    """The running total at a time in days, level before the log and after it."""
    return np.asarray(np.interp(time, np.arange(DAYS + 1), TOTAL))


class Customers(NamedTuple):
    """One entry for each customer; times in days since the log began."""

    rate: Floats
    dropout_rate: Floats
    since: Floats
    until: Floats
    spend: Floats
    wholesale: npt.NDArray[np.bool_]


def draw_purchases(rng: np.random.Generator, customers: int) -> tuple[Customers, Ints, Ints]:
    """The customers, and each purchase as a pair: index of the customer, day of the log."""
    past = _draw_customers(rng, -OPENING_PAST_DAYS * rng.random(OPENING_TRIED * customers))
    past_count = rng.poisson(past.rate * _exposure(past))
    seen = np.flatnonzero(past_count)[: round(customers * OPENING_SHARE)]

    decline = np.exp(-ACQUISITION_DECLINE / 365 * np.arange(DAYS))
    arrived = np.cumsum(LEVEL * decline)
    place = rng.random(customers - len(seen)) * arrived[-1]
    first_day = np.searchsorted(arrived, place, side="right")
    fresh = _draw_customers(rng, first_day + rng.random(len(first_day)))
    fresh_count = rng.poisson(fresh.rate * _exposure(fresh))

    pairs = zip(past, fresh, strict=True)
    people = Customers(*(np.concatenate([old[seen], new]) for old, new in pairs))
    buyer = np.repeat(np.arange(customers), np.concatenate([past_count[seen], fresh_count]))
    place = rng.random(len(buyer)) * _exposure(people)[buyer]
    day = day_at(elapsed(people.since)[buyer] + place)
    newcomer = np.arange(len(seen), customers)
    return people, np.concatenate([buyer, newcomer]), np.concatenate([day, first_day])


def lognormal(rng: np.random.Generator, spread: npt.ArrayLike, size: int) -> Floats:
    """Factors with mean 1 whose logarithms have the standard deviation ``spread``."""
    sigma = np.asarray(spread, dtype=np.float64)
    return np.exp(sigma * (rng.standard_normal(size) - sigma / 2))


def _draw_customers(rng: np.random.Generator, since: Floats) -> Customers:
    size = len(since)
    wholesale = rng.random(size) < WHOLESALE_SHARE
    rate = rng.gamma(R, 1 / ALPHA, size) * np.where(wholesale, WHOLESALE_RATE, 1)
    # A gamma of shape below 1 comes so near to 0 that dates would leave the calendar.
    dropout_rate = np.maximum(rng.gamma(S, 1 / BETA, size), 1e-12)
    stay = np.minimum(rng.exponential(1 / dropout_rate), LONGEST_STAY)
    spread = np.where(wholesale, WHOLESALE_SPREAD, SPEND_SPREAD)
    spend = MEAN_SPEND * lognormal(rng, spread, size) * np.where(wholesale, WHOLESALE_SPEND, 1)
    return Customers(rate, dropout_rate, since, since + stay, spend, wholesale)


def _exposure(people: Customers) -> Floats:
    """How much of the calendar each customer lives through: 0 for who left before the log."""
    return elapsed(people.until) - elapsed(people.since)

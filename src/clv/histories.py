"""One customer's orders, or bare counts and times, turned into a row of the customer summary.

For customers the shop's log does not know: a handful at a time, in plain Python, with the
answers the ETL would give of a log that held the same orders. What cannot be such a customer
comes back as the error that says why, so that one of many does not stop the rest.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from clv.errors import ClvError, QuestionUnanswerable
from clv.periods import TimeUnit
from clv.tables import MONEY

Row = dict[str, Any]
Money = tuple[Decimal, Decimal]
"""What was bought, and how much of it went back."""

SMALLEST = Decimal(1).scaleb(-MONEY.scale)


@dataclasses.dataclass(frozen=True)
class Purchase:
    """One order of a customer, by the shop's own clock; a negative amount is a return."""

    customer_id: str
    at: dt.datetime
    amount: float
    order_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Tally:
    """A customer as a spreadsheet knows one: counts and times instead of orders.

    ``recency`` and ``age`` are in ``time_unit``; ``mean_day_value`` is of the purchase days
    that still stand, before returns, and ``return_share`` the share of it sent back.
    """

    customer_id: str | None
    frequency: int
    recency: float
    age: float
    mean_day_value: float | None
    purchase_days: int | None = None
    return_share: float = 0.0
    time_unit: TimeUnit = TimeUnit.DAY


def from_purchases(
    purchases: Sequence[Purchase],
    as_of: dt.date,
    *,
    net: bool = True,
    spend_season: Sequence[float] | None = None,
) -> Row | ClvError:
    """The summary row of one customer's orders, as ``clv.data`` makes it of a log.

    Every purchase given counts, though it equal another. Unless ``net``, returns do not.
    ``spend_season`` is that of the log.
    """
    days: defaultdict[dt.date, list[Money]] = defaultdict(list)
    for (day, _), sums in _orders(purchases, net=net).items():
        days[day].append(sums)
    if later := [one.at.date() for one in purchases if one.at.date() > as_of]:
        problem = f"has orders after {as_of}: {len(later):,}, first on {min(later)}."
        step = "Give a later as_of, or leave those orders out."
    elif not days:
        problem, step = "bought nothing.", "Give at least one positive amount."
    else:
        return _summary(days, as_of, spend_season)
    whose = f"customer {purchases[0].customer_id!r}"
    return QuestionUnanswerable("transactions", f"{whose} {problem}", next_step=step)


def _orders(purchases: Sequence[Purchase], *, net: bool) -> dict[tuple[dt.date, str], Money]:
    """The money of each order, by day and order.

    A return undoes the latest money that is left. At one moment purchases come first.
    """
    gross: defaultdict[tuple[dt.date, str], Decimal] = defaultdict(Decimal)
    undone: defaultdict[tuple[dt.date, str], Decimal] = defaultdict(Decimal)
    left: list[tuple[tuple[dt.date, str], Decimal]] = []
    for purchase in sorted(purchases, key=_in_order):
        amount = Decimal(str(purchase.amount)).quantize(SMALLEST, ROUND_HALF_UP)
        if amount > 0:
            # Without an order id, what was bought at one moment is one order.
            order = purchase.at.date(), purchase.order_id or f"{purchase.at:%Y-%m-%d %H:%M:%S}"
            gross[order] += amount
            left.append((order, amount))
        while amount < 0 and net and left:
            order, value = left.pop()
            back = min(value, -amount)
            undone[order] += back
            amount += back
            if value > back:
                left.append((order, value - back))
    return {order: (value, undone[order]) for order, value in gross.items()}


def _in_order(purchase: Purchase) -> tuple[Any, ...]:
    order = purchase.order_id
    return purchase.at, purchase.amount < 0, not order, order or "", abs(purchase.amount)


def _summary(
    days: Mapping[dt.date, list[Money]], as_of: dt.date, spend_season: Sequence[float] | None
) -> Row:
    standing = {day: own for day, own in days.items() if sum(g - b for g, b in own) > 0}
    first = min(standing or days)
    last = max(standing, default=first)
    orders = [money for own in standing.values() for money in own]
    gross, back = (sum(money[side] for money in orders) for side in (0, 1))
    season = spend_season or (1.0,) * 12
    level = sum(
        float(bought) / season[day.month - 1] for day in standing for bought, _ in days[day]
    )
    intervals = [(b - a).days for a, b in itertools.pairwise(sorted(standing))]
    return {
        "frequency": max(len(standing) - 1, 0),
        "recency": float((last - first).days),
        "age": float((as_of - first).days),
        "log_intervals": sum(map(math.log, intervals)) if intervals else None,
        "purchase_days": len(standing),
        "orders": sum(value > undone for value, undone in orders),
        "mean_day_value": float(gross) / len(standing) if standing else None,
        "season_of_days": float(gross) / level if standing else None,
        "gross_value": float(gross),
        "largest_order": max((float(g) for g, b in orders if g > b), default=None),
        "returned_value": float(back),
        "historic_clv": float(gross - back),
        "first_purchase": first,
        "cohort": first.isoformat()[:7],
    }


def from_tally(tally: Tally, as_of: dt.date, *, net: bool = True) -> Row | ClvError:
    """The summary row of one customer's counts and times, in days.

    A purchase day counts as one order. Unless ``net``, returns do not count.
    """
    days = tally.frequency + 1 if tally.purchase_days is None else tally.purchase_days
    if problem := _contradiction(tally, days, as_of):
        return QuestionUnanswerable(
            *problem, next_step="Correct it, or send the orders as transactions."
        )
    length = tally.time_unit.days
    gross = (tally.mean_day_value or 0.0) * days
    returned = gross * tally.return_share if net else 0.0
    recency, age = _whole(tally.recency * length), _whole(tally.age * length)
    first = as_of - dt.timedelta(days=round(age))
    return {
        "frequency": tally.frequency,
        "recency": recency,
        "age": age,
        "purchase_days": days,
        "orders": days,
        "mean_day_value": tally.mean_day_value,
        "gross_value": gross,
        "returned_value": returned,
        "historic_clv": gross - returned,
        "first_purchase": first,
        "cohort": first.isoformat()[:7],
    }


def _whole(days: float) -> float:
    """Days said in weeks are whole again: a seventh is no number a computer can write down."""
    nearest = float(round(days))
    return nearest if nearest and abs(days - nearest) < 1e-6 else days


def _contradiction(tally: Tally, days: int, as_of: dt.date) -> tuple[str, str] | None:
    """The field of a tally that cannot be as the others are, and why."""
    if round(tally.age * tally.time_unit.days) >= as_of.toordinal():
        return "age", f"{tally.age:g} {tally.time_unit}s before {as_of} there is no calendar."
    if tally.recency > tally.age:
        return "recency", f"{tally.recency:g} is after the end of observation, {tally.age:g}."
    if (tally.frequency == 0) != (tally.recency == 0):
        return "recency", "it is 0 where frequency is 0, and only there."
    if days <= tally.frequency and (days or tally.frequency):
        return "purchase_days", f"{days} is not more than the {tally.frequency} repeat days."
    if (tally.mean_day_value is None) != (days == 0):
        return "mean_day_value", "it is null where purchase_days is 0, and only there."
    return None

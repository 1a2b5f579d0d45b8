"""Customers worth a message this week: three lists, and a control group for each.

A list is a chain of conditions, so whoever is not on it was left out by the first that fails,
and the counts add up to everybody. Nobody is on two lists. Being on one is a reason to look,
read off the forecast; it does not say that a message changes anything. The control group,
who get none, is there to find out.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clv.checked import CustomerSummary

Bools = npt.NDArray[np.bool_]
Name = Literal["overdue", "second_order", "protect"]

PATIENCE = 1.5
ORDERS_FOR_A_PACE = 3
CHANCE_LEFT = 0.95
CONTROL_SHARE = 0.2  # a tenth of a short list is too few people to learn anything from
FEWEST_SECOND_ORDERS = 20


@dataclasses.dataclass(frozen=True)
class CallList:
    """Who is on a list, shape ``(n,)`` in the order of the CLV table, and why others are not."""

    name: Name
    members: Bools
    left_out: dict[str, int]


def call_lists(predictions: pa.Table, summary: CustomerSummary) -> list[CallList]:
    """The three lists, from the CLV table and the summary it was made of.

    ``protect``
        at least two orders, tier A, and the silence since the last order has taken at least
        5 % off the chance of another: ``p_alive`` is that factor, and 1 on the day of an order.
    ``overdue``
        not on ``protect``, at least three orders, tier A or B, and silent for more than one
        and a half times the customer's own mean gap between orders.
    ``second_order``
        exactly one order, made as long ago as the middle half of customers with exactly two
        purchase days waited between them.
    """
    named = "historic_number_of_orders", "average_days_between_orders", "p_alive"
    orders, pace, alive = (predictions[name].cast(pa.float64()).to_numpy() for name in named)
    tier = np.asarray(predictions["value_tier"].to_pylist())
    silent = summary.inactivity
    earliest, latest = second_order_window(summary) or (np.inf, -np.inf)
    protect = _list(
        "protect",
        few_orders=orders >= 2,
        lower_tier=tier == "A",
        chance_holds=alive <= CHANCE_LEFT,
    )
    overdue = _list(
        "overdue",
        on_protect=~protect.members,
        few_orders=(orders >= ORDERS_FOR_A_PACE) & (pace > 0),
        lower_tier=tier != "C",
        within_pace=silent > PATIENCE * pace,
    )
    second = _list(
        "second_order",
        nothing_stands=orders >= 1,
        ordered_again=orders == 1,
        too_early=silent >= earliest,
        too_late=silent <= latest,
    )
    return [overdue, second, protect]


def second_order_window(summary: CustomerSummary) -> tuple[float, float] | None:
    """Quartiles of the days between two purchase days, of customers who have exactly two.

    None where they are fewer than 20.
    """
    waited = summary.in_days("recency")[summary.column("frequency") == 1]
    if waited.size < FEWEST_SECOND_ORDERS:
        return None
    lower, upper = np.quantile(waited, [0.25, 0.75])
    return float(lower), float(upper)


def seed_of(as_of: dt.date) -> int:
    """The seed of a day's control groups: its date, so that a list exported twice is the same."""
    return int(as_of.strftime("%Y%m%d"))


def control_group(customers: Sequence[str], seed: int) -> Bools:
    """Who of a list is left alone, shape ``(n,)``: a fifth, rounded down, drawn at random.

    Of four or fewer nobody is: they would teach nothing. It depends on who is on the list, not
    on their order.
    """
    drawn = int(CONTROL_SHARE * len(customers))
    by_name = sorted(range(len(customers)), key=customers.__getitem__)
    shuffled = np.random.default_rng(seed).permutation(by_name)
    return np.isin(np.arange(len(customers)), shuffled[:drawn])


def _list(name: Name, **conditions: Bools) -> CallList:
    holds = np.stack(list(conditions.values()))
    members: Bools = np.logical_and.reduce(holds)
    first_failed = holds.argmin(axis=0)[~members]
    counts = np.bincount(first_failed, minlength=len(conditions)).tolist()
    return CallList(name, members, dict(zip(conditions, counts, strict=True)))

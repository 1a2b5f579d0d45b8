"""The ETL a second time, as plain loops over rows: slow, obvious, and without an engine.

A row is a dict with the columns of ``clv.parquet`` before any of it is computed: text ids, a
``datetime``, whole ``quantity`` and a ``Decimal`` ``unit_price``.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections import Counter, defaultdict
from decimal import Decimal

import numpy as np
import pandas as pd

CONTENT = (
    "customer_id",
    "invoice_date",
    "invoice",
    "stock_code",
    "unit_price",
    "quantity",
    "description",
    "country",
)


def content(row):
    """A key that sorts rows as their content does, unknown values last."""
    return tuple((row[name] is None, "" if row[name] is None else row[name]) for name in CONTENT)


def first_broken_rule(row, seen):
    """The rule that refuses a raw row, given the rows ``seen`` before it; else None."""
    if content(row) in seen:
        return "duplicate"
    if row["customer_id"] is None:
        return "no_customer"
    if row["quantity"] < 0:
        return "return"
    if row["unit_price"] <= 0:
        return "non_positive_price"
    return None


def judged(rows):
    """Each raw row with the rule that refuses it, None when it is kept."""
    seen, found = set(), []
    for row in rows:
        found.append((row, first_broken_rule(row, seen)))
        seen.add(content(row))
    return found


def ledger(rows):
    """Lines and money by rule, None for the kept ones."""
    lines, money = Counter(), defaultdict(Decimal)
    for row, rule in judged(rows):
        lines[rule] += 1
        money[rule] += row["quantity"] * row["unit_price"]
    return lines, money


def in_order(purchases, credits):
    """Purchases and credit notes as they happened: (kind, row), kind 0 a purchase."""
    moves = [(0, row) for row in purchases] + [(1, row) for row in credits]
    return sorted(moves, key=lambda move: (move[1]["invoice_date"], move[0], content(move[1])))


def matched_by_piece(purchases, credits):
    """What each credit note undoes, piece by piece off the top of a stack.

    Returns a Counter of (purchase line, credit line) to pieces.
    """
    stacks, pairs = defaultdict(list), Counter()
    for kind, row in in_order(purchases, credits):
        stack = stacks[row["customer_id"], row["stock_code"]]
        for _ in range(abs(row["quantity"])):
            if kind == 0:
                stack.append(row["line"])
            elif stack:
                pairs[stack.pop(), row["line"]] += 1
    return pairs


def matched_by_penny(purchases, credits):
    """The same in money, for logs without articles: a stack of pennies for each customer."""
    stacks, pairs = defaultdict(list), Counter()
    for kind, row in in_order(purchases, credits):
        stack = stacks[row["customer_id"]]
        pennies = int(abs(row["quantity"] * row["unit_price"]) * 100)
        for _ in range(pennies):
            if kind == 0:
                stack.append(row["line"])
            elif stack:
                pairs[stack.pop(), row["line"]] += 1
    return pairs


def undone_by_window_sums(purchases, credits):
    """Pieces undone of each purchase line, from three running sums over its own stack.

    The stock is the walk of quantities held up at zero; of a purchase stays what the stock
    never falls below again.
    """
    stacks = defaultdict(list)
    for kind, row in in_order(purchases, credits):
        stacks[row["customer_id"], row["stock_code"]].append((kind, row))
    undone = {}
    for moves in stacks.values():
        walk, walks = 0, []
        for _, row in moves:
            walk += row["quantity"]
            walks.append(walk)
        stock = [walks[i] - min(0, *walks[: i + 1]) for i in range(len(moves))]
        for i, (kind, row) in enumerate(moves):
            if kind == 0:
                before = stock[i - 1] if i else 0
                kept = min(max(min(stock[i:]) - before, 0), row["quantity"])
                undone[row["line"]] = row["quantity"] - kept
    return undone


def orders_of(purchases, returns, end):
    """(customer, day, order) to gross and undone value, up to ``end``."""
    gross, undone = defaultdict(Decimal), defaultdict(Decimal)
    for row in purchases:
        if row["invoice_date"].date() <= end:
            order = row["invoice"] or row["invoice_date"].isoformat()
            gross[row["customer_id"], row["invoice_date"].date(), order] += row["sales"]
    for row in returns:
        if row["returned_at"].date() <= end:
            order = row["invoice"] or row["invoice_date"].isoformat()
            undone[row["customer_id"], row["invoice_date"].date(), order] += row["value"]
    return {key: (value, undone[key]) for key, value in gross.items()}


def purchase_days(purchases, returns, end):
    """(customer, day) to orders that stand, gross and undone value, up to ``end``."""
    days = {}
    for key, (value, undone) in orders_of(purchases, returns, end).items():
        orders, before, back = days.get(key[:2], (0, Decimal(0), Decimal(0)))
        days[key[:2]] = (orders + (value > undone), before + value, back + undone)
    return {key: day for key, day in days.items() if day[1] > day[2]}


def customer_summary(purchases, returns, end):
    """One dict for each customer who bought up to ``end``, by customer."""
    days = purchase_days(purchases, returns, end)
    standing = defaultdict(list)
    for (who, *_), (value, undone) in orders_of(purchases, returns, end).items():
        if value > undone:
            standing[who].append(float(value))
    summary = {}
    for customer in sorted(
        {r["customer_id"] for r in purchases if r["invoice_date"].date() <= end}
    ):
        own = {day: facts for (who, day), facts in sorted(days.items()) if who == customer}
        ever = [r["invoice_date"].date() for r in purchases if r["customer_id"] == customer]
        first = min(own) if own else min(ever)
        last = max(own) if own else first
        nets = [float(gross - back) for _, gross, back in own.values()]
        gross = float(sum(facts[1] for facts in own.values()))
        product = math.prod((b - a).days for a, b in itertools.pairwise(own))
        summary[customer] = {
            "frequency": max(len(own) - 1, 0),
            "recency": float((last - first).days),
            "age": float((end - first).days),
            "log_intervals": math.log(product) if len(own) > 1 else None,
            "monetary_value": sum(nets[1:]) / len(nets[1:]) if len(nets) > 1 else None,
            "purchase_days": len(own),
            "orders": sum(facts[0] for facts in own.values()),
            "mean_day_value": gross / len(own) if own else None,
            "gross_value": gross,
            "largest_order": max(standing[customer], default=None),
            "returned_value": float(sum(facts[2] for facts in own.values())),
            "historic_clv": sum(nets),
            "first_purchase": first,
            "last_purchase": last if own else None,
            "cohort": f"{first:%Y-%m}",
        }
    return summary


def spend_season(purchases, returns, end):
    """The factor of each month by pandas, customer by customer, and none of the thresholds."""
    days = purchase_days(purchases, returns, end)
    table = pd.DataFrame(
        [(who, day, float(gross)) for (who, day), (_, gross, _) in days.items()],
        columns=["customer", "day", "value"],
    )
    most = np.quantile(table.value, 0.99)
    pairs = []
    for _, own in table.groupby("customer"):
        for place, row in own.iterrows():
            others = own.value.drop(place)
            if len(own) >= 3:
                pairs.append((row.day, min(row.value, most), min(others.mean(), most)))
    pairs = pd.DataFrame(pairs, columns=["day", "own", "usual"])
    month = [day.month for day in pairs.day]
    by_month = pairs.groupby(month)
    sums = by_month[["own", "usual"]].sum()
    ratio = sums.own / sums.usual
    misses = pairs.own / ratio[month].to_numpy() - pairs.usual
    noise = (misses**2).sum() / (pairs.usual**2).sum() * len(pairs) / (len(pairs) - len(ratio))
    chance = noise * by_month.usual.apply(lambda usual: (usual**2).sum()) / sums.usual**2
    off = np.log(ratio)
    off -= (off / chance).sum() / (1 / chance).sum()
    q = (off**2 / chance).sum()
    weight = 1 / chance
    spread = (q - len(ratio) + 1) / (weight.sum() - (weight**2).sum() / weight.sum())
    years = by_month.day.apply(lambda own: len({day.year for day in own}))
    kept = spread / (spread + chance) * 4 * years / (4 * years + 1)
    return q / (len(ratio) - 1), np.exp(kept * off).reindex(range(1, 13)).fillna(1.0).tolist()


def season_of_days(purchases, returns, end, season):
    """Customer to gross value over the same with each day's value divided by its month's."""
    gross, level = defaultdict(float), defaultdict(float)
    for (who, day), (_, value, _) in purchase_days(purchases, returns, end).items():
        gross[who] += float(value)
        level[who] += float(value) / season[day.month - 1]
    return {who: gross[who] / level[who] for who in gross}


def cohorts(purchases, returns, end):
    """(cohort, months since) to customers, active, orders and value; silent months too."""
    summary = customer_summary(purchases, returns, end)
    days = purchase_days(purchases, returns, end)
    last_month = max(_month(day) for _, day in days)
    grid = {}
    for cohort in {facts["cohort"] for facts in summary.values()}:
        members = {who for who, facts in summary.items() if facts["cohort"] == cohort}
        first = _month(dt.date.fromisoformat(f"{cohort}-01"))
        for month in range(first, last_month + 1):
            own = {k: v for k, v in days.items() if k[0] in members and _month(k[1]) == month}
            grid[cohort, month - first] = (
                len(members),
                len({who for who, _ in own}),
                sum(facts[0] for facts in own.values()),
                sum((facts[1] - facts[2] for facts in own.values()), Decimal(0)),
            )
    return grid


def _month(day):
    return day.year * 12 + day.month

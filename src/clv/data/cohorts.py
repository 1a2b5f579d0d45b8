"""Transactions to cohorts: who first bought in a month, and what they did in each after it."""

from __future__ import annotations

import ibis


def cohorts(days: ibis.Table, summary: ibis.Table) -> ibis.Table:
    """One row per cohort and calendar month since, months without a purchase included.

    ``days`` are the transactions of the window the ``summary`` is of.
    """
    days = days.join(summary.select("customer_id", "cohort", "first_purchase"), "customer_id")
    day, first = days.date, days.first_purchase
    months = (day.year() - first.year()) * 12 + (day.month() - first.month())
    bought = days.mutate(period=months.cast("int64"))
    active = bought.group_by("cohort", "period").agg(
        active=bought.customer_id.nunique(),
        orders=bought.orders.sum(),
        value=(bought.gross_value - bought.returned_value).sum(),
    )
    grid = _grid(summary, days.date.max())
    filled = grid.left_join(active, ["cohort", "period"])
    filled = filled.select(*grid.columns, "active", "orders", "value")
    return filled.fill_null({"active": 0, "orders": 0, "value": 0})


def _grid(summary: ibis.Table, last_day: ibis.Value) -> ibis.Table:
    """Every cohort and month from its own to the last of the log."""
    cohort = summary.group_by("cohort").agg(
        customers=summary.count(), first=summary.first_purchase.min()
    )
    last = last_day.as_scalar()
    months = (last.year() - cohort["first"].year()) * 12 + last.month() - cohort["first"].month()
    return cohort.mutate(period=ibis.range(0, months + 1).unnest().cast("int64")).drop("first")

"""What was known at a cut of the log, and what followed it.

At each cut everything is computed from days up to the cut, returns included; the holdout starts
the day after.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa

from clv.checked import CustomerSummary
from clv.data import engine, summarize
from clv.errors import IncompatibleArtifact
from clv.evaluation.backtest import Float, Outcome
from clv.models.baselines import YEAR_DAYS, Past
from clv.periods import Event, ObservationWindow
from clv.store import parquet
from clv.store import workspace as files
from clv.store.workspace import Workspace


@dataclasses.dataclass(frozen=True)
class Tables:
    """A workspace's tables inside the engine."""

    lines: ibis.Table
    credits: ibis.Table
    returns: ibis.Table
    window: ObservationWindow
    net: bool
    calendar: tuple[Event, ...] | None


@dataclasses.dataclass(frozen=True)
class Split:
    """What was known at a cut, what every customer did lately, and what followed."""

    summary: CustomerSummary
    days: ibis.Table

    @property
    def cut(self) -> dt.date:
        return self.summary.window.end


def open_tables(connection: Any, workspace: Workspace) -> Tables:
    def table(path: str) -> ibis.Table:
        where = workspace.path(path)
        try:
            return engine.hold(connection, connection.read_parquet(str(where)))
        except duckdb.InvalidInputException as cause:
            raise IncompatibleArtifact(
                where, "it cannot be read as Parquet.", next_step=parquet.AGAIN
            ) from cause

    known = table(files.SUMMARY).select("customer_id")
    lines, refused, returns = (
        table(path) for path in (files.CLEAN_LINES, files.REFUSED, files.RETURNS)
    )
    path = workspace.path(files.SUMMARY)
    summary, net = parquet.read_summary(path), parquet.facts_of(path)["basis"] == "net"
    return Tables(
        # Anonymous lines may be kept under one name, which is no customer.
        lines=engine.hold(connection, lines.semi_join(known, "customer_id")),
        credits=refused.filter((refused.rule == "return") & net),
        returns=returns,
        window=summary.window,
        net=net,
        calendar=summary.calendar,
    )


def split_at(tables: Tables, cut: dt.date) -> Split:
    """What was known on ``cut``, its last day."""
    window = ObservationWindow(tables.window.start, cut)
    days = summarize.transactions(tables.lines, tables.returns, cut, net=tables.net)
    days = engine.hold(days.get_backend(), days)
    summary = summarize.customer_summary(tables.lines, days, window)
    # What of it was known by then, whoever fits to it looks at.
    return Split(dataclasses.replace(summary, calendar=tables.calendar), days)


def followed(tables: Tables, split: Split, horizon_days: int) -> Outcome:
    """What the ``horizon_days`` after a cut brought."""
    holdout = split.summary.window.holdout(horizon_days)
    actual = _aligned(split.summary, _followed(tables, holdout))
    waited = actual.pop("waited")
    waited[waited == 0] = np.inf
    customers = split.summary.table["customer_id"]
    return Outcome(split.cut, horizon_days, customers, actual, waited)


def _followed(tables: Tables, holdout: ObservationWindow) -> ibis.Table:
    """Per customer: purchase days, matched net value, and cash in less cash out.

    Both sums are on the basis of the log: before returns where that is gross. ``waited`` is on
    which day of the holdout the first purchase day lies, 0 where there is none.
    """
    lines, credits = (_within(table, holdout) for table in (tables.lines, tables.credits))
    days = summarize.transactions(lines, tables.returns, holdout.end, net=tables.net)
    days = days.filter(days.date >= holdout.start)
    bought = days.group_by("customer_id").agg(
        purchase_days=days.count(),
        waited=days.date.min().delta(ibis.literal(holdout.start), unit="day") + 1,
        net_matched=(days.gross_value - days.returned_value).sum(),
    )
    moved = lines.select("customer_id", "sales").union(credits.select("customer_id", "sales"))
    cash = moved.group_by("customer_id").agg(net_cash=moved.sales.sum())
    return cash.left_join(bought, "customer_id").drop("customer_id_right")


def _within(table: ibis.Table, window: ObservationWindow) -> ibis.Table:
    day = table.invoice_date.date()
    return table.filter(day.between(window.start, window.end))


def past_of(split: Split, horizon_days: int) -> dict[str, Past]:
    """What each customer did in the last period, the last year and ever, by target."""
    summary, days, end = split.summary, split.days, split.cut
    value = days.gross_value - days.returned_value
    counted = {}
    ever = summary.window.days + 1
    for name, span in (("period", horizon_days), ("year", YEAR_DAYS), ("whole", ever)):
        lately = days.date > end - dt.timedelta(days=span)
        counted[f"{name}_days"] = lately.cast("int64").sum()
        counted[f"{name}_value"] = ibis.ifelse(lately, value, 0).sum()
    found = _aligned(summary, days.group_by("customer_id").agg(**counted))
    age = summary.in_days("age") + 1
    of_days, of_value = (
        Past(
            last_period=found[f"period_{what}"],
            last_year=found[f"year_{what}"],
            whole=found[f"whole_{what}"],
            age=age,
            year_days=min(YEAR_DAYS, summary.window.days + 1),
            horizon_days=horizon_days,
        )
        for what in ("days", "value")
    )
    return {"purchase_days": of_days, "net_cash": of_value, "net_matched": of_value}


def _aligned(summary: CustomerSummary, table: ibis.Table) -> dict[str, Float]:
    """The table's numbers in the order of the summary, 0 for customers it lacks."""
    found = engine.fetch(table)
    ids = summary.table.select(["customer_id"])
    ids = ids.append_column("place", pa.array(np.arange(len(summary))))
    joined = ids.join(found, "customer_id", join_type="left outer").sort_by("place")
    return {
        name: np.nan_to_num(np.asarray(joined[name].cast(pa.float64()).to_numpy()))
        for name in found.column_names
        if name != "customer_id"
    }

"""The verb that makes splits of the log, one by one, and has forecasts scored on them.

At each cut everything is computed from days up to the cut, returns included; the holdout
starts the day after. The splits end here: ``clv.evaluation`` only sees arrays.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from clv.checked import CustomerSummary
from clv.data import engine, summarize
from clv.errors import FitError, IncompatibleArtifact, NotEnoughData
from clv.evaluation import backtest as scoring
from clv.evaluation.backtest import Float, Forecast, Outcome
from clv.models.baselines import BASELINES, YEAR_DAYS, Past
from clv.periods import ObservationWindow, TimeUnit
from clv.pipeline.steps import Tell, step_key
from clv.pipeline.workbench import workbench
from clv.store import parquet
from clv.store import workspace as files
from clv.store.workspace import Stage, Workspace

if TYPE_CHECKING:
    from clv.models.lifetime_value import LifetimeValue

HORIZONS = (91, 182, 365)
INPUTS = [files.CLEAN_LINES, files.REFUSED, files.RETURNS, files.SUMMARY]
PLAIN = "plain-pareto-nbd"


@dataclasses.dataclass(frozen=True)
class Tables:
    """A workspace's tables inside the engine."""

    lines: ibis.Table
    credits: ibis.Table
    returns: ibis.Table
    window: ObservationWindow
    net: bool


@dataclasses.dataclass(frozen=True)
class Split:
    """What was known at a cut, and what followed it."""

    summary: CustomerSummary
    outcome: Outcome
    past: dict[str, Past]


def backtest(
    workspace: Workspace, model: str, tell: Tell, *, horizon_days: int
) -> list[dict[str, Any]]:
    """Hold ``model`` and the baselines against what happened; returns the records.

    Forecasts reach ``HORIZONS`` and ``horizon_days`` ahead, wherever the log is long enough.

    Raises:
        NothingStored: there are no clean lines yet.
        NotEnoughData: the log is too short for a single cut.
    """
    for name in INPUTS:
        files.require(workspace, name, "clv ingest")
    key = _key(workspace, model, horizon_days)
    if workspace.is_current("backtest", key):
        tell("nothing changed since the last backtest: its report is kept")
        return list(workspace.read_json(files.BACKTEST_REPORT))
    with workbench(workspace) as (stage, connection):
        tables = _open(connection, workspace)
        records, rows = [], []
        for days in _horizons(horizon_days):
            for cut in scoring.cuts(tables.window, days):
                tell(f"backtest: what was known on {cut}, {days} days ahead")
                split = split_at(tables, cut, days)
                forecasts = _forecasts(split, model, tell)
                if forecasts:
                    records += scoring.records(split.outcome, forecasts)
                    rows.append(scoring.holdout(split.outcome, forecasts))
        if not records:
            raise _nothing_checked(tables.window)
        _publish(stage, key, records, rows)
    return records


def past_records(workspace: Workspace, model: str, horizon_days: int) -> list[dict[str, Any]]:
    """The records of a backtest of ``model`` on the log as it is; none where it is of another."""
    if not workspace.is_current("backtest", _key(workspace, model, horizon_days)):
        return []
    return list(workspace.read_json(files.BACKTEST_REPORT))


def checkable_from(first_day: dt.date) -> dt.date:
    """The first last day of a log on which a forecast can be held against what happened."""
    return first_day + dt.timedelta(days=2 * HORIZONS[0])


def _horizons(horizon_days: int) -> list[int]:
    return sorted({*HORIZONS, horizon_days})


def _key(workspace: Workspace, model: str, horizon_days: int) -> str:
    present = [name for name in INPUTS if workspace.is_file(name)]
    return step_key(workspace, *present, model=model, horizons=_horizons(horizon_days))


def _publish(stage: Stage, key: str, records: list[dict[str, Any]], rows: list[pa.Table]) -> None:
    stage.write_json(files.BACKTEST_REPORT, records)
    pq.write_table(pa.concat_tables(rows), stage.path(files.HOLDOUT), compression="snappy")
    stage.publish("backtest", key, [files.BACKTEST_REPORT, files.HOLDOUT])


def _nothing_checked(window: ObservationWindow) -> NotEnoughData:
    possible = checkable_from(window.start)
    if window.end >= possible:
        return NotEnoughData(
            "backtest",
            "the model could be fitted at no earlier date of this log.",
            next_step="Why was told at each; until it can, a forecast is unchecked.",
        )
    return NotEnoughData(
        "backtest",
        f"the log covers {window.days} days; a forecast of {HORIZONS[0]} days needs as many "
        "before it and as many after it to be held against.",
        next_step=f"It takes a log that reaches {possible} or later; until then a forecast is "
        "unchecked.",
    )


def _open(connection: Any, workspace: Workspace) -> Tables:
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
    summary = workspace.path(files.SUMMARY)
    return Tables(
        # Anonymous lines may be kept under one name, which is no customer.
        lines=engine.hold(connection, lines.semi_join(known, "customer_id")),
        credits=refused.filter(refused.rule == "return"),
        returns=returns,
        window=parquet.read_summary(summary).window,
        net=parquet.facts_of(summary)["basis"] == "net",
    )


def split_at(tables: Tables, cut: dt.date, horizon_days: int) -> Split:
    """What was known on ``cut``, its last day, and what the days after it brought."""
    window = ObservationWindow(tables.window.start, cut)
    days = summarize.transactions(tables.lines, tables.returns, cut, net=tables.net)
    days = engine.hold(days.get_backend(), days)
    rows = summarize.customer_summary(tables.lines, days, window)
    by_day = summarize.repeat_purchases_by_day(days, window)
    summary = CustomerSummary.from_table(engine.fetch(rows), window, TimeUnit.DAY, by_day)
    actual = _aligned(summary, _followed(tables, window.holdout(horizon_days)))
    outcome = Outcome(cut, horizon_days, summary.table["customer_id"], actual)
    return Split(summary, outcome, _past(summary, days, horizon_days))


def _followed(tables: Tables, holdout: ObservationWindow) -> ibis.Table:
    """Per customer: purchase days, matched net value, and cash in less cash out."""
    lines, credits = (_within(table, holdout) for table in (tables.lines, tables.credits))
    days = summarize.transactions(lines, tables.returns, holdout.end, net=True)
    days = days.filter(days.date >= holdout.start)
    bought = days.group_by("customer_id").agg(
        purchase_days=days.count(),
        net_matched=(days.gross_value - days.returned_value).sum(),
    )
    moved = lines.select("customer_id", "sales").union(credits.select("customer_id", "sales"))
    cash = moved.group_by("customer_id").agg(net_cash=moved.sales.sum())
    return cash.left_join(bought, "customer_id").drop("customer_id_right")


def _within(table: ibis.Table, window: ObservationWindow) -> ibis.Table:
    day = table.invoice_date.date()
    return table.filter(day.between(window.start, window.end))


def _past(summary: CustomerSummary, days: ibis.Table, horizon_days: int) -> dict[str, Past]:
    """What each customer did in the last period, the last year and ever, by target."""
    end = summary.window.end
    value = days.gross_value - days.returned_value
    counted = {}
    ever = summary.window.days + 1
    for name, span in (("period", horizon_days), ("year", YEAR_DAYS), ("whole", ever)):
        lately = days.date > end - dt.timedelta(days=span)
        counted[f"{name}_days"] = lately.cast("int64").sum()
        counted[f"{name}_value"] = ibis.ifelse(lately, value, 0).sum()
    found = _aligned(summary, days.group_by("customer_id").agg(**counted))
    age = summary.column("age") * summary.time_unit.days + 1
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


def _forecasts(split: Split, model: str, tell: Tell) -> list[Forecast]:
    """The chosen model, the plain one, and the naive baselines, for every target.

    None at all where the chosen model cannot be fitted: nothing was checked there.
    """
    from clv.models.lifetime_value import LifetimeValue

    try:
        chosen = LifetimeValue.fit(split.summary, model)
    except FitError as error:
        tell(f"backtest: nothing to check at {split.outcome.cut}: {error}")
        return []
    forecasts = [_fitted(chosen, split, model, returned=True)]
    try:
        plain = LifetimeValue.fit(split.summary, "pareto-nbd", prior=False)
        forecasts.append(_fitted(plain, split, PLAIN, returned=False))
    except FitError as error:
        tell(f"backtest: no baseline {PLAIN} at {split.outcome.cut}: {error}")
    for name, forecast in BASELINES.items():
        mean = {target: forecast(past) for target, past in split.past.items()}
        forecasts.append(Forecast(name, "baseline", mean))
    return forecasts


def _fitted(fitted: LifetimeValue, split: Split, name: str, *, returned: bool) -> Forecast:
    horizon_days = split.outcome.horizon_days
    days = fitted.purchases.expected_transactions(split.summary, horizon_days)
    worth = fitted.day_value if returned else fitted.spend.expected_day_value
    value = days * worth(split.summary)
    mean = {"purchase_days": days, "net_cash": value, "net_matched": value}
    return Forecast(name, "chosen" if returned else "baseline", mean)

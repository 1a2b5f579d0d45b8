"""The verb that makes splits of the log, one by one, and has forecasts scored on them.

At each cut everything is computed from days up to the cut, returns included; the holdout
starts the day after. The splits end here: ``clv.evaluation`` only sees arrays.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clv.checked import CustomerSummary
from clv.data import engine, summarize
from clv.errors import FitError, IncompatibleArtifact, NotEnoughData
from clv.evaluation import backtest as scoring
from clv.evaluation.backtest import Float, Forecast, Outcome, Range, Record, Role
from clv.models.baselines import BASELINES, YEAR_DAYS, Past
from clv.periods import ObservationWindow, TimeUnit
from clv.pipeline.steps import Tell, step_key
from clv.pipeline.workbench import workbench
from clv.store import parquet
from clv.store import workspace as files
from clv.store.workspace import Stage, Workspace

if TYPE_CHECKING:
    from clv.models.lifetime_value import LifetimeValue
    from clv.numerics.calibration import Calibration
    from clv.numerics.predictive import Shock

HORIZONS = (91, 182, 365)
INPUTS = [files.CLEAN_LINES, files.REFUSED, files.RETURNS, files.SUMMARY]
CANDIDATES = ("seasonal-pareto-nbd", "pareto-nbd", "mbg-cnbd")
"""What a shop's model is chosen from; the first is the default."""
FITTED_BASELINES = {"plain-pareto-nbd": "pareto-nbd", "plain-nbd": "nbd"}
"""Models of the catalog as others fit them: without a prior, without returns."""
LEVEL = 0.8


SPREAD = ("purchase_days", "net_cash")
"""Targets whose distribution is forecast, not the mean alone."""
Doubt = tuple["Shock", Sequence["Calibration"]]
"""What earlier cuts say of a forecast: what may move everybody, and, for each in ``SPREAD``,
what its stated chances are worth."""


class Transform(NamedTuple):
    """The transforms of everybody's outcome at a cut, as first stated."""

    cut: dt.date
    horizon_days: int
    target: str
    stated: Float


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
    """What was known at a cut, what every customer did lately, and what followed."""

    summary: CustomerSummary
    days: ibis.Table

    @property
    def cut(self) -> dt.date:
        return self.summary.window.end


def backtest(
    workspace: Workspace, among: Sequence[str], tell: Tell, *, horizon_days: int
) -> list[Record]:
    """Hold the models ``among`` and the baselines against what happened; returns the records.

    The first is the default, and at each cut that one is ``chosen`` which was best
    at the cuts known by then. Forecasts reach ``HORIZONS`` and ``horizon_days`` ahead, wherever
    the log is long enough.

    Raises:
        NothingStored: there are no clean lines yet.
        NotEnoughData: the log is too short for a single cut.
    """
    for name in INPUTS:
        files.require(workspace, name, "clv ingest")
    key = _key(workspace, among, horizon_days)
    if workspace.is_current("backtest", key):
        tell("nothing changed since the last backtest: its report is kept")
        return list(workspace.read_json(files.BACKTEST_REPORT))
    with workbench(workspace) as (stage, connection):
        tables = _open(connection, workspace)
        records: list[Record] = []
        rows: list[pa.Table] = []
        seen: list[Transform] = []
        for cut, horizons in scoring.cuts(tables.window, _horizons(horizon_days)).items():
            tell(f"backtest: what was known on {cut}, {', '.join(map(str, horizons))} days ahead")
            split = split_at(tables, cut)
            fitted = _fit(split, among, tell)
            if not fitted:
                continue
            known = scoring.known_by(records, cut)
            chosen = scoring.choose(known, [name for name in among if name in fitted])
            fitted[chosen] = fitted[chosen].with_posterior(split.summary)
            for days in horizons:
                outcome = followed(tables, split, days)
                shock = scoring.common_shock(known, days, history_days=split.summary.window.days)
                maps = [calibration_of(seen, name, days, known_by=cut) for name in SPREAD]
                forecasts = _forecasts(split, outcome, fitted, chosen, (shock, maps))
                ranges = forecasts[0].ranges
                seen += [Transform(cut, days, name, ranges[name].stated) for name in ranges]
                records += scoring.records(outcome, forecasts)
                rows.append(scoring.holdout(outcome, forecasts))
        if not records:
            raise _nothing_checked(tables.window)
        _publish(stage, key, among, records, rows)
    return records


def candidates(model: str, champion: str | None = None) -> tuple[str, ...]:
    """What a model is chosen from that was asked for by name, or as ``auto``.

    One asked for by name is held beside the kind of model that answers now, where that is said.
    """
    if model == "auto":
        return CANDIDATES
    return tuple(dict.fromkeys(name for name in (model, champion) if name))


def past_records(workspace: Workspace, model: str, horizon_days: int) -> list[Record]:
    """The records of a backtest on the log as it is whose choice was ``model``; else none."""
    records, among = last_backtest(workspace, horizon_days)
    return records if records and scoring.choose(records, among) == model else []


def last_backtest(workspace: Workspace, horizon_days: int) -> tuple[list[Record], tuple[str, ...]]:
    """The records of the backtest on the log as it is, and what it chose from; none without one."""
    try:
        among = tuple(workspace.read_json(files.REVIEW)["among"])
    except (OSError, ValueError, LookupError, TypeError):
        return [], ()
    if not workspace.is_current("backtest", _key(workspace, among, horizon_days)):
        return [], ()
    return list(workspace.read_json(files.BACKTEST_REPORT)), among


def checkable_from(first_day: dt.date) -> dt.date:
    """The first last day of a log on which a forecast can be held against what happened."""
    day = first_day + dt.timedelta(days=2 * HORIZONS[0] - 2)
    while not scoring.cuts(ObservationWindow(first_day, day), HORIZONS[:1]):
        day += dt.timedelta(days=1)
    return day


def past_transforms(workspace: Workspace) -> list[Transform]:
    """Where outcomes fell within the chosen forecasts of the last backtest."""
    held = pq.read_table(
        workspace.path(files.HOLDOUT),
        columns=["cut", "horizon_days", "target", "pit"],
        filters=(pc.field("role") == "chosen") & ~pc.field("pit").is_null(),
        partitioning=None,
    )
    grouped = held.to_pandas().groupby(["cut", "horizon_days", "target"])["pit"]
    return [Transform(cut, days, target, pit.to_numpy()) for (cut, days, target), pit in grouped]


def calibration_of(
    transforms: Iterable[Transform], target: str, horizon_days: int, *, known_by: dt.date
) -> Calibration:
    """What stated chances were worth at the cuts whose outcome was known on a day."""
    from clv.numerics.calibration import learned

    span = dt.timedelta(days=horizon_days)
    return learned(
        [
            one.stated
            for one in transforms
            if (one.target, one.horizon_days) == (target, horizon_days)
            and one.cut + span <= known_by
        ]
    )


def _horizons(horizon_days: int) -> list[int]:
    return sorted({*HORIZONS, horizon_days})


def _key(workspace: Workspace, among: Sequence[str], horizon_days: int) -> str:
    present = [name for name in INPUTS if workspace.is_file(name)]
    return step_key(workspace, *present, among=list(among), horizons=_horizons(horizon_days))


def _publish(
    stage: Stage, key: str, among: Sequence[str], records: list[Record], rows: list[pa.Table]
) -> None:
    from clv.evaluation.review import review

    stage.write_json(files.BACKTEST_REPORT, records)
    held = pa.concat_tables(rows)
    pq.write_table(held, stage.path(files.HOLDOUT), compression="snappy")
    stage.write_json(files.REVIEW, {"among": list(among), **review(records, held).to_dict()})
    stage.publish("backtest", key, [files.BACKTEST_REPORT, files.HOLDOUT, files.REVIEW])


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


def split_at(tables: Tables, cut: dt.date) -> Split:
    """What was known on ``cut``, its last day."""
    window = ObservationWindow(tables.window.start, cut)
    days = summarize.transactions(tables.lines, tables.returns, cut, net=tables.net)
    days = engine.hold(days.get_backend(), days)
    rows = summarize.customer_summary(tables.lines, days, window)
    by_day = summarize.repeat_purchases_by_day(days, window)
    return Split(CustomerSummary.from_table(engine.fetch(rows), window, TimeUnit.DAY, by_day), days)


def followed(tables: Tables, split: Split, horizon_days: int) -> Outcome:
    """What the ``horizon_days`` after a cut brought."""
    holdout = split.summary.window.holdout(horizon_days)
    actual = _aligned(split.summary, _followed(tables, holdout))
    return Outcome(split.cut, horizon_days, split.summary.table["customer_id"], actual)


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


def _past(split: Split, horizon_days: int) -> dict[str, Past]:
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


def _fit(split: Split, among: Sequence[str], tell: Tell) -> dict[str, LifetimeValue]:
    """The candidates that can be fitted at a cut, and the models among the baselines.

    None at all where the default cannot be: nothing was checked there.
    """
    from clv.models.lifetime_value import LifetimeValue

    wanted = {name: (name, True) for name in among}
    wanted |= {name: (model, False) for name, model in FITTED_BASELINES.items()}
    fitted = {}
    for name, (model, prior) in wanted.items():
        try:
            fitted[name] = LifetimeValue.fit(split.summary, model, prior=prior)
        except FitError as error:
            if name == among[0]:
                tell(f"backtest: nothing to check at {split.cut}: {error}")
                return {}
            tell(f"backtest: no {name} at {split.cut}: {error}")
    return fitted


def _forecasts(
    split: Split,
    outcome: Outcome,
    fitted: Mapping[str, LifetimeValue],
    chosen: str,
    terms: Doubt,
) -> list[Forecast]:
    """Everybody's forecasts at one cut and horizon, the chosen one first and with its ranges."""
    days = outcome.horizon_days
    forecasts = []
    for name, model in fitted.items():
        of_days = model.purchases.expected_transactions(split.summary, days)
        plain = name in FITTED_BASELINES
        worth = model.spend.expected_day_value if plain else model.day_value
        value = of_days * worth(split.summary)
        mean = {"purchase_days": of_days, "net_cash": value, "net_matched": value}
        role: Role = "baseline" if plain else "chosen" if name == chosen else "challenger"
        spread = _ranges(model, split.summary, outcome, terms) if role == "chosen" else {}
        forecasts.append(Forecast(name, role, mean, spread))
    past = _past(split, days)
    for name, baseline in BASELINES.items():
        mean = {target: baseline(of_target) for target, of_target in past.items()}
        forecasts.append(Forecast(name, "baseline", mean))
    return sorted(forecasts, key=lambda forecast: forecast.role != "chosen")


def _ranges(
    model: LifetimeValue,
    summary: CustomerSummary,
    outcome: Outcome,
    terms: Doubt,
) -> dict[str, Range]:
    """How the chosen forecast spreads, and where what happened lies in it."""
    from clv.models.spread import held_against
    from clv.numerics.calibration import randomized_pit

    actual, (shock, maps) = outcome.actual, terms
    held = held_against(
        model,
        summary,
        outcome.horizon_days,
        purchase_days=actual["purchase_days"],
        value=actual["net_cash"],
        level=LEVEL,
        shock=shock,
        calibrations=maps,
    )
    if held is None:
        return {}
    found = {}
    for target, spread, calibration in zip(SPREAD, held[:2], maps, strict=True):
        stated = randomized_pit(spread.below, spread.up_to, seed=scoring.SEED)
        total = (float(held.total.lower[0]), float(held.total.upper[0]))
        found[target] = Range(
            spread.median,
            spread.lower,
            spread.upper,
            spread.beyond,
            stated,
            calibration.of(stated),
            spread.crps,
            total if target == "net_cash" else None,
        )
    return found

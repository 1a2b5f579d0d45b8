"""The verb that goes back to earlier dates, one by one, and has forecasts scored there.

At each cut everything, the choice of a model and how wide a range has to be included, rests on
what was known then. Who contends is in :mod:`clv.pipeline.contenders`; ``clv.evaluation`` only sees
arrays. Start reading at :func:`backtest`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clv.errors import NotEnoughData
from clv.evaluation import backtest as scoring
from clv.evaluation import past
from clv.evaluation.backtest import Float, Forecast, Outcome
from clv.evaluation.past import Record
from clv.periods import ObservationWindow
from clv.pipeline import lessons
from clv.pipeline.contenders import (
    FITTED_BASELINES,
    SPREAD,
    Unfitted,
    chosen_forecast,
    default_first,
    fitted_at,
    other_forecasts,
    reasons,
    records_of_chances,
)
from clv.pipeline.splits import Split, Tables, followed, open_tables, split_at
from clv.pipeline.steps import Tell, step_key
from clv.pipeline.workbench import workbench
from clv.store import parquet
from clv.store import workspace as files
from clv.store.workspace import Stage, Workspace, data_digest

if TYPE_CHECKING:
    from clv.models.correction import Origin
    from clv.models.lifetime_value import LifetimeValue
    from clv.numerics.calibration import Calibration

HORIZONS = (91, 182, 365)
INPUTS = [files.CLEAN_LINES, files.REFUSED, files.RETURNS, files.SUMMARY]


class Transform(NamedTuple):
    """The transforms of everybody's outcome at a cut, as first stated."""

    cut: dt.date
    horizon_days: int
    target: str
    stated: Float


class Tried(NamedTuple):
    """A backtest on the log as it is: what it found, what it chose from, and what it chose."""

    records: list[Record]
    among: tuple[str, ...]
    chosen: str


@dataclasses.dataclass(frozen=True)
class Held:
    """What a backtest has found so far; ``lessons`` are of each candidate, before correction."""

    records: list[Record] = dataclasses.field(default_factory=list)
    rows: list[pa.Table] = dataclasses.field(default_factory=list)
    transforms: list[Transform] = dataclasses.field(default_factory=list)
    lessons: list[tuple[str, Origin]] = dataclasses.field(default_factory=list)

    def add(self, outcome: Outcome, forecasts: Sequence[Forecast]) -> None:
        cut, days = outcome.cut, outcome.horizon_days
        self.records.extend(scoring.records(outcome, forecasts))
        self.rows.append(scoring.holdout(outcome, forecasts))
        ranges = forecasts[0].ranges
        self.transforms.extend(Transform(cut, days, name, ranges[name].stated) for name in ranges)


def backtest(
    workspace: Workspace, among: Sequence[str], tell: Tell, *, horizon_days: int
) -> list[Record]:
    """Hold the models ``among`` and the baselines against what happened; returns the records.

    At each cut that one is ``chosen`` which was best at the cuts known by then, the default where
    nothing is known. Forecasts reach ``HORIZONS`` and ``horizon_days`` ahead, wherever the log is
    long enough.

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
        tables, held = open_tables(connection, workspace), Held()
        unfitted: list[Unfitted] = []
        for cut, horizons in scoring.cuts(tables.window, _horizons(horizon_days)).items():
            tell(f"backtest: what was known on {cut}, {', '.join(map(str, horizons))} days ahead")
            split = split_at(tables, cut)
            fitted = fitted_at(split, among, unfitted)
            if fitted:
                _hold(held, tables, split, horizons, fitted)
        for reason in reasons(unfitted, among[0]):
            tell(f"backtest: {reason}")
        if not held.records:
            raise _nothing_checked(tables.window)
        seen = [name for name, places in past.deviances(held.records, among).items() if places]
        summary = parquet.read_summary(workspace.path(files.SUMMARY))
        best = past.choose(held.records, default_first(summary, seen))
        asked = {"among": list(among), "horizon_days": horizon_days, "chosen": best}
        _publish(stage, key, asked, held, data_digest(workspace.path(files.SUMMARY)))
    return held.records


def _hold(
    held: Held,
    tables: Tables,
    split: Split,
    horizons: Iterable[int],
    fitted: dict[str, LifetimeValue],
) -> None:
    """Add what happened after one cut beside what the models ``fitted`` there had expected."""
    known = past.known_by(held.records, split.cut)
    among = [name for name in fitted if name not in FITTED_BASELINES]
    chosen = past.choose(known, default_first(split.summary, among))
    fitted[chosen] = fitted[chosen].with_posterior(split.summary)
    origins = [origin for name, origin in held.lessons if name == chosen]
    model = fitted[chosen].corrected_by(split.summary, origins)
    kept_off = past.trees_hurt(known)
    answering = model.without_trees() if kept_off else model
    for days in horizons:
        outcome = followed(tables, split, days)
        shock = past.common_shock(known, days, history_days=split.summary.window.days)
        maps = [calibration_of(held.transforms, name, days, known_by=split.cut) for name in SPREAD]
        own = chosen_forecast(answering, chosen, split, outcome, (shock, maps))
        others = {name: one for name, one in fitted.items() if name != own.model}
        forecasts = [own, *other_forecasts(split, days, others)]
        held.add(outcome, forecasts)
        held.records.extend(
            records_of_chances(model, chosen, split.summary, outcome, kept_off=kept_off)
        )
        held.lessons.extend(lessons.of_cut(split.summary, outcome, forecasts, fitted, among))


def last_backtest(workspace: Workspace) -> Tried | None:
    """What is known of the backtest on the log as it is; None where there was none."""
    try:
        noted = workspace.read_json(files.REVIEW)
        among, days, chosen = tuple(noted["among"]), noted["horizon_days"], noted["chosen"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    if not workspace.is_current("backtest", _key(workspace, among, days)):
        return None
    return Tried(list(workspace.read_json(files.BACKTEST_REPORT)), among, chosen)


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
    return step_key(workspace, *INPUTS, among=list(among), horizons=_horizons(horizon_days))


def _publish(stage: Stage, key: str, asked: Mapping[str, Any], held: Held, data: str) -> None:
    from clv.evaluation.review import review

    rows = pa.concat_tables(held.rows)
    stage.write_json(files.BACKTEST_REPORT, held.records)
    reviewed = review(held.records, rows).to_dict()
    stage.write_json(files.REVIEW, {**asked, **reviewed})
    pq.write_table(rows, stage.path(files.HOLDOUT), compression="snappy")
    lessons.write(stage, held.lessons, data)
    written = [files.BACKTEST_REPORT, files.REVIEW, files.HOLDOUT, files.LESSONS]
    stage.publish("backtest", key, written)


def _nothing_checked(window: ObservationWindow) -> NotEnoughData:
    possible = checkable_from(window.start)
    if window.end >= possible:
        return NotEnoughData(
            "backtest",
            "the model could be fitted at no earlier date of this log.",
            next_step="Why was told; until it can, a forecast is unchecked.",
        )
    return NotEnoughData(
        "backtest",
        f"the log covers {window.days} days; a forecast of {HORIZONS[0]} days needs as many "
        "before it and as many after it to be held against.",
        next_step=f"It takes a log that reaches {possible} or later; until then a forecast is "
        "unchecked.",
    )

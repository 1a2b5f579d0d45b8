"""The verb that goes back to earlier dates, one by one, and has forecasts scored there.

At each cut everything, the choice of a model and how wide a range has to be included, rests on
what was known then. ``clv.evaluation`` only sees arrays. Start reading at :func:`backtest`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clv.checked import CustomerSummary
from clv.errors import FitError, NotEnoughData
from clv.evaluation import backtest as scoring
from clv.evaluation import past
from clv.evaluation.backtest import Float, Forecast, Outcome
from clv.evaluation.past import Record
from clv.models.baselines import BASELINES
from clv.periods import ObservationWindow
from clv.pipeline import lessons
from clv.pipeline.splits import Split, Tables, followed, open_tables, past_of, split_at
from clv.pipeline.steps import Tell, step_key
from clv.pipeline.workbench import workbench
from clv.store import parquet
from clv.store import workspace as files
from clv.store.workspace import Stage, Workspace, data_digest

if TYPE_CHECKING:
    from clv.models.correction import Origin
    from clv.models.lifetime_value import LifetimeValue
    from clv.models.spread import Range
    from clv.numerics.calibration import Calibration
    from clv.numerics.predictive import Shock

HORIZONS = (91, 182, 365)
INPUTS = [files.CLEAN_LINES, files.REFUSED, files.RETURNS, files.SUMMARY]
CANDIDATES = (
    "seasonal-pareto-nbd",
    "seasonal-pareto-nbd x gamma-gamma",
    "drifting-pareto-nbd",
    "pareto-nbd",
    "mbg-cnbd",
    "steady-mbg-cnbd",
)
"""What a shop's model is chosen from; the first is the default, but in a shop whose customers buy
so regularly that ``REGULAR_BUYERS`` is. Where no spend model is named,
day values go by how often a customer buys."""
REGULAR_BUYERS = "mbg-cnbd"
FITTED_BASELINES = {
    "plain-pareto-nbd": "pareto-nbd x gamma-gamma",
    "plain-nbd": "nbd x gamma-gamma",
}
"""Models of the catalog as others fit them: without a prior, without returns."""

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


class Tried(NamedTuple):
    """A backtest on the log as it is: what it found, what it chose from, and what it chose."""

    records: list[Record]
    among: tuple[str, ...]
    chosen: str


class Unfitted(NamedTuple):
    """A model that could not be fitted at a cut, and why."""

    model: str
    cut: dt.date
    error: FitError


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
            fitted = _fit(split, among, unfitted)
            if fitted:
                _hold(held, tables, split, horizons, fitted)
        for reason in _reasons(unfitted, among[0]):
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
        own = _chosen(answering, chosen, split, outcome, (shock, maps))
        others = {name: one for name, one in fitted.items() if name != own.model}
        forecasts = [own, *_others(split, days, others)]
        held.add(outcome, forecasts)
        held.records.extend(_of_chances(model, chosen, split.summary, outcome, kept_off=kept_off))
        held.lessons.extend(lessons.of_cut(split.summary, outcome, forecasts, fitted, among))


def candidates(model: str, champion: str | None = None) -> tuple[str, ...]:
    """What a model is chosen from that was asked for by name, or as ``auto``.

    The kind of model that answers now is held beside it, where that is said.
    """
    names = CANDIDATES if model == "auto" else (model,)
    return tuple(dict.fromkeys((*names, *filter(None, [champion]))))


def default_first(summary: CustomerSummary, among: Iterable[str]) -> list[str]:
    """What a model is chosen from, the one first that answers where nothing speaks for another."""
    from clv.models.bg_nbd import is_regular

    first = REGULAR_BUYERS if is_regular(summary) else None
    return sorted(among, key=lambda name: name != first)


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


def _reasons(unfitted: Iterable[Unfitted], default: str) -> Iterable[str]:
    """Which model was missed at how many dates, each kind of reason once, as of the last date."""
    alike: dict[tuple[str, type[FitError]], list[Unfitted]] = {}
    for one in unfitted:
        alike.setdefault((one.model, type(one.error)), []).append(one)
    for (name, _), missed in alike.items():
        what = "nothing to check" if name == default else f"no {name}"
        first, last = missed[0].cut, missed[-1].cut
        when = f"{first}" if first == last else f"{len(missed)} dates, {first} to {last}; the last"
        yield f"{what} at {when}: {missed[-1].error}"


def _fit(split: Split, among: Sequence[str], unfitted: list[Unfitted]) -> dict[str, LifetimeValue]:
    """The candidates that can be fitted at a cut, and the models among the baselines.

    What cannot be is added to ``unfitted``. None at all where the default cannot be: nothing was
    checked there.
    """
    from clv.models.catalog import PURCHASE_MODELS
    from clv.models.lifetime_value import JOINED, LifetimeValue

    wanted = {name: (name, True) for name in among}
    wanted |= {name: (model, False) for name, model in FITTED_BASELINES.items()}
    fitted: dict[str, LifetimeValue] = {}
    for name, (model, prior) in wanted.items():
        try:
            buying, _, spend = model.partition(JOINED)
            too_short = split.summary.window.days < PURCHASE_MODELS[buying].least_log_days
            if too_short and name != among[0]:
                continue
            if prior and buying in fitted:
                fitted[name] = fitted[buying].with_spend(split.summary, spend)
            else:
                summary = split.summary
                if not prior:  # others know of no spend season either
                    summary = dataclasses.replace(summary, spend_season=None)
                fitted[name] = LifetimeValue.fit(summary, model, prior=prior)
        except FitError as error:
            unfitted.append(Unfitted(name, split.cut, error))
            if name == among[0]:
                return {}
    return fitted


def _chosen(
    model: LifetimeValue, name: str, split: Split, outcome: Outcome, doubt: Doubt
) -> Forecast:
    """The forecast that would have been made, with its ranges."""
    mean = _means(model, split.summary, outcome.horizon_days)
    shown = f"{name} + boosted" if model.is_corrected else name
    return Forecast(shown, "chosen", mean, _ranges(model, split.summary, outcome, doubt))


def _others(split: Split, days: int, fitted: Mapping[str, LifetimeValue]) -> list[Forecast]:
    """Everybody else's at one cut and horizon; of the chosen one before it was corrected."""
    forecasts = []
    for name, model in fitted.items():
        plain = name in FITTED_BASELINES
        mean = _means(model, split.summary, days, plain=plain)
        forecasts.append(Forecast(name, "baseline" if plain else "challenger", mean))
    before = past_of(split, days)
    for name, baseline in BASELINES.items():
        mean = {target: baseline(of_target) for target, of_target in before.items()}
        forecasts.append(Forecast(name, "baseline", mean))
    return forecasts


def _means(
    model: LifetimeValue, summary: CustomerSummary, days: int, *, plain: bool = False
) -> dict[str, Float]:
    """What a model expects, by target; ``plain`` knows of no returns."""
    of_days = model.purchases.expected_transactions(summary, days)
    worth = model.spend.expected_day_value(summary) if plain else model.day_value(summary, days)
    value = model.corrected(summary, of_days * worth, days)
    return {"purchase_days": of_days, "net_cash": value, "net_matched": value}


def _of_chances(
    model: LifetimeValue,
    name: str,
    summary: CustomerSummary,
    outcome: Outcome,
    *,
    kept_off: bool,
) -> list[Record]:
    """How good the chances of an order were, with the trees' correction and without.

    Nothing where none was called for. One that is ``kept_off`` is a challenger and is held all
    the same, so that later dates can speak for it again.
    """
    if model.survival is None or not model.survival.correction.strength:
        return []
    alone = np.array([model.purchases.p_purchase(summary, day) for day in outcome.quarters])
    corrected = np.array([model.p_purchase(summary, day) for day in outcome.quarters])
    roles: tuple[past.Role, past.Role] = ("chosen", "challenger")
    of_trees, of_base = reversed(roles) if kept_off else roles
    chances = {(f"{name}{past.WITH_TREES}", of_trees): corrected, (name, of_base): alone}
    return scoring.of_chances(outcome, chances)


def _ranges(
    model: LifetimeValue,
    summary: CustomerSummary,
    outcome: Outcome,
    doubt: Doubt,
) -> dict[str, Range]:
    """How the chosen forecast spreads, and where what happened lies in it."""
    from clv.models.spread import held_against

    shock, maps = doubt
    held = held_against(
        model,
        summary,
        outcome.horizon_days,
        purchase_days=outcome.actual["purchase_days"],
        value=outcome.actual["net_cash"],
        level=scoring.LEVEL,
        shock=shock,
        calibrations=maps,
    )
    return {} if held is None else dict(zip(SPREAD, held, strict=True))

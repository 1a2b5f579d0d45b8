"""The verb that scores: champion and summary to the CLV table."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from clv.checked import CustomerSummary, Predictions
from clv.errors import IncompatibleArtifact
from clv.evaluation.past import earned
from clv.pipeline.earlier import earlier_of, evidence
from clv.pipeline.matured import SHOP, keep
from clv.pipeline.steps import Tell, step_key
from clv.store import artifacts, parquet
from clv.store import workspace as files
from clv.store.workspace import Workspace
from clv.tables import PREDICTIONS

if TYPE_CHECKING:
    from clv.models.clv_table import Terms


@dataclasses.dataclass(frozen=True)
class Ask:
    """What the shop wants to know; the churn window is the horizon unless given."""

    horizon_days: int = 365
    churn_window_days: int | None = None
    discount_rate: float = 0.10
    margin: float = 1.0


def predict(workspace: Workspace, ask: Ask, now: dt.datetime, tell: Tell) -> Predictions:
    """Score every customer of the summary with the champion, into ``predictions.parquet``.

    The horizon counts as checked where the backtest that speaks for the champion did so.

    Raises:
        ModelNotFound: no summary or no champion yet.
        HorizonOutOfRange: the horizon cannot be computed.
    """
    path = files.require(workspace, files.SUMMARY, "clv ingest")
    digest = artifacts.champion(workspace)
    read = files.SUMMARY, files.CLEAN_LINES, files.REFUSED
    key = step_key(workspace, *read, *evidence(workspace, digest), ask=ask, champion=digest)
    target = workspace.path(files.PREDICTIONS)
    if workspace.is_current("predict", key):
        tell("nothing changed since customers were last scored: the CLV table is kept")
        # Checked when it was written.
        totals = parquet.totals_of(parquet.facts_of(target))
        return Predictions(parquet.read(target, PREDICTIONS), totals)
    from clv.models.clv_table import clv_table

    tell("scoring every customer")
    past = earlier_of(workspace, digest)
    summary, facts = parquet.read_summary(path), parquet.facts_of(path)
    _require_same_shop(path, facts, artifacts.manifest(workspace, digest).get("fitted_on", {}))
    known = earned(past, ask.horizon_days, history_days=summary.window.days)
    terms = _terms(facts, ask, known, digest=digest, now=now)
    earlier = _earlier(target, terms, summary.window.end, tell) if target.is_file() else None
    last = _last_sketched(target, summary.window.end) if earlier is not None else None
    if earlier is not None and earlier["horizon_days"][0].as_py() != ask.horizon_days:
        tell("tiers begin anew: the last table was of another horizon")
        earlier = None
    table = clv_table(artifacts.load(workspace, digest), summary, terms, earlier=earlier)
    sketched, moved = _drift(workspace, digest, ask, summary, table, last=last)
    with workspace.staging() as stage:
        kept = {
            "as_of": summary.window.end,
            "summary": files.data_digest(path),
            "horizon_days": ask.horizon_days,
            "earlier": json.dumps(past),
            "expected_ranges": json.dumps(table.totals),
            "discount_rate": ask.discount_rate,
            "margin": ask.margin,
            "model": digest,
            "sketches": json.dumps(sketched),
            "sketches_before": json.dumps(last),
        }
        carried = {name: facts.get(name) for name in ("currency", "basis", "simulated")}
        parquet.write(table.table, stage.path(files.PREDICTIONS), PREDICTIONS, carried | kept)
        stage.write_json(files.DRIFT, moved)
        kept_too = keep(stage, table, ask.margin, summary.window, tell)
        stage.publish("predict", key, [files.PREDICTIONS, files.DRIFT, *kept_too])
    return table


def _drift(
    workspace: Workspace,
    digest: str,
    ask: Ask,
    summary: CustomerSummary,
    table: Predictions,
    *,
    last: dict[str, Any] | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What to keep of this run's columns, and how far they moved.

    Customers are held against those the model learned from and those of the ``last`` table of
    an earlier day, scores against that table, money only where it was forecast on equal terms.
    """
    from clv.evaluation import drift

    columns = drift.of_summary(summary) | drift.of_scores(table.table)
    as_of, terms = summary.window.end.isoformat(), [ask.horizon_days, ask.margin]
    sketched = {"as_of": as_of, "terms": terms, "columns": drift.sketches(columns)}
    references = {"fit": artifacts.manifest(workspace, digest).get("sketches"), "table": last}
    rows = drift.compare({name: one for name, one in references.items() if one}, columns)
    if last is not None and last["terms"] != terms:
        rows = [row for row in rows if row["column"] != "predicted_clv"]
    return sketched, {"as_of": as_of, "columns": rows}


def _last_sketched(path: Path, as_of: dt.date) -> dict[str, Any] | None:
    """What remains of the last table of an earlier day; one of this day knows of it."""
    facts = parquet.facts_of(path)
    own = json.loads(facts.get("sketches", "null"))
    if own is not None and own["as_of"] < as_of.isoformat():
        return dict(own)
    before = json.loads(facts.get("sketches_before", "null"))
    return before and dict(before)


def _terms(
    facts: Mapping[str, str],
    ask: Ask,
    known: Mapping[str, Any],
    *,
    digest: str,
    now: dt.datetime,
) -> Terms:
    from clv.models.clv_table import Terms

    return Terms(
        horizon_days=ask.horizon_days,
        churn_window_days=ask.churn_window_days or ask.horizon_days,
        discount_rate=ask.discount_rate,
        margin=ask.margin,
        currency=facts.get("currency"),
        basis=facts["basis"],
        value_definition=_with_margin(facts["value_definition"], ask.margin),
        simulated=facts.get("simulated") == "true",
        model_version=digest,
        scored_at=now,
        **known,
    )


def _require_same_shop(path: Path, facts: dict[str, str], fitted: dict[str, str]) -> None:
    """A model fitted on another kind of log would answer, and mean nothing."""
    for name in SHOP:
        now, then = facts.get(name), fitted.get(name)
        if now != then:
            raise IncompatibleArtifact(
                path,
                f"its {name} is {now or 'not stated'}, but the model that answers was fitted "
                f"where it was {then or 'not stated'}.",
                next_step="Run `clv run`, or train and promote a model of this log.",
            )


def _earlier(path: Path, terms: Terms, as_of: dt.date, tell: Tell) -> pa.Table | None:
    """The last CLV table, whose tiers this one remembers, unless it is of no use."""
    try:
        facts, table = parquet.facts_of(path), parquet.read(path, PREDICTIONS)
    except IncompatibleArtifact as error:
        tell(f"tiers begin anew: {error}")
        return None
    if (facts.get("simulated") == "true") is not terms.simulated:
        tell("tiers begin anew: the last table was of a simulated shop, or this one is")
        return None
    if dt.date.fromisoformat(facts["as_of"]) > as_of:
        tell(f"tiers begin anew: the last table looked further, to {facts['as_of']}")
        return None
    return table


def _with_margin(value_definition: str, margin: float) -> str:
    return value_definition if margin == 1 else f"{value_definition}, times a margin of {margin:g}"

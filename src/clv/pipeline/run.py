"""The verb that does everything: ingest, backtest, train, promote, predict."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from clv.checked import Predictions
from clv.errors import NotEnoughData
from clv.pipeline.backtest import backtest, checkable_from, last_backtest
from clv.pipeline.contenders import candidates, default_first
from clv.pipeline.gate import UNCHECKED, challenge, champion_kind, tags_of
from clv.pipeline.ingest import Log, ingest
from clv.pipeline.predict import Ask, predict
from clv.pipeline.record import record
from clv.pipeline.steps import Tell
from clv.pipeline.train import is_promoted, promote, train
from clv.store import parquet
from clv.store import workspace as files
from clv.store.mlflow.recorder import Tracking
from clv.store.workspace import Workspace


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a whole run found: the ETL report, the backtest's records, the CLV table.

    Where the log does not carry a forecast yet, there is what it lacks instead of the table.
    """

    etl: dict[str, Any]
    backtest: list[dict[str, Any]]
    predictions: Predictions | NotEnoughData


def run(
    workspace: Workspace,
    log: Log,
    ask: Ask,
    tell: Tell,
    *,
    model: str,
    now: dt.datetime,
    ingested: Callable[[dict[str, Any]], None] = lambda etl: None,
    tracking: Tracking | None = None,
) -> Outcome:
    """All verbs in order; the training is recorded with its backtest where it is tracked.

    A log too short for a backtest is forecast all the same, unchecked. A model asked for by name
    while another kind answers has to pass :func:`clv.pipeline.gate.challenge`.

    ``ingested`` is called with the ETL report as soon as there is one, long before the end.

    Raises:
        ReviewFailed: the model asked for did not pass; the champion stays, and so does its table.
        ClvError: from the verbs; what earlier verbs wrote stays.
    """
    etl = ingest(workspace, log, tell)
    ingested(etl)
    kind = champion_kind(workspace)
    is_challenger = model != "auto" and kind not in (None, model)
    among = candidates(model, kind)
    try:
        records = backtest(workspace, among, tell, horizon_days=ask.horizon_days)
    except NotEnoughData as error:
        tell(str(error))
        workspace.retract("backtest")
        records = []
    try:
        digest = train(workspace, model if is_challenger else _best(workspace, among), tell)
    except NotEnoughData as error:
        workspace.retract("backtest")
        return Outcome(etl, [], _not_yet(error, etl))
    # One that the backtest chose was held beside the kind that answers there.
    found = tags_of(workspace.read_json(files.REVIEW)) if records else UNCHECKED
    if is_challenger:
        challenge(workspace, digest, tell, tracking=tracking)
    elif tracking is None or not is_promoted(workspace, digest, tracking, found):
        promote(workspace, digest, tell, tracking=tracking, records=records, review=found)
    else:
        record(workspace, digest, tracking, tell, records=records)
    return Outcome(etl, records, predict(workspace, ask, now, tell))


def _best(workspace: Workspace, among: Sequence[str]) -> str:
    """What the backtest chose; where there was none, the default for this log."""
    tried = last_backtest(workspace)
    if tried is not None:
        return tried.chosen
    return default_first(parquet.read_summary(workspace.path(files.SUMMARY)), among)[0]


def _not_yet(error: NotEnoughData, etl: dict[str, Any]) -> NotEnoughData:
    """The same, with what there is and, of a short log, from when there will be more."""
    step = f"{error.next_step} Clean lines, customers and cohorts of this log are written"
    checkable = checkable_from(dt.date.fromisoformat(etl["first_day"])).isoformat()
    if etl["last_day"] < checkable:
        step += "; a forecast that can be checked takes a log that reaches "
        step += f"{checkable} or later"
    return NotEnoughData(error.about, error.problem, next_step=f"{step}.")

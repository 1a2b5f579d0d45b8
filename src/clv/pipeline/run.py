"""The verb that does everything: ingest, train, backtest, promote, predict."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from clv.errors import NotEnoughData
from clv.pipeline.backtest import backtest
from clv.pipeline.ingest import Log, ingest
from clv.pipeline.predict import Ask, predict
from clv.pipeline.steps import Tell
from clv.pipeline.train import promote, train
from clv.store.workspace import Workspace
from clv.tables import Predictions


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a whole run found: the ETL report, the backtest's records, the CLV table."""

    etl: dict[str, Any]
    backtest: list[dict[str, Any]]
    predictions: Predictions


def run(
    workspace: Workspace,
    log: Log,
    ask: Ask,
    tell: Tell,
    *,
    model: str,
    now: dt.datetime,
) -> Outcome:
    """All verbs in order. A log too short for a backtest is forecast all the same, unchecked.

    Raises:
        ClvError: from the verbs; what earlier verbs wrote stays.
    """
    etl = ingest(workspace, log, tell)
    digest = train(workspace, model, tell)
    try:
        records = backtest(workspace, model, tell)
    except NotEnoughData as error:
        tell(str(error))
        records = []
    promote(workspace, digest, tell)
    return Outcome(etl, records, predict(workspace, ask, now, tell))

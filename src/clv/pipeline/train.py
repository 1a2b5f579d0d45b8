"""The verbs that make a model and let it answer: train, promote and sync.

Where trainings are tracked, MLflow's alias is the decision and the pointer follows it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from clv.errors import IncompatibleArtifact, ModelNotFound
from clv.evaluation.past import trees_hurt
from clv.pipeline import lessons
from clv.pipeline.earlier import Earlier, of_last_backtest
from clv.pipeline.record import Records, record
from clv.pipeline.steps import Tell, step_key
from clv.store import artifacts, parquet
from clv.store import workspace as files
from clv.store.mlflow import recorder
from clv.store.mlflow.recorder import Tracking
from clv.store.workspace import Workspace, key_of

UNREVIEWED = {"review": "unreviewed"}


def train(workspace: Workspace, model: str, tell: Tell, *, prior: bool = True) -> str:
    """Fit ``model`` (a name in the catalog) to the summary; returns the digest it is stored by.

    Where a backtest held the model against this very log, trees learn from what it missed, and
    what earlier dates say of the model is kept with it.

    Raises:
        NotEnoughData, NotConverged: the data do not carry this model.
        ModelNotFound: there is no summary yet.
    """
    path = files.require(workspace, files.SUMMARY, "clv ingest")
    step = f"train {model}"
    of_backtest = [files.LESSONS, files.REVIEW, files.BACKTEST_REPORT]
    learned_from = of_backtest if prior and lessons.are_there(workspace) else []
    key = step_key(workspace, files.SUMMARY, *learned_from, model=model, prior=prior)
    if workspace.is_current(step, key):
        tell(f"nothing changed since {model} was last fitted: the fit is kept")
        return workspace.files_of(step)[0].split("/")[1]
    from clv.evaluation import drift
    from clv.models.lifetime_value import LifetimeValue

    tell(f"fitting {model}")
    summary = parquet.read_summary(path)
    fitted = LifetimeValue.fit(summary, model, prior=prior).with_posterior(summary)
    facts: dict[str, Any] = {"fitted_on": parquet.facts_of(path), "model": model, "prior": prior}
    facts["data_digest"] = files.data_digest(path)
    if learned_from:
        fitted = fitted.corrected_by(summary, lessons.read(workspace, model))
        past = of_last_backtest(workspace, model) or _known_before(workspace, step, facts)
        if past is not None:
            facts["earlier"] = past
            fitted = fitted.without_trees() if trees_hurt(past["records"]) else fitted
    columns = drift.sketches(drift.of_summary(summary))
    facts["sketches"] = {"as_of": summary.window.end.isoformat(), "columns": columns}
    with workspace.staging() as stage:
        digest, names = artifacts.save(stage, fitted, facts)
        stage.publish(step, key, names)
    return digest


def _known_before(workspace: Workspace, step: str, facts: Mapping[str, Any]) -> Earlier | None:
    """What the last fit of this model to this very log was known by, if it was."""
    for name in workspace.files_of(step)[:1]:
        before = artifacts.manifest(workspace, name.split("/")[1])
        if before.get("data_digest") == facts["data_digest"]:
            return before.get("earlier")
    return None


def promote(
    workspace: Workspace,
    digest: str,
    tell: Tell,
    *,
    tracking: Tracking | None = None,
    records: Records = (),
    review: Mapping[str, str] = UNREVIEWED,
) -> None:
    """Let the model stored under ``digest`` answer from now on; MLflow's alias moves first.

    A model that only MLflow has is fetched; one that MLflow lacks is recorded, with the
    ``records`` of its backtest. MLflow keeps the ``review`` as tags of the version.

    Raises:
        ModelNotFound, IncompatibleArtifact, TrackingUnreachable: the champion stays who it was.
    """
    if tracking is not None:
        fetched(workspace, digest, tracking)
        record(workspace, digest, tracking, tell, records=records)
        recorder.promote(tracking, digest, review)
    _point(workspace, digest, tell)
    if tracking is not None:
        with workspace.staging() as stage:
            stage.publish("promote", _promoted(digest, tracking, review), [])


def is_promoted(
    workspace: Workspace, digest: str, tracking: Tracking, review: Mapping[str, str]
) -> bool:
    """Whether ``digest`` answers, and in MLflow too with this ``review``, as far as known here."""
    current = workspace.is_current("promote", _promoted(digest, tracking, review))
    return current and _answers(workspace, digest) and not tracking.is_gone


def _promoted(digest: str, tracking: Tracking, review: Mapping[str, str]) -> str:
    return key_of(digest=digest, uri=tracking.uri, review=dict(review))


def sync(workspace: Workspace, tracking: Tracking, tell: Tell) -> str:
    """Let the model answer that MLflow's alias names; returns its digest.

    Nothing is scored again: until ``clv predict`` does, the CLV table is the last champion's.

    Raises:
        ModelNotFound, IncompatibleArtifact, TrackingUnreachable: the champion stays who it was.
    """
    digest = recorder.champion(tracking)
    fetched(workspace, digest, tracking)
    _point(workspace, digest, tell)
    tell_if_outdated(workspace, tell)
    return digest


def tell_if_outdated(workspace: Workspace, tell: Tell) -> None:
    """Say so where the CLV table, and with it the report, is of another than the champion."""
    table = workspace.path(files.PREDICTIONS)
    if not table.is_file():
        return
    # One that cannot be read is another's matter: the champion has moved already.
    with contextlib.suppress(IncompatibleArtifact):
        if parquet.facts_of(table).get("model") != artifacts.champion(workspace):
            tell("the CLV table and the report are of another model: `clv predict` makes them anew")


def _answers(workspace: Workspace, digest: str) -> bool:
    return workspace.is_file(artifacts.CHAMPION) and artifacts.champion(workspace) == digest


def _point(workspace: Workspace, digest: str, tell: Tell) -> None:
    if _answers(workspace, digest):
        tell(f"model {digest} already answers")
        return
    artifacts.promote(workspace, digest)
    tell(f"model {digest} answers from now on")


def fetched(workspace: Workspace, digest: str, tracking: Tracking | None) -> None:
    """Fetch the plain files of a model that is not here whole, and verify them by its digest."""
    try:
        artifacts.load(workspace, digest)
        return
    except (ModelNotFound, IncompatibleArtifact):
        if tracking is None:
            raise
    with workspace.staging() as stage:
        names = [f"models/{digest}/{name}" for name in artifacts.FILES]
        recorder.fetch(tracking, digest, stage.path(names[0]).parent)
        artifacts.read(stage.path(names[0]).parent)
        stage.move(names)

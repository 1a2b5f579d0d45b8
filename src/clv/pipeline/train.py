"""The verbs that make a model and let it answer: train and promote."""

from __future__ import annotations

from typing import Any

from clv.pipeline.steps import Tell, step_key
from clv.store import artifacts, parquet
from clv.store import workspace as files
from clv.store.workspace import Workspace


def train(workspace: Workspace, model: str, tell: Tell, *, prior: bool = True) -> str:
    """Fit ``model`` (a name in the catalog) to the summary; returns the digest it is stored by.

    Raises:
        NotEnoughData, NotConverged: the data do not carry this model.
        ModelNotFound: there is no summary yet.
    """
    path = files.require(workspace, files.SUMMARY, "clv ingest")
    step = f"train {model}"
    key = step_key(workspace, files.SUMMARY, model=model, prior=prior)
    if workspace.is_current(step, key):
        tell(f"nothing changed since {model} was last fitted: the fit is kept")
        return workspace.files_of(step)[0].split("/")[1]
    from clv.models.lifetime_value import LifetimeValue

    tell(f"fitting {model}")
    fitted = LifetimeValue.fit(parquet.read_summary(path), model, prior=prior)
    facts: dict[str, Any] = {"fitted_on": parquet.facts_of(path), "model": model, "prior": prior}
    with workspace.staging() as stage:
        digest, names = artifacts.save(stage, fitted, facts)
        stage.publish(step, key, names)
    return digest


def promote(workspace: Workspace, digest: str, tell: Tell) -> None:
    """Let the model stored under ``digest`` answer from now on.

    Raises:
        ModelNotFound, IncompatibleArtifact: the champion stays who it was.
    """
    if workspace.is_file(artifacts.CHAMPION) and artifacts.champion(workspace) == digest:
        tell(f"model {digest} already answers")
        return
    artifacts.promote(workspace, digest)
    tell(f"model {digest} answers from now on")

"""Trainings as MLflow runs, their models as versions of one registered model.

A version carries the digest of its model as a tag, and the alias ``champion`` names the one
that should answer. MLflow takes seconds to import, so it is imported when first needed; it
never is where customers are scored. Where it cannot be asked, all here raise
:class:`~clv.errors.TrackingUnreachable`. Start reading at :func:`record`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clv.errors import IncompatibleArtifact, ModelNotFound, TrackingUnreachable

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput
    from mlflow.entities.model_registry import ModelVersion

NAME = "clv"
CHAMPION = "champion"
SQLITE = "sqlite:///"
PATIENCE = 5  # seconds to wait for a database before it counts as away or locked

# A customer of many orders, one who bought once long ago, one who sent everything back.
EXAMPLE = (
    (12.0, 610.0, 640.0, 85.5, 1.02, 13.0, 15.0, 1111.5, 60.0, 46.1),
    (0.0, 0.0, 500.0, 42.0, 1.0, 1.0, 1.0, 42.0, 0.0, float("nan")),
    (0.0, 0.0, 90.0, float("nan"), float("nan"), 0.0, 0.0, 0.0, 0.0, float("nan")),
)


@dataclasses.dataclass(frozen=True)
class Tracking:
    """Where MLflow keeps trainings; ``artifacts`` is None where a server says where."""

    uri: str
    artifacts: Path | None

    @property
    def is_gone(self) -> bool:
        """Whether nothing was ever recorded there, or its file was removed."""
        return self.uri.startswith(SQLITE) and not Path(self.uri.removeprefix(SQLITE)).is_file()

    @property
    def damage(self) -> str | None:
        """What is wrong with a database that is a file; None where nothing is, or it is none."""
        if not self.uri.startswith(SQLITE):
            return None
        try:
            with contextlib.closing(sqlite3.connect(self.uri.removeprefix(SQLITE))) as database:
                (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError:  # somebody writes to it, which is no damage
            return None
        except sqlite3.DatabaseError as cause:
            found = str(cause)
        return None if found == "ok" else str(found)

    @property
    def shown(self) -> str:
        """The address without its password."""
        return _without_password(self.uri)


@dataclasses.dataclass(frozen=True)
class Training:
    """What a run keeps of a fitted model; ``folder`` holds its plain files.

    ``scores`` are metric, value and the cut they belong to as a day number, so that those of
    several cuts form one line; ``charts`` are Plotly's figures.
    """

    digest: str
    folder: Path
    title: str
    source: Path
    data_digest: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    scores: tuple[tuple[str, float, int], ...]
    charts: Mapping[str, Any]


def record(tracking: Tracking, training: Training) -> None:
    """Keep ``training`` as a run and a model version, or add later scores to those there are.

    A run that fails halfway does not count: the next call begins it anew.
    """
    with _reached(tracking) as client:
        version = _version(client, training.digest)
        if version is None:
            _new_run(client, tracking, training)
        else:
            _add_scores(client, str(version.run_id), training)


def promote(tracking: Tracking, digest: str, review: Mapping[str, str]) -> None:
    """Move the alias ``champion`` to the version of this digest, tagged with its ``review``."""
    with _reached(tracking) as client:
        version = _found(client, tracking, digest)
        for name in version.tags:
            if name.startswith("review") and name not in review:
                client.delete_model_version_tag(NAME, version.version, name)
        for name, said in review.items():
            client.set_model_version_tag(NAME, version.version, name, said)
        client.set_registered_model_alias(NAME, CHAMPION, version.version)


def champion(tracking: Tracking) -> str:
    """The digest of the model the alias ``champion`` names."""
    if tracking.is_gone:  # to ask would make an empty file
        raise _nothing(tracking, f"model {NAME}@{CHAMPION}")
    with _reached(tracking) as client:
        registered = client.search_registered_models(f"name = '{NAME}'")
        number = registered[0].aliases.get(CHAMPION) if registered else None
        if number is None:
            raise _nothing(tracking, f"model {NAME}@{CHAMPION}")
        tags = client.get_model_version(NAME, number).tags
    if "digest" not in tags:
        raise IncompatibleArtifact(
            f"models:/{NAME}@{CHAMPION}",
            f"version {number} was not recorded by `clv train`.",
            next_step="Move the alias to a version with the tag `digest`.",
        )
    return str(tags["digest"])


def fetch(tracking: Tracking, digest: str, folder: Path) -> None:
    """Write the plain files of the version of this digest into ``folder``, as they come."""
    with _reached(tracking) as client:
        import mlflow

        number = _found(client, tracking, digest).version
        stored = f"models:/{NAME}/{number}/artifacts/{digest}"
        found = mlflow.artifacts.download_artifacts(artifact_uri=stored, dst_path=str(folder))
        for path in Path(found).iterdir():
            path.replace(folder / path.name)


@contextlib.contextmanager
def _reached(tracking: Tracking) -> Iterator[MlflowClient]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's are about its own insides
        import mlflow
        import sqlalchemy.exc
        from mlflow.exceptions import MlflowException

        try:
            _knock(tracking)
            mlflow.set_tracking_uri(tracking.uri)
            yield mlflow.MlflowClient()
        except (MlflowException, sqlalchemy.exc.SQLAlchemyError, OSError, ImportError) as cause:
            raise TrackingUnreachable(tracking.shown, _reason(cause)) from cause


def _knock(tracking: Tracking) -> None:
    """Fail at once where a database is away or locked; MLflow would try for minutes."""
    import sqlalchemy

    if tracking.uri.startswith(("http://", "https://")):
        return
    is_file = tracking.uri.startswith(SQLITE)
    arguments = {"timeout" if is_file else "connect_timeout": PATIENCE}
    engine = sqlalchemy.create_engine(tracking.uri, connect_args=arguments)
    try:
        with engine.connect() as connection:
            if is_file:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        engine.dispose()


def _reason(cause: BaseException) -> str:
    said = str(getattr(cause, "orig", None) or cause).strip() or type(cause).__name__
    return _without_password(said.splitlines()[0]).rstrip(". :") + "."


def _without_password(text: str) -> str:
    return re.sub(r"(://[^:/\s]*):[^/\s]*@", r"\1@", text)


def _version(client: MlflowClient, digest: str) -> ModelVersion | None:
    found = client.search_model_versions(f"name = '{NAME}' and tags.digest = '{digest}'")
    return max(found, key=lambda version: int(version.version), default=None)


def _found(client: MlflowClient, tracking: Tracking, digest: str) -> ModelVersion:
    version = _version(client, digest)
    if version is None:
        raise _nothing(tracking, f"model {digest}")
    return version


def _nothing(tracking: Tracking, wanted: str) -> ModelNotFound:
    return ModelNotFound(
        wanted, f"MLflow at {tracking.shown}", next_step="Run `clv run`; it trains one."
    )


def _new_run(client: MlflowClient, tracking: Tracking, training: Training) -> None:
    """A run with everything; registering its model comes last, and makes it count."""
    import mlflow

    tags = {"digest": training.digest, "data_digest": training.data_digest}
    experiment = _experiment(client, tracking)
    with mlflow.start_run(experiment_id=experiment, run_name=training.title, tags=tags) as run:
        client.log_inputs(run.info.run_id, [_dataset(training)])
        mlflow.log_params(dict(training.params))
        mlflow.log_metrics(dict(training.metrics))
        _add_scores(client, run.info.run_id, training)
        model = _log_model(training)
        if not client.search_registered_models(f"name = '{NAME}'"):
            client.create_registered_model(NAME)
        client.create_model_version(
            NAME, model.model_uri, run.info.run_id, tags=tags, model_id=model.model_id
        )


def _dataset(training: Training) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": str(training.source.absolute())})
    name, digest = training.source.stem, training.data_digest
    return DatasetInput(
        Dataset(name, digest, source_type="local", source=source),
        [InputTag("mlflow.data.context", "training")],
    )


def _experiment(client: MlflowClient, tracking: Tracking) -> str:
    known = client.get_experiment_by_name(NAME)
    if known is not None:
        return str(known.experiment_id)
    place = None if tracking.artifacts is None else tracking.artifacts.as_uri()
    return str(client.create_experiment(NAME, artifact_location=place))


def _add_scores(client: MlflowClient, run_id: str, training: Training) -> None:
    """The scores and charts the run does not have yet."""
    from mlflow.entities import Metric

    run = client.get_run(run_id)
    now = run.info.start_time
    fresh = [
        Metric(name, value, now, cut)
        for name, value, cut in training.scores
        if name not in run.data.metrics
    ]
    for start in range(0, len(fresh), 1000):  # as many as MLflow takes at once
        client.log_batch(run_id, metrics=fresh[start : start + 1000])
    there = {file.path for file in client.list_artifacts(run_id, "charts")}
    for name, figure in training.charts.items():
        if f"charts/{name}.html" not in there:
            # With Plotly's script inside, so that it is drawn without a network.
            client.log_text(run_id, figure.to_html(), f"charts/{name}.html")


def _log_model(training: Training) -> Any:
    """The model's plain files with the code that answers; MLflow tries it on the example."""
    import mlflow
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    from clv.store.mlflow import pyfunc_model

    # Doubles throughout: a column of integers could not say that something is unknown.
    asked, answered = (
        Schema([ColSpec(DataType.double, name) for name in names])
        for names in (pyfunc_model.ASKED, pyfunc_model.ANSWERED)
    )
    horizon = ParamSpec("horizon_days", DataType.long, pyfunc_model.HORIZON_DAYS)
    example = pd.DataFrame(EXAMPLE, columns=list(pyfunc_model.ASKED))
    return mlflow.pyfunc.log_model(
        name=NAME,
        python_model=str(pyfunc_model.__file__),
        artifacts={"model": str(training.folder)},
        signature=ModelSignature(asked, answered, ParamSchema([horizon])),
        input_example=(example, {"horizon_days": pyfunc_model.HORIZON_DAYS}),
        pip_requirements=[f"clv-forecaster=={metadata.version('clv-forecaster')}"],
    )

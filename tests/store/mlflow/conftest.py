"""MLflow in a file: its tables are made once and copied, since making them takes seconds."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from runs import run_all

from clv.models import correction
from clv.pipeline.run import Outcome
from clv.store.mlflow import recorder
from clv.store.mlflow.recorder import Tracking
from clv.store.workspace import Workspace


@dataclasses.dataclass(frozen=True)
class Tracked:
    """A workspace whose trainings are recorded in a file in it."""

    workspace: Workspace
    tracking: Tracking
    log: Path
    outcome: Outcome | None = None


def tracking_in(root):
    return Tracking(f"{recorder.SQLITE}{root / 'mlflow.db'}", root / "mlartifacts")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    root = tmp_path_factory.mktemp("mlflow")
    with recorder._reached(tracking_in(root)) as client:
        client.search_registered_models()
    return root / "mlflow.db"


@pytest.fixture(scope="session")
def finished(shop_log, empty_database, tmp_path_factory):
    """A whole recorded run, with trees that correct, right or not; not to be changed."""
    root = tmp_path_factory.mktemp("tracked")
    shutil.copy(empty_database, root / "mlflow.db")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(correction, "CAUTION", -10.0)
        outcome, _ = run_all(root, shop_log, tracking=tracking_in(root))
    return Tracked(Workspace(root), tracking_in(root), shop_log, outcome)


@pytest.fixture
def tracked(finished, tmp_path):
    """A copy of that run; its database names the artifacts of the original."""
    root = tmp_path / "workspace"
    shutil.copytree(finished.workspace.root, root)
    return Tracked(Workspace(root), tracking_in(root), finished.log)


@pytest.fixture
def new(finished, empty_database, tmp_path):
    """The tables of that run, with nothing trained or recorded yet."""
    root = tmp_path / "new"
    ignored = shutil.ignore_patterns("models", "mlartifacts", "mlflow.db", "reports")
    shutil.copytree(finished.workspace.root, root, ignore=ignored)
    shutil.copy(empty_database, root / "mlflow.db")
    return Tracked(Workspace(root), tracking_in(root), finished.log)


@pytest.fixture
def client(request):
    """MLflow's own client, asked about the `tracked` workspace or, without it, the finished one."""
    name = next((n for n in ("tracked", "new") if n in request.fixturenames), "finished")
    import mlflow

    uri = request.getfixturevalue(name).tracking.uri
    mlflow.set_tracking_uri(uri)
    return mlflow.MlflowClient(uri)

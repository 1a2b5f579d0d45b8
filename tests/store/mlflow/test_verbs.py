"""train, promote, sync and run with MLflow: one champion, whatever goes wrong on the way."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time

import pytest
from runs import contents, run_all
from typer.testing import CliRunner

from clv import cli
from clv.errors import IncompatibleArtifact, ModelNotFound, TrackingUnreachable
from clv.pipeline.record import record
from clv.pipeline.train import promote, sync, train
from clv.store import artifacts
from clv.store.mlflow import recorder
from clv.store.mlflow.recorder import Tracking


def quiet(text):
    """Tell nobody."""


@pytest.fixture
def second(tracked):
    """The digest of another model, promoted after the first."""
    digest = train(tracked.workspace, "pareto-nbd", quiet, prior=False)
    promote(tracked.workspace, digest, quiet, tracking=tracked.tracking)
    return digest


def alias_to(client, digest):
    """Move the alias as a person does in MLflow's page."""
    (version,) = client.search_model_versions(f"name = 'clv' and tags.digest = '{digest}'")
    client.set_registered_model_alias("clv", "champion", version.version)


def test_sync_follows_an_alias_moved_in_mlflow_and_fetches_the_model(
    client, tracked, second, finished
):
    first = artifacts.champion(finished.workspace)
    shutil.rmtree(tracked.workspace.path(f"models/{first}"))
    before, told = contents(tracked.workspace.root), []
    alias_to(client, first)

    assert sync(tracked.workspace, tracked.tracking, told.append) == first

    after = contents(tracked.workspace.root)
    assert artifacts.champion(tracked.workspace) == first
    original = contents(finished.workspace.path(f"models/{first}"))
    assert contents(tracked.workspace.path(f"models/{first}")) == original
    changed = {name for name in after if after[name] != before.get(name)}
    fetched = {f"models/{first}/{name}" for name in artifacts.FILES}
    assert changed - {"mlflow.db"} == fetched | {"models/champion"}
    assert not any("anew" in text for text in told)  # the table is the first's still


def test_sync_says_where_table_and_report_are_of_another_model(client, tracked, second):
    told = []
    alias_to(client, second)

    for _ in range(2):
        sync(tracked.workspace, tracked.tracking, told.append)

    assert sum("`clv predict` makes them anew" in text for text in told) == 2


def test_sync_with_nothing_moved_changes_nothing(tracked):
    before, told = contents(tracked.workspace.root), []

    sync(tracked.workspace, tracked.tracking, told.append)

    after = contents(tracked.workspace.root)
    assert {name for name in after if after[name] != before.get(name)} <= {"mlflow.db"}
    assert told == [f"model {artifacts.champion(tracked.workspace)} already answers"]


def test_promote_takes_a_model_that_only_mlflow_has(client, tracked, second, finished):
    first = artifacts.champion(finished.workspace)
    shutil.rmtree(tracked.workspace.path(f"models/{first}"))

    promote(tracked.workspace, first, quiet, tracking=tracked.tracking)

    assert artifacts.load(tracked.workspace, first)
    assert client.get_model_version_by_alias("clv", "champion").tags["digest"] == first


def test_a_model_altered_on_the_way_is_refused_and_the_champion_stays(client, new, monkeypatch):
    first = train(new.workspace, "pareto-nbd", quiet)
    second = train(new.workspace, "pareto-nbd", quiet, prior=False)
    for digest in (first, second):
        promote(new.workspace, digest, quiet, tracking=new.tracking)
    shutil.rmtree(new.workspace.path(f"models/{first}"))
    alias_to(client, first)
    (stored,) = new.workspace.root.glob(f"mlartifacts/**/{first}/model.json")
    stored.write_text(stored.read_text().replace('"r": ', '"r": 1', 1))

    with pytest.raises(IncompatibleArtifact, match="not what its digest says"):
        sync(new.workspace, new.tracking, quiet)

    assert artifacts.champion(new.workspace) == second
    assert not new.workspace.path(f"models/{first}").exists()


def test_an_alias_on_a_version_of_somebody_else_is_refused(client, tracked):
    version = client.get_model_version_by_alias("clv", "champion")
    other = client.create_model_version("clv", version.source, version.run_id)
    client.set_registered_model_alias("clv", "champion", other.version)

    with pytest.raises(IncompatibleArtifact, match="was not recorded by `clv train`"):
        sync(tracked.workspace, tracked.tracking, quiet)


def test_nothing_to_follow_is_said_with_the_next_step(new):
    with pytest.raises(
        ModelNotFound, match=r"MLflow at sqlite.*: there is no model clv@champion\..*clv run"
    ):
        sync(new.workspace, new.tracking, quiet)


def test_an_unchanged_run_does_not_touch_mlflow(finished, monkeypatch):
    monkeypatch.setattr(recorder, "_reached", lambda tracking: pytest.fail("it was asked"))
    root = finished.workspace.root
    before = contents(root)

    _, told = run_all(root, finished.log, tracking=finished.tracking)

    assert contents(root) == before
    assert not any("MLflow" in text for text in told)


def test_when_mlflows_file_was_removed_the_next_run_records_again(finished, tracked):
    tracked.workspace.path("mlflow.db").unlink()
    with pytest.raises(ModelNotFound):
        sync(tracked.workspace, tracked.tracking, quiet)

    _, told = run_all(tracked.workspace.root, finished.log, tracking=tracked.tracking)

    assert "recording the training in MLflow" in told
    assert recorder.champion(tracked.tracking) == artifacts.champion(tracked.workspace)


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


AWAY = {
    "postgres": "postgresql://clv:secret@127.0.0.1:{port}/mlflow",
    "server": "http://clv:secret@127.0.0.1:{port}",
    "unknown": "nothing://somewhere",
    "no folder": "sqlite:////nowhere/at/all/mlflow.db",
}


@pytest.mark.parametrize("uri", AWAY.values(), ids=AWAY.keys())
def test_mlflow_away_is_said_soon_and_without_the_password(new, uri):
    digest = train(new.workspace, "pareto-nbd", quiet)
    tracking = Tracking(uri.format(port=closed_port()), new.workspace.path("mlartifacts"))
    begun = time.monotonic()

    with pytest.raises(TrackingUnreachable, match="untouched") as refusal:
        record(new.workspace, digest, tracking, quiet)

    assert time.monotonic() - begun < 20
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert artifacts.load(new.workspace, digest)


@pytest.fixture
def locked(tracked):
    """Somebody else writing to MLflow's file, and not done."""
    connection = sqlite3.connect(tracked.workspace.path("mlflow.db"), isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.close()


def test_a_locked_database_leaves_the_models_and_the_champion(tracked, locked, monkeypatch):
    monkeypatch.setattr(recorder, "PATIENCE", 0.2)
    before = artifacts.champion(tracked.workspace)
    digest = train(tracked.workspace, "pareto-nbd", quiet, prior=False)

    with pytest.raises(TrackingUnreachable, match="database is locked"):
        promote(tracked.workspace, digest, quiet, tracking=tracked.tracking)

    assert artifacts.load(tracked.workspace, digest)
    assert artifacts.champion(tracked.workspace) == before


def test_a_training_that_could_not_be_recorded_is_by_the_next_call(client, new, monkeypatch):
    digest = train(new.workspace, "pareto-nbd", quiet)

    def fail(training):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(recorder, "_log_model", fail)
        with pytest.raises(TrackingUnreachable, match="No space left on device"):
            record(new.workspace, digest, new.tracking, quiet)
    assert client.search_model_versions("name = 'clv'") == []

    record(new.workspace, digest, new.tracking, quiet)

    (version,) = client.search_model_versions("name = 'clv'")
    runs = client.search_runs([client.get_experiment_by_name("clv").experiment_id])
    assert sorted(run.info.status for run in runs) == ["FAILED", "FINISHED"]
    assert client.get_run(version.run_id).info.status == "FINISHED"


def clv(*words):
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def test_the_command_line_trains_promotes_and_syncs(new, monkeypatch):
    monkeypatch.delenv("CLV_MLFLOW_URI")
    place = ["--workspace", new.workspace.root, "--json"]

    trained = clv("train", "pareto-nbd", *place)
    digest = json.loads(trained.stdout)["digest"]
    assert clv("promote", digest, "--unreviewed", *place).exit_code == 0
    followed = clv("sync", *place)

    assert json.loads(followed.stdout) == {"champion": digest}
    assert trained.stderr == followed.stderr == ""
    assert recorder.champion(new.tracking) == digest


def test_there_is_nothing_to_sync_with_where_mlflow_is_off(tmp_path):
    answer = clv("sync", "--workspace", tmp_path)

    assert answer.exit_code == 2
    assert "mlflow_uri" in answer.stderr


LOADED = """
import sys
from clv.cli import main
try: main()
except SystemExit as end: assert not end.code, end.code
print("mlflow" in sys.modules, file=sys.stderr)
"""


def loads_mlflow(*words):
    command = [sys.executable, "-c", LOADED, *map(str, words), "--json"]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    return process.stderr == "True\n"


def test_what_scores_customers_never_loads_mlflow_and_what_promotes_does(tracked, monkeypatch):
    monkeypatch.delenv("CLV_MLFLOW_URI")
    place = ["--workspace", tracked.workspace.root]
    digest = artifacts.champion(tracked.workspace)

    assert not loads_mlflow("predict", "--horizon-days", "91", *place)
    assert loads_mlflow("promote", digest, *place)

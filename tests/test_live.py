"""The service that is exchanged while it answers: when, for what, and when not."""

from __future__ import annotations

import logging
import shutil
import threading

import pytest
from runs import NOW

from clv.errors import IncompatibleArtifact, ModelNotFound, NothingStored
from clv.live import LiveService
from clv.pipeline.predict import Ask, predict
from clv.pipeline.train import promote, train
from clv.store import workspace as files
from clv.store.workspace import Workspace


@pytest.fixture
def workspace(finished, tmp_path):
    root = tmp_path / "workspace"
    shutil.copytree(finished.root, root)
    return Workspace(root)


def score(workspace, horizon_days):
    return predict(workspace, Ask(horizon_days=horizon_days), NOW, lambda text: None)


def test_the_same_files_are_the_same_service(workspace):
    live = LiveService(workspace)

    assert live.current() is live.current()


def test_a_new_table_is_answered_from_at_once(workspace):
    live = LiveService(workspace)
    before = live.current()

    score(workspace, 91)

    assert before.terms.horizon_days == 365
    assert live.current().terms.horizon_days == 91


def test_a_moved_champion_waits_for_its_table(workspace, caplog):
    live = LiveService(workspace)
    before = live.current()
    digest = train(workspace, "pareto-nbd", lambda text: None, prior=False)

    promote(workspace, digest, lambda text: None)
    assert live.current() is before
    assert "whoever answered goes on" in caplog.text
    score(workspace, 365)

    assert live.current().terms.model_version == digest != before.terms.model_version


@pytest.mark.parametrize("name", ["models/champion", files.PREDICTIONS])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe broken", None])
def test_bad_files_leave_the_old_service_answering(workspace, caplog, name, content):
    live = LiveService(workspace)
    before = live.current()
    workspace.path(name).unlink()
    if content is not None:
        workspace.path(name).write_bytes(content)

    with caplog.at_level(logging.WARNING):
        assert live.current() is before
        assert live.current() is before

    assert len(caplog.records) == 1  # tried once, not with every question


def test_without_any_files_the_reason_is_raised_until_there_are_some(finished, tmp_path):
    root = tmp_path / "empty"
    live = LiveService(Workspace(root))
    for _ in range(2):
        with pytest.raises(ModelNotFound, match="clv run"):
            live.current()

    shutil.copytree(finished.root, root)
    (root / files.PREDICTIONS).unlink()
    with pytest.raises(NothingStored, match="clv predict"):
        live.current()
    shutil.copy(finished.root / files.PREDICTIONS, root / files.PREDICTIONS)

    assert live.current().terms.horizon_days == 365


def test_what_nobody_foresaw_in_a_file_is_a_refusal_too(workspace, caplog):
    (workspace.path("models/champion")).write_bytes(b"\xff\xfe")

    with pytest.raises(IncompatibleArtifact, match="cannot be read"):
        LiveService(workspace).current()


def test_many_threads_are_answered_while_tables_change(workspace):
    live = LiveService(workspace)
    customer = live.current().table["customer_id"][0].as_py()
    stop, seen, failures = threading.Event(), set(), []

    def ask():
        while not stop.is_set():
            try:
                row = live.current().customers([customer])[0].row
                seen.add((row["horizon_days"], row["churn_window_days"]))
            except Exception as error:  # noqa: BLE001
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for horizon_days in (91, 182, 91, 365):
        score(workspace, horizon_days)
        live.current()
    stop.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert seen <= {(days, days) for days in (91, 182, 365)}
    assert live.current().terms.horizon_days == 365

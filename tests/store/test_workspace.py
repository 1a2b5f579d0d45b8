"""How files get into a workspace: whole or not at all, also when a process is killed."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys

import pytest
from runs import contents

from clv.errors import NothingStored, WorkspaceUnwritable
from clv.store.workspace import STAGING_PREFIX, Workspace, key_of, require


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "shop")


def publish(workspace, step="step", key="key", **files):
    with workspace.staging() as stage:
        for name, text in files.items():
            stage.path(f"data/{name}").write_text(text)
        stage.publish(step, key, [f"data/{name}" for name in files])


def fail(workspace, failure):
    with workspace.staging() as stage:
        stage.path("data/a").write_text("half")
        raise failure


def staged(workspace):
    return list(workspace.root.glob(f"{STAGING_PREFIX}*"))


def test_what_a_step_publishes_is_there_and_current(workspace):
    publish(workspace, a="one", b="two")

    assert workspace.path("data/a").read_text() == "one"
    assert workspace.is_current("step", "key")
    assert workspace.files_of("step") == ["data/a", "data/b"]
    assert staged(workspace) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "data/a").write_text("other"),
        lambda root: (root / "data/a").unlink(),
        lambda root: (root / "reports/steps.json").unlink(),
    ],
)
def test_a_step_is_not_current_once_a_file_of_it_changed(workspace, change):
    publish(workspace, a="one")

    change(workspace.root)

    assert not workspace.is_current("step", "key")


def test_another_key_or_step_is_not_current(workspace):
    publish(workspace, a="one")

    assert not workspace.is_current("step", "other")
    assert not workspace.is_current("other", "key")


def test_a_step_keeps_the_notes_of_the_others(workspace):
    publish(workspace, step="first", a="one")
    publish(workspace, step="second", b="two")

    assert workspace.is_current("first", "key")
    assert workspace.is_current("second", "key")


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_step_that_fails_leaves_nothing_behind(workspace, failure):
    publish(workspace, a="one")
    before = contents(workspace.root)

    with pytest.raises(failure):
        fail(workspace, failure)

    assert contents(workspace.root) == before
    assert staged(workspace) == []


def test_a_full_disk_is_said_and_leaves_the_files_of_the_last_run(workspace):
    publish(workspace, a="one")
    before = contents(workspace.root)

    with pytest.raises(WorkspaceUnwritable, match=r"cannot write data/a: No space") as caught:
        fail(workspace, OSError(errno.ENOSPC, "No space left on device", "data/a"))

    assert "--workspace" in str(caught.value)
    assert contents(workspace.root) == before


def test_a_file_where_a_folder_should_be_moves_nothing(workspace):
    publish(workspace, a="one")
    workspace.path("reports2").write_text("a file")
    before = contents(workspace.root)

    def blocked():
        with workspace.staging() as stage:
            for name in ("data/a", "reports2/b"):
                stage.path(name).write_text("new")
            stage.publish("step", "other", ["data/a", "reports2/b"])

    with pytest.raises(WorkspaceUnwritable, match="reports2"):
        blocked()

    assert contents(workspace.root) == before


def test_a_workspace_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "shop").write_text("a file")
    workspace = Workspace(tmp_path / "shop")

    assert not workspace.is_current("step", "key")
    with pytest.raises(WorkspaceUnwritable, match="shop"), workspace.staging():
        pass


HOLD = """
import sys, time
from pathlib import Path
from clv.store.workspace import Workspace
with Workspace(Path(sys.argv[1])).staging() as stage:
    stage.path("data/half").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_process(workspace):
    """Another process at work in the workspace."""
    command = [sys.executable, "-c", HOLD, str(workspace.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_what_a_killed_process_left_is_swept_by_the_next(workspace, other_process):
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert len(staged(workspace)) == 1

    publish(workspace, a="one")

    assert staged(workspace) == []


def test_what_a_running_process_prepares_is_left_alone(workspace, other_process):
    publish(workspace, a="one")

    assert [folder.joinpath("data/half").read_text() for folder in staged(workspace)] == ["half"]


def test_two_steps_at_once_do_not_disturb_each_other(workspace):
    with workspace.staging() as outer:
        outer.path("data/a").write_text("one")
        publish(workspace, step="inner", b="two")
        outer.publish("outer", "key", ["data/a"])

    assert workspace.is_current("inner", "key")
    assert workspace.is_current("outer", "key")


def test_retracting_a_step_removes_its_files_and_no_others(workspace):
    publish(workspace, step="first", a="one")
    publish(workspace, step="second", b="two")

    workspace.retract("second")
    workspace.retract("never ran")

    assert not workspace.is_current("second", "key")
    assert set(contents(workspace.root)) == {"data/a", "reports/steps.json"}


def test_a_missing_file_names_the_command_that_makes_it(workspace):
    with pytest.raises(NothingStored, match=r"shop: there is no data/a\. Run `clv ingest` first"):
        require(workspace, "data/a", "clv ingest")


def test_keys_differ_with_any_input_and_not_with_their_order():
    assert key_of(a=1, b=2) == key_of(b=2, a=1)
    assert len({key_of(a=1), key_of(a=2), key_of(b=1), key_of(a="1")}) == 4


def test_notes_are_readable_json(workspace):
    publish(workspace, a="one")

    noted = json.loads(workspace.path("reports/steps.json").read_text())

    assert noted["step"]["key"] == "key"
    assert set(noted["step"]["files"]) == {"data/a"}


def test_files_are_readable_by_others_as_the_system_is_set_up(workspace):
    publish(workspace, a="one")
    beside = workspace.path("beside")
    beside.write_text("")

    assert workspace.path("data/a").stat().st_mode == beside.stat().st_mode

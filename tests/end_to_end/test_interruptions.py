"""A real process stopped, killed or out of disk in the middle: files stay whole."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time

import pytest
from runs import contents, run_all

CLV = [sys.executable, "-c", "from clv.cli import main; main()"]

STOPPED_WHILE_AN_OBJECT_IS_FREED = """
import signal
from clv import cli, wiring

class Freed:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

log = wiring.log

def free_one_and_read(*given):
    Freed()
    return log(*given)

wiring.log = free_one_and_read
cli.main()
"""


@pytest.fixture(scope="module")
def good(shop_log, tmp_path_factory):
    """A workspace with a good run in it."""
    root = tmp_path_factory.mktemp("good")
    run_all(root, shop_log)
    return root, contents(root)


def start(root, log, *words, program=CLV, **more):
    command = [*program, "run", str(log), "--workspace", str(root), *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


def wait_for(process, words):
    seen = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            return
    pytest.fail(f"{words!r} was never told: {''.join(seen)}")


def assert_stopped(process):
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert err.strip().endswith("goes on from the last whole step.")
    assert out == ""


@pytest.mark.parametrize(
    ("told", "pause", "sent"),
    [
        ("reading the log", 0.4, signal.SIGINT),
        ("keeping and refusing", 0.1, signal.SIGINT),
        ("keeping and refusing", 0.1, signal.SIGTERM),
        ("writing the tables", 0.0, signal.SIGINT),
    ],
)
def test_a_stop_while_the_engine_computes_leaves_the_last_good_files(
    good, shop_log, told, pause, sent
):
    root, before = good
    process = start(root, shop_log, "--goods-only")
    wait_for(process, told)
    time.sleep(pause)
    process.send_signal(sent)
    assert_stopped(process)
    assert contents(root) == before


def test_a_stop_that_python_drops_while_an_object_is_freed_stops_all_the_same(good, shop_log):
    root, before = good
    program = [sys.executable, "-c", STOPPED_WHILE_AN_OBJECT_IS_FREED]
    assert_stopped(start(root, shop_log, "--goods-only", program=program))
    assert contents(root) == before


def test_a_killed_process_leaves_the_last_good_files_and_the_next_run_sweeps(good, shop_log):
    root, before = good
    process = start(root, shop_log, "--goods-only")
    wait_for(process, "keeping and refusing")
    process.kill()
    process.communicate()

    left = list(root.glob(".clv-staging-*"))
    assert len(left) == 1
    assert {name: digest for name, digest in contents(root).items() if name in before} == before
    (root / "models/champion").unlink()  # so that the next run has something to write
    run_all(root, shop_log)
    assert contents(root) == before


@pytest.mark.parametrize(
    ("limit", "by"), [(8_000, "Arrow"), (100_000, "the engine"), (200_000, "the engine")]
)
def test_a_full_disk_is_said_in_one_line_and_leaves_the_last_good_files(good, shop_log, limit, by):
    root, before = good

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = start(root, shop_log, "--goods-only", preexec_fn=small_disk)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 6, err
    last = err.strip().splitlines()[-1]
    assert last.startswith("WorkspaceUnwritable: cannot write")
    assert os.strerror(27) in last
    assert "Traceback" not in err
    assert out == ""
    assert contents(root) == before


def test_an_unlimited_disk_takes_the_same_run(good, shop_log, tmp_path):
    process = start(tmp_path / "shop", shop_log, "--goods-only")
    out, err = process.communicate(timeout=120)

    assert process.returncode == 0, err
    assert "customers are expected to bring" in out

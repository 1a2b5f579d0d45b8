"""What the doctor looks at: nothing wrong, and each thing that can be, one by one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs import ORDER_LOG, ingest_only, write_orders
from typer.testing import CliRunner

from clv import cli, doctor
from clv.doctor import examine
from clv.store import artifacts
from clv.store import workspace as files


@pytest.fixture(autouse=True)
def _room_enough(monkeypatch):
    """These tests are not about the machine they run on."""
    monkeypatch.setattr(doctor, "LEAST_BYTES", 1e6)


def problems(folder):
    return {check.name: check for check in examine(folder) if not check.ok}


@pytest.fixture
def shop(tmp_path):
    log = write_orders(tmp_path / "orders.csv", [("a", "2024-01-01", 10), ("b", "2024-02-01", 5)])
    ingest_only(tmp_path, log, **ORDER_LOG)
    return tmp_path


def test_an_empty_folder_and_a_shop_after_its_ingest_are_well(shop, tmp_path):
    assert problems(tmp_path / "new") == {}
    assert not (tmp_path / "new").exists()
    assert problems(shop) == {}


def broken_settings(folder):
    (folder / "clv.toml").write_text("horizon = 3")


def a_log_that_is_gone(folder):
    (folder / "clv.toml").write_text('source = "nowhere.csv"')


def a_log_nobody_knows(folder):
    (folder / "clv.toml").write_text('source = "orders.csv"')


def an_altered_file(folder):
    (folder / files.CLEAN_LINES).write_bytes(b"something else")


def a_missing_file(folder):
    (folder / files.SUMMARY).unlink()


def a_champion_that_is_gone(folder):
    (folder / "models").mkdir()
    (folder / artifacts.CHAMPION).write_text("0123\n")


@pytest.mark.parametrize(
    ("harm", "name", "said"),
    [
        (broken_settings, "settings", "setting horizon: there is no such setting"),
        (a_log_that_is_gone, "log", "there is no such file"),
        (a_log_nobody_knows, "log", "there is no column"),
        (an_altered_file, "last run", f"gone or altered: {files.CLEAN_LINES}"),
        (a_missing_file, "last run", f"gone or altered: {files.SUMMARY}"),
        (a_champion_that_is_gone, "champion", "there is no model 0123"),
    ],
)
def test_each_harm_is_found_alone_and_has_a_next_step(shop, harm, name, said):
    harm(shop)

    found = problems(shop)

    assert list(found) == [name]
    assert said in found[name].found
    assert found[name].next_step


def test_a_folder_that_refuses_writing_is_found(shop):
    refused = problems(Path("/proc/clv"))  # where root may not write either

    assert "/proc/clv cannot be written" in refused["workspace"].found
    assert "workspace" not in problems(shop)


def test_a_machine_too_small_is_found(shop, monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_BYTES", 1e18)

    assert set(problems(shop)) == {"memory", "disk"}


@pytest.mark.parametrize(("harm", "code"), [(None, 0), (an_altered_file, 1)])
def test_the_exit_code_and_the_json_say_whether_all_is_well(shop, harm, code):
    if harm:
        harm(shop)

    answer = CliRunner().invoke(cli.app, ["doctor", "--workspace", str(shop), "--json"])
    words = CliRunner().invoke(cli.app, ["doctor", "--workspace", str(shop)])

    assert (answer.exit_code, words.exit_code) == (code, code)
    assert json.loads(answer.stdout)["ok"] is (code == 0)
    assert ("problem" in words.stdout) is (code == 1)

"""The verbs as functions: the same files as the command leaves, by the same settings."""

from __future__ import annotations

import pytest
from runs import ORDER_LOG, contents, write_orders
from typer.testing import CliRunner

import clv
from clv import cli
from clv.errors import SettingsError

ORDERS = [(f"c{i}", f"2024-0{m}-{i + 10}", 10 + i * m) for i in range(9) for m in (1, 2, 3)]


@pytest.fixture
def orders(tmp_path):
    return write_orders(tmp_path / "orders.csv", ORDERS)


@pytest.mark.parametrize("name", ["ingest", "run"])
def test_a_verb_leaves_the_files_its_command_leaves(name, orders, tmp_path):
    told = []

    getattr(clv, name)(orders, clv.Workspace(tmp_path / "function"), told.append, **ORDER_LOG)

    flags = [w for key, value in ORDER_LOG.items() for w in (f"--{key.replace('_', '-')}", value)]
    words = [name, str(orders), *flags, "--workspace", str(tmp_path / "command")]
    assert CliRunner().invoke(cli.app, words).exit_code == 0
    by_function, by_command = (contents(tmp_path / way) for way in ("function", "command"))
    data = {file for file in by_command if file.startswith(("data/", "models/"))}
    # These say when they were made.
    data -= {f"data/processed/{name}.parquet" for name in ("predictions", "forecasts")}
    assert {file: by_function[file] for file in data} == {file: by_command[file] for file in data}
    assert told[0] == "reading the log"


def test_a_run_answers_with_what_it_found(orders, tmp_path):
    outcome = clv.run(orders, clv.Workspace(tmp_path), lambda text: None, **ORDER_LOG)

    assert (outcome.etl["kept"], len(outcome.predictions)) == (27, 9)


def test_settings_of_the_workspace_hold_and_an_unknown_one_is_refused(orders, tmp_path):
    columns = "\n".join(f'{name} = "{column}"' for name, column in ORDER_LOG.items())
    (tmp_path / "clv.toml").write_text(columns)

    assert clv.ingest(orders, clv.Workspace(tmp_path), lambda text: None)["kept"] == 27
    with pytest.raises(SettingsError, match="horizon_day"):
        clv.run(orders, clv.Workspace(tmp_path), horizon_day=91)

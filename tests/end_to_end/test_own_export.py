"""A shop system's export, from the file to `clv.toml`, without a single flag."""

from __future__ import annotations

from data.small_exports import shopify
from data.small_logs import write
from typer.testing import CliRunner

from clv import cli


def test_init_writes_what_it_recognized_and_no_run_is_needed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "orders.csv", [shopify("#1")])

    answer = CliRunner().invoke(cli.app, ["init", "orders.csv", "--horizon-days", "91"])

    stored = (tmp_path / "clv.toml").read_text()
    assert answer.exit_code == 0, answer.stderr
    assert 'kind = "shopify"' in stored.splitlines()
    assert "horizon_days = 91" in stored.splitlines()
    assert "# margin = 1.0" in stored.splitlines()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clv.toml", "orders.csv"]
    again = CliRunner().invoke(cli.app, ["init"])
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    assert (tmp_path / "clv.toml").read_text() == stored


def test_an_export_needs_no_flags_and_is_remembered_but_nothing_is_overwritten(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "orders.csv", [shopify("#1"), shopify("#2", Financial_Status="pending")])

    first = CliRunner().invoke(cli.app, ["ingest", "orders.csv"], env={"COLUMNS": "200"})
    stored = (tmp_path / "clv.toml").read_text()
    second = CliRunner().invoke(cli.app, ["ingest"])

    assert first.exit_code == 0, first.stderr
    assert first.stdout.startswith("Net sales we see: €100, 2024-01-10 to 2024-01-10.")
    assert "is not paid" in first.stdout
    assert "--also-count not_paid" in first.stdout
    assert "e.g. #2, 2024-01-10, €100" in first.stdout
    assert "recognized a Shopify orders export" in first.stderr
    assert "wrote what was recognized to" in first.stderr
    assert "nothing changed" in second.stderr
    assert (tmp_path / "clv.toml").read_text() == stored

"""A shop system's export, from the file to `clv.toml`, without a single flag."""

from __future__ import annotations

import datetime as dt

import pytest
from data.small_exports import shopify
from data.small_logs import write
from streamlit.testing.v1 import AppTest
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


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A workspace run on two files of a Shopify export, and the e-mail of its best customer."""
    folder = tmp_path_factory.mktemp("shopify")
    orders = [
        shopify(
            f"#{customer}-{order}",
            Email=f"Buyer{customer}@Example.org ",
            Created_at=f"{dt.date(2024, 1, 3) + dt.timedelta(days=11 * order + customer)} 10:00",
        )
        for customer in range(30)
        for order in range(1 + customer // 3)
    ]
    write(folder / "orders_1.csv", orders[:60])
    write(folder / "orders_2.csv", orders[60:])
    run = ["run", "--workspace", str(folder / "shop"), "--mlflow-uri", "off"]
    answer = CliRunner().invoke(cli.app, run, env={"CLV_SOURCE": str(folder / "orders_*.csv")})
    assert answer.exit_code == 0, answer.stderr
    return folder


def test_a_customer_of_an_export_is_found_by_e_mail_on_the_page(shop, monkeypatch):
    monkeypatch.setenv("CLV_WORKSPACE", str(shop / "shop"))

    def page():
        from clv.dashboard import app

        app.visited("customers", app.Speech("en"))

    opened = AppTest.from_function(page, default_timeout=60)
    opened.query_params["customer"] = "BUYER29@example.org"
    opened.run()

    assert not opened.exception
    assert {metric.label: metric.value for metric in opened.metric}["Orders"] == "10"


def test_columns_named_for_an_export_are_refused_with_the_way_out(shop):
    named = ["--customer-id", "email", "--date", "created_at", "--amount", "total"]
    run = ["run", str(shop / "orders_1.csv"), *named, "--workspace", str(shop / "other")]

    answer = CliRunner().invoke(cli.app, run)

    assert answer.exit_code == 2
    assert "this is an export of Shopify, which is read as it is" in answer.stderr
    assert "Leave --customer-id, --date and --amount out." in answer.stderr

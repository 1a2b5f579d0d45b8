"""A shop's own export: e-mails, two files that overlap, two commands."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from clv import cli

COLUMNS = ["--customer-id", "email", "--date", "created_at", "--amount", "total"]


@pytest.fixture(scope="module")
def orders():
    """Two years of a shop of 60 customers; some write their address in capitals now and then."""
    rng, start, rows = np.random.default_rng(11), dt.datetime(2023, 1, 1, 8), []
    for customer in range(60):
        at = start + dt.timedelta(days=float(rng.uniform(0, 400)))
        for _ in range(1 + rng.geometric(0.25)):
            if at >= start + dt.timedelta(days=760):
                break
            email = f"buyer{customer}@example.com"
            written = email.upper() if rng.random() < 0.2 else email
            amount = round(float(rng.gamma(4, 8)), 2)
            rows.append((written, at.strftime("%Y-%m-%d %H:%M:%S"), f"{amount:.2f}"))
            if rng.random() < 0.1:
                back = at + dt.timedelta(days=3)
                rows.append((written, back.strftime("%Y-%m-%d %H:%M:%S"), f"{-amount:.2f}"))
            at += dt.timedelta(days=float(rng.exponential(60)))
    return sorted(rows, key=lambda row: row[1])


@pytest.fixture(scope="module")
def run(orders, tmp_path_factory):
    """The folder after `clv run orders*.csv`, and what the command answered."""
    root = tmp_path_factory.mktemp("own")
    middle = len(orders) // 2
    for name, part in (("a", orders[: middle + 20]), ("b", orders[middle - 20 :])):
        with (root / f"orders-{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["email", "created_at", "total"])
            writer.writerows(part)
    logs = sorted(str(path) for path in root.glob("orders*.csv"))
    words = ["run", *logs, *COLUMNS, "--currency", "EUR", "--workspace", str(root), "--json"]
    return root, CliRunner().invoke(cli.app, words)


def test_lines_in_both_files_count_once(run, orders):
    _, answer = run
    etl = json.loads(answer.stdout)["etl"]

    assert answer.exit_code == 0
    assert (etl["read"], etl["refused"]["duplicate"]) == (len(orders) + 40, 40)
    assert etl["kept"] == sum(float(amount) > 0 for _, _, amount in orders)


def test_every_address_is_one_customer_whatever_its_case_and_nobody_can_read_it(run, orders):
    root, _ = run
    table = pq.ParquetFile(root / "data/processed/predictions.parquet").read()

    addresses = {email.lower() for email, _, _ in orders}
    hashed = {hashlib.sha256(address.encode()).hexdigest() for address in addresses}
    assert set(table["customer_id"].to_pylist()) == hashed
    for path in root.glob("data/processed/*.parquet"):
        assert b"@example.com" not in path.read_bytes(), path.name


def test_net_sales_are_what_was_paid_less_what_was_sent_back(run, orders):
    root, answer = run
    forecast = json.loads(answer.stdout)["forecast"]
    table = pq.ParquetFile(root / "data/processed/predictions.parquet").read()

    paid = sum(float(amount) for _, _, amount in orders)
    assert table["historic_clv"].to_numpy().sum() == pytest.approx(paid, abs=0.01 * len(orders))
    assert (forecast["currency"], forecast["simulated"]) == ("EUR", False)
    assert forecast["horizon_validated"] == "checked_once"


def test_the_second_command_needs_no_flags_once_they_are_in_a_file(run):
    root, _ = run
    lines = [
        'source = ["orders-a.csv", "orders-b.csv"]',
        'customer_id = "email"',
        'currency = "EUR"',
    ]
    lines += ['date = "created_at"', 'amount = "total"']
    (root / "clv.toml").write_text("\n".join(lines))

    answer = CliRunner().invoke(cli.app, ["run", "--workspace", str(root)])

    assert answer.exit_code == 0, answer.stderr
    assert answer.stderr.count("nothing changed") == 4


def test_a_shop_of_one_price_is_forecast_by_its_mean(tmp_path):
    rng, rows = np.random.default_rng(2), []
    for customer in range(40):
        at = dt.date(2023, 1, 1) + dt.timedelta(days=int(rng.integers(0, 200)))
        while at < dt.date(2024, 1, 1) and (not rows or rng.random() < 0.9):
            rows.append((f"c{customer}", at.isoformat(), "9.99"))
            at += dt.timedelta(days=int(rng.integers(20, 60)))
    with (tmp_path / "orders.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("email", "created_at", "total"), *rows])
    words = [*COLUMNS, "--workspace", str(tmp_path)]

    answer = CliRunner().invoke(cli.app, ["run", str(tmp_path / "orders.csv"), *words])

    assert answer.exit_code == 0, answer.stderr
    table = pq.ParquetFile(tmp_path / "data/processed/predictions.parquet").read()
    assert set(table["expected_order_value"].to_pylist()) == {9.99}
    (model,) = set(table["model_name"].to_pylist())
    assert model.endswith(" x mean-spend")
    shown = CliRunner().invoke(cli.app, ["train", "pareto-nbd", "--workspace", str(tmp_path)])
    assert "mean-spend: 9.99 for everybody" in shown.stdout

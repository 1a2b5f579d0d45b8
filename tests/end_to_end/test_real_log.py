"""Online Retail II, whole: the figures of the contract, and what the run costs in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from clv.evaluation.past import averages

pytestmark = [pytest.mark.real_log, pytest.mark.xdist_group("real_log")]

FIGURES = json.loads((Path(__file__).parents[2] / "docs/figures.json").read_text())

MEASURED = r"""
import re, sys
from clv.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
# Not ru_maxrss: a new process takes that over from the one that started it.
print(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
"""


@pytest.fixture(scope="module")
def run(real_log, tmp_path_factory):
    """The workspace of a run in a process of its own, its answer and its peak memory in MB."""
    root = tmp_path_factory.mktemp("real")
    words = ["run", str(real_log), "--workspace", str(root), "--json"]
    command = [sys.executable, "-c", MEASURED, *words]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    return root, json.loads(process.stdout), int(process.stderr.split()[-1]) / 1024


def test_the_ledger_is_that_of_the_known_figures(run):
    root, answer, _ = run
    etl = json.loads((root / "reports/etl.json").read_text())
    totals, returns = etl["kept_totals"], etl["returns"]

    assert etl == answer["etl"]
    assert etl["read"] == etl["kept"] + sum(etl["refused"].values())
    assert (etl["first_day"], etl["last_day"]) == ("2009-12-01", "2011-12-09")
    assert not etl["simulated"]
    found = {name: etl[name] for name in ("read", "refused", "kept")}
    found |= {name: totals[name] for name in ("customers", "invoices", "gross")}
    found |= {"undone": returns["matched"]["value"], "unmatched": returns["unmatched"]["value"]}
    found |= {"net": etl["value"]}
    found |= {name: etl[name] for name in ("purchase_days", "all_orders_returned")}
    assert found == FIGURES["ledger"]


def test_lines_found_in_both_sheets_count_once(run):
    """The workbook holds nine days of December 2010 twice."""
    refused = pd.read_parquet(run[0] / "data/processed/refused.parquet").drop_duplicates()
    kept = pd.read_parquet(run[0] / "data/processed/clv.parquet")
    twice = refused[refused["rule"] == "duplicate"]["invoice_date"].dt.normalize()
    days = kept["customer_id"] + kept["invoice_date"].dt.strftime("%Y-%m-%d")

    assert twice.between("2010-12-01", "2010-12-09").sum() == FIGURES["duplicates_across_sheets"]
    assert days.nunique() == FIGURES["customer_days"]


def test_orders_cancelled_within_minutes_come_to_nothing(run):
    root, _, _ = run
    summary = pq.ParquetFile(root / "data/processed/summary.parquet").read().to_pylist()
    left = {row["customer_id"]: row["historic_clv"] for row in summary}

    assert left["12346"] == pytest.approx(368.36)  # after 74,215 pieces bought and cancelled
    assert left["16446"] == pytest.approx(2.90)  # after 80,995


def test_the_backtest_is_that_of_the_known_figures(run):
    root, _, _ = run
    records = json.loads((root / "reports/backtest.json").read_text())
    found = averages(records, "net_cash")

    for row in FIGURES["backtest"]:
        for model in ("chosen", "last-365-days-scaled", "plain-pareto-nbd"):
            own = found[row["horizon_days"], model]
            ends = {"lowest": min(own.biases), "highest": max(own.biases)}
            shown = {name: (own.metrics | ends)[name] for name in row[model]}
            assert own.cuts == row["dates"]
            assert shown == pytest.approx(row[model], rel=1e-4, abs=2e-4), (row, model)


def test_the_forecast_passes_its_review(run):
    """Better than the best simple rule on average, and at no date worse by more than 2 %."""
    root, _, _ = run
    review = json.loads((root / "reports/review.json").read_text())

    assert review["word"] == "PASS", review


def test_every_customer_has_one_row(run):
    root, _, _ = run
    table = pq.ParquetFile(root / "data/processed/predictions.parquet").read()

    assert table.num_rows == 5_878
    assert len(set(table["customer_id"].to_pylist())) == 5_878
    returned = [
        codes for codes in table["reason_codes"].to_pylist() if "all_orders_returned" in codes
    ]
    assert len(returned) == 27


def test_the_whole_run_stays_under_one_and_a_half_gigabytes(run):
    _, _, peak = run

    assert 100 < peak < 1536

"""Online Retail II, whole: the figures of the contract, and what the run costs in memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.real_log

MEASURED = """
import resource, sys
from clv.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def run(real_log, tmp_path_factory):
    """The workspace of a run in a process of its own, its answer and its peak memory in MB."""
    root = tmp_path_factory.mktemp("real")
    words = ["run", str(real_log), "--workspace", str(root), "--json"]
    command = [sys.executable, "-c", MEASURED, *words]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    return root, json.loads(process.stdout), int(process.stderr.split()[-1]) / 1024


def test_the_figures_of_the_contract_hold(run):
    root, answer, _ = run
    etl = json.loads((root / "reports/etl.json").read_text())

    assert etl == answer["etl"]
    # As counted in the description of the data set, apart from any code of ours.
    assert etl["read"] == 1_067_371
    assert etl["refused"]["duplicate"] == 34_335
    assert etl["read"] == etl["kept"] + sum(etl["refused"].values())
    assert etl["kept"] == 779_425
    assert etl["kept_totals"]["customers"] == 5_878
    assert etl["kept_totals"]["invoices"] == 36_969
    assert (etl["first_day"], etl["last_day"]) == ("2009-12-01", "2011-12-09")
    assert not etl["simulated"]


def test_lines_of_both_sheets_are_counted_as_found_twice(run):
    _, answer, _ = run

    # 22,523 lines lie in both sheets, some of them exact repeats of one another there.
    assert 22_000 < answer["etl"]["duplicates_across_sheets"] <= 22_523


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

"""Declared tables as Parquet: the footer tells what they are, damage is named."""

from __future__ import annotations

import datetime as dt

import pyarrow.parquet as pq
import pytest

from clv.checked import CustomerSummary
from clv.errors import IncompatibleArtifact
from clv.periods import ObservationWindow, TimeUnit
from clv.store import parquet
from clv.tables import COHORTS, CUSTOMER_SUMMARY

WINDOW = ObservationWindow(dt.date(2024, 1, 1), dt.date(2024, 3, 1))


@pytest.fixture
def path(tmp_path):
    summary = CustomerSummary.from_arrays(
        WINDOW, time_unit=TimeUnit.WEEK, frequency=[0, 2], recency=[0, 3.5], age=[5, 6]
    )
    facts = {"time_unit": TimeUnit.WEEK, "window_start": WINDOW.start, "window_end": WINDOW.end}
    path = tmp_path / "summary.parquet"
    parquet.write(summary.table, path, CUSTOMER_SUMMARY, facts | {"currency": None})
    return path


def test_a_summary_comes_back_with_its_window_and_unit(path):
    summary = parquet.read_summary(path)

    assert (summary.window, summary.time_unit) == (WINDOW, TimeUnit.WEEK)
    assert summary.column("recency").tolist() == [0, 3.5]


def test_what_all_customers_did_together_comes_back_too(path):
    facts = parquet.facts_of(path) | {"purchases_by_day": "[0, 3]", "spend_season": "[1.1, 0.9]"}
    parquet.write(parquet.read_summary(path).table, path, CUSTOMER_SUMMARY, facts)

    summary = parquet.read_summary(path)

    assert (summary.purchases_by_day, summary.spend_season) == ((0, 3), (1.1, 0.9))


def test_the_footer_says_what_the_file_is(path):
    facts = parquet.facts_of(path)

    assert (facts["table"], facts["version"]) == ("customer_summary", "1")
    assert facts["window_end"] == "2024-03-01"
    assert "currency" not in facts  # unknown is left out, never the text None


def test_tables_are_snappy(path):
    column = pq.read_metadata(path).row_group(0).column(0)

    assert column.compression == "SNAPPY"


def test_another_table_is_refused(path):
    with pytest.raises(IncompatibleArtifact, match="it is customer_summary version 1, not cohorts"):
        parquet.read(path, COHORTS)


@pytest.mark.parametrize("damage", [lambda raw: b"", lambda raw: raw[:-9], lambda raw: b"x" * 99])
def test_a_damaged_file_is_named_with_the_next_step(path, damage):
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(IncompatibleArtifact, match=r"summary\.parquet: it cannot be read.*clv run"):
        parquet.read_summary(path)

"""Declared tables held in memory, to and from Parquet; the footer says what a file is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from clv.errors import IncompatibleArtifact
from clv.periods import ObservationWindow, TimeUnit
from clv.tables import CUSTOMER_SUMMARY, CustomerSummary, Table


def write(table: pa.Table, path: Path, declared: Table, facts: Mapping[str, object]) -> None:
    """Write a checked table as Snappy Parquet with ``facts`` in its footer."""
    footer = declared.metadata(**facts)
    pq.write_table(table.replace_schema_metadata(footer), path, compression="snappy")


def facts_of(path: Path) -> dict[str, str]:
    """What the footer of a declared table says, by the names it was written with."""
    metadata = pq.read_metadata(path).metadata or {}
    pairs = ((key.decode(), value.decode()) for key, value in metadata.items())
    return {key.removeprefix("clv."): value for key, value in pairs if key.startswith("clv.")}


def read_summary(path: Path) -> CustomerSummary:
    """The summary in ``path``, with the window and unit its footer states.

    Raises:
        IncompatibleArtifact: the file is no customer summary of this version.
    """
    facts = facts_of(path)
    written = (facts.get("table"), facts.get("version"))
    if written != (CUSTOMER_SUMMARY.name, str(CUSTOMER_SUMMARY.version)):
        raise IncompatibleArtifact(
            path,
            f"it is {written[0]} version {written[1]}, not {CUSTOMER_SUMMARY.name} version "
            f"{CUSTOMER_SUMMARY.version}.",
            next_step="Run `clv ingest` again.",
        )
    window = ObservationWindow(
        dt.date.fromisoformat(facts["window_start"]), dt.date.fromisoformat(facts["window_end"])
    )
    unit = TimeUnit[facts["time_unit"].upper()]
    return CustomerSummary.from_table(pq.read_table(path), window, unit)

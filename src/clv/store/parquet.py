"""Declared tables held in memory, to and from Parquet; the footer says what a file is."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from clv.checked import CustomerSummary, Totals
from clv.errors import IncompatibleArtifact
from clv.periods import Event, ObservationWindow, TimeUnit
from clv.tables import CUSTOMER_SUMMARY, Table

AGAIN = "Run `clv run` again; it makes what is missing or damaged anew."


def write(table: pa.Table, path: Path, declared: Table, facts: Mapping[str, object]) -> None:
    """Write a checked table as Snappy Parquet with ``facts`` in its footer."""
    footer = declared.metadata(**facts)
    pq.write_table(table.replace_schema_metadata(footer), path, compression="snappy")


def facts_of(path: Path) -> dict[str, str]:
    """What the footer of a declared table says, by the names it was written with."""
    with _reading(path):
        metadata = pq.read_metadata(path).metadata or {}
    pairs = ((key.decode(), value.decode()) for key, value in metadata.items())
    return {key.removeprefix("clv."): value for key, value in pairs if key.startswith("clv.")}


def read(path: Path, declared: Table) -> pa.Table:
    """The rows of the declared table in ``path``."""
    facts = facts_of(path)
    written = (facts.get("table"), facts.get("version"))
    if written != (declared.name, str(declared.version)):
        raise IncompatibleArtifact(
            path,
            f"it is {written[0]} version {written[1]}, not {declared.name} version "
            f"{declared.version}.",
            next_step=AGAIN,
        )
    # pq.read_table would load pandas, wherever it is installed.
    with _reading(path), pq.ParquetFile(path) as file:
        return file.read()


def read_summary(path: Path) -> CustomerSummary:
    """The summary in ``path``, with the window and unit its footer states."""
    table, facts = read(path, CUSTOMER_SUMMARY), facts_of(path)
    window = ObservationWindow(
        dt.date.fromisoformat(facts["window_start"]), dt.date.fromisoformat(facts["window_end"])
    )
    unit = TimeUnit[facts["time_unit"].upper()]
    names = ("purchases_by_day", "spend_season", "calendar")
    told = {name: json.loads(facts.get(name, "null")) for name in names}
    known = {name: tuple(one) for name, one in told.items() if one is not None}
    if "calendar" in known:
        known["calendar"] = tuple(Event.of(*event) for event in known["calendar"])
    return CustomerSummary.from_table(table, window, unit, **known)


def totals_of(facts: Mapping[str, str]) -> Totals:
    """What the footer of a CLV table says of the ``totals`` of its predictions."""
    found = json.loads(facts["expected_ranges"])
    return {name: (lower, upper) for name, (lower, upper) in found.items()}


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as cause:
        reason = str(cause).splitlines()[0]
        raise IncompatibleArtifact(
            path, f"it cannot be read: {reason}.", next_step=AGAIN
        ) from cause

"""A shop's own table of days unlike others: campaigns, holidays, closed days; past and planned."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from clv.data import load
from clv.data.engine import fetch
from clv.data.sources import Source
from clv.errors import SourceUnreadable
from clv.periods import Event

REQUIRED = ("event", "from", "to")
COLUMNS = (*REQUIRED, "known_from")
_FORM = (
    "It has the columns event, from, to (empty for one day) and, if it likes, known_from; days are "
    "written as 2025-11-28."
)


def read_calendar(connection: Any, path: Path, encoding: str, scratch: Path) -> tuple[Event, ...]:
    """The events of the table in ``path``, by name and day; rows that repeat count once.

    Raises:
        SourceUnreadable: the file cannot be opened, lacks a column, holds no event, or a row is
            none.
    """
    parts = load.header_rows([path], encoding)
    if not any({*REQUIRED} <= {*header} for _, header in parts):
        label, header = parts[0]
        missing = ", ".join(name for name in REQUIRED if name not in header)
        problem = f"there is no column {missing}; the columns are: {', '.join(header)}."
        raise SourceUnreadable(label, problem, next_step=_FORM)
    source = Source(
        name="calendar",
        headers={name: (name,) for name in COLUMNS},
        required=REQUIRED,
        has_articles=False,
        value_definition="",
        encoding=encoding,
    )
    events, broken = set(), []
    for part in (files := load.load(connection, [path], source, scratch)):
        columns = [name for name in COLUMNS if name in part.headers]
        with load.reading(files, source):
            rows = fetch(part.table.select(columns)).to_pylist()
        for number, row in enumerate(rows, start=1):
            try:
                events.add(_event(row))
            except ValueError as cause:
                broken.append(f"{part.label}, row {number:,} (without the header): {cause}")
    if broken:
        many = "1 row is" if len(broken) == 1 else f"{len(broken):,} rows are"
        problem = f"{many} no event; first: {broken[0]}."
        raise SourceUnreadable(path, problem, next_step=_FORM)
    if not events:
        raise SourceUnreadable(path, "it holds no event.", next_step=_FORM)
    return tuple(sorted(events, key=lambda event: (event[:3], event.known_from or dt.date.min)))


def _event(row: dict[str, str | None]) -> Event:
    name, first, last, known_from = ((row.get(column) or "").strip() for column in COLUMNS)
    if not name:
        raise ValueError("it has no name in 'event'")
    start = _day("from", first)
    event = Event(
        name,
        start,
        _day("to", last) if last else start,
        _day("known_from", known_from) if known_from else None,
    )
    if event.last < event.first:
        raise ValueError(f"'to' {event.last} lies before 'from' {event.first}")
    return event


def _day(column: str, written: str) -> dt.date:
    """A day; of a time, as workbooks have it, the day."""
    try:
        return dt.datetime.fromisoformat(written).date()
    except ValueError:
        raise ValueError(f"{written!r} in '{column}' is no day") from None

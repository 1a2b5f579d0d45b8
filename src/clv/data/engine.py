"""The connection that holds the tables, and the one way they leave it as files.

Every step of the ETL is an Ibis expression; this module is where they meet DuckDB.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from clv.tables import Table

MEMORY_LIMIT = "1GB"


@contextlib.contextmanager
def connect(spill_to: Path) -> Iterator[Any]:
    """An in-process DuckDB that spills to the folder ``spill_to`` beyond its memory limit."""
    connection = ibis.duckdb.connect(memory_limit=MEMORY_LIMIT, temp_directory=str(spill_to))
    # In Jupyter without widgets it is off, and DuckDB refuses even to be told so.
    if connection.raw_sql("SELECT current_setting('enable_progress_bar')").fetchall()[0][0]:
        connection.raw_sql("SET enable_progress_bar = false")
    try:
        yield connection
    finally:
        connection.disconnect()


def hold(connection: Any, table: ibis.Table | pa.Table) -> ibis.Table:
    """``table`` computed once and held by the engine until the connection ends."""
    name = ibis.util.gen_name("held")
    if isinstance(table, pa.Table):
        # Ibis 12 copies Arrow by way of a view whose name it then loses; this needs no copy.
        connection.con.register(name, table)
        return connection.table(name)
    return connection.create_table(name, table, temp=True)


def hold_numbered(connection: Any, table: ibis.Table) -> ibis.Table:
    """``table`` held, with a number of its own for each row as ``line``."""
    held = hold(connection, table)
    return held.mutate(line=held.rowid())


def fetch(table: ibis.Table) -> pa.Table:
    """The rows of ``table``, computed now.

    Asked of DuckDB itself, because Ibis' own road to Arrow loads pandas where it is installed.
    """
    backend = table.get_backend()
    return backend.con.sql(backend.compile(table)).to_arrow_table()


def first_row(table: ibis.Table) -> dict[str, Any]:
    row: dict[str, Any] = fetch(table.limit(1)).to_pylist()[0]
    return row


def count(table: ibis.Table) -> int:
    return int(first_row(table.aggregate(rows=table.count()))["rows"])


def write_parquet(
    table: ibis.Table, path: Path, declared: Table, *, order: list[str], facts: Mapping[str, object]
) -> None:
    """Write ``table`` as Snappy Parquet in the declared columns and types, sorted by ``order``.

    The same rows give the same bytes, in whatever order they arrive.
    """
    backend = table.get_backend()
    # Spelled out, for Ibis drops a cast of what it takes to be of that type: the engine's sum
    # of integers is wider than it believes, and would be written as floats.
    type_name = backend.compiler.type_mapper.to_string
    columns = ", ".join(
        f'CAST("{field.name}" AS {type_name(ibis.dtype(field.type))}) AS "{field.name}"'
        for field in declared.schema
    )
    keys = ", ".join(f'"{name}"' for name in order)
    rows = backend.compile(table.select(declared.names))
    query = f"SELECT {columns} FROM ({rows}) ORDER BY {keys}"
    footer = ", ".join(
        f"{_quoted(key)}: {_quoted(value)}" for key, value in declared.metadata(**facts).items()
    )
    backend.raw_sql(
        f"COPY ({query}) TO {_quoted(str(path))} "
        f"(FORMAT parquet, COMPRESSION snappy, KV_METADATA {{{footer}}})"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

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
    connection.raw_sql("SET enable_progress_bar = false")
    try:
        yield connection
    finally:
        connection.disconnect()


def hold(connection: Any, table: ibis.Table | pa.Table) -> ibis.Table:
    """``table`` computed once and held by the engine until the connection ends."""
    return connection.create_table(ibis.util.gen_name("held"), table, temp=True)


def fetch(table: ibis.Table) -> pa.Table:
    """The rows of ``table``, computed now.

    Asked of DuckDB itself, because Ibis' own road to Arrow loads pandas where it is installed.
    """
    backend = table.get_backend()
    return backend.con.sql(backend.compile(table)).to_arrow_table()


def first_row(table: ibis.Table) -> dict[str, Any]:
    """The first row of ``table`` by column name."""
    row: dict[str, Any] = fetch(table.limit(1)).to_pylist()[0]
    return row


def count(table: ibis.Table) -> int:
    return int(first_row(table.aggregate(rows=table.count()))["rows"])


def write_parquet(
    table: ibis.Table,
    path: Path,
    declared: Table,
    *,
    order: list[str],
    facts: Mapping[str, object],
) -> None:
    """Write ``table`` as Snappy Parquet in the declared columns and types, sorted by ``order``.

    The footer carries the table's name, version, units and ``facts``. The same rows give the
    same bytes, in whatever order they arrive.
    """
    columns = {
        column.name: table[column.name].cast(ibis.dtype(type_))
        for column, type_ in zip(declared.columns, declared.schema.types, strict=True)
    }
    ordered = table.order_by(order).select(**columns)
    query = table.get_backend().compile(ordered)
    footer = ", ".join(
        f"{_quoted(key)}: {_quoted(value)}" for key, value in declared.metadata(**facts).items()
    )
    table.get_backend().raw_sql(
        f"COPY ({query}) TO {_quoted(str(path))} "
        f"(FORMAT parquet, COMPRESSION snappy, KV_METADATA {{{footer}}})"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

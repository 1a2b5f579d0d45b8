"""Tables as files to take away."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st
from pyarrow import csv

UTF8_MARK = b"\xef\xbb\xbf"  # without it spreadsheets read accents as something else


def button(table: pa.Table, file_name: str, label: str, *, key: str) -> None:
    """A button that hands the table out as CSV; disabled where there is nobody on it."""
    st.download_button(
        label,
        as_csv(table),
        file_name,
        "text/csv",
        key=key,
        on_click="ignore",
        icon=":material/download:",
        disabled=table.num_rows == 0,
    )


def as_csv(table: pa.Table) -> bytes:
    """A table as CSV for programs: numbers as they are, ISO dates, lists joined by a space."""
    columns = {
        name: pc.binary_join(table[name], " ")
        if pa.types.is_list(table[name].type)
        else table[name]
        for name in table.column_names
    }
    written = pa.BufferOutputStream()
    csv.write_csv(pa.table(columns), written)
    return UTF8_MARK + bytes(written.getvalue())

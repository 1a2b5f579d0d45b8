"""How every page shows a chart, a table, a few figures, or a file to take away."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st
from pyarrow import csv

from clv.charts.chart import CONFIG, Chart
from clv.speech import Speech

UTF8_MARK = b"\xef\xbb\xbf"  # without it spreadsheets read accents as something else


def chart(drawn: Chart, speech: Speech, *notes: str, key: str) -> None:
    """A chart with its title, its text alternative, and its numbers one click away."""
    st.subheader(drawn.title)
    st.plotly_chart(drawn.figure, key=key, config=CONFIG, alt=drawn.alt)
    for note in notes:
        st.caption(note)
    with st.expander(speech("as_table"), icon=":material/table:"):
        st.caption(drawn.alt)
        cells(drawn.table, drawn.title)


def cells(table: Mapping[str, list[str]], alt: str) -> None:
    """A small table of texts as they are."""
    escaped = {plain(head): [plain(text) for text in own] for head, own in table.items()}
    st.table(escaped, alt=alt, hide_index=True)


def figures(of: Mapping[str, str]) -> None:
    """A row of labelled figures that folds where the screen is narrow."""
    with st.container(horizontal=True):
        for label, value in of.items():
            st.metric(plain(label), plain(value), border=True, width=250)


def plain(text: str) -> str:
    """Text that Markdown leaves as it is: a pair of dollar signs would turn into a formula."""
    for mark in "\\$*_~`[]<":
        text = text.replace(mark, f"\\{mark}")
    return text


def export(table: pa.Table, file_name: str, label: str, *, key: str) -> None:
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

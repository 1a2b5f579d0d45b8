"""What a page has at hand, and how it shows a chart or a few figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import streamlit as st

from clv.charts.chart import CONFIG, Chart
from clv.dashboard.messages import TEXTS
from clv.overview import Overview
from clv.speech import Speech


@dataclasses.dataclass(frozen=True)
class Visit:
    """One look at a page: the shop as it is now, in the visitor's language."""

    overview: Overview
    speech: Speech

    def say(self, key: str, **values: object) -> str:
        """A text of the dashboard in the visitor's language."""
        return self.speech(TEXTS[key], **values)

    def label(self, key: str) -> str:
        """The same with a capital, as a heading."""
        said = self.say(key)
        return said[0].upper() + said[1:]

    def chart(self, chart: Chart, key: str, *notes: str) -> None:
        """A chart with its title, its text alternative, and its numbers one click away."""
        st.subheader(chart.title)
        st.plotly_chart(chart.figure, key=key, config=CONFIG, alt=chart.alt)
        for note in notes:
            st.caption(note)
        with st.expander(self.say("as_table"), icon=":material/table:"):
            st.caption(chart.alt)
            cells(chart.table, chart.title)


def cells(table: Mapping[str, list[str]], alt: str) -> None:
    """A small table of texts as they are."""
    escaped = {plain(head): [plain(text) for text in own] for head, own in table.items()}
    st.table(escaped, alt=alt, hide_index=True)


def figures(of: Iterable[tuple[str, str]]) -> None:
    """A row of labelled figures that folds where the screen is narrow."""
    of = list(of)
    with st.container(horizontal=True):
        for label, value in of:
            st.metric(plain(label), plain(value), border=True, width=250)


def plain(text: str) -> str:
    """Text that Markdown leaves as it is: a pair of dollar signs would turn into a formula."""
    for mark in "\\$*_~`[]<":
        text = text.replace(mark, f"\\{mark}")
    return text

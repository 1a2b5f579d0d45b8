"""Model & data: which model answers, how far it may be trusted, and the year it expects."""

from __future__ import annotations

import streamlit as st

from clv.charts import forecasts, model
from clv.dashboard.show import chart, plain
from clv.narrative import Narrative

TONES = {"PASS": st.success, "REVIEW": st.warning, "FAIL": st.error}


def show(told: Narrative) -> None:
    overview, say = told.overview, told.speech
    st.markdown(plain(told.who_answers))
    _review(told)
    st.markdown(plain(" ".join(filter(None, (told.moved, told.trees)))))
    st.header(say("season_and_trend"))
    if overview.season:
        chart(model.season(overview.season, say), say, say("season_note"), key="season")
    st.markdown(plain(" ".join(filter(None, (told.spend_season, told.level, told.events)))))
    if overview.tracking:
        chart(model.followed(overview.tracking, say), say, say("followed_note"), key="followed")
    with st.spinner(say("drawing")):
        months = forecasts.month_by_month(overview.months, say)
    chart(months, say, say("months_note"), key="months")
    _report(told)


def _review(told: Narrative) -> None:
    review, say = told.overview.champion.review, told.speech
    if review is None:
        st.warning(told.unchecked)
        return
    found = [say(f"review_{review['word']}"), "", *(f"- {plain(one)}" for one in told.findings)]
    TONES[review["word"]]("\n".join(found), icon=":material/fact_check:")


def _report(told: Narrative) -> None:
    path, say = told.overview.report, told.speech
    if path.is_file():
        st.download_button(
            say("download_report"),
            path.read_bytes,
            path.name,
            "text/html",
            on_click="ignore",
            icon=":material/download:",
        )

"""The landing page: what to expect, and whom to look after first."""

from __future__ import annotations

import streamlit as st

from clv.charts import cohorts, forecasts
from clv.dashboard.show import cells, chart, export, figures, plain
from clv.narrative import Narrative
from clv.overview import ReadyList


def show(told: Narrative) -> None:
    _headline(told)
    _lists(told)
    _evidence(told)


def _headline(told: Narrative) -> None:
    overview, say = told.overview, told.speech
    sales = say.label("sales_last_year", sales=told.sales_name)
    figures(
        {
            say.label("expected_in", days=told.horizon): say.rough(overview.expected),
            sales: say.money(float(overview.ladder.net)),
            say.label("customers"): say.number(overview.table.num_rows),
        }
    )
    st.markdown(plain(f"{told.expected} {told.half} {told.how_wide}"))
    off = [f"- {plain(sentence)}" for sentence in told.how_far_off]
    st.warning("\n".join(off), icon=":material/balance:")
    st.caption(plain(told.value_definition))


def _lists(told: Narrative) -> None:
    say = told.speech
    st.header(say("lists"))
    st.markdown(plain(say("no_effect")))
    ready_lists = told.overview.ready_lists
    for column, ready in zip(st.columns(3, border=True), ready_lists, strict=True):
        with column:
            _list(told, ready)
    st.caption(plain(f"{told.control} {say('lists_money')}"))


def _list(told: Narrative, ready: ReadyList) -> None:
    overview, say, name = told.overview, told.speech, ready.list.name
    st.subheader(say(name))
    st.metric(say.label("customers"), say.number(ready.customers))
    st.metric(say.label("expected_in", days=told.soon), plain(say.rough(ready.expected_soon)))
    st.metric(say.label("at_stake", days=told.horizon), plain(say.rough(ready.at_stake)))
    st.markdown(plain(say(f"{name}_advice")))
    st.caption(plain(told.list_rule(ready)))
    file_name = f"{name}_{overview.service.as_of}.csv"
    export(overview.export(ready), file_name, say("export_list"), key=f"export_{name}")
    with st.expander(say("left_out")):
        cells(told.left_out(ready), say("left_out"))


def _evidence(told: Narrative) -> None:
    overview, say = told.overview, told.speech
    st.header(say("evidence"))
    if overview.past:
        held = forecasts.held_forecasts(overview.oftener or overview.past, say)
        chart(held, say, key="held")
    sales = cohorts.sales_by_month(overview.cohorts, overview.service.as_of, say)
    chart(sales, say, say("sales_note"), key="sales")
    st.subheader(told.ladder_title)
    st.markdown(say("ladder_note"))
    cells(told.ladder, told.ladder_title)

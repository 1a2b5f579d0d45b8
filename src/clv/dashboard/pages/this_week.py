"""The landing page: what to expect, and whom to look after first."""

from __future__ import annotations

import streamlit as st

from clv import narrative
from clv.charts import cohorts
from clv.dashboard import export
from clv.dashboard.visit import Visit, cells, figures, plain
from clv.narrative import TEXTS as SHARED
from clv.overview import ReadyList


def show(visit: Visit) -> None:
    """The headline, the lists, and how the figures came about."""
    _headline(visit)
    _lists(visit)
    _evidence(visit)


def _headline(visit: Visit) -> None:
    overview, speech = visit.overview, visit.speech
    days = speech.number(overview.service.terms.horizon_days)
    sales = narrative.sales_name(overview.ladder, speech).capitalize()
    figures(
        [
            (visit.say("expected_in", days=days), speech.rough(overview.expected)),
            (visit.say("sales_last_year", sales=sales), speech.money(float(overview.ladder.net))),
            (visit.say("customers"), speech.number(overview.table.num_rows)),
        ]
    )
    st.markdown(plain(narrative.expected(overview, speech)))
    off = [f"- {plain(said)}" for said in narrative.how_far_off(overview, speech)]
    st.warning("\n".join(off), icon=":material/balance:")
    st.caption(plain(narrative.value_definition(overview, speech)))


def _lists(visit: Visit) -> None:
    speech = visit.speech
    st.header(visit.say("lists_title"))
    st.markdown(plain(speech(SHARED["no_effect"])))
    for column, ready in zip(st.columns(3, border=True), visit.overview.ready_lists, strict=True):
        with column:
            _list(visit, ready)
    st.caption(plain(narrative.control(visit.overview, speech) + " " + visit.say("lists_money")))


def _list(visit: Visit, ready: ReadyList) -> None:
    overview, speech, name = visit.overview, visit.speech, ready.list.name
    st.subheader(speech(SHARED[name]))
    st.metric(visit.say("customers"), speech.number(ready.customers))
    soon = visit.say("expected_in", days=narrative.soon(speech))
    st.metric(soon, plain(speech.rough(ready.expected_soon)))
    days = speech.number(overview.service.terms.horizon_days)
    st.metric(visit.say("at_stake", days=days), plain(speech.rough(ready.at_stake)))
    st.markdown(plain(speech(SHARED[f"{name}_advice"])))
    st.caption(plain(narrative.list_rule(ready, overview, speech)))
    export.button(
        overview.export(ready),
        f"{name}_{overview.service.as_of}.csv",
        visit.say("export_list"),
        key=f"export_{name}",
    )
    with st.expander(visit.say("left_out")):
        reasons, counts = zip(*narrative.left_out(ready, speech), strict=True)
        table = {visit.say("reason"): list(reasons), visit.say("customers"): list(counts)}
        cells(table, visit.say("left_out"))


def _evidence(visit: Visit) -> None:
    overview, speech = visit.overview, visit.speech
    st.header(visit.say("evidence_title"))
    held = narrative.held_chart(overview, speech)
    if held is not None:
        visit.chart(held, "held", narrative.how_wide(overview, speech))
    sales = cohorts.sales_by_month(overview.cohorts, overview.service.as_of, speech)
    visit.chart(sales, "sales", visit.say("sales_note"))
    st.subheader(narrative.ladder_title(overview.ladder, speech))
    st.markdown(visit.say("ladder_note"))
    steps, amounts = zip(*narrative.ladder_rows(overview.ladder, speech), strict=True)
    cells({visit.say("step"): list(steps), visit.say("amount"): list(amounts)}, visit.say("step"))

"""Cohorts & segments: who comes back, and who carries the value."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import streamlit as st

from clv.charts import cohorts, forecasts
from clv.charts.cohorts import MEASURES
from clv.dashboard.show import cells, chart
from clv.models.segments import RFM_MAP
from clv.narrative import Narrative
from clv.speech import Speech


def show(told: Narrative) -> None:
    table, say = told.overview.table, told.speech
    st.header(say("back"))
    _retention(told)
    st.header(say("tiers_header"))
    st.markdown(say("tiers_note"))
    chart(forecasts.tier_shares(table, say), say, key="shares")
    chart(forecasts.value_by_tier(table, say), say, say("boxes_note"), key="boxes")
    _totals(told)
    st.header(say("rfm_header"))
    st.markdown(say("rfm_note"))
    chart(forecasts.rfm_groups(table, say), say, key="rfm")
    with st.expander(say("rfm_thresholds"), icon=":material/straighten:"):
        _thresholds(told)


def _totals(told: Narrative) -> None:
    say = told.speech
    st.subheader(say("totals"))
    with st.spinner(say("drawing")):
        cells(told.totals("value_tier"), say("totals"))
        with st.expander(say("totals_of_cohorts"), icon=":material/table:"):
            cells(told.totals("cohort"), say("totals_of_cohorts"))
    st.caption(say("totals_note"))


def _retention(told: Narrative) -> None:
    table, last_day, say = told.overview.cohorts, told.overview.service.as_of, told.speech
    measure = st.segmented_control(
        say("measure"),
        MEASURES,
        default="share",
        required=True,
        format_func=lambda name: say(f"show_{name}"),
        key="measure",
        bind="query-params",
    )
    note = say("whole_months", date=say.date(last_day))
    drawn = cohorts.retention_heatmap(table, last_day, measure or "share", say)
    chart(drawn, say, say("heatmap_note"), note, key="heatmap")
    curves = cohorts.retention_curves(table, last_day, say)
    chart(curves, say, say("no_future"), key="curves")


def _thresholds(told: Narrative) -> None:
    limits, say = told.overview.crowd.rfm, told.speech
    st.markdown(say("rfm_rule"))
    fifths = [1, 2, 3, 4, 5]
    cells(
        {
            say("fifth"): [str(fifth) for fifth in fifths],
            say("recency_days"): _ranges(map(say.number, limits.inactivity), say)[::-1],
            say("historic_number_of_orders"): _ranges(map(say.number, limits.orders), say),
            say("historic_clv"): _ranges(map(say.money, limits.value), say),
        },
        say("rfm_thresholds"),
    )
    names = [[say(f"rfm_{group}") for group in row] for row in RFM_MAP.T.tolist()]
    grid = {say("r_and_fm"): [f"R {6 - fifth}" for fifth in fifths]}
    grid |= {f"FM {fifth}": column for fifth, column in zip(fifths, names, strict=True)}
    cells(grid, say("rfm_thresholds"))


def _ranges(limits: Iterable[str], say: Speech) -> list[str]:
    """Five steps between four ascending limits, in words."""
    low, *_, high = said = list(limits)
    between = [say("above_to", low=a, high=b) for a, b in pairwise(said)]
    return [say("up_to", high=low), *between, say("above", low=high)]

"""Cohorts & segments: who comes back, and who carries the value."""

from __future__ import annotations

from itertools import pairwise

import streamlit as st

from clv import narrative
from clv.charts import cohorts, value
from clv.charts.cohorts import MEASURES
from clv.charts.messages import rfm_name, tier_name
from clv.dashboard.visit import Visit, cells
from clv.models.segments import RFM_MAP


def show(visit: Visit) -> None:
    """Retention by cohort, then tiers, then RFM groups."""
    _retention(visit)
    _tiers(visit)
    _rfm(visit)


def _retention(visit: Visit) -> None:
    table, last_day, speech = visit.overview.cohorts, visit.overview.service.as_of, visit.speech
    st.header(visit.say("retention_header"))
    measure = st.segmented_control(
        visit.say("measure"),
        MEASURES,
        default="share",
        required=True,
        format_func=lambda name: visit.say(f"show_{name}"),
        key="measure",
        bind="query-params",
    )
    note = visit.say("whole_months", date=speech.date(last_day))
    drawn = cohorts.retention_heatmap(table, last_day, measure or "share", speech)
    visit.chart(drawn, "heatmap", visit.say("heatmap_note"), note)
    visit.chart(cohorts.retention_curves(table, last_day, speech), "curves", visit.say("no_future"))


def _tiers(visit: Visit) -> None:
    overview, speech = visit.overview, visit.speech
    st.header(visit.say("tiers_header"))
    st.markdown(visit.say("tiers_note"))
    tiers = overview.tiers()
    visit.chart(value.tier_shares(narrative.shares(tiers), speech), "shares")
    cells(
        {
            visit.say("tier"): [tier_name(tier.name, speech) for tier in tiers],
            visit.say("customers"): [speech.number(tier.customers) for tier in tiers],
            visit.say("from"): [speech.money(tier.lowest) for tier in tiers],
            visit.say("to"): [speech.money(tier.highest) for tier in tiers],
            visit.say("expected"): [speech.rough(tier.expected) for tier in tiers],
        },
        visit.say("tiers_header"),
    )
    visit.chart(value.value_by_tier(overview.table, speech), "boxes", visit.say("boxes_note"))


def _rfm(visit: Visit) -> None:
    overview, speech = visit.overview, visit.speech
    st.header(visit.say("rfm_header"))
    st.markdown(visit.say("rfm_note"))
    visit.chart(value.rfm_groups(narrative.shares(overview.rfm_groups()), speech), "rfm")
    limits = overview.crowd.rfm
    with st.expander(visit.say("rfm_thresholds"), icon=":material/straighten:"):
        st.markdown(visit.say("rfm_rule"))
        fifths = [1, 2, 3, 4, 5]
        cells(
            {
                visit.say("fifth"): [str(fifth) for fifth in fifths],
                visit.say("recency_days"): _ranges(visit, limits.inactivity, money=False)[::-1],
                visit.say("orders"): _ranges(visit, limits.orders, money=False),
                visit.say("spent"): _ranges(visit, limits.value, money=True),
            },
            visit.say("rfm_thresholds"),
        )
        names = [[rfm_name(group, speech) for group in row] for row in RFM_MAP.tolist()]
        grid = {visit.say("r_and_fm"): [f"R {6 - fifth}" for fifth in fifths]}
        grid |= {f"FM {fifth}": [row[fifth - 1] for row in names] for fifth in fifths}
        cells(grid, visit.say("rfm_thresholds"))


def _ranges(visit: Visit, limits: tuple[float, ...], *, money: bool) -> list[str]:
    """Five steps between four ascending limits, in words."""
    said = [visit.speech.money(x) if money else visit.speech.number(x) for x in limits]
    between = [visit.say("above_to", low=a, high=b) for a, b in pairwise(said)]
    return [visit.say("up_to", high=said[0]), *between, visit.say("above", low=said[-1])]

"""Charts of forecasts: who carries the expected value, and how earlier forecasts did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clv.charts.chart import COLORS, Chart, axis, figure, filled
from clv.charts.messages import TEXTS, rfm_name, tier_name
from clv.speech import Speech

TIERS = ("A", "B", "C")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SMALLEST = 0.01


class Share(NamedTuple):
    """A group of customers, how many they are and what is expected of them."""

    name: str
    customers: int
    expected: float


class Held(NamedTuple):
    """A forecast of an earlier date, in words, and what came."""

    made_on: str
    expected: float
    actual: float


def value_by_tier(predictions: pa.Table, speech: Speech) -> Chart:
    """Box plots of expected value, one for each tier, on a scale where each step is tenfold.

    A box holds the middle half of the tier's customers, its whiskers nine in ten.
    """
    tier = np.asarray(predictions["value_tier"].to_pylist())
    value: npt.NDArray[np.float64] = predictions["predicted_clv"].to_numpy()
    present = [name for name in TIERS if np.any(tier == name)]
    drawn = figure(
        speech,
        height=280,
        showlegend=False,
        xaxis=axis(_in_currency(speech), type="log", dtick=1, tickformat=",d"),
        yaxis=axis(autorange="reversed", type="category"),
    )
    rows = []
    for place, name in enumerate(TIERS):
        if name not in present:
            continue
        own = np.quantile(np.maximum(value[tier == name], SMALLEST), QUANTILES)
        rows.append([float(limit) for limit in own])
        low, q1, median, q3, high = ([limit] for limit in rows[-1])
        drawn.add_box(
            y=[tier_name(name, speech)],
            lowerfence=low,
            q1=q1,
            median=median,
            q3=q3,
            upperfence=high,
            orientation="h",
            line={"color": COLORS[place], "width": 2},
            fillcolor="rgba(128,128,128,0.15)",
            hovertemplate="<extra></extra>",
            hoverinfo="skip",
        )
    heads = ("tier", "nineteen_in_twenty", "three_in_four", "half", "one_in_four", "one_in_twenty")
    cells = [[tier_name(name, speech) for name in present]]
    cells += [[speech.money(row[limit]) for row in rows] for limit in range(len(QUANTILES))]
    table = dict(zip((speech(TEXTS[head]) for head in heads), cells, strict=True))
    said = [
        speech(
            TEXTS["tier_alt"],
            tier=tier_name(name, speech),
            median=speech.money(row[2]),
            low=speech.money(row[1]),
            high=speech.money(row[3]),
        )
        for name, row in zip(present, rows, strict=True)
    ]
    return Chart(drawn, speech(TEXTS["boxes_title"]), " ".join(said), table)


def tier_shares(tiers: Sequence[Share], speech: Speech) -> Chart:
    """Two bars, of customers and of expected value, each cut into tiers."""
    customers = sum(tier.customers for tier in tiers)
    expected = sum(tier.expected for tier in tiers)
    bars = [speech(TEXTS["of_value"]), speech(TEXTS["of_customers"])]
    shares = {
        tier.name: (_ratio(tier.expected, expected), _ratio(tier.customers, customers))
        for tier in tiers
    }
    drawn = figure(
        speech,
        height=230,
        barmode="stack",
        xaxis=axis(tickformat=".0%", range=[0, 1]),
        yaxis=axis(type="category"),
    )
    for place, tier in enumerate(tiers):
        own = shares[tier.name]
        drawn.add_bar(
            y=bars,
            x=list(own),
            name=tier_name(tier.name, speech),
            orientation="h",
            text=[f"{tier.name}  {speech.percent(share)}" for share in own],
            textposition="inside",
            insidetextanchor="middle",
            textfont={"color": "white"},
            marker=filled(place),
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    table = {
        speech(TEXTS["tier"]): [tier_name(tier.name, speech) for tier in tiers],
        speech(TEXTS["customers"]): [speech.number(tier.customers) for tier in tiers],
        bars[1]: [speech.percent(shares[tier.name][1], 1) for tier in tiers],
        speech(TEXTS["expected_value"]): [speech.rough(tier.expected) for tier in tiers],
        bars[0]: [speech.percent(shares[tier.name][0], 1) for tier in tiers],
    }
    alt = " ".join(
        speech(
            TEXTS["shares_alt"],
            tier=tier_name(tier.name, speech),
            customers=speech.percent(shares[tier.name][1]),
            value=speech.percent(shares[tier.name][0]),
        )
        for tier in tiers
    )
    return Chart(drawn, speech(TEXTS["shares_title"]), alt, table)


def rfm_groups(groups: Sequence[Share], speech: Speech) -> Chart:
    """A bar for each RFM group, as long as what is expected of it; how many they are beside it."""
    names = [rfm_name(group.name, speech) for group in groups]
    drawn = figure(
        speech,
        height=90 + 34 * len(groups),
        xaxis=axis(_in_currency(speech)),
        yaxis=axis(autorange="reversed", type="category"),
    )
    drawn.add_bar(
        y=names,
        x=[group.expected for group in groups],
        orientation="h",
        marker={"color": COLORS[0]},
        text=[
            speech(TEXTS["bar_customers"], customers=speech.number(group.customers))
            for group in groups
        ],
        textposition="auto",
        customdata=[speech.rough(group.expected) for group in groups],
        hovertemplate="%{y}: %{customdata}, %{text}<extra></extra>",
    )
    table = {
        speech(TEXTS["rfm_group"]): names,
        speech(TEXTS["customers"]): [speech.number(group.customers) for group in groups],
        speech(TEXTS["expected_value"]): [speech.rough(group.expected) for group in groups],
        speech(TEXTS["each"]): [
            speech.money(_ratio(group.expected, group.customers)) for group in groups
        ],
    }
    said = [
        speech(TEXTS["group_alt"], name=name, money=speech.rough(group.expected))
        for name, group in list(zip(names, groups, strict=True))[:3]
    ]
    alt = speech(TEXTS["groups_alt"], groups=len(groups), most=speech.listing(said))
    return Chart(drawn, speech(TEXTS["groups_title"]), alt, table)


def held_forecasts(held: Sequence[Held], days: int, speech: Speech) -> Chart:
    """What was expected of all customers at earlier dates beside what came."""
    made_on = [past.made_on for past in held]
    sides = {
        "forecast": [past.expected for past in held],
        "what_came": [past.actual for past in held],
    }
    drawn = figure(
        speech,
        height=300,
        barmode="group",
        xaxis=axis(type="category"),
        yaxis=axis(speech.currency or ""),
    )
    for place, (side, values) in enumerate(sides.items()):
        drawn.add_bar(
            x=made_on,
            y=values,
            name=speech(TEXTS[side]),
            text=[speech.rough(value) for value in values],
            textposition="auto",
            marker=filled(place),
            hovertemplate="%{x}: %{text}<extra>%{fullData.name}</extra>",
        )
    off = [speech.percent(past.expected / past.actual - 1.0) for past in held]
    table = {
        speech(TEXTS["made_on"]): made_on,
        **{speech(TEXTS[side]): [speech.rough(v) for v in own] for side, own in sides.items()},
        speech(TEXTS["difference"]): off,
    }
    alt = " ".join(
        speech(
            TEXTS["held_alt"],
            made_on=past.made_on,
            expected=speech.rough(past.expected),
            actual=speech.rough(past.actual),
        )
        for past in held
    )
    return Chart(drawn, speech(TEXTS["held_title"], days=speech.number(days)), alt, table)


def _in_currency(speech: Speech) -> str:
    said = speech(TEXTS["expected_value"])
    return said if speech.currency is None else f"{said} ({speech.currency})"


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0

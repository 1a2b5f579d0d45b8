"""Charts of forecasts: who carries the expected value, how earlier ones did, one customer's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from clv.charts.chart import COLORS, PATTERNS, Chart, axis, figure, filled
from clv.periods import ObservationWindow
from clv.speech import Speech

QUANTILES = {
    "nineteen_in_twenty": 0.05,
    "three_in_four": 0.25,
    "half": 0.5,
    "one_in_four": 0.75,
    "one_in_twenty": 0.95,
}
SMALLEST = 0.01


class PastForecast(NamedTuple):
    """What the model expected of all customers at an earlier date, and what came.

    ``range`` is what the total was said to lie within, None where the model gives none, and
    ``held`` the share of customers whose own range held.
    """

    cut: dt.date
    horizon_days: int
    expected: float
    actual: float
    range: tuple[float, float] | None = None
    held: float | None = None

    @property
    def bias(self) -> float:
        """How far too high the forecast was, as a fraction of what came."""
        return self.expected / self.actual - 1.0

    @property
    def is_within(self) -> bool:
        return self.range is not None and self.range[0] <= self.actual <= self.range[1]


class Month(NamedTuple):
    """What existing customers are expected to bring on the days of a calendar month."""

    days: ObservationWindow
    expected: float
    range: tuple[float, float] | None


def month_by_month(ahead: Sequence[Month], speech: Speech) -> Chart:
    """A bar for each calendar month with its range; one that is there in part is hatched."""
    names = [
        speech.month(f"{days.start:%Y-%m}")
        if days.is_whole_month
        else speech.days(days.start, days.end)
        for days, _, _ in ahead
    ]
    said = [speech.rough(month.expected) for month in ahead]
    ends = [speech.between(month.range) for month in ahead]
    drawn = figure(
        speech, height=320, xaxis=axis(type="category"), yaxis=axis(_in_currency(speech))
    )
    shapes = ["" if month.days.is_whole_month else PATTERNS[1] for month in ahead]
    drawn.add_bar(
        x=names,
        y=[month.expected for month in ahead],
        # So light that the lower half of a whisker is seen on it.
        marker={"color": COLORS[0], "opacity": 0.6, "pattern": {"shape": shapes}},
        error_y=_whiskers([month[1:] for month in ahead], color="gray"),
        customdata=[*zip(said, ends, strict=True)],
        hovertemplate="%{x}: %{customdata[0]} (%{customdata[1]})<extra></extra>",
    )
    best = max(range(len(ahead)), key=lambda place: ahead[place].expected)
    most = {"best": names[best], "value": said[best], "reach": ends[best]}
    alt = speech("months_alt", first=names[0], last=names[-1], **most)
    table = {speech("month"): names, speech("predicted_clv"): said, speech("said_range"): ends}
    return Chart(drawn, speech("months_title"), alt, table)


def tier_shares(predictions: pa.Table, speech: Speech) -> Chart:
    """Two bars, of customers and of expected value, each cut into tiers."""
    tiers = _groups(predictions, "value_tier")
    bars = {"of_value": tiers["sum"], "of_customers": tiers["size"]}
    shares = {speech(bar): own / own.sum() for bar, own in bars.items()}
    names = [speech(f"tier_{tier}") for tier in tiers.index]
    drawn = figure(
        speech,
        height=230,
        legend=True,
        barmode="stack",
        xaxis=axis(tickformat=".0%", range=[0, 1]),
        yaxis=axis(type="category"),
    )
    alt = []
    for place, (tier, name) in enumerate(zip(tiers.index, names, strict=True)):
        own = [share[tier] for share in shares.values()]
        value, customers = said = [speech.percent(share) for share in own]
        drawn.add_bar(
            y=list(shares),
            x=own,
            name=name,
            orientation="h",
            text=[f"{tier}  {share}" for share in said],
            textposition="inside",
            insidetextanchor="middle",
            textfont={"color": "white"},
            marker=filled(place),
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
        alt.append(speech("shares_alt", tier=name, customers=customers, value=value))
    of_value, of_customers = shares
    table = {
        speech("value_tier"): names,
        speech("customers"): tiers["size"].map(speech.number).tolist(),
        of_customers: [speech.percent(share, 1) for share in shares[of_customers]],
        speech("predicted_clv"): tiers["sum"].map(speech.rough).tolist(),
        of_value: [speech.percent(share, 1) for share in shares[of_value]],
        speech("lowest"): tiers["min"].map(speech.money).tolist(),
        speech("highest"): tiers["max"].map(speech.money).tolist(),
    }
    return Chart(drawn, speech("shares_title"), " ".join(alt), table)


def value_by_tier(predictions: pa.Table, speech: Speech) -> Chart:
    """Box plots of expected value, one for each tier, on a scale where each step is tenfold.

    A box holds the middle half of the tier's customers, its whiskers nine in ten.
    """
    frame = predictions.select(["value_tier", "predicted_clv"]).to_pandas()
    by_tier = frame.groupby("value_tier")["predicted_clv"]
    limits = by_tier.quantile(list(QUANTILES.values())).unstack().clip(lower=SMALLEST)
    said = limits.map(speech.money)
    drawn = figure(
        speech,
        height=250,
        xaxis=axis(_in_currency(speech), type="log", dtick=1, tickformat=",d"),
        yaxis=axis(autorange="reversed", type="category"),
    )
    names = [speech(f"tier_{tier}") for tier in limits.index]
    alt = []
    for place, (name, tier) in enumerate(zip(names, limits.index, strict=True)):
        low, q1, median, q3, high = ([limit] for limit in limits.loc[tier])
        drawn.add_box(
            y=[name],
            lowerfence=low,
            q1=q1,
            median=median,
            q3=q3,
            upperfence=high,
            orientation="h",
            line={"color": COLORS["ABC".index(tier)], "width": 2},
            fillcolor="rgba(128,128,128,0.15)",
            hoverinfo="skip",
        )
        _, first, middle, third, _ = said.iloc[place]
        alt.append(speech("tier_alt", tier=name, median=middle, low=first, high=third))
    table = {speech("value_tier"): names}
    table |= {speech(head): said[limit].tolist() for head, limit in QUANTILES.items()}
    return Chart(drawn, speech("boxes_title"), " ".join(alt), table)


def rfm_groups(predictions: pa.Table, speech: Speech) -> Chart:
    """A bar for each RFM group, as long as what is expected of it; how many they are beside it."""
    groups = _groups(predictions, "rfm_group").sort_values("sum", ascending=False)
    names = [speech(f"rfm_{group}") for group in groups.index]
    sizes = groups["size"].map(speech.number).tolist()
    expected = groups["sum"].map(speech.rough).tolist()
    drawn = figure(
        speech,
        height=60 + 34 * len(groups),
        xaxis=axis(_in_currency(speech)),
        yaxis=axis(autorange="reversed", type="category"),
    )
    drawn.add_bar(
        y=names,
        x=groups["sum"],
        orientation="h",
        marker={"color": COLORS[0]},
        text=[speech("bar_customers", customers=size) for size in sizes],
        textposition="auto",
        customdata=expected,
        hovertemplate="%{y}: %{customdata}, %{text}<extra></extra>",
    )
    table = {
        speech("rfm_group"): names,
        speech("customers"): sizes,
        speech("predicted_clv"): expected,
        speech("each"): (groups["sum"] / groups["size"]).map(speech.money).tolist(),
    }
    most = [f"{name} ({money})" for name, money in zip(names, expected, strict=True)][:3]
    alt = speech("groups_alt", groups=len(groups), most=speech.listing(most))
    return Chart(drawn, speech("groups_title"), alt, table)


def held_forecasts(past: Sequence[PastForecast], speech: Speech) -> Chart:
    """What was expected of all customers at earlier dates beside what came."""
    made_on = [speech.date(one.cut) for one in past]
    sides = {
        speech("forecast"): [one.expected for one in past],
        speech("what_came"): [one.actual for one in past],
    }
    said = {side: [speech.rough(value) for value in own] for side, own in sides.items()}
    drawn = figure(
        speech,
        height=120 + 48 * len(past),
        legend=True,
        barmode="group",
        xaxis=axis(speech.currency or ""),
        yaxis=axis(type="category", autorange="reversed"),
    )
    whiskers = _whiskers([(one.expected, one.range) for one in past])
    for place, (side, values) in enumerate(sides.items()):
        drawn.add_bar(
            y=made_on,
            x=values,
            name=side,
            orientation="h",
            text=said[side],
            textposition="inside",
            insidetextanchor="start",
            marker=filled(place),
            error_x=whiskers if place == 0 else None,
            hovertemplate="%{y}: %{text}<extra>%{fullData.name}</extra>",
        )
    off = [speech.change(one.bias) for one in past]
    table = {speech("made_on"): made_on, **said, speech("difference"): off}
    if any(one.range for one in past):
        table[speech("said_range")] = [
            speech.between(one.range) if one.range else "" for one in past
        ]
    alt = " ".join(
        speech("held_alt", made_on=day, expected=expected, actual=actual)
        for day, expected, actual in zip(made_on, *said.values(), strict=True)
    )
    title = speech("held_title", days=speech.number(past[0].horizon_days))
    return Chart(drawn, title, alt, table)


def chance_over_time(chances: Mapping[int, float], speech: Speech) -> Chart:
    """The chance of at least one order within so many days from today, for a few horizons."""
    days = [speech.number(day) for day in chances]
    said = [speech.chance(chance) for chance in chances.values()]
    drawn = figure(
        speech,
        height=290,
        xaxis=axis(speech("days_from_now"), rangemode="tozero"),
        yaxis=axis(speech("p_purchase_in_horizon"), tickformat=".0%", range=[0, 1.02]),
    )
    drawn.add_scatter(
        x=[0, *chances],
        y=[0.0, *chances.values()],
        mode="lines+markers",
        line={"color": COLORS[0], "width": 2.5},
        customdata=[speech.chance(0.0), *said],
        hovertemplate=speech("within_days", days="%{x}") + ": %{customdata}<extra></extra>",
    )
    table = {speech("days_from_now"): days, speech("p_purchase_in_horizon"): said}
    told = (0, len(days) // 2, -1)
    alt = " ".join(speech("chance_alt", days=days[i], chance=said[i]) for i in told)
    return Chart(drawn, speech("chance_title"), alt, table)


def _whiskers(
    of: Sequence[tuple[float, tuple[float, float] | None]], color: str | None = None
) -> dict[str, Any] | None:
    """From what is expected to the ends of its range, where there is any."""
    if not any(reach for _, reach in of):
        return None
    ends = [(expected, *(reach or (expected, expected))) for expected, reach in of]
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - expected for expected, _, high in ends],
        "arrayminus": [expected - low for expected, low, _ in ends],
        "thickness": 1.5,
        "color": color,
    }


def _groups(predictions: pa.Table, by: str) -> pd.DataFrame:
    """Size, sum, min and max of what is expected of the customers who share each ``by``."""
    frame: pd.DataFrame = predictions.select([by, "predicted_clv"]).to_pandas()
    return frame.groupby(by)["predicted_clv"].agg(["size", "sum", "min", "max"])


def _in_currency(speech: Speech) -> str:
    said = speech("predicted_clv")
    return said if speech.currency is None else f"{said} ({speech.currency})"

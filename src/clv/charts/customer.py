"""Charts of one customer."""

from __future__ import annotations

from collections.abc import Mapping

from clv.charts.chart import COLORS, Chart, axis, figure
from clv.charts.messages import TEXTS
from clv.speech import Speech


def chance_over_time(chances: Mapping[int, float], speech: Speech) -> Chart:
    """The chance of at least one order within so many days from today, for a few horizons."""
    days, values = list(chances), list(chances.values())
    drawn = figure(
        speech,
        height=320,
        xaxis=axis(speech(TEXTS["days_from_now"]), rangemode="tozero"),
        yaxis=axis(speech(TEXTS["chance"]), tickformat=".0%", range=[0, 1.02]),
    )
    drawn.add_scatter(
        x=[0, *days],
        y=[0.0, *values],
        mode="lines+markers",
        line={"color": COLORS[0], "width": 2.5},
        customdata=[speech.chance(value) for value in (0.0, *values)],
        hovertemplate=speech(TEXTS["within_days"], days="%{x}") + ": %{customdata}<extra></extra>",
    )
    table = {
        speech(TEXTS["days_from_now"]): [speech.number(day) for day in days],
        speech(TEXTS["chance"]): [speech.chance(value) for value in values],
    }
    alt = " ".join(
        speech(TEXTS["chance_alt"], days=speech.number(day), chance=speech.chance(chances[day]))
        for day in (days[0], days[len(days) // 2], days[-1])
    )
    return Chart(drawn, speech(TEXTS["chance_title"]), alt, table)

"""Charts of what a fitted model believes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from clv.charts.chart import COLORS, DASHES, Chart, axis, figure
from clv.models.tracking import Tracking
from clv.speech import Speech


def followed(tracking: Tracking, speech: Speech) -> Chart:
    """Repeat purchase days since the log began, as the model expects them and as they came.

    The table has them month by month, where the curves add up what came before.
    """
    sides = {speech("what_came"): tracking.actual, speech("model_expects"): tracking.expected}
    days = pd.DataFrame(sides, index=pd.DatetimeIndex(tracking.day))
    months = days.groupby(pd.DatetimeIndex(tracking.day).to_period("M")).sum()
    names = [speech.month(str(month)) for month in months.index]
    weekly = days.cumsum().iloc[::-7][::-1]
    ends = [day.date() for day in pd.DatetimeIndex(weekly.index)]
    ticks = months.index[:: max(len(months) // 8, 1)]
    drawn = figure(
        speech,
        height=380,
        legend=True,
        xaxis=axis(
            tickvals=[str(month.start_time.date()) for month in ticks],
            ticktext=[speech.month(str(month)) for month in ticks],
        ),
        yaxis=axis(speech("repeat_days"), rangemode="tozero", tickformat=",d"),
    )
    _curves(drawn, ends, {side: weekly[side] for side in sides}, speech)
    came, expects = (days[side].sum() for side in sides)
    farthest = int(np.argmax(np.abs(months.diff(axis=1).iloc[:, 1])))
    own = [speech.number(count) for count in months.iloc[farthest]]
    alt = speech(
        "followed_alt",
        date=speech.date(ends[-1]),
        came=speech.number(came),
        expected=speech.number(expects),
        month=names[farthest],
        came_then=own[0],
        expected_then=own[1],
    )
    table = {speech("month"): names}
    table |= {side: [speech.number(count) for count in months[side]] for side in sides}
    return Chart(drawn, speech("followed_title"), alt, table)


class Season(NamedTuple):
    """The days after ``last`` beside usual ones, which are 1.

    ``rate`` is how often customers buy, a number for each day, and ``baskets`` what a purchase
    day is worth, one for each month from January on; None where the model knows no season.
    """

    last: dt.date
    rate: npt.NDArray[np.float64] | None
    baskets: Sequence[float] | None


def season(found: Season, speech: Speech) -> Chart:
    """How busy and how dear the year ahead is; the table has a line for each month."""
    ahead = 365 if found.rate is None else len(found.rate)
    days = pd.date_range(found.last, periods=ahead + 1)[1:]
    sides = {}
    if found.rate is not None:
        sides[speech("season_rate")] = found.rate
    if found.baskets is not None:
        sides[speech("season_baskets")] = np.array(found.baskets)[days.month - 1]
    shown = pd.DataFrame(sides, days)
    months = shown.groupby(days.to_period("M")).mean()
    names = [speech.month(str(month)) for month in months.index]
    firsts = [max(str(month.start_time.date()), str(days[0].date())) for month in months.index]
    drawn = figure(
        speech,
        height=340,
        legend=True,
        xaxis=axis(tickvals=firsts[1::2], ticktext=names[1::2]),
        yaxis=axis(speech("usual")),
    )
    drawn.add_hline(1.0, line={"color": "rgba(128,128,128,0.9)", "width": 1.5})
    alt = [speech("season_alt", date=speech.date(found.last))]
    table = {speech("month"): names}
    _curves(drawn, [day.date() for day in days], sides, speech, digits=2)
    for side in sides:
        said = [speech.number(value, 2) for value in months[side]]
        most, least = int(months[side].argmax()), int(months[side].argmin())
        ends = {"high": names[most], "most": said[most], "low": names[least], "least": said[least]}
        alt.append(speech("season_line_alt", name=side, **ends))
        table[side] = said
    return Chart(drawn, speech("season_title"), " ".join(alt), table)


def _curves(
    drawn: go.Figure,
    days: Sequence[dt.date],
    sides: Mapping[str, Any],
    speech: Speech,
    digits: int = 0,
) -> None:
    """A curve for each of the sides, told apart by color and dash, with its values in words."""
    for place, (side, values) in enumerate(sides.items()):
        drawn.add_scatter(
            x=list(map(str, days)),
            y=values,
            name=side,
            mode="lines",
            line={"dash": DASHES[place], "color": COLORS[place], "width": 2.5},
            customdata=[
                [speech.date(day, short=True), speech.number(value, digits)]
                for day, value in zip(days, values, strict=True)
            ],
            hovertemplate="%{customdata[0]}: %{customdata[1]}<extra>%{fullData.name}</extra>",
        )

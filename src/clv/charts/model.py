"""Charts of what a fitted model believes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from clv.charts.chart import SCALE, Chart, axis, figure
from clv.speech import Speech


def p_alive_map(
    frequency: Sequence[int],
    silent_days: Sequence[int],
    p_alive: npt.NDArray[np.float64],
    age: int,
    speech: Speech,
) -> Chart:
    """``p_alive``, shape ``(frequency, silent_days)``, ``age`` days after the first purchase."""
    said = [[speech.chance(float(p)) for p in row] for row in p_alive]
    rows, columns = ([speech.number(x) for x in of] for of in (frequency, silent_days))
    drawn = figure(
        speech,
        height=420,
        xaxis=axis(speech("alive_silent_days"), type="category"),
        yaxis=axis(speech("repeat_days"), type="category", autorange="reversed"),
    )
    drawn.add_heatmap(
        x=columns,
        y=rows,
        z=p_alive,
        zmin=0,
        zmax=1,
        text=said,
        texttemplate="%{text}",
        colorscale=SCALE,
        showscale=False,
        hovertemplate="%{y}, %{x}: %{text}<extra></extra>",
    )
    table = {speech("repeat_days"): rows}
    table |= {column: [row[place] for row in said] for place, column in enumerate(columns)}
    alt = speech(
        "alive_alt",
        few=rows[0],
        many=rows[-1],
        days=columns[-1],
        some=said[0][-1],
        other=said[-1][-1],
    )
    return Chart(drawn, speech("alive_title", age=speech.number(age)), alt, table)

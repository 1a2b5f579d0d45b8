"""The chart of a fit beside its data, for MLflow's page, which is in English as all of it is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from clv.charts.chart import axis, figure, filled
from clv.speech import Speech


def expected_and_observed(
    title: str, labels: npt.ArrayLike, expected: npt.ArrayLike, observed: npt.ArrayLike
) -> go.Figure:
    """A pair of bars for each label."""
    drawn = figure(
        Speech("en"),
        height=400,
        title={"text": title},
        barmode="group",
        xaxis=axis(type="category"),
    )
    for place, (name, values) in enumerate({"expected": expected, "observed": observed}.items()):
        drawn.add_bar(
            x=np.asarray(labels).tolist(),
            y=np.asarray(values).tolist(),
            name=name,
            marker=filled(place),
        )
    return drawn.update_layout(margin={"t": 100})

"""What every chart has in common: its form, its palette, and that it is never only a picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from clv.speech import Speech

# Okabe and Ito's palette; of its eight, those with a contrast of three on white and on black.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
DASHES = ("solid", "dash", "dot", "dashdot")
MARKERS = ("circle", "square", "diamond", "triangle-up")
PATTERNS = ("", "/", ".", "x")
# One hue from light to dark; Plotly writes dark on its light half and white on the other.
SCALE = [[0.0, "#f3f8fc"], [0.55, "#9ccbe8"], [0.7, "#1f7fb8"], [1.0, "#00395c"]]

# Above the plot, whatever room the axes take: a place within the plot would move with them.
LEGEND = {"traceorder": "normal", "orientation": "h", "x": 0}
LEGEND |= {"yref": "container", "y": 1, "yanchor": "top"}
CONFIG: dict[str, Any] = {"displayModeBar": False, "showSendToCloud": False, "responsive": True}


@dataclasses.dataclass(frozen=True)
class Chart:
    """A figure with its title, its text alternative, and its numbers said cell by cell."""

    figure: go.Figure
    title: str
    alt: str
    table: Mapping[str, list[str]]

    def as_html(self, name: str) -> str:
        """As part of a page that holds :func:`drawing_library`; ``name`` is its element's."""
        return str(
            self.figure.to_html(CONFIG, full_html=False, include_plotlyjs=False, div_id=name)
        )


def drawing_library() -> str:
    """The script every chart of a page needs, once."""
    return str(get_plotlyjs())


def figure(speech: Speech, *, height: int, legend: bool = False, **layout: Any) -> go.Figure:
    """An empty figure of our form, without a background so that it suits any."""
    return go.Figure(
        layout={
            "height": height,
            "margin": {"l": 10, "r": 10, "t": 40 if legend else 10, "b": 10},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "separators": speech.separators,
            "font": {"size": 14},
            "showlegend": legend,
            "legend": LEGEND,
            "hoverlabel": {"align": "left"},
            **layout,
        }
    )


def axis(title: str = "", **settings: Any) -> dict[str, Any]:
    """An axis with its title, and a faint grid that is seen on white and on black."""
    return {
        "title": {"text": title},
        "automargin": True,
        "ticklabelstandoff": 6,
        "gridcolor": "rgba(128,128,128,0.25)",
        "zerolinecolor": "rgba(128,128,128,0.5)",
        **settings,
    }


def filled(place: int) -> dict[str, Any]:
    """How bars of the ``place``-th kind look: a color, and a pattern for who cannot tell it."""
    pattern = {"shape": PATTERNS[place], "fillmode": "overlay", "fgopacity": 0.2}
    return {"color": COLORS[place], "pattern": pattern | {"fgcolor": "white"}}

"""How far a shop's customers have moved since a model learned from them, or last scored them.

The rows of earlier runs are gone by then, so a sketch of each column is kept: a hundredth of
its customers lies between one point and the next, and how many lie below each point and up to it
is exact. The index of stability (PSI) is over tenths of the reference, with the usual words for it
(Siddiqi, Credit Risk Scorecards, 2006); the distance of Kolmogorov and Smirnov is exact to the
hundredth between two points. Start reading at :func:`compare`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clv.checked import CustomerSummary
from clv.numerics.quotient import per
from clv.speech import Speech

Float = npt.NDArray[np.float64]
Sketch = dict[str, list[float]]

POINTS = 101
TENTHS = np.linspace(0.1, 0.9, 9)
STABLE, MOVED = 0.1, 0.25
LEAST_SHARE = 1e-4
"""What a share of none counts as; its logarithm would be endless."""
DIGITS = 7


def of_summary(summary: CustomerSummary) -> dict[str, Float]:
    """What a model learns from, one column each; NaN is unknown."""
    column = summary.column
    return {
        "frequency": column("frequency"),
        "recency": summary.in_days("recency"),
        "age": summary.in_days("age"),
        "mean_day_value": column("mean_day_value"),
        "orders_per_day": per(column("orders"), column("purchase_days")),
        "returned_share": per(column("returned_value"), column("gross_value")),
    }


def of_scores(table: pa.Table) -> dict[str, Float]:
    """What a model answered."""
    return {name: table[name].to_numpy() for name in ("predicted_clv", "p_alive")}


def sketches(columns: Mapping[str, Float]) -> dict[str, Sketch]:
    """What remains of each column that is known of anybody; plain JSON."""
    return {name: sketch(values) for name, values in columns.items() if not np.isnan(values).all()}


def sketch(values: Float) -> Sketch:
    """Points of a column, and the shares of customers ``below`` each and ``up_to`` it."""
    known = values[~np.isnan(values)]
    grid = np.linspace(0.0, 1.0, POINTS)
    at = np.unique(np.quantile(known, grid, method="inverted_cdf"))
    shares = {"below": _share(known, at, "left"), "up_to": _share(known, at, "right")}
    return {"at": at.tolist()} | {n: own.round(DIGITS).tolist() for n, own in shares.items()}


def compare(
    references: Mapping[str, Mapping[str, Any]], columns: Mapping[str, Float]
) -> list[dict[str, Any]]:
    """A row for each column and reference that sketched it: how far it moved, and the word.

    Args:
        references: By what they are, each with ``as_of`` and its ``columns`` as sketches.
        columns: As they are now.
    """
    return [
        {
            "column": name,
            "against": what,
            "since": reference["as_of"],
            "psi": round(moved := psi(own, columns[name]), 4),
            "ks": round(ks(own, columns[name]), 4),
            "word": "stable" if moved < STABLE else "shifted" if moved < MOVED else "moved",
        }
        for what, reference in references.items()
        for name, own in reference["columns"].items()
        if name in columns and not np.isnan(columns[name]).all()
    ]


def psi(reference: Sketch, values: Float) -> float:
    """The index of stability over the tenths of the reference; fewer where many are alike."""
    at, up_to = np.array(reference["at"]), np.array(reference["up_to"])
    edges = np.unique(np.searchsorted(up_to, TENTHS - 10.0**-DIGITS))
    now = _share(values[~np.isnan(values)], at[edges], "right")
    p, q = (
        np.maximum(np.diff(shares, prepend=0.0, append=1.0), LEAST_SHARE)
        for shares in (now, up_to[edges])
    )
    return float(np.sum((p - q) * np.log(p / q)))


def ks(reference: Sketch, values: Float) -> float:
    """The largest distance between the two distributions, seen at the points of the sketch."""
    at, known = np.array(reference["at"]), values[~np.isnan(values)]
    below = np.abs(_share(known, at, "left") - reference["below"])
    up_to = np.abs(_share(known, at, "right") - reference["up_to"])
    return float(max(below.max(), up_to.max()))


def told(rows: Sequence[Mapping[str, Any]], speech: Speech) -> list[str]:
    """What moved, and what that asks for; nothing where nothing did."""
    # Everybody's age grows with the calendar: that it moved asks nothing of anybody.
    moved = [row for row in rows if row["word"] == "moved" and row["column"] != "age"]
    of_fit = [row for row in moved if row["against"] == "fit"]
    if not moved:
        return []
    shown, text = (of_fit, "since_fit") if of_fit else (moved, "since_table")
    names = [speech("moved_" + row["column"]) for row in shown]
    far = [f"(PSI {speech.number(row['psi'], 2)})" for row in shown]
    columns = ", ".join(map(" ".join, zip(names, far, strict=True)))
    date = speech.date(dt.date.fromisoformat(shown[0]["since"]))
    return [speech(text, date=date, columns=columns)]


def _share(known: Float, at: Float, side: Any) -> Float:
    return np.searchsorted(np.sort(known), at, side) / known.size

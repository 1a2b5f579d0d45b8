"""Charts of cohorts: who came back, month by month after the first purchase."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import pandas as pd
import pyarrow as pa

from clv.charts.chart import COLORS, DASHES, MARKERS, PATTERNS, SCALE, Chart, axis, figure
from clv.speech import Speech

Measure = Literal["share", "count", "value"]
MEASURES: tuple[Measure, ...] = ("share", "count", "value")

MOST_CURVES = len(COLORS)
FEWEST_IN_A_POINT = 30


MUCH = 100_000
"""Money in a cell from which whole units would not fit it."""


def retention_heatmap(
    cohorts: pa.Table, last_day: dt.date, measure: Measure, speech: Speech
) -> Chart:
    """Cohorts downward, months since the first purchase to the right, from the month after it.

    ``measure`` is the share of the cohort that bought, how many did, or their money, in
    thousands where it is that much. The month the log ends in is left out unless it is over.
    """
    found = _afterwards(cohorts, last_day)
    unit = 1000 if found["value"].max() >= MUCH else 1
    measured = {
        "share": found["active"] / found["customers"],
        "count": found["active"],
        "value": found["value"] / unit,
    }
    shown = speech(f"measure_{measure}", unit=speech.money(unit))
    title = speech("heatmap_title", measure=shown)
    grid = found.assign(shown=measured[measure]).pivot(
        index="cohort", columns="period", values="shown"
    )
    grid = grid.reindex(columns=range(1, found["period"].max() + 1) if len(found) else [])
    said = grid.map(speech.percent if measure == "share" else speech.number)
    sizes = found.groupby("cohort")["customers"].first()
    rows = [f"{speech.month(str(name))} ({speech.number(size)})" for name, size in sizes.items()]
    drawn = figure(
        speech,
        height=110 + 24 * len(rows),
        xaxis=axis(speech("months_since"), dtick=1, showgrid=False, side="top"),
        yaxis=axis(autorange="reversed", showgrid=False, type="category"),
    )
    drawn.add_heatmap(
        z=grid.to_numpy(),
        x=list(grid),
        y=rows,
        text=said.where(grid.notna(), "").to_numpy(),
        texttemplate="%{text}",
        textfont={"size": 11},
        colorscale=SCALE,
        showscale=False,
        xgap=1,
        ygap=1,
        hoverongaps=False,
        hovertemplate=f"%{{y}}<br>{speech('month')} %{{x}}: %{{text}}<extra></extra>",
    )
    table = {str(period): said[period].tolist() for period in said}
    if not rows:
        return Chart(drawn, title, speech("heatmap_empty"), table)
    first = found[found["period"] == 1]
    best: tuple[str, int] = grid.stack().idxmax()  # type: ignore[assignment]
    alt = speech(
        "heatmap_alt",
        measure=shown,
        cohorts=len(rows),
        share=speech.percent(first["active"].sum() / first["customers"].sum()),
        best=said.loc[best],
        cohort=speech.month(best[0]),
        period=best[1],
    )
    return Chart(drawn, title, alt, {speech("cohort_size"): rows} | table)


def retention_curves(cohorts: pa.Table, last_day: dt.date, speech: Speech) -> Chart:
    """The share that bought in each month after the first, by year of the first purchase.

    The first month of the log stands alone: many in it were customers before. A point covers
    the cohorts old enough for it, 30 customers or more; at most four curves, the latest.
    """
    found = _afterwards(cohorts, last_day)
    opening = found["cohort"].min()
    curve = found["cohort"].where(found["cohort"] == opening, found["cohort"].str[:4])
    sums = found.groupby([curve, "period"])[["active", "customers"]].sum()
    sums = sums[sums["customers"] >= FEWEST_IN_A_POINT]
    shares = (sums["active"] / sums["customers"]).unstack(0).iloc[:, -MOST_CURVES:]
    drawn = figure(
        speech,
        height=380,
        legend=True,
        xaxis=axis(speech("months_since")),
        yaxis=axis(speech("share_active"), tickformat=".0%", rangemode="tozero"),
    )
    table = {speech("month"): [str(period) for period in shares.index]}
    alt = [speech("curves_alt")]
    for place, name in enumerate(map(str, shares)):
        label = speech("first_bought_in", year=name)
        if name == opening:
            label = speech("opening_cohort", month=speech.month(name))
        own = shares[name].dropna()
        drawn.add_scatter(
            x=own.index,
            y=own,
            name=label,
            mode="lines+markers",
            line={"dash": DASHES[place], "color": COLORS[place], "width": 2.5},
            marker={"symbol": MARKERS[place], "size": 7},
            hovertemplate=f"{speech('month')} %{{x}}: %{{y:.1%}}<extra>%{{fullData.name}}</extra>",
        )
        table[label] = [speech.percent(share, 1) for share in shares[name]]
        ends = {"first": speech.percent(own.iloc[0]), "last": speech.percent(own.iloc[-1])}
        alt.append(speech("curve_alt", name=label, month=own.index[-1], **ends))
    return Chart(drawn, speech("curves_title"), " ".join(alt), table)


def sales_by_month(cohorts: pa.Table, last_day: dt.date, speech: Speech) -> Chart:
    """Sales of each calendar month on the basis of the log; one that is not over is hatched."""
    months = _by_month(cohorts, last_day).groupby("month").agg({"value": "sum", "over": "all"})
    labels = [speech.month(month) for month in months.index]
    said = [speech.money(value) for value in months["value"]]
    drawn = figure(
        speech, height=270, xaxis=axis(type="category"), yaxis=axis(speech.currency or "")
    )
    shapes = ["" if over else PATTERNS[1] for over in months["over"]]
    drawn.add_bar(
        x=labels,
        y=months["value"],
        marker={"color": COLORS[0], "pattern": {"shape": shapes}},
        customdata=said,
        hovertemplate="%{x}: %{customdata}<extra></extra>",
    )
    best = int(months["value"].argmax())
    ends = {"first": labels[0], "last": labels[-1]}
    alt = speech("sales_alt", best=labels[best], value=said[best], **ends)
    table = {speech("month"): labels, speech("sales"): said}
    return Chart(drawn, speech("sales_title"), alt, table)


def _by_month(cohorts: pa.Table, last_day: dt.date) -> pd.DataFrame:
    """The rows of the cohort table with the month each is of, and whether that was over."""
    found: pd.DataFrame = cohorts.to_pandas().sort_values(["cohort", "period"])
    month = pd.PeriodIndex(found["cohort"], freq="M") + found["period"].to_numpy()
    over = month.end_time <= pd.Timestamp(last_day) + pd.Timedelta(days=1)
    return found.assign(value=found["value"].astype(float), month=month.astype(str), over=over)


def _afterwards(cohorts: pa.Table, last_day: dt.date) -> pd.DataFrame:
    found = _by_month(cohorts, last_day)
    return found[found["over"] & (found["period"] > 0)]

"""Charts of cohorts: who came back, month by month after the first purchase."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from clv.charts.chart import COLORS, DASHES, MARKERS, PATTERNS, SCALE, Chart, axis, figure
from clv.charts.messages import TEXTS
from clv.speech import NOTHING, Speech

Measure = Literal["share", "count", "value"]
MEASURES: tuple[Measure, ...] = ("share", "count", "value")

MOST_CURVES = len(COLORS)
FEWEST_IN_A_POINT = 30


class Cell(NamedTuple):
    """A cohort in one of its months."""

    cohort: str
    period: int
    month: str
    customers: int
    active: int
    value: float


def cells(cohorts: pa.Table, last_day: dt.date, *, whole: bool = True) -> list[Cell]:
    """The rows of the cohort table; with ``whole``, not those of a month that is not over."""
    unfinished = "" if _ends_a_month(last_day) else last_day.isoformat()[:7]
    found = []
    for row in cohorts.sort_by([("cohort", "ascending"), ("period", "ascending")]).to_pylist():
        month = _later(row["cohort"], row["period"])
        if not whole or month != unfinished:
            fields = (row[name] for name in ("customers", "active", "value"))
            customers, active, value = fields
            cell = (row["cohort"], row["period"], month, customers, active, float(value))
            found.append(Cell(*cell))
    return found


def retention_heatmap(
    cohorts: pa.Table, last_day: dt.date, measure: Measure, speech: Speech
) -> Chart:
    """Cohorts downward, months since the first purchase to the right, from the month after it.

    ``measure`` is the share of the cohort that bought, how many did, or their money in
    thousands. The month the log ends in is left out unless it is over.
    """
    found = [cell for cell in cells(cohorts, last_day) if cell.period > 0]
    rows = list(dict.fromkeys(cell.cohort for cell in found))
    sizes = {cell.cohort: cell.customers for cell in found}
    labels = {row: f"{speech.month(row)} ({speech.number(sizes[row])})" for row in rows}
    width = max((cell.period for cell in found), default=0)
    values: dict[tuple[str, int], float] = {
        (cell.cohort, cell.period): _measured(cell, measure) for cell in found
    }
    said = {place: _said(value, measure, speech) for place, value in values.items()}
    periods = list(range(1, width + 1))
    grid = [[values.get((row, period)) for period in periods] for row in rows]
    drawn = figure(
        speech,
        height=140 + 24 * len(rows),
        xaxis=axis(speech(TEXTS["months_since"]), dtick=1, showgrid=False, side="top"),
        yaxis=axis(autorange="reversed", showgrid=False, type="category"),
    )
    drawn.add_heatmap(
        z=grid,
        x=periods,
        y=[labels[row] for row in rows],
        text=[[said.get((row, period), "") for period in periods] for row in rows],
        texttemplate="%{text}",
        textfont={"size": 11},
        colorscale=SCALE,
        showscale=False,
        xgap=1,
        ygap=1,
        hoverongaps=False,
        hovertemplate=f"%{{y}}<br>{speech(TEXTS['month'])} %{{x}}: %{{text}}<extra></extra>",
    )
    table = {speech(TEXTS["cohort"]): [labels[row] for row in rows]} | {
        str(period): [said.get((row, period), NOTHING) for row in rows] for period in periods
    }
    name = speech(TEXTS[f"measure_{measure}"], unit=_thousands(speech))
    title = speech(TEXTS["heatmap_title"], measure=name)
    return Chart(drawn, title, _heatmap_alt(found, measure, name, speech), table)


def retention_curves(cohorts: pa.Table, last_day: dt.date, speech: Speech) -> Chart:
    """The share that bought in each month after the first, by year of the first purchase.

    The first month of the log stands alone: many in it were customers before. A point covers
    the cohorts old enough for it, 30 customers or more; at most four curves, the latest.
    """
    found = [cell for cell in cells(cohorts, last_day) if cell.period > 0]
    opening = min((cell.cohort for cell in found), default="")
    sums: defaultdict[str, defaultdict[int, list[int]]] = defaultdict(
        lambda: defaultdict(lambda: [0, 0])
    )
    for cell in found:
        name = opening if cell.cohort == opening else cell.cohort[:4]
        sums[name][cell.period][0] += cell.active
        sums[name][cell.period][1] += cell.customers
    names = sorted(sums)[-MOST_CURVES:]
    labels = {
        name: speech(TEXTS["opening_cohort"], month=speech.month(name))
        if name == opening
        else speech(TEXTS["first_bought_in"], year=name)
        for name in names
    }
    shares = {
        name: {
            period: active / customers
            for period, (active, customers) in sorted(sums[name].items())
            if customers >= FEWEST_IN_A_POINT
        }
        for name in names
    }
    drawn = figure(
        speech,
        height=380,
        xaxis=axis(speech(TEXTS["months_since"])),
        yaxis=axis(speech(TEXTS["share_active"]), tickformat=".0%", rangemode="tozero"),
    )
    for place, name in enumerate(names):
        drawn.add_scatter(
            x=list(shares[name]),
            y=list(shares[name].values()),
            name=labels[name],
            mode="lines+markers",
            line={"dash": DASHES[place], "color": COLORS[place], "width": 2.5},
            marker={"symbol": MARKERS[place], "size": 7},
            hovertemplate=f"{speech(TEXTS['month'])} %{{x}}: %{{y:.1%}}<extra>%{{fullData.name}}"
            "</extra>",
        )
    periods = sorted({period for own in shares.values() for period in own})
    table = {speech(TEXTS["month"]): [str(period) for period in periods]} | {
        labels[name]: [speech.percent(shares[name].get(period), 1) for period in periods]
        for name in names
    }
    said = [
        speech(
            TEXTS["curve_alt"],
            name=labels[name],
            first=speech.percent(next(iter(shares[name].values()))),
            last=speech.percent(list(shares[name].values())[-1]),
            month=list(shares[name])[-1],
        )
        for name in names
        if shares[name]
    ]
    alt = " ".join([speech(TEXTS["curves_alt"]), *said])
    return Chart(drawn, speech(TEXTS["curves_title"]), alt, table)


def sales_by_month(cohorts: pa.Table, last_day: dt.date, speech: Speech) -> Chart:
    """Sales of each calendar month on the basis of the log; one that is not over is hatched."""
    months: defaultdict[str, float] = defaultdict(float)
    for cell in cells(cohorts, last_day, whole=False):
        months[cell.month] += cell.value
    names = sorted(months)
    labels = [speech.month(month) for month in names]
    values = [months[month] for month in names]
    unfinished = bool(names) and not _ends_a_month(last_day)
    drawn = figure(
        speech, height=300, xaxis=axis(type="category"), yaxis=axis(speech.currency or "")
    )
    drawn.add_bar(
        x=labels,
        y=values,
        marker={
            "color": COLORS[0],
            "pattern": {"shape": [""] * (len(names) - unfinished) + [PATTERNS[1]] * unfinished},
        },
        customdata=[speech.money(value) for value in values],
        hovertemplate="%{x}: %{customdata}<extra></extra>",
    )
    table = {
        speech(TEXTS["month"]): labels,
        speech(TEXTS["net_sales"]): [speech.money(value) for value in values],
    }
    best = max(range(len(names)), key=values.__getitem__, default=None)
    alt = (
        ""
        if best is None
        else speech(
            TEXTS["sales_alt"],
            first=labels[0],
            last=labels[-1],
            best=labels[best],
            value=speech.money(values[best]),
        )
    )
    return Chart(drawn, speech(TEXTS["sales_title"]), alt, table)


def _heatmap_alt(found: list[Cell], measure: Measure, name: str, speech: Speech) -> str:
    if not found:
        return speech(TEXTS["heatmap_empty"])
    best = max(found, key=lambda cell: _measured(cell, measure))
    first = [cell for cell in found if cell.period == 1]
    share = sum(cell.active for cell in first) / max(1, sum(cell.customers for cell in first))
    return speech(
        TEXTS["heatmap_alt"],
        measure=name,
        cohorts=len({cell.cohort for cell in found}),
        share=speech.percent(share),
        best=_said(_measured(best, measure), measure, speech),
        cohort=speech.month(best.cohort),
        period=best.period,
    )


def _measured(cell: Cell, measure: Measure) -> float:
    by_name: dict[str, Any] = {
        "share": cell.active / cell.customers if cell.customers else 0.0,
        "count": cell.active,
        "value": cell.value / 1000.0,
    }
    return float(by_name[measure])


def _said(value: float, measure: Measure, speech: Speech) -> str:
    return speech.percent(value) if measure == "share" else speech.number(value)


def _thousands(speech: Speech) -> str:
    return speech.money(1000)


def _later(cohort: str, months: int) -> str:
    year, month = (int(part) for part in cohort.split("-"))
    year, month = divmod(year * 12 + month - 1 + months, 12)
    return f"{year:04d}-{month + 1:02d}"


def _ends_a_month(day: dt.date) -> bool:
    return (day + dt.timedelta(days=1)).day == 1

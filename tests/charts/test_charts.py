"""Every chart in both languages: its numbers, its words, and that it is never color alone."""

from __future__ import annotations

import datetime as dt
import json
import re

import numpy as np
import pyarrow as pa
import pytest

from clv.charts import cohorts, forecasts, model
from clv.charts.chart import CONFIG
from clv.charts.forecasts import Month, PastForecast
from clv.models.segments import RFM_MAP
from clv.models.tracking import Tracking
from clv.periods import ObservationWindow
from clv.speech import LANGUAGES, TEXTS, Speech
from clv.tables import COHORTS

LAST_DAY = dt.date(2011, 3, 9)


def table():
    """Three cohorts of 100, 50 and 40 up to a March that is not over."""
    rows = []
    sizes = {"2010-12": (100, 4), "2011-01": (50, 3), "2011-02": (40, 2)}
    for cohort, (size, months) in sizes.items():
        for period in range(months):
            active = size if period == 0 else size // (2 + period)
            rows.append(
                {
                    "cohort": cohort,
                    "period": period,
                    "customers": size,
                    "active": active,
                    "orders": active,
                    "value": active * 100,
                }
            )
    return pa.Table.from_pylist(rows, COHORTS.schema)


def predictions():
    tiers = ["A"] * 2 + ["B"] * 3 + ["C"] * 5
    values = [900.0, 800.0, 300.0, 250.0, 200.0, 50.0, 40.0, 30.0, 20.0, 0.0]
    groups = ["lost"] * 8 + ["champions"] * 2
    return pa.table({"value_tier": tiers, "predicted_clv": values, "rfm_group": groups})


HELD = [PastForecast(dt.date(2010, 3, 1), 365, 120.0, 100.0)]
TRACKED = Tracking(
    np.arange(np.datetime64("2011-01-25"), np.datetime64("2011-03-10")),
    np.full(44, 10.0),
    np.repeat([8.0, 10.5, 12.0], [7, 28, 9]),
)
SEASON = model.Season(
    LAST_DAY, np.repeat([0.5, 1.5, 1.0], [22, 30, 313]), (0.9,) * 3 + (1.0,) * 8 + (1.3,)
)
MONTHS = [
    Month(days, value, (0.7 * value, 1.4 * value))
    for days, value in zip(
        ObservationWindow(LAST_DAY, dt.date(2011, 5, 31)).months, (30.0, 50.0, 40.0), strict=True
    )
]
DRAWN = {
    "heatmap_share": lambda say: cohorts.retention_heatmap(table(), LAST_DAY, "share", say),
    "heatmap_count": lambda say: cohorts.retention_heatmap(table(), LAST_DAY, "count", say),
    "heatmap_value": lambda say: cohorts.retention_heatmap(table(), LAST_DAY, "value", say),
    "curves": lambda say: cohorts.retention_curves(table(), LAST_DAY, say),
    "sales": lambda say: cohorts.sales_by_month(table(), LAST_DAY, say),
    "boxes": lambda say: forecasts.value_by_tier(predictions(), say),
    "shares": lambda say: forecasts.tier_shares(predictions(), say),
    "groups": lambda say: forecasts.rfm_groups(predictions(), say),
    "held": lambda say: forecasts.held_forecasts(HELD, say),
    "followed": lambda say: model.followed(TRACKED, say),
    "season": lambda say: model.season(SEASON, say),
    "months": lambda say: forecasts.month_by_month(MONTHS, say),
    "chance": lambda say: forecasts.chance_over_time({7: 0.1, 91: 0.5, 365: 0.999}, say),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", DRAWN)
def test_every_chart_has_a_title_words_and_a_table_in_both_languages(name, language):
    chart = DRAWN[name](Speech(language, "GBP"))

    assert chart.title
    assert re.search(r"\d", chart.alt), "the text alternative names no figure"
    assert chart.table
    assert len({len(column) for column in chart.table.values()}) == 1
    assert all(isinstance(cell, str) for column in chart.table.values() for cell in column)
    assert "{" not in chart.alt + chart.title
    json.loads(chart.figure.to_json())


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_chart_says_something_else_in_the_other_language(name):
    english, spanish = (DRAWN[name](Speech(language, "GBP")) for language in LANGUAGES)

    assert english.title != spanish.title
    assert english.alt != spanish.alt


@pytest.mark.parametrize("name", ["curves", "shares", "held", "followed", "season"])
def test_what_colors_tell_apart_dashes_patterns_or_markers_tell_too(name):
    traces = DRAWN[name](Speech("en")).figure.data
    looks = [
        trace.line.dash if trace.type == "scatter" else trace.marker.pattern.shape
        for trace in traces
    ]

    assert len(set(looks)) == len(looks)
    assert len({trace.name for trace in traces}) == len(traces)


def test_a_month_that_is_not_over_is_left_out_of_retention_and_hatched_in_sales():
    heatmap, sales = DRAWN["heatmap_share"](Speech("en")), DRAWN["sales"](Speech("en"))
    grid = heatmap.figure.data[0].z

    assert list(grid[0]) == [pytest.approx(0.33), pytest.approx(0.25)]
    assert next(iter(grid[1])) == pytest.approx(16 / 50)
    assert len(grid) == 2, "of the February cohort only an unfinished March follows"
    assert list(sales.figure.data[0].marker.pattern.shape) == ["", "", "", "/"]


def test_a_month_there_in_part_is_hatched_and_says_its_days():
    chart = DRAWN["months"](Speech("en", "GBP"))

    bars = chart.figure.data[0]
    assert chart.table["month"] == list(bars.x) == ["9–31 Mar 2011", "Apr 2011", "May 2011"]
    assert list(bars.marker.pattern.shape) == ["/", "", ""]
    assert list(bars.error_y.array) == pytest.approx([12, 20, 16])
    assert list(bars.error_y.arrayminus) == pytest.approx([9, 15, 12])
    assert chart.table["80% range"][1] == "£35 – £70"
    assert "most in Apr 2011: £50" in chart.alt


def test_months_without_ranges_are_drawn_without():
    chart = forecasts.month_by_month([month._replace(range=None) for month in MONTHS], Speech("en"))

    assert chart.figure.data[0].error_y.array is None
    assert set(chart.table["80% range"]) == {"–"}


def test_on_the_last_day_of_a_month_the_month_is_over():
    heatmap = cohorts.retention_heatmap(table(), dt.date(2011, 3, 31), "share", Speech("en"))

    assert len(heatmap.figure.data[0].z) == 3


def test_a_curve_is_the_share_of_all_its_cohorts_old_enough():
    curves = cohorts.retention_curves(table(), dt.date(2011, 3, 31), Speech("en"))
    opening, later = curves.figure.data

    assert list(opening.y) == pytest.approx([0.33, 0.25, 0.20])
    assert list(later.y) == pytest.approx([(16 + 13) / 90, 12 / 50])
    assert "log begins" in opening.name


def test_sales_of_a_month_are_those_of_every_cohort_in_it():
    sales = DRAWN["sales"](Speech("en"))

    assert list(sales.figure.data[0].y) == [
        10_000,
        3_300 + 5_000,
        2_500 + 1_600 + 4_000,
        2_000 + 1_200 + 1_300,
    ]


def test_no_whole_month_yet_is_an_empty_chart_that_says_so():
    young = table().slice(0, 1)

    chart = cohorts.retention_heatmap(young, dt.date(2010, 12, 20), "share", Speech("en"))
    assert chart.alt == TEXTS["heatmap_empty"].en
    cohorts.retention_curves(young, dt.date(2010, 12, 20), Speech("en"))
    cohorts.sales_by_month(young, dt.date(2010, 12, 20), Speech("en"))


def test_curves_of_expected_and_real_purchases_add_up_and_their_table_goes_by_month():
    drawn = DRAWN["followed"](Speech("en"))
    came, expected = drawn.figure.data

    assert came.y[-1] == 7 * 8 + 28 * 10.5 + 9 * 12
    assert list(np.diff(expected.y)) == [70] * 6
    assert drawn.table["what came"] == ["56", "294", "108"]
    assert drawn.table["what the model expects"] == ["70", "280", "90"]
    assert "Mar 2011: 108 came" in drawn.alt


def test_a_season_is_shown_beside_usual_by_day_and_by_month():
    drawn = DRAWN["season"](Speech("en"))
    rate, baskets = drawn.figure.data

    assert (rate.x[0], rate.y[0], baskets.y[0], len(rate.x)) == ("2011-03-10", 0.5, 0.9, 365)
    assert drawn.figure.layout.shapes[0].y0 == 1
    assert [column[:2] for column in drawn.table.values()] == [
        ["Mar 2011", "Apr 2011"],
        ["0.50", "1.50"],
        ["0.90", "1.00"],
    ]
    assert "how often they buy: highest in Apr 2011 with 1.50, lowest in Mar 2011" in drawn.alt
    assert "value of a purchase day: highest in Dec 2011 with 1.30" in drawn.alt


@pytest.mark.parametrize("known", ["rate", "baskets"])
def test_a_season_of_one_kind_is_one_line(known):
    gone = {"rate": "baskets", "baskets": "rate"}[known]
    drawn = model.season(SEASON._replace(**{gone: None}), Speech("es"))

    assert [line.name for line in drawn.figure.data] == [Speech("es")(f"season_{known}")]
    assert len(drawn.table) == 2


def test_how_far_a_forecast_was_off_bears_the_sign_its_heading_speaks_of():
    drawn = forecasts.held_forecasts(HELD, Speech("en"))

    assert drawn.table["forecast too high (+) or too low (−)"] == ["+20%"]


def test_no_chart_offers_to_send_the_data_away():
    drawn = DRAWN["curves"](Speech("en")).as_html("chart")

    assert CONFIG["showSendToCloud"] is False
    assert '"showSendToCloud": false' in drawn


def test_groups_hold_every_customer_and_all_that_is_expected_the_best_first():
    tiers = DRAWN["shares"](Speech("en", "GBP")).table
    groups = DRAWN["groups"](Speech("en", "GBP")).table

    assert tiers["customers"] == ["2", "3", "5"]
    assert tiers["expected value"] == ["£1,700", "£750", "£140"]
    assert tiers["of customers"] == ["20.0%", "30.0%", "50.0%"]
    assert tiers["of expected value"] == ["65.6%", "29.0%", "5.4%"]
    assert (tiers["lowest forecast"][0], tiers["highest forecast"][2]) == ("£800", "£50")
    assert groups["RFM group"] == ["Lost", "Champions"]
    assert groups["customers"] == ["8", "2"]
    assert groups["expected of each"] == ["£321", "£10"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_tier_and_group_has_a_name(language):
    groups = {Speech(language)(f"rfm_{group}") for group in RFM_MAP.ravel().tolist()}

    assert len(groups) == 11
    assert len({Speech(language)(f"tier_{tier}") for tier in "ABC"}) == 3

"""The questions about the shop as a whole, against sums of the files done another way."""

from __future__ import annotations

import copy
import csv
import dataclasses
import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from runs import run_all

from clv.charts.forecasts import PastForecast
from clv.models.correction import Correction, Trial
from clv.models.features import Shop
from clv.models.gamma_gamma import Dependence, GammaGamma, GammaGammaByFrequency
from clv.models.lifetime_value import MeanSpend
from clv.models.seasonal_pareto_nbd import SeasonalParetoNBD
from clv.models.xgb_survival import XGBSurvival
from clv.narrative import Narrative
from clv.overview import Overview
from clv.periods import ObservationWindow
from clv.report import page
from clv.service import Question, Service
from clv.speech import Speech
from clv.store import workspace as files
from clv.store.workspace import Workspace


@pytest.fixture(scope="module")
def overview(finished):
    workspace = Workspace(finished.root)
    return Overview.open(workspace, Service.open(workspace))


def test_the_ladder_adds_up_from_the_raw_log_to_net_sales(overview, finished):
    last = overview.service.as_of
    read = Decimal(0)
    with finished.log.open() as file:
        for line in csv.DictReader(file):
            day = dt.datetime.fromisoformat(line["InvoiceDate"]).date()
            if last - dt.timedelta(days=365) < day <= last:
                read += Decimal(line["Quantity"]) * Decimal(line["Price"])
    ladder = overview.ladder

    assert ladder.read == pytest.approx(read, abs=Decimal("0.001"))
    assert ladder.read + sum(ladder.steps.values()) == ladder.net
    assert ladder.net > 0


def test_net_sales_are_what_the_cohorts_hold_for_the_whole_months_of_the_year(overview):
    """By another road: the cohorts count purchase days, the ladder counts lines."""
    service = overview.service
    spent = sum(row["value"] for row in overview.cohorts.to_pylist())

    assert float(spent) == pytest.approx(sum(service.summary.column("historic_clv")))
    assert float(overview.ladder.net) <= float(spent)


@pytest.mark.parametrize(
    ("days", "language", "said"),
    [
        (180, "en", "No backtest speaks for this forecast: the log is too short for one."),
        (180, "es", "es demasiado corto para hacerla."),
        (700, "en", "No backtest speaks for this forecast. Treat it as a first guess."),
        (700, "es", "respalda este pronóstico. Tómelo"),
    ],
)
def test_a_log_is_said_to_be_too_short_for_a_backtest_only_where_it_is(
    overview, days, language, said
):
    end = dt.date(2024, 12, 31)
    service = copy.copy(overview.service)
    window = ObservationWindow(end - dt.timedelta(days=days - 1), end)
    service.summary = SimpleNamespace(window=window)
    shop = dataclasses.replace(overview, service=service, past=(), matured=[])

    (only,) = Narrative(shop, Speech(language)).how_far_off

    assert said in only


@pytest.mark.parametrize(
    ("validated", "said"),
    [
        ("checked_once", "by the model and its misses at earlier dates."),
        ("extrapolated", "by the model, which was not checked this far ahead at any earlier date."),
    ],
)
def test_a_range_rests_on_earlier_misses_only_where_there_are_any(overview, validated, said):
    service = copy.copy(overview.service)
    service.terms = dataclasses.replace(service.terms, horizon_validated=validated)
    shop = dataclasses.replace(overview, service=service)

    assert Narrative(shop, Speech("en")).how_wide.endswith(said)


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ((120.0, 130.0, 140.0), {"Each time it was too high: this one likely is too."}),
        ((80.0, 90.0, 95.0), {"Each time it was too low: this one likely is too."}),
        ((80.0, 90.0, 140.0), set()),
    ],
)
def test_totals_that_missed_the_same_way_each_time_are_said_to(overview, expected, said):
    past = tuple(
        PastForecast(dt.date(2024, month, 1), 91, total, 100.0)
        for month, total in enumerate(expected, 1)
    )
    told = Narrative(dataclasses.replace(overview, past=past), Speech("en")).how_far_off

    assert {sentence for sentence in told if sentence.startswith("Each time")} == said


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_is_expected_of_all_lies_in_a_range_that_is_said(overview, language):
    lower, upper = overview.service.expected_range
    speech = Speech(language, "GBP")

    words = Narrative(overview, speech).how_wide

    everybody = overview.service.ranges(np.ones((1, overview.table.num_rows), dtype=bool))
    assert (lower, upper) == pytest.approx((everybody.lower[0], everybody.upper[0]))
    assert 0 < lower < overview.expected < upper
    assert all(speech.rough(end) in words for end in (lower, upper))


def test_on_how_few_customers_the_forecast_rests_is_counted_and_said(overview):
    values = sorted(overview.table["predicted_clv"].to_pylist(), reverse=True)
    running, count = 0.0, 0
    while running < sum(values) / 2:
        running, count = running + values[count], count + 1
    words = Narrative(overview, Speech("en")).half

    assert overview.carried_by == (count, pytest.approx(values[0] / sum(values)))
    assert f" {count} of {len(values)} customers" in words


@pytest.mark.parametrize(("by", "first"), [("value_tier", "A: first half"), ("cohort", "Dec 2009")])
def test_every_group_has_its_total_with_a_range_of_its_own(overview, by, first):
    rows, totals = overview.table.to_pylist(), overview.totals[by]
    own = [row["predicted_clv"] for row in rows if row[by] == totals[0].name]

    assert (totals[0].customers, totals[0].expected) == (len(own), pytest.approx(sum(own)))
    assert sum(total.customers for total in totals) == len(rows)
    wide = [total.range for total in totals if total.customers > 1]
    assert all(0 <= low < high for low, high in wide)
    # Parts are each less sure than the whole, as shares of what is expected.
    lower, upper = overview.service.expected_range
    assert sum(low for low, _ in wide) < lower < upper < sum(high for _, high in wide)
    said = Narrative(overview, Speech("en", "GBP")).totals(by)
    low, high = map(Speech("en", "GBP").rough, totals[0].range)
    assert [column[0] for column in said.values()][::3] == [first, f"{low} – {high}"]


def test_without_a_posterior_totals_have_no_range(overview):
    service = copy.copy(overview.service)
    service.model = dataclasses.replace(service.model, posterior=None)
    bare = dataclasses.replace(overview, service=service)

    assert {total.range for total in bare.totals["value_tier"]} == {None}
    assert set(Narrative(bare, Speech("en")).totals("value_tier")["80% range"]) == {"–"}
    assert {month.range for month in bare.months} == {None}
    assert sum(month.expected for month in bare.months) == pytest.approx(bare.expected)


def test_months_add_up_to_what_is_expected_and_each_has_its_range(overview):
    months = overview.months
    horizon = overview.service.summary.window.holdout(overview.service.terms.horizon_days)

    days = [month.days for month in months]
    assert (days[0].start, days[-1].end) == (horizon.start, horizon.end)
    assert sum(month.expected for month in months) == pytest.approx(overview.expected)
    assert all(month.range[0] < month.expected < month.range[1] for month in months)
    lower, upper = (sum(end) for end in zip(*(month.range for month in months), strict=True))
    assert lower < overview.service.expected_range[0]
    assert overview.service.expected_range[1] < upper


def test_a_margin_counts_in_every_month(overview):
    service = copy.copy(overview.service)
    service.terms = dataclasses.replace(service.terms, margin=0.5)

    (_, halved), (_, found) = service.months(), overview.service.months()

    assert np.array(halved) == pytest.approx(0.5 * np.array(found))


@pytest.mark.parametrize(
    ("drift", "words"),
    [
        ((-0.12,), "fell by 11.3% a year up to "),
        ((0.05,), "rose by 5.1% a year up to "),
        ((), "knows no rise or fall"),
    ],
)
def test_the_level_of_the_shop_is_said_to_rise_fall_or_stay(overview, drift, words):
    shop = with_parts(overview, purchases=drifting(overview, drift))

    assert words in Narrative(shop, Speech("en")).level


def drifting(overview, drift):
    fitted = overview.service.model.purchases
    assert isinstance(fitted, SeasonalParetoNBD)
    season = dataclasses.replace(fitted.season, coefficients=fitted.season.coefficients[:8] + drift)
    return dataclasses.replace(fitted, season=season)


def test_the_season_shown_is_the_one_the_forecast_goes_by_and_none_where_there_is_none(overview):
    model, last = overview.service.model, overview.service.as_of

    shown = overview.season

    log = model.purchases.season.log_multiplier(last.toordinal() + 1, 365)
    assert np.array_equal(shown.rate, np.exp(log))
    assert np.ptp(shown.rate) > 0
    assert (shown.last, shown.baskets) == (last, model.spend.season)
    flat = dataclasses.replace(model.purchases.season, coefficients=())
    calm = dataclasses.replace(model.purchases, season=flat)
    alike = dataclasses.replace(model.spend, season=None)
    assert with_parts(overview, purchases=calm, spend=alike).season is None


def test_who_answers_since_when_and_what_the_backtest_found_is_said(overview, finished):
    review = Workspace(finished.root).read_json(files.REVIEW)
    english, spanish = (Narrative(overview, Speech(language)) for language in ("en", "es"))

    assert overview.service.terms.model_version in english.who_answers
    assert Speech("es").date(overview.service.as_of) in spanish.who_answers
    written = [f"{one['found']} {one['advice']}".strip() for one in review["findings"]]
    assert english.findings == written
    assert not set(spanish.findings) & set(written)


def test_a_list_is_worth_what_the_service_says_of_each_of_its_customers(overview):
    for ready in overview.ready_lists:
        rows = overview.export(ready).to_pylist()
        ids = [row["customer_id"] for row in rows]
        soon = overview.service.customers(ids, Question(horizon_days=91))

        assert ready.customers == len(rows)
        assert ready.expected_soon == pytest.approx(sum(a.row["predicted_clv"] for a in soon))
        assert ready.at_stake == pytest.approx(sum(row["predicted_clv"] for row in rows))


def test_an_export_marks_a_fifth_as_control_with_the_seed_that_drew_it(overview):
    ready = max(overview.ready_lists, key=lambda ready: ready.customers)
    rows = overview.export(ready).to_pylist()
    controls = [row for row in rows if row["group"] == "control"]

    assert len(controls) == len(rows) // 5
    assert {row["group"] for row in rows} == {"contact", "control"}
    assert {row["control_seed"] for row in rows} == {int(f"{overview.service.as_of:%Y%m%d}")}
    assert overview.export(ready).equals(overview.export(ready))


def test_past_forecasts_say_what_the_backtest_says(overview, finished):
    biases = {
        record["cut"]: record["value"]
        for record in finished.outcome.backtest
        if (record["role"], record["target"], record["metric"]) == ("chosen", "net_cash", "bias")
        and record["horizon_days"] == 365
    }

    assert {past.cut.isoformat(): past.bias for past in overview.past} == pytest.approx(biases)
    assert overview.past
    # The same of the horizon that was tried at more dates, with ranges.
    totals = {
        record["cut"]: (record["value"], record["lower"], record["upper"])
        for record in finished.outcome.backtest
        if (record["role"], record["target"], record["metric"]) == ("chosen", "net_cash", "total")
        and record["horizon_days"] == 182
    }
    oftener = {past.cut.isoformat(): (past.expected, *past.range) for past in overview.oftener}
    assert oftener == {cut: pytest.approx(total) for cut, total in totals.items()}
    assert len(oftener) == 7


def test_the_chance_of_an_order_is_that_of_the_table_and_grows_with_time(overview):
    service = overview.service
    row = service.table.slice(3, 1).to_pylist()[0]

    chances = service.chance_of_order(row["customer_id"], [7, 91, row["horizon_days"]])

    assert chances == sorted(chances)
    assert chances[-1] == pytest.approx(row["p_purchase_in_horizon"])


@pytest.mark.parametrize(
    ("model", "dependence", "words"),
    [
        (GammaGammaByFrequency, Dependence(0.18, 0.12, 1e-9), ("8.7% more", "goes by it", "< 1%")),
        (GammaGamma, Dependence(0.18, 0.12, 1e-9), ("8.7% more", "leaves it out", "0.18")),
        (GammaGamma, Dependence(-0.2, -0.12, 0.04), ("8.0% less", "leaves it out", "4%")),
        (GammaGamma, Dependence(0.04, 0.01, 0.3), ("told from chance", "0.04", "30%")),
    ],
)
def test_what_spend_has_to_do_with_frequency_is_said_with_its_figures(
    overview, model, dependence, words
):
    fitted = overview.service.model.spend
    shop = with_parts(overview, spend=model(fitted.params, fitted.report, dependence))

    told = Narrative(shop, Speech("en", "GBP")).spend_by_frequency

    assert all(word in told for word in words)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "usual in October (+7%) and November (+12%);"),
        ("es", "habitual en octubre (+7\xa0%) y noviembre (+12\xa0%);"),
    ],
)
def test_the_months_of_larger_baskets_are_named_and_no_others(overview, language, words):
    season = (0.96, *(0.99,) * 7, 1.019, 1.07, 1.12, 1.0)
    fitted = dataclasses.replace(overview.service.model.spend, season=season)

    assert words in Narrative(with_parts(overview, spend=fitted), Speech(language)).spend_season
    for level in (None, (1.0,) * 12):
        shop = with_parts(overview, spend=dataclasses.replace(fitted, season=level))
        assert Narrative(shop, Speech(language)).spend_season is None


def test_nothing_is_said_of_frequency_where_all_spend_the_same(overview):
    shop = with_parts(overview, spend=MeanSpend(9.99, why=""))

    assert Narrative(shop, Speech("en")).spend_by_frequency is None
    assert Narrative(shop, Speech("en")).spend_season is None


@pytest.mark.parametrize(
    ("strength", "worth", "words"),
    [
        (0.5, (2, -0.0087), ("correct", "dates (2)", "by -0.9%")),
        (0.5, (1, 0.011), ("correct", "dates (1)", "by +1.1%")),
        (1.0, None, ("correct", "dates (6)", "none since")),
        (0.0, None, ("did not clearly help", "dates (6)", "the model's own")),
        (0.0, (2, 0.02), ("kept off", "dates (2)", "by +2.0%", "less error is better")),
    ],
)
def test_whether_trees_correct_the_chances_is_said_with_what_it_was_worth(
    overview, strength, worth, words
):
    trials = (Trial(0.5, 0.01, 0.001, 6),)
    survival = XGBSurvival(Correction(Shop(91, 0.01, 500.0), strength, trials, None))
    shop = dataclasses.replace(with_parts(overview, survival=survival), trees=worth)

    told = Narrative(shop, Speech("en")).trees

    assert all(word in told for word in words)


def test_nothing_is_said_of_trees_where_they_could_not_be_tried(overview):
    shop = with_parts(overview, survival=None)

    assert Narrative(shop, Speech("en")).trees is None


def test_nothing_is_said_of_events_where_the_shop_named_none(overview):
    assert Narrative(overview, Speech("en")).events is None


def with_parts(overview, **parts):
    service = copy.copy(overview.service)
    service.model = dataclasses.replace(service.model, **parts)
    return dataclasses.replace(overview, service=service)


def test_a_shop_that_counts_goods_before_returns_says_so(shop_log, tmp_path):
    run_all(tmp_path, shop_log, basis="gross", goods_only=True)
    workspace = Workspace(tmp_path)
    gross = Overview.open(workspace, Service.open(workspace))

    assert "returned" not in gross.ladder.steps
    assert gross.ladder.steps["not_goods"] < 0
    for language, name in (("en", "sales before returns"), ("es", "ventas antes de devoluciones")):
        told = Narrative(gross, Speech(language, "GBP"))
        assert next(iter(told.ladder.values()))[-1] == name
        assert name.split()[-1] in told.value_definition
    assert "<main" in page(gross)

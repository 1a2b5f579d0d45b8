"""The season of baskets in the forecast: of whole shops with and without one, and by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest
from models.shops import START, autumn, of_each, shop

from clv.data import engine, summarize
from clv.models.lifetime_value import LifetimeValue
from clv.numerics.predictive import Shock
from clv.numerics.tweedie import unit_deviance

TWICE = (2.0,) * 12
TODAY, HORIZON = 730, 91
# December 2021 is the last month known; what is asked about is January to March.
DEAR_WINTER = np.where(np.isin(np.arange(12), [0, 1, 2]), 1.3, 0.9)


def month(day):
    return (np.datetime64(START, "D") + day).astype("datetime64[M]").astype(int) % 12


def known(seed, season, days=TODAY, **how):
    """What is known of a shop whose values follow a season, and what the ETL makes of it."""
    log = shop(seed, days=days, followed=HORIZON, **how)
    log = dataclasses.replace(log, value=log.value * season[month(log.day)])
    return log, log.at(days, HORIZON)


def with_season(log, before, folder):
    """The summary with the season of its own purchase days."""
    summary, days = before.summary, before.summary.window.days
    seen = log.day <= days
    who, value, of_month = (of[seen] for of in (log.customer, log.value, month(log.day)))
    made = pa.table(
        {
            "customer_id": pa.array(who.astype(str)),
            "date": pa.array(np.datetime64(START, "D") + log.day[seen]),
            "gross_value": pa.array(value.round(4)).cast(pa.decimal128(18, 4)),
        }
    )
    with engine.connect(folder) as connection:
        season = summarize.spend_season(engine.hold(connection, made), summary.window)
    if season is None:
        return summary
    gross = np.bincount(who, value)
    level = np.bincount(who, value / np.array(season)[of_month])
    here = np.flatnonzero(gross)
    return in_season(summary, season, gross[here] / level[here])


def in_season(summary, season, of_days):
    place = summary.table.column_names.index("season_of_days")
    table = summary.table.set_column(place, "season_of_days", pa.array(of_days))
    return dataclasses.replace(summary, table=table, spend_season=season)


def misses(model, summary, later):
    value = model.expected_value(summary, HORIZON)
    deviance = unit_deviance(later, np.maximum(value, 1e-3 * later.mean())).mean()
    return value.sum() / later.sum() - 1, deviance


@pytest.mark.parametrize("days", [365, 730])
def test_where_baskets_have_a_season_the_forecast_is_nearer(days, tmp_path):
    log, before = known(1, DEAR_WINTER, days)
    summary = with_season(log, before, tmp_path)
    plain = LifetimeValue.fit(before.summary, "pareto-nbd")
    seasonal = plain.with_spend(summary, plain.spend.name)

    (bias, deviance), (other_bias, other_deviance) = (
        misses(model, summary, before.later_value) for model in (plain, seasonal)
    )

    assert bias + 0.08 < other_bias < 0.08
    assert bias < -0.15
    assert other_deviance < 0.99 * deviance


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("how", [{"days": 365}, {}, {"level": autumn}, {"customers": 300}])
def test_where_they_have_none_nothing_changes(seed, how, tmp_path):
    log, before = known(seed, np.ones(12), **how)

    assert with_season(log, before, tmp_path) == before.summary


@pytest.fixture(scope="module")
def summary():
    return shop(2, customers=400).at(TODAY).summary


@pytest.fixture(scope="module")
def plain(summary):
    return LifetimeValue.fit(summary, "pareto-nbd").with_posterior(summary)


def test_a_season_that_is_the_same_in_every_month_is_none(plain, summary):
    other = in_season(summary, TWICE, np.full(len(summary), 2.0))
    model = plain.with_spend(other, plain.spend.name).with_posterior(other)

    for days in (91, 1826):
        expected = plain.expected_value(summary, days)
        assert model.expected_value(other, days) == pytest.approx(expected, rel=1e-6)
    drawn, expected = (
        of_each(own, of, 91, level=0.8, shock=Shock(0.1, 5.0))
        for own, of in ((model, other), (plain, summary))
    )
    for part, before in zip(drawn, expected, strict=True):
        assert part == pytest.approx(before, rel=0.02, abs=0.01)


def test_medians_and_ranges_have_the_season_ahead_as_expectations_have(plain, summary):
    twice = dataclasses.replace(plain, spend=dataclasses.replace(plain.spend, season=TWICE))

    drawn, before = (
        of_each(model, summary, 91, level=0.8, shock=Shock(0.1, 5.0)) for model in (twice, plain)
    )

    for part, own in zip(drawn, before, strict=True):
        assert part == pytest.approx(2 * own)
    assert twice.expected_value(summary, 91) == pytest.approx(2 * plain.expected_value(summary, 91))


def test_months_ahead_count_by_the_purchases_expected_in_them(plain, summary):
    season = tuple(1 + month / 10 for month in range(12))
    level = dataclasses.replace(plain, spend=dataclasses.replace(plain.spend, season=season))
    assert summary.window.end == dt.date(2021, 12, 31)
    assert plain.season_ahead(summary, 31) == 1
    assert level.season_ahead(summary, 31) == pytest.approx(1.0)
    assert level.season_ahead(summary, 59) == pytest.approx((31 * 1.0 + 28 * 1.1) / 59)

    log = shop(2, customers=400, level=autumn)
    busy = log.at(TODAY).summary
    model = LifetimeValue.fit(busy, "seasonal-pareto-nbd")
    model = dataclasses.replace(model, spend=dataclasses.replace(model.spend, season=season))
    days = [busy.window.end + dt.timedelta(days=ahead) for ahead in range(1, 366)]
    rates = np.exp([model.purchases.season.log_multiplier(day.toordinal(), 1)[0] for day in days])
    of_day = [season[day.month - 1] for day in days]
    by_hand = sum(rates * of_day) / sum(rates)
    assert model.season_ahead(busy, 365) == pytest.approx(by_hand)
    assert by_hand > np.mean(of_day) + 0.05


def test_a_model_that_knows_no_season_takes_values_as_they_are(plain, summary):
    other = in_season(summary, TWICE, np.full(len(summary), 2.0))

    assert np.array_equal(plain.expected_value(other, 91), plain.expected_value(summary, 91))


def test_a_customer_of_unknown_days_counts_as_one_of_no_season(plain, summary):
    model = plain.with_spend(in_season(summary, TWICE, np.ones(len(summary))), plain.spend.name)
    nobody = in_season(summary, TWICE, pa.nulls(len(summary), pa.float64()))

    assert model.expected_value(nobody, 91) == pytest.approx(2 * plain.expected_value(summary, 91))


def test_a_model_with_a_season_reads_back_from_plain_json(plain, summary):
    other = in_season(summary, TWICE, np.full(len(summary), 2.0))
    model = plain.with_spend(other, plain.spend.name)

    assert LifetimeValue.from_dict(json.loads(json.dumps(model.to_dict()))) == model
    assert model.spend.season == TWICE

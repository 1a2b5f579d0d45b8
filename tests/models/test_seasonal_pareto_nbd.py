import datetime as dt
import json

import numpy as np
import pytest

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
from clv.models.pareto_nbd import ParetoNBD
from clv.models.seasonal_pareto_nbd import DriftingParetoNBD, SeasonalParetoNBD
from clv.models.yearly_season import YearlySeason
from clv.periods import ObservationWindow

START = dt.date(2020, 1, 1)
DAYS, FOLLOWED = 1096, 365


def season_of(day):
    """Three times as busy in November as in May."""
    return np.exp(0.55 * np.cos(2 * np.pi * (day - 320) / 365.25))


def shop(customers=3000, *, seed=1, spread=1000, opening=0.0, season=season_of):
    """Who bought on which day after their first, of customers begun on one of ``spread`` days."""
    rng = np.random.default_rng(seed)
    born = rng.integers(0, spread, customers)
    rate = rng.gamma(0.7, np.exp(opening * (born < 30)) / 70)
    lifetime = rng.exponential(1 / rng.gamma(1.5, 1 / 500, customers))
    days = np.arange(1, DAYS + FOLLOWED + 1)
    lives = (days > born[:, None]) & (days <= (born + lifetime)[:, None])
    return born, rng.random(lives.shape) < (1 - np.exp(-rate[:, None] * season(days))) * lives


def known(made, today=DAYS):
    """The summary of a shop at the end of day ``today``, and the purchases of the year after."""
    born, bought = made
    here = born <= today
    seen = bought[here, :today]
    x = seen.sum(axis=1)
    last = np.where(x > 0, today - np.argmax(seen[:, ::-1], axis=1), born[here])
    summary = CustomerSummary.from_arrays(
        ObservationWindow(START, START + dt.timedelta(days=today)),
        purchases_by_day=tuple(seen.sum(axis=0).tolist()),
        frequency=x,
        recency=(last - born[here]).astype(float),
        age=(today - born[here]).astype(float),
    )
    return summary, bought[here, today : today + FOLLOWED]


SHOP = shop(opening=1.0)
SUMMARY, FOLLOWING = known(SHOP)
MODEL = SeasonalParetoNBD.fit(SUMMARY)


def test_the_season_of_a_simulated_shop_is_found():
    found = np.exp(MODEL.season.log_multiplier(START.toordinal(), 365))
    truth = season_of(np.arange(365))

    assert np.corrcoef(found, truth / truth.mean())[0, 1] > 0.97
    assert found.max() / found.min() == pytest.approx(truth.max() / truth.min(), rel=0.25)


def test_the_opening_cohort_of_a_simulated_shop_is_found():
    among_all = SeasonalParetoNBD.fit(known(shop(seed=2))[0]).opening

    assert 0.6 < MODEL.opening.purchase < 1.5
    assert abs(among_all.purchase) < 0.5


@pytest.mark.parametrize(("model", "holds"), [(SeasonalParetoNBD, True), (ParetoNBD, False)])
def test_the_busy_weeks_ahead_are_foreseen_by_the_season_alone(model, holds):
    today = DAYS - 100
    summary, following = known(SHOP, today)
    expected = model.fit(summary).expected_transactions(summary, 91).sum()

    assert (expected == pytest.approx(following[:, :91].sum(), rel=0.15)) == holds


@pytest.mark.parametrize("seed", [1, 2])
def test_a_season_of_two_weeks_is_fitted_like_any_other(seed):
    """It takes the most nodes of all."""

    def christmas(day):
        return np.exp(1.6 * np.exp(-(((day % 365.25 - 345) / 12) ** 2)))

    fitted = SeasonalParetoNBD.fit(known(shop(900, seed=seed, season=christmas))[0])
    found = fitted.season.log_multiplier(START.toordinal(), 365)

    assert 300 < found.argmax() < 365
    assert found.max() - found.min() > 0.7


def test_without_a_season_none_is_made_up():
    quiet = known(shop(seed=3, season=lambda day: np.ones(np.shape(day))))
    found = np.exp(SeasonalParetoNBD.fit(quiet[0]).season.log_multiplier(START.toordinal(), 365))

    assert np.abs(found - 1).max() < 0.25


@pytest.mark.parametrize(
    ("made", "today", "parts"),
    [
        (shop(1200, spread=60), DAYS, 4),  # all began together: age and calendar are one
        (shop(1200, spread=300), 330, 6),  # less than a year: an opening, no season
        (shop(1200), DAYS, 14),
    ],
)
def test_what_a_log_cannot_show_is_not_looked_for(made, today, parts):
    summary, _ = known(made, today)
    model = SeasonalParetoNBD.fit(summary)
    plain = ParetoNBD.fit(summary)

    assert len(model.report.standard_errors or range(parts)) == parts
    if parts == 4:
        assert model.params == pytest.approx(plain.params, rel=1e-9)
        assert model.expected_transactions(summary, 365) == pytest.approx(
            plain.expected_transactions(summary, 365), rel=1e-6
        )


def test_beyond_the_log_a_season_is_shrunk_by_the_years_that_have_shown_it():
    seen = YearlySeason((0.5, *[0.0] * 7), dt.date(2020, 1, 1), dt.date(2021, 6, 30))

    def kept(day):
        full = YearlySeason(seen.coefficients, day, day)
        return np.divide(*(one.log_multiplier(day.toordinal(), 1)[0] for one in (seen, full)))

    assert kept(dt.date(2021, 3, 1)) == 1
    assert kept(dt.date(2022, 3, 1)) == pytest.approx(2 * 0.09 / (2 * 0.09 + 0.0225))
    assert kept(dt.date(2021, 10, 1)) == pytest.approx(0.09 / (0.09 + 0.0225))
    short = YearlySeason(seen.coefficients, dt.date(2020, 1, 1), dt.date(2020, 6, 30))
    assert short.log_multiplier(dt.date(2020, 10, 1).toordinal(), 1)[0] == 0


def test_later_days_change_nothing_of_what_was_known_before():
    summary, _ = known(SHOP, 700)
    born, bought = SHOP
    changed = bought.copy()
    changed[:, 700:] = ~changed[:, 700:]

    assert SeasonalParetoNBD.fit(summary) == SeasonalParetoNBD.fit(known((born, changed), 700)[0])


def test_customers_from_before_the_log_are_answered_as_those_of_its_first_day():
    window = SUMMARY.window
    ages = np.array([window.days, window.days + 500, 9000], dtype=float)
    old = CustomerSummary.from_arrays(window, frequency=[0] * 3, recency=[0.0] * 3, age=ages)

    assert np.all(np.diff(MODEL.expected_transactions(old, 365)) < 0)
    assert np.all(np.diff(MODEL.p_alive(old)) < 0)


def test_purchases_of_each_day_have_to_be_known():
    columns = {name: SUMMARY.column(name) for name in ("frequency", "recency", "age")}

    with pytest.raises(NotEnoughData, match="repeat purchases fell on each day"):
        SeasonalParetoNBD.fit(CustomerSummary.from_arrays(SUMMARY.window, **columns))


def test_a_model_reads_back_from_plain_json_as_the_same_value():
    assert SeasonalParetoNBD.from_dict(json.loads(json.dumps(MODEL.to_dict()))) == MODEL


def test_a_drift_ends_with_the_log_and_is_asked_of_two_years_at_least():
    end = SUMMARY.window.end.toordinal()
    season = YearlySeason((*[0.0] * 8, 0.3), START, SUMMARY.window.end)

    found = season.log_multiplier(end - 365, 2 * 365)
    assert found[[0, 365, 729]] == pytest.approx([-0.3, 0.0, 0.0], abs=1e-3)
    with pytest.raises(NotEnoughData, match="728 are the least"):
        DriftingParetoNBD.fit(known(SHOP, 700)[0])


def test_draws_of_a_drifting_level_spread_around_the_fitted_one():
    model = DriftingParetoNBD.fit(SUMMARY)
    drawn = model.draw_params(SUMMARY, count=200, seed=1).points[:, -1]

    error = model.report.standard_errors["drift"]
    assert drawn.mean() == pytest.approx(model.season.drift, abs=error / 2)
    assert drawn.std() == pytest.approx(error, rel=0.25)

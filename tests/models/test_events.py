"""Days unlike others: found in simulated shops, foreseen where planned, left out where unknown."""

import dataclasses
import datetime as dt
import json

import numpy as np
import pytest
from models.shops import START, shop

from clv.models.seasonal_pareto_nbd import DriftingParetoNBD, SeasonalParetoNBD
from clv.periods import Event

DAYS, LENGTH, HORIZON = 730, 5, 91
SEEN, PLANNED = (60, 240, 425, 605, 700), 760


def doubled(*begins):
    """Twice as busy on the days of campaigns that begin then."""
    days = np.concatenate([begin + np.arange(LENGTH) for begin in begins])
    return lambda day: 1.0 + np.isin(day, days)


def campaign(begin, *, name="black friday", known_from=None):
    first = START + dt.timedelta(days=begin)
    last = first + dt.timedelta(days=LENGTH - 1)
    return Event(name, first, last, known_from and START + dt.timedelta(days=known_from))


def known(level, *calendar, days=DAYS):
    found = shop(4, days=days, level=level).at(days, HORIZON)
    return dataclasses.replace(found.summary, calendar=calendar), found.later.sum()


CALENDAR = tuple(map(campaign, SEEN))
SUMMARY, WITHOUT = known(doubled(*SEEN), *CALENDAR)
MODEL = SeasonalParetoNBD.fit(SUMMARY)


def effect(model):
    (found,) = model.season.events.effects
    return found, model.report.standard_errors["event_black friday"]


@pytest.mark.parametrize("kind", [SeasonalParetoNBD, DriftingParetoNBD])
def test_a_doubled_rate_on_campaign_days_is_found_within_its_error(kind):
    found, error = effect(kind.fit(SUMMARY))

    assert error < 0.1
    assert found == pytest.approx(np.log(2), abs=3 * error)


def test_days_of_no_campaign_show_none():
    found, error = effect(SeasonalParetoNBD.fit(known(doubled(1900), *CALENDAR)[0]))

    assert found == pytest.approx(0.0, abs=3 * error)


def test_totals_ahead_are_right_with_a_planned_campaign_and_without():
    planned, with_one = known(doubled(*SEEN, PLANNED), *CALENDAR, campaign(PLANNED))
    model = SeasonalParetoNBD.fit(planned)
    usual, lifted = (one.expected_transactions(planned, HORIZON).sum() for one in (MODEL, model))

    assert usual == pytest.approx(WITHOUT, rel=0.08)
    assert lifted == pytest.approx(with_one, rel=0.08)
    assert lifted - usual == pytest.approx(with_one - WITHOUT, abs=25)
    assert lifted / usual == pytest.approx(1 + LENGTH / HORIZON, rel=0.01)
    assert model.rate_ahead(planned.window.end, HORIZON)[PLANNED - DAYS - 1] == pytest.approx(
        2 * MODEL.rate_ahead(planned.window.end, HORIZON)[PLANNED - DAYS - 1], rel=0.15
    )


def test_without_a_calendar_or_of_names_never_seen_the_fit_is_the_same_to_the_bit():
    plain = dataclasses.replace(SUMMARY, calendar=None)
    unseen = dataclasses.replace(SUMMARY, calendar=(campaign(PLANNED), campaign(-90)))

    assert SeasonalParetoNBD.fit(plain) == SeasonalParetoNBD.fit(unseen)
    assert SeasonalParetoNBD.fit(plain).season.events.effects == ()


def test_plans_made_known_later_change_nothing_before():
    late = (campaign(300, name="sale", known_from=731), campaign(PLANNED, known_from=731))
    told = (campaign(300, name="sale", known_from=730), campaign(PLANNED, known_from=730))

    assert SeasonalParetoNBD.fit(dataclasses.replace(SUMMARY, calendar=(*CALENDAR, *late))) == MODEL
    other = SeasonalParetoNBD.fit(dataclasses.replace(SUMMARY, calendar=(*CALENDAR, *told)))
    assert other.season.events.names == ["black friday", "sale"]


def test_a_log_shorter_than_a_year_shows_events_without_a_season():
    model = SeasonalParetoNBD.fit(known(doubled(60, 240), *CALENDAR[:2], days=300)[0])

    assert model.season.coefficients == ()
    found, error = effect(model)
    assert found == pytest.approx(np.log(2), abs=3 * error)


@pytest.mark.parametrize("why", ["all began together", "more days with than without"])
def test_what_a_log_cannot_show_is_not_looked_for(why):
    summary = SUMMARY
    if why == "all began together":
        born = summary.window.days - summary.column("age")
        table = summary.table.filter(born < 100)
        summary = dataclasses.replace(summary, table=table)
    else:
        wide = Event("summer", START, START + dt.timedelta(days=DAYS // 2 + 1))
        summary = dataclasses.replace(summary, calendar=(*CALENDAR, wide))

    assert SeasonalParetoNBD.fit(summary).season.events.effects == ()


def test_overlapping_days_of_one_name_count_once():
    halves = [Event(one.name, one.first, one.first + dt.timedelta(days=2)) for one in CALENDAR]
    again = dataclasses.replace(SUMMARY, calendar=(*CALENDAR, *halves))

    assert SeasonalParetoNBD.fit(again).season.events.effects == MODEL.season.events.effects


def test_draws_spread_around_the_fitted_effect():
    drawn = MODEL.draw_params(SUMMARY, count=200, seed=1).points[:, -1]
    found, error = effect(MODEL)

    assert drawn.mean() == pytest.approx(found, abs=error / 2)
    assert drawn.std() == pytest.approx(error, rel=0.25)


def test_the_report_names_effects_and_their_prior_and_reads_back_from_plain_json():
    assert "event_black friday" in MODEL.report.standard_errors
    assert MODEL.report.prior.endswith("event ~ N(0, .5^2)")
    assert SeasonalParetoNBD.from_dict(json.loads(json.dumps(MODEL.to_dict()))) == MODEL

from __future__ import annotations

import datetime as dt

import pytest

from clv.periods import ObservationWindow, TimeUnit, discount_per_unit

START, END = dt.date(2010, 1, 1), dt.date(2010, 1, 31)


def test_a_window_counts_the_days_from_its_first_to_its_last():
    assert ObservationWindow(START, END).days == 30
    assert ObservationWindow(START, START).days == 0


def test_a_holdout_begins_the_day_after_and_has_as_many_days_as_the_horizon():
    holdout = ObservationWindow(START, END).holdout(7)

    listed = [END + dt.timedelta(days=1 + i) for i in range(7)]
    assert (holdout.start, holdout.end) == (listed[0], listed[-1])


@pytest.mark.parametrize(
    ("first", "last", "wanted"),
    [
        ("2011-12-10", "2012-02-05", ["2011-12-10/31 ", "2012-01-01/31 *", "2012-02-01/05 "]),
        ("2012-02-01", "2012-02-29", ["2012-02-01/29 *"]),
        ("2011-02-28", "2011-02-28", ["2011-02-28/28 "]),
        ("2011-12-31", "2012-01-31", ["2011-12-31/31 ", "2012-01-01/31 *"]),
    ],
)
def test_a_window_falls_into_calendar_months_whole_or_in_part(first, last, wanted):
    window = ObservationWindow(dt.date.fromisoformat(first), dt.date.fromisoformat(last))

    found = [f"{m.start}/{m.end:%d} {'*' * m.is_whole_month}" for m in window.months]

    assert found == wanted


def test_a_window_that_ends_before_it_starts_is_refused():
    with pytest.raises(ValueError, match="ends on 2010-01-01, before it starts on 2010-01-31"):
        ObservationWindow(END, START)


@pytest.mark.parametrize("unit", TimeUnit)
def test_a_year_of_discounts_compounds_to_the_yearly_rate(unit):
    left, step = 1.0, discount_per_unit(0.10, unit) / 1_000
    for _ in range(round(1_000 * 365.25 / unit.days)):
        left *= 1 - step

    assert left == pytest.approx(1 / 1.10, rel=1e-4)


def test_a_unit_is_named_in_lower_case():
    assert [str(unit) for unit in TimeUnit] == ["day", "week"]

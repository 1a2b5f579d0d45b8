"""The tracking curve, by customers whose expectations are added up one by one."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from clv.checked import CustomerSummary
from clv.models.catalog import PURCHASE_MODELS
from clv.models.pareto_nbd import ParetoNBD
from clv.models.seasonal_pareto_nbd import SeasonalParetoNBD
from clv.models.tracking import tracking
from clv.numerics import pareto_nbd
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.simulate import history, log_intervals, on_whole_days, purchases
from clv.periods import ObservationWindow, TimeUnit

WINDOW = ObservationWindow(dt.date(2020, 1, 1), dt.date(2021, 12, 31))
PARAMS = ParetoNBDParams(r=0.55, alpha=74.0, s=0.61, beta=82.0)


def summary_of(unit=TimeUnit.DAY, *, customers=1500):
    """A shop five times as busy in November as in May, by leaving purchases out."""
    rng = np.random.default_rng(9)
    T = rng.integers(0, WINDOW.days + 1, customers).astype(float)
    made = on_whole_days(purchases(PARAMS, T, rng))
    day = (WINDOW.days - T[made.customer] + made.time).astype(int)
    autumn = np.cos(2 * np.pi * (day - 320) / 365.25)
    kept = rng.random(day.size) < np.exp(0.8 * (autumn - 1))
    made = made._replace(customer=made.customer[kept], time=made.time[kept])
    x, t_x = history(made, T)
    return CustomerSummary.from_arrays(
        WINDOW,
        time_unit=unit,
        purchases_by_day=tuple(np.bincount(day[kept] - 1, minlength=WINDOW.days).tolist()),
        frequency=x,
        recency=t_x / unit.days,
        age=T / unit.days,
        log_intervals=log_intervals(made),
    )


SUMMARY = summary_of()
SEASONAL = SeasonalParetoNBD.fit(SUMMARY)


def plainly(model, summary, day):
    """Expected up to the end of a day, customer by customer, with the integral over the clock."""
    params, (_, _, T), calendar = model.asked(summary, 0)
    here = summary.window.days - day <= T
    until = day - (summary.window.days - T[here])
    clock = calendar["clock"]
    own = params._replace(alpha=params.alpha[here], beta=params.beta[here])
    return sum(
        pareto_nbd.expected_transactions(
            own._replace(alpha=own.alpha[i], beta=own.beta[i]),
            until[i],
            clock=clock.set_to(clock.today - T[here][i]),
        )
        for i in range(here.sum())
    )


@pytest.mark.parametrize("day", [40, 340])
def test_what_is_expected_of_all_is_the_sum_over_customers_with_their_calendar(day):
    found = tracking(SEASONAL, SUMMARY).expected[:day].sum()

    assert found == pytest.approx(plainly(SEASONAL, SUMMARY, day), rel=1e-4)


def test_the_sum_over_customers_notices_a_season_left_out():
    even = dataclasses.replace(
        SEASONAL, season=dataclasses.replace(SEASONAL.season, coefficients=())
    )

    assert tracking(even, SUMMARY).expected[:340].sum() != pytest.approx(
        plainly(SEASONAL, SUMMARY, 340), rel=0.05
    )


@pytest.mark.parametrize("name", PURCHASE_MODELS)
def test_the_curve_of_every_model_ends_near_what_came_in_any_unit(name):
    model = PURCHASE_MODELS[name].fit(SUMMARY)
    days = tracking(model, SUMMARY)
    weeks = summary_of(TimeUnit.WEEK)
    again = tracking(PURCHASE_MODELS[name].fit(weeks), weeks)

    assert days.day[0] == np.datetime64("2020-01-02")
    assert days.day[-1] == np.datetime64(WINDOW.end)
    assert days.expected.shape == days.actual.shape == days.day.shape
    assert np.all(days.expected >= 0)
    assert days.expected == pytest.approx(again.expected, rel=1e-5)
    assert days.expected.sum() == pytest.approx(SUMMARY.column("frequency").sum(), rel=0.12)


def test_the_months_follow_the_season():
    models = {"seasonal": SEASONAL, "plain": ParetoNBD.fit(SUMMARY)}
    found = {name: tracking(model, SUMMARY) for name, model in models.items()}
    months = {
        name: [np.add.reduceat(side, np.arange(0, WINDOW.days, 30))[3:] for side in curve[1:]]
        for name, curve in found.items()
    }
    error = {name: np.abs(np.subtract(*sides)).sum() for name, sides in months.items()}

    assert error["seasonal"] < 0.5 * error["plain"]


def test_a_log_longer_than_the_calendar_had_no_season_before_it():
    window = ObservationWindow(dt.date(2008, 1, 1), WINDOW.end)
    old = CustomerSummary.from_arrays(
        window,
        purchases_by_day=(0,) * window.days,
        frequency=[0, 0],
        recency=[0.0, 0.0],
        age=[float(window.days), 400.0],
    )

    assert np.isfinite(tracking(SEASONAL, old).expected).all()


def test_where_no_days_are_known_there_is_no_curve():
    assert tracking(SEASONAL, dataclasses.replace(SUMMARY, purchases_by_day=None)) is None

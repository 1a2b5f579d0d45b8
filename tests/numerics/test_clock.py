import numpy as np
import pytest
from scipy import integrate

from clv.numerics.clock import Clock, Path, exposure

DAYS = 400
STEPS = (7, 8, 20, 150)


def smooth(time):
    angle = 2 * np.pi * np.asarray(time) / 365
    return np.exp(0.4 * np.sin(4 * angle) + 0.3 * np.cos(3 * angle))


def gains(speed):
    """What each day gains, by 12 points a day."""
    positions, weights = np.polynomial.legendre.leggauss(12)
    times = np.arange(DAYS)[:, None] + (positions + 1) / 2
    return speed(times) @ weights / 2


@pytest.mark.parametrize("steps", [(), STEPS])
def test_at_every_midnight_the_clock_has_gained_the_multipliers_so_far(steps):
    multiplier = np.random.default_rng(1).uniform(0.5, 2.0, DAYS)
    read = Path.of(multiplier[None], steps).at(np.arange(DAYS + 1.0))[0]

    assert read == pytest.approx(np.append(0, np.cumsum(multiplier)), rel=1e-13)


def test_between_midnights_it_follows_a_smooth_season_to_nine_digits():
    path = Path.of(gains(smooth)[None])
    times = np.random.default_rng(2).uniform(0, DAYS, 50)
    exact = [integrate.quad(smooth, 0, time, epsabs=1e-12, limit=400)[0] for time in times]

    assert path.at(times)[0] == pytest.approx(exact, abs=2e-9)
    assert path.slope(times)[0] == pytest.approx(smooth(times), abs=2e-8)


def test_at_a_step_each_side_keeps_its_own_speed():
    multiplier = np.repeat([1.0, 3.0, 0.5, 2.0, 1.0], np.diff([0, *STEPS, DAYS]))
    path, times = Path.of(multiplier[None], STEPS), np.random.default_rng(3).uniform(0, 30, 200)

    assert path.slope(times)[0] == pytest.approx(multiplier[times.astype(int)], rel=1e-12)
    # Without the steps the same days blend into one another.
    assert Path.of(multiplier[None]).slope(times)[0] != pytest.approx(
        multiplier[times.astype(int)], rel=1e-3
    )


def test_the_exposure_is_the_derivative_in_each_day():
    rng = np.random.default_rng(4)
    times, weights = rng.uniform(0, 30, (3, 20)), rng.normal(size=(3, 20))
    paths = Path.of(np.eye(30), (7, 8, 20))

    assert exposure(weights, times, 30, (7, 8, 20)) == pytest.approx(
        np.einsum("dij,ij->d", paths.at(times), weights), abs=1e-12
    )


def test_a_time_outside_the_calendar_is_refused():
    clock = Clock(np.ones(10), today=10.0)

    with pytest.raises(ValueError, match="the calendar ends after 10 days, but day 12 is asked"):
        clock.age(np.array([3.0]), np.array([5.0]))
    with pytest.raises(ValueError, match="the calendar begins on day 0, but day -1 is asked"):
        clock.path.at(np.array([-1.0]))


def test_before_the_calendar_a_clock_runs_as_any_other():
    clock = Clock(np.full(10, 3.0), today=10.0)

    assert clock.age(np.array([14.0, 14.0]), np.array([2.0, 5.0])) == pytest.approx([2.0, 7.0])

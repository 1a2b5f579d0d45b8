"""What stated chances were worth: the map from earlier transforms, and back."""

import numpy as np
import pytest
from scipy import stats

from clv.numerics.calibration import AS_STATED, DATES_OF_DOUBT, Calibration, learned, randomized_pit

UNIFORM = (np.arange(2_000) + 0.5) / 2_000


def test_without_earlier_dates_chances_are_worth_what_they_say():
    chances = np.linspace(0, 1, 7)

    assert learned([]) == AS_STATED
    assert np.array_equal(AS_STATED.of(chances), chances)
    assert np.array_equal(AS_STATED.level(chances), chances)


@pytest.mark.parametrize("dates", [1, 5])
def test_transforms_that_lie_as_they_should_change_nothing(dates):
    chances = np.linspace(0, 1, 11)

    assert learned([UNIFORM] * dates).of(chances) == pytest.approx(chances, abs=1e-3)


def test_each_date_counts_the_same_and_two_imaginary_ones_doubt():
    few_and_low, many_and_high = UNIFORM[::100] ** 2, UNIFORM**0.5

    found = learned([few_and_low, many_and_high])

    # P(u^2 <= .25) = .5 and P(sqrt(u) <= .25) = .0625; two more dates say .25.
    wanted = (0.5 + 0.0625 + DATES_OF_DOUBT * 0.25) / (2 + DATES_OF_DOUBT)
    assert float(found.of(np.array(0.25))) == pytest.approx(wanted, abs=0.03)


def test_the_map_rises_from_0_to_1_and_its_inverse_undoes_it():
    found = learned([np.full(50, 0.5), UNIFORM**3])
    chances = np.linspace(0, 1, 201)

    assert np.all(np.diff(found.worth) > 0)
    assert (found.worth[0], found.worth[-1]) == (0, 1)
    assert found.of(found.level(chances)) == pytest.approx(chances)


def test_ranges_too_narrow_are_widened_until_they_hold():
    """Forecasts that take a standard deviation of 2 for 1 are put right by many dates."""
    rng = np.random.default_rng(2)
    dates = [stats.norm.cdf(rng.normal(0, 2, 4_000)) for _ in range(40)]
    outcomes = rng.normal(0, 2, 20_000)

    found = learned(dates)

    for calibration, share in ((AS_STATED, 0.478), (found, 0.79)):
        lower, upper = stats.norm.ppf(calibration.level(np.array([0.1, 0.9])))
        held = np.mean((outcomes >= lower) & (outcomes <= upper))
        assert held == pytest.approx(share, abs=0.02)


def test_the_transform_of_a_right_forecast_of_counts_is_uniform_and_of_a_wrong_one_is_not():
    rng = np.random.default_rng(5)
    counts, mean = rng.poisson(0.7, 20_000), 0.7

    def transforms(mean):
        below, up_to = stats.poisson.cdf(counts - 1, mean), stats.poisson.cdf(counts, mean)
        return randomized_pit(below, up_to, seed=1)

    assert stats.kstest(transforms(mean), "uniform").pvalue > 0.01
    assert stats.kstest(transforms(1.1 * mean), "uniform").pvalue < 1e-6


def test_a_calibration_is_stored_as_numbers_and_comes_back():
    found = learned([UNIFORM**2])

    assert Calibration(tuple(found.worth)) == found

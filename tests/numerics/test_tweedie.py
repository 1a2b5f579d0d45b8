"""The deviance against the textbook's form for any power, which loses digits near 0."""

from __future__ import annotations

import numpy as np
import pytest

from clv.numerics.tweedie import unit_deviance

POWER = 1.5


def by_the_textbook(y, m):
    first = y ** (2 - POWER) / ((1 - POWER) * (2 - POWER))
    return 2 * (first - y * m ** (1 - POWER) / (1 - POWER) + m ** (2 - POWER) / (2 - POWER))


def test_it_is_the_textbooks_deviance():
    rng = np.random.default_rng(3)
    y = rng.gamma(1, 50, 200) * rng.integers(0, 2, 200)
    m = rng.gamma(2, 20, 200)

    assert unit_deviance(y, m) == pytest.approx(by_the_textbook(y, m), rel=1e-9, abs=1e-9)


def test_a_perfect_forecast_costs_nothing_and_what_came_back_counts_as_nothing():
    assert unit_deviance(np.array([7.3]), np.array([7.3])) == 0.0
    assert unit_deviance(np.array([-5.0]), np.array([4.0])) == unit_deviance(
        np.array([0.0]), np.array([4.0])
    )

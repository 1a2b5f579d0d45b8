import numpy as np
import pytest

from clv.numerics.optimize import LogPrior, Status, maximize


def bowl(point):
    """A concave surface with its top at (1, -2), curvature 4 and 1."""
    away = point - np.array([1.0, -2.0])
    curvature = np.diag([4.0, 1.0])
    return -0.5 * away @ curvature @ away, -curvature @ away, -curvature


def ridge(point):
    """Rises for ever along the first direction, ever more slowly, like s without dropout."""
    left = np.exp(-point[0])
    value = -left - 0.5 * point[1] ** 2
    return value, np.array([left, -point[1]]), np.diag([-left, -1.0])


def test_the_top_of_a_bowl_is_found_with_its_covariance_on_the_natural_scale():
    found = maximize(bowl, np.zeros(2))
    top = np.exp([1.0, -2.0])

    assert found.status is Status.OPTIMUM
    assert found.parameters == pytest.approx(top)
    assert found.standard_errors == pytest.approx(top * [0.5, 1.0])


def test_a_search_out_of_evaluations_never_passes_for_an_optimum():
    found = maximize(lambda p: bowl(p * 0.1), np.array([40.0, 40.0]), max_evaluations=1)

    assert found.status is Status.STOPPED_EARLY
    assert not found.status.converged
    assert found.covariance is None


def test_a_flat_ridge_is_climbed_to_the_end_of_precision_and_named():
    found = maximize(ridge, np.zeros(2))

    assert found.status is Status.NOT_IDENTIFIED
    assert found.status.converged
    assert found.log_likelihood == pytest.approx(0, abs=1e-8)
    assert found.standard_errors is None


def test_a_prior_that_decides_a_ridge_is_named_and_left_out_of_the_log_likelihood():
    prior = LogPrior(np.array([10.0, 0.0]), np.array([1 / 9, 0.0]))
    found = maximize(ridge, np.zeros(2), prior=prior)

    assert found.status is Status.PRIOR_GOVERNED
    assert found.log_likelihood == pytest.approx(-1 / found.parameters[0])


def test_a_prior_the_data_overrule_is_no_status_of_its_own():
    prior = LogPrior(np.zeros(2), np.array([1 / 9, 1 / 9]))

    assert maximize(bowl, np.zeros(2), prior=prior).status is Status.OPTIMUM


def test_a_log_likelihood_that_is_not_a_number_is_named():
    found = maximize(lambda p: (np.nan, np.full(2, np.nan), np.full((2, 2), np.nan)), np.zeros(2))

    assert found.status is Status.NOT_FINITE


@pytest.mark.parametrize("status", Status)
def test_every_way_to_end_has_advice_in_words(status):
    assert status.advice.endswith(".")

import numpy as np
import pytest
from reference.oracles_numerics import gamma_gamma_density_by_integration
from scipy import stats

from clv.numerics.gamma_gamma import GammaGammaParams, expected_spend, fit, log_likelihood
from clv.numerics.optimize import Status
from clv.numerics.simulate import spend

PARAMS = GammaGammaParams(p=6.25, q=3.74, gamma=15.44)


def simulated(params, customers=4000, seed=3):
    rng = np.random.default_rng(seed)
    count = 1 + rng.poisson(2, customers)
    values, truth = spend(params, np.repeat(np.arange(customers), count), rng, customers=customers)
    owner = np.repeat(np.arange(customers), count)
    return count.astype(float), np.bincount(owner, weights=values) / count, truth


@pytest.mark.parametrize(("x", "mean"), [(1, 35.0), (1, 400.0), (5, 20.0), (40, 3.0)])
def test_the_density_agrees_with_numerical_integration(x, mean):
    expected = gamma_gamma_density_by_integration(PARAMS, x, mean)

    assert np.exp(log_likelihood(PARAMS, x, mean)) == pytest.approx(expected, rel=1e-7)


def test_the_integration_notices_other_parameters():
    expected = gamma_gamma_density_by_integration(PARAMS, 5, 20.0)

    assert np.exp(log_likelihood(PARAMS._replace(q=3.8), 5, 20.0)) != pytest.approx(expected)


def test_the_true_parameters_lie_within_three_standard_errors():
    count, mean, _ = simulated(PARAMS)
    found = fit(count, mean)
    off = np.abs(np.array(found.parameters) - PARAMS) / found.standard_errors

    assert found.status is Status.OPTIMUM
    assert np.all(off < 3)


def test_other_parameters_than_the_true_ones_are_noticed():
    count, mean, _ = simulated(PARAMS._replace(q=4.6))
    found = fit(count, mean)
    off = np.abs(np.array(found.parameters) - PARAMS) / found.standard_errors

    assert np.any(off > 3)


def test_standard_errors_agree_with_a_numerical_hessian_on_the_natural_scale():
    count, mean, _ = simulated(PARAMS)
    found = fit(count, mean)
    best = np.array(found.parameters)
    steps = np.diag(best * 1e-3)

    def value(parameters):
        return log_likelihood(GammaGammaParams(*parameters), count, mean).sum()

    hessian = [
        [
            (value(best + a + b) - value(best + a - b) - value(best - a + b) + value(best - a - b))
            / (4 * a.sum() * b.sum())
            for a in steps
        ]
        for b in steps
    ]

    assert value(best) == pytest.approx(found.log_likelihood)
    assert found.covariance == pytest.approx(np.linalg.inv(-np.array(hessian)), rel=1e-3)


def test_expected_spend_is_the_mean_of_the_truth_given_what_was_seen():
    count, mean, truth = simulated(PARAMS, customers=200_000)
    error = truth - expected_spend(PARAMS, count, mean)
    for group in (count == 1, mean > 60, mean < 15):
        assert abs(error[group].mean()) < 3 * error[group].std() / np.sqrt(group.sum())


def test_the_plain_mean_of_what_was_seen_is_noticed_as_no_forecast():
    _, mean, truth = simulated(PARAMS, customers=200_000)
    error = (truth - mean)[mean > 60]

    assert abs(error.mean()) > 3 * error.std() / np.sqrt(error.size)


def test_customers_without_purchases_get_the_population_mean():
    assert expected_spend(PARAMS, [0.0], [np.nan]) == pytest.approx(6.25 * 15.44 / 2.74)


def test_an_infinite_population_mean_is_a_status_and_its_median_is_offered():
    heavy = GammaGammaParams(p=2.0, q=0.8, gamma=10.0)
    count, mean, truth = simulated(heavy)
    found = fit(count, mean)
    median = expected_spend(heavy, [0.0], [np.nan])

    assert found.status is Status.INFINITE_MEAN
    assert "q <= 1" in found.status.advice
    assert median == pytest.approx(heavy.p / stats.gamma(heavy.q, scale=1 / heavy.gamma).median())
    assert np.mean(truth > median) == pytest.approx(0.5, abs=0.03)


def test_a_customer_whose_own_mean_is_infinite_gets_the_median_of_it():
    tiny = GammaGammaParams(p=0.2, q=0.5, gamma=10.0)
    one, five = expected_spend(tiny, [1.0, 5.0], [30.0, 30.0])

    assert one == pytest.approx(0.2 / stats.gamma(0.7, scale=1 / 40.0).median())
    assert five == pytest.approx(0.2 * 160.0 / 0.5)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_currency_scales_the_answer_and_nothing_else(factor):
    count, mean, _ = simulated(PARAMS)
    found, scaled = fit(count, mean), fit(count, mean * factor)

    assert np.divide(scaled.parameters, found.parameters) == pytest.approx([1, 1, factor])
    assert np.divide(scaled.standard_errors, found.standard_errors) == pytest.approx([1, 1, factor])


DEGENERATE = {
    "customers who do not differ": GammaGammaParams(3.0, 1e5, 1e6),
    "purchases that do not vary": GammaGammaParams(1e5, 3.0, 2e-3),
    "nothing varies": GammaGammaParams(1e5, 1e5, 10.0),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_spend_without_variety_ends_at_the_best_parameters(case):
    count, mean, _ = simulated(DEGENERATE[case], customers=300)
    found = fit(count, mean)

    assert found.status.converged
    assert np.isfinite(expected_spend(GammaGammaParams(*found.parameters), count, mean)).all()

import numpy as np
import pytest
from reference.oracles_numerics import gamma_gamma_density_by_integration
from scipy import stats

from clv.numerics.gamma_gamma import (
    POWER_SD,
    GammaGammaParams,
    expected_spend,
    fit,
    log_likelihood,
)
from clv.numerics.optimize import Status
from clv.numerics.simulate import spend

PARAMS = GammaGammaParams(p=6.25, q=3.74, gamma=15.44)
MODELS = {"plain": PARAMS, "power": PARAMS._replace(eta=0.3)}


def simulated(params, customers=4000, seed=3):
    rng = np.random.default_rng(seed)
    count = 1 + rng.poisson(2, customers)
    values, truth = spend(params, np.repeat(np.arange(customers), count), rng, customers=customers)
    owner = np.repeat(np.arange(customers), count)
    return count.astype(float), np.bincount(owner, weights=values) / count, truth


def fitted(count, mean, params):
    return fit(count, mean, power=params.eta != 0)


def size(params):
    """Of the parameters that are fitted."""
    return 4 if params.eta else 3


def off(found, params):
    """How many standard errors the fit is away from ``params``."""
    return np.abs(np.array(found.parameters) - params[: size(params)]) / found.standard_errors


@pytest.fixture(scope="module", params=MODELS)
def params(request):
    return MODELS[request.param]


@pytest.mark.parametrize(("x", "mean"), [(1, 35.0), (1, 400.0), (5, 20.0), (40, 3.0)])
def test_the_density_agrees_with_numerical_integration(params, x, mean):
    expected = gamma_gamma_density_by_integration(params, x, mean)

    assert np.exp(log_likelihood(params, x, mean)) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("other", [{"q": 3.8}, {"eta": 0.01}])
def test_the_integration_notices_other_parameters(other):
    expected = gamma_gamma_density_by_integration(PARAMS, 5, 20.0)

    assert np.exp(log_likelihood(PARAMS._replace(**other), 5, 20.0)) != pytest.approx(expected)


def test_the_true_parameters_lie_within_three_standard_errors(params):
    count, mean, _ = simulated(params)
    found = fitted(count, mean, params)

    assert found.status is Status.OPTIMUM
    assert np.all(off(found, params) < 3)


@pytest.mark.parametrize("other", [{"q": 4.6}, {"eta": 0.1}])
def test_other_parameters_than_the_true_ones_are_noticed(other):
    count, mean, _ = simulated(PARAMS._replace(**other))

    assert np.any(off(fit(count, mean), PARAMS) > 3)


def test_where_nothing_depends_on_the_count_the_power_is_next_to_none():
    count, mean, _ = simulated(PARAMS)
    plain, freed = fit(count, mean), fit(count, mean, power=True)

    assert abs(freed.parameters[3]) < 3 * freed.standard_errors[3]
    assert 0 <= freed.log_likelihood - plain.log_likelihood < 4.5


def test_where_all_have_bought_as_often_the_prior_holds_the_power_at_none():
    _, mean, _ = simulated(PARAMS)
    found = fit(np.full(mean.size, 3.0), mean, power=True)

    assert found.status is Status.PRIOR_GOVERNED
    assert found.parameters[3] == pytest.approx(0, abs=1e-6)


def test_standard_errors_agree_with_a_numerical_hessian_on_the_natural_scale(params):
    count, mean, _ = simulated(params)
    found = fitted(count, mean, params)
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
    precision = np.diag([0.0, 0.0, 0.0, POWER_SD**-2])[: size(params), : size(params)]
    by_hand = np.linalg.inv(precision - np.array(hessian))
    assert found.covariance == pytest.approx(by_hand, rel=2e-3)


def test_expected_spend_is_the_mean_of_the_truth_given_what_was_seen(params):
    count, mean, truth = simulated(params, customers=200_000)
    error = truth - expected_spend(params, count, mean)
    for group in (count == 1, count > 3, mean > 60, mean < 15):
        assert abs(error[group].mean()) < 3 * error[group].std() / np.sqrt(group.sum())


def test_a_power_left_out_is_noticed_in_what_customers_of_one_purchase_spend():
    count, mean, truth = simulated(MODELS["power"], customers=20_000)
    plain = GammaGammaParams(*fit(count, mean).parameters)
    error = (truth - expected_spend(plain, count, mean))[count == 1]

    assert abs(error.mean()) > 3 * error.std() / np.sqrt(error.size)


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
def test_the_currency_scales_the_answer_and_nothing_else(params, factor):
    count, mean, _ = simulated(params)
    found, scaled = (fitted(count, mean * times, params) for times in (1, factor))
    expected = pytest.approx([1, 1, factor, 1][: size(params)])

    assert np.divide(scaled.parameters, found.parameters) == expected
    assert np.divide(scaled.standard_errors, found.standard_errors) == expected


DEGENERATE = {
    "customers who do not differ": GammaGammaParams(3.0, 1e5, 1e6),
    "purchases that do not vary": GammaGammaParams(1e5, 3.0, 2e-3),
    "nothing varies": GammaGammaParams(1e5, 1e5, 10.0),
}


@pytest.mark.parametrize("power", [False, True])
@pytest.mark.parametrize("case", DEGENERATE)
def test_spend_without_variety_ends_at_the_best_parameters(case, power):
    count, mean, _ = simulated(DEGENERATE[case], customers=300)
    found = fit(count, mean, power=power)

    assert found.status.converged
    assert np.isfinite(expected_spend(GammaGammaParams(*found.parameters), count, mean)).all()


@pytest.mark.parametrize("power", [False, True])
@pytest.mark.parametrize("days", [90, 91, 92])
def test_a_flat_ridge_is_followed_to_its_end(days, power):
    """Twenty customers in turn, each day worth one more: customers vary less than by chance."""
    values = [10.0 + np.arange(first, days, 20) for first in range(20)]
    count, mean = (np.array([of(own) for own in values], dtype=float) for of in (len, np.mean))

    assert fit(count, mean, power=power).status is Status.NOT_IDENTIFIED

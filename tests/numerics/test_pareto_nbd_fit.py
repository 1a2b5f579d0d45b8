import numpy as np
import pytest

from clv.numerics import pareto_nbd_fit
from clv.numerics.histories import distinct_histories
from clv.numerics.optimize import Status
from clv.numerics.pareto_nbd import ParetoNBDParams, log_likelihood
from clv.numerics.pareto_nbd_total import log_likelihood_total, scale_of_nodes
from clv.numerics.simulate import history, purchases

TRUTH = ParetoNBDParams(r=0.55, alpha=10.6, s=0.61, beta=11.7)


def simulated(params, customers, seed):
    rng = np.random.default_rng(seed)
    T = rng.integers(0, 53, customers).astype(float)
    x, t_x = history(purchases(params, T, rng), T)
    return x, t_x, T


def fit(x, t_x, T, **options):
    return pareto_nbd_fit.fit(distinct_histories(x, t_x, T), **options)


CUSTOMERS = simulated(TRUTH, 3000, seed=5)


def total_by_customer(point, customers=CUSTOMERS):
    return log_likelihood(ParetoNBDParams(*np.exp(point)), *customers).sum()


POINTS = [np.log(TRUTH), np.log([1.5, 3.0, 4.0, 90.0]), np.log([0.2, 80.0, 0.1, 1.0])]


@pytest.mark.parametrize("point", POINTS)
def test_the_weighted_total_is_the_sum_over_customers(point):
    rows = distinct_histories(*CUSTOMERS)
    scale = scale_of_nodes(point, rows)
    value, _, _ = log_likelihood_total(point, rows, scale, nodes=64)

    assert rows.weights.sum() == 3000
    assert value == pytest.approx(total_by_customer(point), rel=1e-13)


@pytest.mark.parametrize("point", POINTS)
def test_gradient_and_hessian_agree_with_finite_differences(point):
    rows = distinct_histories(*CUSTOMERS)
    scale = scale_of_nodes(point, rows)
    _, gradient, hessian = log_likelihood_total(point, rows, scale, nodes=64)
    step = 1e-4 * np.eye(4)
    slope = [(total_by_customer(point + d) - total_by_customer(point - d)) / 2e-4 for d in step]
    bend = [
        (
            log_likelihood_total(point + d, rows, scale, nodes=64)[1]
            - log_likelihood_total(point - d, rows, scale, nodes=64)[1]
        )
        / 2e-4
        for d in step
    ]
    size = np.abs(hessian).max()

    assert gradient == pytest.approx(np.array(slope), abs=1e-7 * size)
    assert hessian == pytest.approx(np.array(bend), abs=1e-7 * size)
    assert np.array_equal(hessian, hessian.T)


def test_the_true_rates_lie_within_three_standard_errors():
    found = fit(*CUSTOMERS)
    off = np.abs(np.array(found.parameters) - TRUTH) / found.standard_errors

    assert found.status is Status.OPTIMUM
    assert np.all(off < 3)


def test_other_rates_than_the_true_ones_are_noticed():
    found = fit(*simulated(TRUTH._replace(r=1.1), 3000, seed=5))
    off = np.abs(np.array(found.parameters) - TRUTH) / found.standard_errors

    assert np.any(off > 3)


def test_no_point_nearby_is_better():
    found = fit(*CUSTOMERS)
    rng = np.random.default_rng(2)

    for _ in range(20):
        nearby = np.log(found.parameters) + rng.normal(scale=0.01, size=4)
        assert total_by_customer(nearby) < found.log_likelihood


def test_standard_errors_agree_with_a_numerical_hessian_on_the_natural_scale():
    found = fit(*CUSTOMERS)
    best = np.array(found.parameters)
    steps = np.diag(best * 1e-3)

    def value(parameters):
        return total_by_customer(np.log(parameters))

    hessian = [
        [
            (value(best + a + b) - value(best + a - b) - value(best - a + b) + value(best - a - b))
            / (4 * a.sum() * b.sum())
            for a in steps
        ]
        for b in steps
    ]
    covariance = np.linalg.inv(-np.array(hessian))

    assert found.covariance == pytest.approx(covariance, rel=1e-3)
    assert np.array_equal(found.covariance, np.transpose(found.covariance))


def test_three_fits_of_the_same_data_are_the_same_to_the_last_bit():
    first, second, third = (fit(*CUSTOMERS) for _ in range(3))

    assert first == second == third


def test_the_order_of_customers_makes_no_difference():
    order = np.random.default_rng(8).permutation(3000)

    assert fit(*(column[order] for column in CUSTOMERS)) == fit(*CUSTOMERS)


def test_identical_histories_count_as_often_as_they_occur():
    once, thrice = fit(*CUSTOMERS), fit(*(np.tile(column, 3) for column in CUSTOMERS))

    assert thrice.parameters == pytest.approx(once.parameters, rel=1e-9)
    assert thrice.log_likelihood == pytest.approx(3 * once.log_likelihood)
    assert thrice.standard_errors == pytest.approx(np.array(once.standard_errors) / np.sqrt(3))


def test_the_start_from_a_sample_of_many_histories_ends_at_the_maximum_of_all():
    rng = np.random.default_rng(6)
    T = rng.uniform(0, 53, 20_000)
    x, t_x = history(purchases(TRUTH, T, rng), T)
    found = fit(x, t_x, T)
    rows = distinct_histories(x, t_x, T)
    point = np.log(found.parameters)
    scale = scale_of_nodes(np.log(found.parameters), rows)
    _, gradient, hessian = log_likelihood_total(point, rows, scale, nodes=64)

    assert rows.x.size == 20_000
    assert gradient @ np.linalg.solve(-hessian, gradient) < 1e-6


def test_a_weak_prior_hardly_moves_what_the_data_know():
    plain, held = fit(*CUSTOMERS), fit(*CUSTOMERS, prior_beta=52.0)

    assert held.status is Status.OPTIMUM
    assert np.all(
        np.abs(np.subtract(held.parameters, plain.parameters))
        < 0.5 * np.array(plain.standard_errors)
    )


@pytest.mark.parametrize(
    "truth",
    [
        TRUTH._replace(s=1e4, beta=3e5),
        TRUTH._replace(s=0.5, beta=1e6),
    ],
    ids=["one common lifetime", "nobody drops out"],
)
def test_dropout_the_data_cannot_show_is_a_status_with_and_without_the_prior(truth):
    customers = simulated(truth, 3000, seed=5)
    plain, held = fit(*customers), fit(*customers, prior_beta=52.0)

    assert plain.status is Status.NOT_IDENTIFIED
    assert held.status is Status.PRIOR_GOVERNED
    assert held.log_likelihood <= plain.log_likelihood
    assert plain.log_likelihood > log_likelihood(truth, *customers).sum()


# Columns x, t_x, T.
DEGENERATE = {
    "a hundred identical customers": [(2, 10, 39)] * 100,
    "a hundred identical customers seen today": [(2, 39, 39)] * 100,
    "two customers": [(0, 0, 39), (1, 10, 39)],
    "one customer": [(3, 10, 39)],
    "customers of age zero": [(0, 0, 0), (0, 0, 0), (0, 0, 5), (4, 9, 9)],
    "a thousand purchases": [(0, 0, 300), (0, 0, 20), (1, 3, 200), (1000, 364, 365)],
}


@pytest.mark.parametrize("prior_beta", [None, 52.0])
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_data_end_at_the_best_parameters_with_a_status_that_says_so(case, prior_beta):
    found = fit(*np.transpose(DEGENERATE[case]), prior_beta=prior_beta)

    assert found.status.converged
    assert np.isfinite(found.parameters).all()
    assert np.isfinite(found.log_likelihood)


def test_the_answer_does_not_depend_on_the_unit_of_time():
    weeks = fit(*CUSTOMERS, prior_beta=52.0)
    x, t_x, T = CUSTOMERS
    days = fit(x, 7 * t_x, 7 * T, prior_beta=364.0)

    assert np.divide(days.parameters, weeks.parameters) == pytest.approx([1, 7, 1, 7], rel=1e-6)


@pytest.mark.parametrize(
    ("harmless", "status"), [(1e-4, Status.TOO_FEW_NODES), (np.inf, Status.OPTIMUM)]
)
def test_a_fit_with_too_few_nodes_is_thrown_away_only_where_it_shows(monkeypatch, harmless, status):
    monkeypatch.setattr(pareto_nbd_fit, "FEWEST_NODES", 2)
    monkeypatch.setattr(pareto_nbd_fit, "MOST_NODES", 2)
    monkeypatch.setattr(pareto_nbd_fit, "HARMLESS", harmless)

    assert fit(*CUSTOMERS).status is status

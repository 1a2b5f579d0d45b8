"""Static covariates, of both families of models."""

import numpy as np
import pytest
from reference.oracles_numerics import (
    bg_log_likelihood_in_many_digits,
    log_likelihood_by_2f1,
    log_likelihood_in_many_digits,
)
from scipy import optimize

from clv.numerics import bg_nbd_fit, pareto_nbd, pareto_nbd_fit
from clv.numerics.bg_nbd import (
    BGNBDParams,
    conditional_expected_transactions,
    p_alive,
    probability_of_count,
    probability_of_no_transaction,
)
from clv.numerics.compare import likelihood_ratio
from clv.numerics.histories import distinct_histories
from clv.numerics.optimize import Status
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.simulate import history, purchases, regular_purchases

BG = BGNBDParams(r=0.8, alpha=4.4, a=0.8, b=2.4)
MODELS = {
    "BG/NBD": BG,
    "MBG/NBD": BG._replace(drops_at_once=True),
    "BG/CNBD-2": BG._replace(k=2, alpha=2.2),
    "MBG/CNBD-3": BG._replace(k=3, alpha=1.5, drops_at_once=True),
}
ON_BUYING, ON_DROPOUT = np.array([0.5, -0.3]), np.array([1.2])


@pytest.fixture(params=MODELS)
def truth(request):
    return MODELS[request.param]


def traits(params):
    return {"k": params.k, "drops_at_once": params.drops_at_once}


def covariates(customers, seed=3):
    rng = np.random.default_rng(seed)
    gender, income = rng.integers(0, 2, customers), rng.normal(size=customers).round(1)
    channel = rng.integers(0, 2, customers)
    return np.column_stack([gender, income]).astype(float), channel[:, None].astype(float)


def simulated(params, customers, *, on_buying=ON_BUYING, on_dropout=ON_DROPOUT):
    rng = np.random.default_rng(5)
    purchase_z, dropout_z = covariates(customers)
    own = params.with_covariates(purchase_z @ on_buying, dropout_z @ on_dropout)
    T = rng.integers(0, 105, customers).astype(float)
    x, t_x = history(regular_purchases(own, T, rng), T)
    return (x, t_x, T), purchase_z, dropout_z


def fit(params, customers, purchase_z=None, dropout_z=None):
    rows = distinct_histories(*customers, purchase_z=purchase_z, dropout_z=dropout_z)
    return bg_nbd_fit.fit(rows, **traits(params))


def test_the_total_is_the_sum_over_customers_in_many_digits(truth):
    customers, purchase_z, dropout_z = simulated(truth, 60)
    rows = distinct_histories(*customers, purchase_z=purchase_z, dropout_z=dropout_z)
    point = np.array([*np.log(truth[:4]), *ON_BUYING, *ON_DROPOUT])
    value, _, _ = bg_nbd_fit.log_likelihood_total(point, rows, **traits(truth))
    expected = bg_nbd_fit.timing(-customers[0].sum(), 0.0, k=truth.k)
    for history_of_one, of_buying, of_dropout in zip(
        np.transpose(customers), purchase_z, dropout_z, strict=True
    ):
        own = truth._replace(
            alpha=truth.alpha / np.exp(of_buying @ ON_BUYING),
            a=truth.a * np.exp(of_dropout @ ON_DROPOUT),
            b=truth.b * np.exp(of_dropout @ ON_DROPOUT),
        )
        expected += bg_log_likelihood_in_many_digits(own, *history_of_one)[0]

    assert value == pytest.approx(expected, rel=1e-12)


POINTS = [[0.5, 3.0, 0.7, 2.0], [4.0, 90.0, 1e-3, 1e-2], [0.1, 1, 900, 9e3]]


@pytest.mark.parametrize("parameters", POINTS)
def test_gradient_and_hessian_agree_with_finite_differences(truth, parameters):
    customers, purchase_z, dropout_z = simulated(truth, 500)
    rows = distinct_histories(*customers, purchase_z=purchase_z, dropout_z=dropout_z)
    point = np.array([*np.log(parameters), 0.4, 0.1, -0.7])

    def total(at):
        return bg_nbd_fit.log_likelihood_total(at, rows, **traits(truth))

    _, gradient, hessian = total(point)
    sides = [(total(point + step), total(point - step)) for step in 1e-4 * np.eye(point.size)]
    size = np.abs(hessian).max()

    for computed, place in ((gradient, 0), (hessian, 1)):
        slope = np.array([(up[place] - down[place]) / 2e-4 for up, down in sides])
        assert computed == pytest.approx(slope, abs=1e-7 * size)
    assert np.array_equal(hessian, hessian.T)


def test_the_truth_lies_within_three_standard_errors_and_another_does_not(truth):
    found = fit(truth, *simulated(truth, 4000))
    expected = np.array([*truth[:4], *ON_BUYING, *ON_DROPOUT])
    other = fit(truth, *simulated(truth, 4000, on_buying=-ON_BUYING))
    off, wrong = (np.abs(f.parameters - expected) / f.standard_errors for f in (found, other))

    assert found.status is Status.OPTIMUM
    assert np.all(off < 3)
    assert np.any(wrong > 3)


def test_covariates_that_are_zero_leave_the_plain_fit(truth):
    customers, purchase_z, dropout_z = simulated(truth, 1000)
    plain = fit(truth, customers)
    zero = fit(truth, customers, 0 * purchase_z, 0 * dropout_z)

    assert zero.status is Status.NOT_IDENTIFIED  # nothing is known of the coefficients
    assert zero.parameters[:4] == pytest.approx(plain.parameters, rel=1e-6)
    assert zero.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-13)


def test_the_likelihood_ratio_sees_a_covariate_of_buying_and_none_of_dropout(truth):
    customers, purchase_z, dropout_z = simulated(truth, 4000, on_dropout=np.zeros(1))
    plain, bought = fit(truth, customers), fit(truth, customers, purchase_z)
    both = fit(truth, customers, purchase_z, dropout_z)

    assert likelihood_ratio(plain, bought).p < 1e-6
    assert likelihood_ratio(bought, both).p > 0.01


def one_by_one(answer, own, customers):
    """The answer for each customer alone, under that customer's own parameters."""
    alone = []
    for i, who in enumerate(np.transpose(customers)):
        arrays = {name: v[i] for name, v in own._asdict().items() if np.ndim(v)}
        alone.append(answer(own._replace(**arrays), *who)[0])
    return alone


def test_every_answer_takes_parameters_of_each_customers_own(truth):
    customers, purchase_z, dropout_z = simulated(truth, 20)
    own = truth.with_covariates(purchase_z @ ON_BUYING, dropout_z @ ON_DROPOUT)
    for answer in (
        p_alive,
        lambda p, *who: conditional_expected_transactions(p, *who, 26.0),
        lambda p, *who: probability_of_no_transaction(p, *who, 26.0),
        lambda p, x, _t_x, T: np.atleast_1d(probability_of_count(p, T, x)),
    ):
        assert answer(own, *customers).tolist() == one_by_one(answer, own, customers)


# The published fit of CLVTools on apparelTrans; its customers, all new on one day, are not to
# be had under a license of ours, so that these are drawn from it.
APPAREL = ParetoNBDParams(r=1.8378, alpha=92.9123, s=0.5920, beta=49.6227)
PURCHASE, DROPOUT = np.array([0.2859, 0.6241]), np.array([-0.6430, 0.7907])
APPAREL_TRUTH = np.array([*APPAREL, *PURCHASE, *DROPOUT])


def of_customers(parameters, z):
    r, alpha, s, beta, *coefficients = parameters
    on_buying, on_dropout = z @ coefficients[:2], z @ coefficients[2:]
    return ParetoNBDParams(r, alpha * np.exp(-on_buying), s, beta * np.exp(-on_dropout))


@pytest.fixture(scope="module")
def apparel():
    """600 customers of two years, in weeks, with gender and channel."""
    rng = np.random.default_rng(1)
    z = rng.integers(0, 2, (600, 2)).astype(float)
    T = np.full(600, 104.0)
    x, t_x = history(purchases(of_customers(APPAREL_TRUTH, z), T, rng), T)
    return (x, t_x, T), z


@pytest.fixture(scope="module")
def fitted(apparel):
    customers, z = apparel
    return pareto_nbd_fit.fit(distinct_histories(*customers, purchase_z=z, dropout_z=z))


def test_pareto_nbd_recovers_gender_and_channel(apparel, fitted):
    customers, z = apparel
    off = np.abs(fitted.parameters - APPAREL_TRUTH) / fitted.standard_errors
    at_truth = pareto_nbd.log_likelihood(of_customers(APPAREL_TRUTH, z), *customers).sum()

    assert fitted.status is Status.OPTIMUM
    assert np.all(off < 3)
    assert fitted.log_likelihood >= at_truth


def test_another_optimizer_finds_the_same_maximum_of_the_closed_form(apparel, fitted):
    customers, z = apparel

    def loss(point):
        parameters = [*np.exp(point[:4]), *point[4:]]
        return -log_likelihood_by_2f1(of_customers(parameters, z), *customers).sum()

    start = np.array([*np.log([1.0, 50.0, 1.0, 50.0]), *np.zeros(4)])
    other = optimize.minimize(loss, start, method="L-BFGS-B", options={"ftol": 1e-13})
    parameters = np.array([*np.exp(other.x[:4]), *other.x[4:]])

    assert -other.fun == pytest.approx(fitted.log_likelihood, abs=1e-4)
    assert np.all(np.abs(parameters - fitted.parameters) < 0.02 * np.array(fitted.standard_errors))


def test_the_closed_form_is_that_of_many_digits(apparel):
    customers, z = apparel
    own = of_customers(APPAREL_TRUTH, z)
    closed = log_likelihood_by_2f1(own, *customers)

    for i in range(25):
        params = own._replace(alpha=own.alpha[i], beta=own.beta[i])
        value, _ = log_likelihood_in_many_digits(params, *(column[i] for column in customers))
        assert closed[i] == pytest.approx(value, rel=1e-10)


def test_covariates_that_are_zero_leave_the_plain_pareto_nbd(apparel):
    customers, z = apparel
    plain = pareto_nbd_fit.fit(distinct_histories(*customers))
    zero = pareto_nbd_fit.fit(distinct_histories(*customers, purchase_z=0 * z, dropout_z=0 * z))

    assert zero.status is Status.NOT_IDENTIFIED
    assert zero.parameters[:4] == pytest.approx(plain.parameters, rel=1e-6)
    assert zero.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-13)


def test_channel_is_told_from_a_column_that_says_nothing(apparel, fitted):
    customers, z = apparel
    noise = np.random.default_rng(8).integers(0, 2, (600, 1)).astype(float)
    without = pareto_nbd_fit.fit(
        distinct_histories(*customers, purchase_z=z[:, :1], dropout_z=z[:, :1])
    )
    with_noise = pareto_nbd_fit.fit(
        distinct_histories(*customers, purchase_z=np.hstack([z, noise]), dropout_z=z)
    )

    assert likelihood_ratio(without, fitted).degrees == 2
    assert likelihood_ratio(without, fitted).p < 1e-4
    assert likelihood_ratio(fitted, with_noise).p > 0.01


def test_every_answer_of_pareto_nbd_takes_parameters_of_each_customers_own(apparel, fitted):
    customers = [column[:20] for column in apparel[0]]
    own = of_customers(fitted.parameters, apparel[1][:20])
    for answer in (
        pareto_nbd.log_likelihood,
        pareto_nbd.p_alive,
        lambda p, *who: pareto_nbd.conditional_expected_transactions(p, *who, 26.0),
        lambda p, *who: pareto_nbd.conditional_expected_transactions(p, *who, 260, discount=0.002),
        lambda p, *who: pareto_nbd.probability_of_no_transaction(p, *who, 26.0),
        lambda p, _x, _t_x, T: np.atleast_1d(pareto_nbd.expected_transactions(p, T)),
    ):
        assert answer(own, *customers).tolist() == one_by_one(answer, own, customers)

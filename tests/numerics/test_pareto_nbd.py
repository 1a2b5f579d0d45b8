import mpmath
import numpy as np
import pytest
from reference.oracles_numerics import (
    discounted_expectation_by_integration,
    discounted_expectation_in_many_digits,
    log_likelihood_in_many_digits,
    no_transaction_by_integration,
    p_alive_by_integration,
    stress_grid,
)

from clv.numerics.pareto_nbd import (
    ParetoNBDParams,
    conditional_expected_transactions,
    expected_transactions,
    log_likelihood,
    p_alive,
    probability_of_no_transaction,
)
from clv.numerics.simulate import history, purchases
from clv.numerics.time_alive import time_alive

PARAMS = ParetoNBDParams(r=0.55, alpha=10.6, s=0.61, beta=11.7)
CUSTOMERS = [(0, 0.0, 39.0), (2, 30.0, 39.0), (2, 10.0, 39.0)]
X, T_X, T = (np.array(column, dtype=float) for column in zip(*CUSTOMERS, strict=True))


@pytest.mark.parametrize(("x", "t_x", "T"), CUSTOMERS)
def test_p_alive_agrees_with_numerical_integration(x, t_x, T):
    expected = p_alive_by_integration(PARAMS, x, t_x, T)

    assert p_alive(PARAMS, x, t_x, T) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("discount", [0.0, 0.01])
@pytest.mark.parametrize(("x", "t_x", "T"), CUSTOMERS)
def test_expected_transactions_agree_with_numerical_integration(x, t_x, T, discount):
    expected = discounted_expectation_by_integration(PARAMS, (x, t_x, T), 26.0, discount)
    computed = conditional_expected_transactions(PARAMS, x, t_x, T, 26.0, discount=discount)

    assert computed == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("x", "t_x", "T"), CUSTOMERS)
def test_no_transaction_agrees_with_numerical_integration(x, t_x, T):
    expected = no_transaction_by_integration(PARAMS, x, t_x, T, 26.0)

    assert probability_of_no_transaction(PARAMS, x, t_x, T, 26.0) == pytest.approx(
        expected, rel=1e-6
    )


def test_the_oracles_notice_a_wrong_formula():
    swapped = PARAMS._replace(alpha=PARAMS.beta, beta=PARAMS.alpha, r=PARAMS.s, s=PARAMS.r)
    customer = (2, 10.0, 39.0)

    assert p_alive(swapped, *customer) != pytest.approx(
        p_alive_by_integration(PARAMS, *customer), rel=1e-3
    )
    assert probability_of_no_transaction(swapped, *customer, 26.0) != pytest.approx(
        no_transaction_by_integration(PARAMS, *customer, 26.0), rel=1e-3
    )


def test_three_thousand_points_of_the_stress_grid_agree_with_many_digits():
    worst_value = worst_alive = 0.0
    for params, x, t_x, T in stress_grid(3000, seed=20051):
        value, alive = log_likelihood_in_many_digits(params, x, t_x, T)
        ours = ParetoNBDParams(*params)
        worst_value = max(worst_value, abs(log_likelihood(ours, x, t_x, T)[0] - value))
        worst_alive = max(worst_alive, abs(p_alive(ours, x, t_x, T)[0] - alive))

    assert worst_value < 5e-11
    assert worst_alive < 1e-12


@pytest.mark.parametrize("discount", [1e-5, 0.0018, 0.05])
def test_discounted_expectations_on_the_stress_grid_agree_with_many_digits(discount):
    for params, x, t_x, T in stress_grid(40, seed=7):
        for t in (0.5, 520.0, np.inf):
            computed = conditional_expected_transactions(
                ParetoNBDParams(*params), x, t_x, T, t, discount=discount
            )
            expected = discounted_expectation_in_many_digits(params, (x, t_x, T), t, discount)

            assert computed == pytest.approx(expected, rel=1e-9, abs=1e-300)


REGIONS = {
    "three hundred purchases and more": (PARAMS, 1000, 364.0, 365.0),
    "last seen today": (PARAMS, 132, 200.0, 200.0),
    "last seen a moment ago, many purchases": (PARAMS, 300, 199.9999, 200.0),
    "alpha equals beta": (PARAMS._replace(alpha=11.7), 5, 20.0, 39.0),
    "beta far above alpha, never seen again": (PARAMS._replace(beta=8000.0, alpha=0.01), 0, 0, 39),
    "alpha far above beta, never seen again": (PARAMS._replace(alpha=8e3, beta=0.01), 0, 0, 39),
    "s is one": (PARAMS._replace(s=1.0), 2, 10.0, 39.0),
    "s near one": (PARAMS._replace(s=1 + 1e-12), 2, 10.0, 39.0),
    "s and beta huge: one common lifetime": (PARAMS._replace(s=1e7, beta=5e8), 2, 10.0, 39.0),
    "a heavy buyer at a long horizon": (PARAMS, 400, 38.9, 39.0),
    "age zero": (PARAMS, 0, 0.0, 0.0),
}


@pytest.mark.parametrize("region", REGIONS)
def test_regions_that_break_others_give_ordinary_answers(region):
    params, x, t_x, T = REGIONS[region]
    horizons = np.array([0.0, 1.0, 26.0, 520.0])
    expected = conditional_expected_transactions(params, x, t_x, T, horizons)
    quiet = probability_of_no_transaction(params, x, t_x, T, horizons)

    assert np.isfinite(log_likelihood(params, x, t_x, T)).all()
    assert 0 <= p_alive(params, x, t_x, T)[0] <= 1
    assert expected[0] == 0
    assert np.all(np.diff(expected) > 0)
    assert quiet[0] == 1
    assert np.all(np.diff(quiet) <= 0)
    assert np.all(1 - quiet <= expected)


@pytest.mark.parametrize("region", [name for name in REGIONS if "huge" not in name])
def test_regions_that_break_others_agree_with_many_digits(region):
    params, x, t_x, T = REGIONS[region]
    value, alive = log_likelihood_in_many_digits(params, x, t_x, T)
    expected = discounted_expectation_in_many_digits(params, (x, t_x, T), 26.0, 0.0)

    assert log_likelihood(params, x, t_x, T) == pytest.approx(value, rel=1e-12, abs=1e-11)
    assert p_alive(params, x, t_x, T) == pytest.approx(alive, abs=1e-12)
    assert conditional_expected_transactions(params, x, t_x, T, 26.0) == pytest.approx(
        expected, rel=1e-10
    )


def test_a_huge_s_is_one_common_exponential_lifetime():
    rate, params = 0.02, PARAMS._replace(s=1e10, beta=5e11)
    with mpmath.workdps(30):
        survived = mpmath.exp(-rate * 39) * (params.alpha + 39) ** -2.55
        dropped = rate * mpmath.quad(
            lambda t: mpmath.exp(-rate * t) * (params.alpha + t) ** -2.55, [10, 39]
        )
        expected = float(survived / (survived + dropped))

    assert p_alive(params, 2, 10.0, 39.0) == pytest.approx(expected, rel=1e-8)


def test_s_equal_to_one_is_an_ordinary_point():
    at, near = (
        conditional_expected_transactions(PARAMS._replace(s=s), X, T_X, T, t=26.0)
        for s in (1.0, 1.0 + 1e-7)
    )

    assert at == pytest.approx(near, rel=1e-6)


def test_an_endless_sum_without_a_discount_is_refused_where_it_is_infinite():
    with pytest.raises(ValueError, match="infinite"):
        conditional_expected_transactions(PARAMS, X, T_X, T, np.inf, discount=0.0)


def test_an_endless_sum_without_a_discount_is_answered_where_it_is_finite():
    params = PARAMS._replace(s=2.5)
    endless = conditional_expected_transactions(params, X, T_X, T, np.inf, discount=0.0)
    long = conditional_expected_transactions(params, X, T_X, T, 1e9)

    assert endless == pytest.approx(long, rel=1e-9)


@pytest.mark.parametrize("t", [-1.0, np.nan])
def test_a_horizon_that_is_no_time_ahead_is_refused(t):
    for question in (conditional_expected_transactions, probability_of_no_transaction):
        with pytest.raises(ValueError, match="horizon"):
            question(PARAMS, X, T_X, T, t)
    with pytest.raises(ValueError, match="horizon"):
        expected_transactions(PARAMS, t)


def test_a_discount_that_vanishes_is_no_discount():
    tiny = conditional_expected_transactions(PARAMS, X, T_X, T, 26.0, discount=1e-12)

    assert tiny == pytest.approx(
        conditional_expected_transactions(PARAMS, X, T_X, T, 26.0), rel=1e-9
    )


def test_a_customer_alone_has_the_same_bits_as_in_a_crowd():
    grid = [(x, t_x, T) for _, x, t_x, T in stress_grid(700, seed=3)]
    x, t_x, T = (np.array(column, dtype=float) for column in zip(*grid, strict=True))
    crowd = conditional_expected_transactions(PARAMS, x, t_x, T, 26.0)
    quiet = probability_of_no_transaction(PARAMS, x, t_x, T, 26.0)
    likely = log_likelihood(PARAMS, x, t_x, T)

    for i in (0, 1, 255, 256, 699):
        alone = x[i], t_x[i], T[i]
        assert conditional_expected_transactions(PARAMS, *alone, 26.0)[0] == crowd[i]
        assert probability_of_no_transaction(PARAMS, *alone, 26.0)[0] == quiet[i]
        assert log_likelihood(PARAMS, *alone)[0] == likely[i]


def test_rates_may_differ_from_customer_to_customer():
    alpha, beta = np.array([10.6, 5.0, 3.0]), np.array([11.7, 20.0, 8.0])
    together = conditional_expected_transactions(
        PARAMS._replace(alpha=alpha, beta=beta), X, T_X, T, np.array([5.0, 26.0, 52.0])
    )
    apart = [
        conditional_expected_transactions(
            PARAMS._replace(alpha=alpha[i], beta=beta[i]), X[i], T_X[i], T[i], t
        )[0]
        for i, t in enumerate((5.0, 26.0, 52.0))
    ]

    assert together.tolist() == apart


def forecast_error_in_standard_errors(params):
    """Simulated purchases in the next 26 units less their forecast, for three groups."""
    rng = np.random.default_rng(11)
    T = np.full(200_000, 39.0)
    made = purchases(PARAMS, T + 26, rng)
    x, t_x = history(made, T)
    later = history(made, T + 26)[0] - x
    error = later - conditional_expected_transactions(params, x, t_x, T, 26.0)
    groups = (x == 0, (x > 0) & (t_x < 20), (x > 0) & (t_x >= 20))
    return [abs(error[g].mean()) / (error[g].std() / np.sqrt(g.sum())) for g in groups]


def test_forecasts_of_simulated_customers_are_right_on_average():
    assert max(forecast_error_in_standard_errors(PARAMS)) < 3


def test_forecasts_with_slightly_wrong_rates_are_noticed():
    assert max(forecast_error_in_standard_errors(PARAMS._replace(s=0.65))) > 3


@pytest.mark.parametrize(("s", "beta", "discount"), [(1000, 0.001, 1e-9), (1e-4, 1.0, 1e-4)])
def test_an_endless_discounted_life_is_right_at_the_ends_of_the_grid(s, beta, discount):
    ends = [0, *(mpmath.mpf(10) ** power for power in range(-9, 13)), 60 / discount]
    exact = mpmath.quad(
        lambda v: mpmath.exp(-discount * v) * (beta / (beta + v)) ** s,
        [end for end in ends if end <= 60 / discount],
    )

    assert float(time_alive(s, beta, np.inf, discount=discount, clock=None)) == pytest.approx(
        float(exact), rel=1e-8
    )

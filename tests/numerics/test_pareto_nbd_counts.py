import numpy as np
import pytest
from reference.oracles_numerics import count_in_many_digits, over_the_rates, stress_grid
from scipy import special

from clv.numerics.clock import Clock
from clv.numerics.pareto_nbd import (
    ParetoNBDParams,
    conditional_expected_transactions,
    expected_transactions,
    probability_of_no_transaction,
)
from clv.numerics.pareto_nbd_counts import (
    conditional_probability_of_count,
    probability_of_count,
)

PARAMS = ParetoNBDParams(r=0.55, alpha=10.6, s=0.61, beta=11.7)
CUSTOMERS = [(0, 0.0, 39.0), (2, 30.0, 39.0), (2, 10.0, 39.0)]
SHAPES = {
    "as fitted": PARAMS,
    "a long tail": PARAMS._replace(r=0.05, alpha=0.5),
    "s is one": PARAMS._replace(s=1.0),
    "lifetimes of seconds": PARAMS._replace(s=40.0, beta=0.01),
    "one common lifetime": PARAMS._replace(s=1e7, beta=5e8),
    "one common rate": PARAMS._replace(r=1e6, alpha=1e7),
}
SEASON = 1 + 0.8 * np.sin(2 * np.pi * np.arange(800) / 365)
CLOCKS = {
    "smooth": Clock(SEASON, 100.0),
    "stepped": Clock(
        np.where(np.arange(800) % 120 < 60, 1.6, 0.4), 100.0, tuple(range(60, 800, 60))
    ),
}


def test_points_of_the_stress_grid_agree_with_many_digits():
    for params, n, _, t in stress_grid(40, seed=4):
        expected = count_in_many_digits(params, t, n)

        assert probability_of_count(ParetoNBDParams(*params), t, n) == pytest.approx(
            expected, rel=1e-10, abs=1e-14
        )


def test_the_oracle_notices_a_wrong_formula():
    swapped = PARAMS._replace(alpha=PARAMS.beta, beta=PARAMS.alpha)

    assert probability_of_count(swapped, 39.0, 3) != pytest.approx(
        count_in_many_digits(PARAMS, 39.0, 3), rel=1e-3
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("t", [0.0, 1.0, 39.0, 365.0])
def test_chances_add_up_to_one_and_to_the_expectation(shape, t):
    params, n = SHAPES[shape], np.arange(25_000)
    chances = probability_of_count(params, t, n)

    assert chances.sum() == pytest.approx(1, abs=1e-10)
    assert chances @ n == pytest.approx(float(expected_transactions(params, t)), rel=1e-8)


@pytest.mark.parametrize("kind", CLOCKS)
def test_with_a_calendar_chances_add_up_to_one_and_to_its_expectation(kind):
    clock, n = CLOCKS[kind], np.arange(1500)
    chances = probability_of_count(PARAMS, 300.0, n, clock=clock)
    quiet = probability_of_no_transaction(PARAMS, 0.0, 0.0, 0.0, 300.0, clock=clock)

    assert chances.sum() == pytest.approx(1, abs=1e-10)
    assert chances @ n == pytest.approx(
        float(expected_transactions(PARAMS, 300.0, clock=clock)), rel=1e-6
    )
    assert chances[0] == pytest.approx(quiet[0], rel=1e-10)
    assert chances[0] != pytest.approx(probability_of_count(PARAMS, 300.0, 0), rel=1e-3)


def test_a_clock_at_even_speed_changes_nothing():
    n = np.arange(50)
    even = probability_of_count(PARAMS, 39.0, n, clock=Clock(np.ones(200), 100.0))

    assert even == pytest.approx(probability_of_count(PARAMS, 39.0, n), rel=1e-10)


@pytest.mark.parametrize("customer", CUSTOMERS)
def test_counts_ahead_of_a_customer_agree_with_integration_over_the_rates(customer):
    def twice(lam, mu):
        def until(v):
            return lam**2 * special.gammainc(3, (lam + mu) * v) / (lam + mu) ** 3

        both = (lam * 26) ** 2 / 2 * np.exp(-(lam + mu) * 26)
        return both + mu * until(26) if lam + mu > 0 else 0.0

    expected = over_the_rates(PARAMS, *customer, twice)

    assert conditional_probability_of_count(PARAMS, *customer, 26.0, n=2) == pytest.approx(
        expected, rel=1e-6
    )


@pytest.mark.parametrize("customer", CUSTOMERS)
@pytest.mark.parametrize("clock", [None, CLOCKS["smooth"]], ids=["even", "season"])
def test_counts_ahead_of_a_customer_add_up_to_what_is_expected(customer, clock):
    n = np.arange(800)
    chances = conditional_probability_of_count(PARAMS, *customer, 26.0, n=n, clock=clock)

    assert chances.sum() == pytest.approx(1, abs=1e-10)
    assert chances @ n == pytest.approx(
        conditional_expected_transactions(PARAMS, *customer, 26.0, clock=clock)[0], rel=1e-7
    )
    assert chances[0] == pytest.approx(
        probability_of_no_transaction(PARAMS, *customer, 26.0, clock=clock)[0], rel=1e-10
    )


def test_rates_may_differ_from_customer_to_customer_and_nobodys_bits_depend_on_others():
    alpha, beta, t = np.array([10.6, 5.0, 3.0]), np.array([11.7, 20.0, 8.0]), np.array([5, 26, 52])
    n = np.array([0, 3, 40])
    together = probability_of_count(PARAMS._replace(alpha=alpha, beta=beta), t, n)
    apart = [
        float(probability_of_count(PARAMS._replace(alpha=alpha[i], beta=beta[i]), t[i], n[i]))
        for i in range(3)
    ]

    assert together.tolist() == apart


@pytest.mark.parametrize("t", [-1.0, np.nan, np.inf])
def test_a_horizon_that_never_comes_is_refused(t):
    with pytest.raises(ValueError, match="horizon"):
        probability_of_count(PARAMS, t, 0)

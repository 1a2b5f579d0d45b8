import numpy as np
import pytest
from reference.oracles_numerics import (
    bg_expectation_by_2f1,
    bg_expectation_by_summing,
    bg_log_likelihood_in_many_digits,
    bg_no_transaction_in_many_digits,
    bg_over_rate_and_chance,
    bg_stress_grid,
)
from scipy import integrate

from clv.numerics import bg_nbd_survivor
from clv.numerics.bg_nbd import (
    BGNBDParams,
    conditional_expected_transactions,
    expected_transactions,
    log_likelihood,
    p_alive,
    probability_of_count,
    probability_of_no_transaction,
)
from clv.numerics.simulate import history, regular_purchases

BG = BGNBDParams(r=0.243, alpha=4.414, a=0.793, b=2.426)
MBG = BGNBDParams(r=0.525, alpha=6.183, a=0.891, b=1.614, drops_at_once=True)
MODELS = {
    "BG/NBD": BG,
    "MBG/NBD": MBG,
    "BG/CNBD-3": BG._replace(k=3, alpha=1.5),
    "MBG/CNBD-2": MBG._replace(k=2, alpha=2.3),
}
CUSTOMERS = [(0, 0.0, 39.0), (2, 30.0, 39.0), (2, 10.0, 39.0)]
X, T_X, T = (np.array(column, dtype=float) for column in zip(*CUSTOMERS, strict=True))


@pytest.fixture(params=MODELS)
def params(request):
    return MODELS[request.param]


@pytest.mark.parametrize("params", [BG, MBG])
@pytest.mark.parametrize(("x", "t_x", "T"), CUSTOMERS)
def test_answers_agree_with_integration_over_rate_and_dropout_chance(params, x, t_x, T):
    alive = bg_over_rate_and_chance(params, x, t_x, T, lambda _lam, _p: 1.0)
    expected = bg_over_rate_and_chance(
        params, x, t_x, T, lambda lam, p: -np.expm1(-lam * p * 26.0) / p if p > 0 else lam * 26.0
    )
    buys = bg_over_rate_and_chance(params, x, t_x, T, lambda lam, _p: -np.expm1(-lam * 26.0))

    assert p_alive(params, x, t_x, T) == pytest.approx(alive, rel=1e-6)
    assert conditional_expected_transactions(params, x, t_x, T, 26.0) == pytest.approx(
        expected, rel=1e-6
    )
    assert 1 - probability_of_no_transaction(params, x, t_x, T, 26.0) == pytest.approx(
        buys, rel=1e-6
    )


def test_the_oracle_notices_a_wrong_formula():
    customer = (2, 10.0, 39.0)
    alive = bg_over_rate_and_chance(MBG, *customer, lambda _lam, _p: 1.0)

    assert p_alive(MBG._replace(drops_at_once=False), *customer) != pytest.approx(alive, rel=1e-3)
    assert p_alive(MBG._replace(a=MBG.b, b=MBG.a), *customer) != pytest.approx(alive, rel=1e-3)


@pytest.mark.parametrize(("k", "count"), [(1, 300), (2, 60), (3, 40), (4, 40), (24, 20)])
def test_points_of_the_stress_grid_agree_with_many_digits(k, count):
    worst = np.zeros(4)
    for i, (four, x, t_x, T) in enumerate(bg_stress_grid(count, seed=k)):
        params = BGNBDParams(*four, k=k, drops_at_once=bool(i % 2))
        customer, t = (x, t_x, T), (0.5, 30.0, 520.0, 3650.0)[i % 4]
        value, alive = bg_log_likelihood_in_many_digits(params, *customer)
        quiet = bg_no_transaction_in_many_digits(params, customer, t)
        expected = bg_expectation_by_summing(params, customer, t)
        computed = conditional_expected_transactions(params, *customer, t)[0]
        errors = [
            log_likelihood(params, *customer)[0] - value,
            p_alive(params, *customer)[0] - alive,
            probability_of_no_transaction(params, *customer, t)[0] - quiet,
            # Some have too many purchases ahead to add up; they must still be finite.
            0 if np.isnan(expected) else (computed - expected) / max(expected, 1e-3),
        ]
        assert np.isfinite(computed)
        worst = np.maximum(worst, np.abs(errors))

    assert np.all(worst < [1e-10, 1e-14, 1e-12, 1e-8])


@pytest.mark.parametrize("customer", [(0, 0.0, 39.0), (2, 30.43, 38.86), (400, 38.9, 39.0)])
@pytest.mark.parametrize("a", [0.793, 1 - 1e-9, 1 + 1e-12, 1.7])
def test_expectations_agree_with_the_closed_form_also_near_a_equal_to_one(customer, a):
    for t in (1.0, 39.0, 365.0):
        expected = bg_expectation_by_2f1(BG._replace(a=a), customer, t)

        assert conditional_expected_transactions(BG._replace(a=a), *customer, t) == pytest.approx(
            expected, rel=1e-10
        )


@pytest.mark.parametrize("k", [2, 3, 24])
@pytest.mark.parametrize("t", [3.0, 365.0])
def test_counting_purchases_agrees_with_averaging_over_the_chance_to_stay(monkeypatch, k, t):
    params = MBG._replace(k=k)
    counted = conditional_expected_transactions(params, X, T_X, T, t, discount=0.002)
    monkeypatch.setattr(bg_nbd_survivor, "MOST_TERMS", 0)
    averaged = conditional_expected_transactions(params, X, T_X, T, t, discount=0.002)

    assert np.any(counted != averaged)
    assert counted == pytest.approx(averaged, rel=1e-9)


@pytest.mark.parametrize("k", [1, 3, 24])
@pytest.mark.parametrize(
    "ask", [conditional_expected_transactions, probability_of_no_transaction], ids=["count", "none"]
)
def test_a_customer_has_the_same_bits_alone_as_in_a_crowd(ask, k):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 20, 100).astype(float)
    T = 30 * x + rng.uniform(0, 40, 100)
    params = MBG._replace(r=40.0, alpha=1200.0 / k, k=k)
    crowd = ask(params, x, 30 * x, T, 91.0)

    assert [ask(params, *one, 91.0)[0] for one in zip(x, 30 * x, T, strict=True)] == crowd.tolist()


def test_rounding_makes_no_expectation_negative():
    params = BGNBDParams(1e-6, 1e8, 1e-6, 1e-6, k=24)

    assert conditional_expected_transactions(params, 1000, 1.0, 1e4, 365.0) >= 0


def test_a_equal_to_one_is_an_ordinary_point():
    at, near = (
        conditional_expected_transactions(BG._replace(a=a), X, T_X, T, 26.0)
        for a in (1.0, 1.0 + 1e-7)
    )

    assert at == pytest.approx(near, rel=1e-6)


REGIONS = {
    "a thousand purchases": (1000, 364.0, 365.0),
    "a heavy buyer at a long horizon": (400, 39.0, 39.0),
    "last seen today": (132, 200.0, 200.0),
    "last seen a moment ago, many purchases": (300, 199.9999, 200.0),
    "never seen again": (0, 0.0, 39.0),
    "age zero": (0, 0.0, 0.0),
}
SHAPES = {
    "as fitted": {},
    "b below one": {"b": 0.02},
    "a tiny": {"a": 1e-9},
    "b tiny": {"b": 1e-9},
    "a huge": {"a": 1e7},
    "b huge": {"b": 1e7},
    "one common chance": {"a": 1e7, "b": 3e7},
    "alpha tiny": {"alpha": 1e-4},
    "rates all alike": {"r": 1e5, "alpha": 1e6},
}


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_regions_that_break_others_give_ordinary_answers(params, region, shape):
    params, customer = params._replace(**SHAPES[shape]), REGIONS[region]
    horizons = np.array([0.0, 1.0, 26.0, 520.0, 365 * 7.0])
    expected = conditional_expected_transactions(params, *customer, horizons)
    quiet = probability_of_no_transaction(params, *customer, horizons)

    assert np.isfinite(log_likelihood(params, *customer)).all()
    assert 0 <= p_alive(params, *customer)[0] <= 1
    assert expected[0] == 0
    assert quiet[0] == 1
    assert np.isfinite(expected).all()
    assert np.all(np.diff(expected) >= -1e-12 * expected[1:])
    assert np.all(np.diff(quiet) <= 0)
    assert np.all(1 - quiet <= expected * (1 + 1e-9) + 1e-13)


def test_a_heavy_buyer_at_a_long_horizon_is_expected_to_buy_on():
    expected = conditional_expected_transactions(BG, 400, 39.0, 39.0, 365.0)

    # pymc-marketing and CLVTools give NaN.
    assert expected == pytest.approx(bg_expectation_by_summing(BG, (400, 39.0, 39.0), 365.0))


def test_a_one_time_buyer_is_quiet_with_the_right_probability():
    # .927 in pymc-marketing
    assert probability_of_no_transaction(BG, 0, 0.0, 39.0, 39.0) == pytest.approx(0.856, abs=5e-4)


@pytest.mark.parametrize("discount", [1e-5, 0.0018, 0.05])
def test_discounted_expectations_agree_with_integration_by_parts_over_many_moments(
    params, discount
):
    for customer in CUSTOMERS:

        def expected(v, customer=customer):
            return bg_expectation_by_summing(params, customer, v)

        lost, _ = integrate.quad(lambda v: np.exp(-discount * v) * expected(v), 0, 260, epsrel=1e-9)
        by_parts = np.exp(-discount * 260) * expected(260.0) + discount * lost

        assert conditional_expected_transactions(
            params, *customer, 260.0, discount=discount
        ) == pytest.approx(by_parts, rel=1e-8)


def test_an_endless_sum_is_answered_where_it_is_finite_and_refused_where_it_is_not(params):
    dying = params._replace(a=3.0, r=4.0)
    endless = conditional_expected_transactions(dying, X, T_X, T, np.inf, discount=0.0)

    assert endless == pytest.approx(
        conditional_expected_transactions(dying, X, T_X, T, 1e7), rel=1e-3
    )
    with pytest.raises(ValueError, match="infinite"):
        conditional_expected_transactions(params, X, T_X, T, np.inf, discount=0.0)


def test_probabilities_of_counts_add_up_to_one_and_to_the_expectation(params):
    n = np.arange(4000)
    chances = probability_of_count(params, 39.0, n)

    assert chances.sum() == pytest.approx(1, rel=1e-9)
    assert chances @ n == pytest.approx(float(expected_transactions(params, 39.0)), rel=1e-7)
    assert chances[0] == pytest.approx(
        probability_of_no_transaction(params, 0, 0.0, 0.0, 39.0)[0], rel=1e-12
    )


def test_a_customer_alone_has_the_same_bits_as_in_a_crowd(params):
    grid = [row[1:] for row in bg_stress_grid(400, seed=3)]
    x, t_x, T = (np.array(column, dtype=float) for column in zip(*grid, strict=True))
    crowd = conditional_expected_transactions(params, x, t_x, T, 26.0)
    quiet = probability_of_no_transaction(params, x, t_x, T, 26.0)
    likely = log_likelihood(params, x, t_x, T)

    for i in (0, 1, 127, 128, 399):
        alone = x[i], t_x[i], T[i]
        assert conditional_expected_transactions(params, *alone, 26.0)[0] == crowd[i]
        assert probability_of_no_transaction(params, *alone, 26.0)[0] == quiet[i]
        assert log_likelihood(params, *alone)[0] == likely[i]


def test_parameters_may_differ_from_customer_to_customer():
    own = {name: np.array(v) for name, v in {"alpha": [4, 5, 3], "a": [1, 2, 3]}.items()}
    t = np.array([5.0, 26.0, 52.0])
    together = conditional_expected_transactions(BG._replace(**own), X, T_X, T, t)
    apart = [
        conditional_expected_transactions(
            BG._replace(**{name: v[i] for name, v in own.items()}), X[i], T_X[i], T[i], t[i]
        )[0]
        for i in range(3)
    ]

    assert together.tolist() == apart


def forecast_error_in_standard_errors(truth, believed):
    """Simulated purchases in the next 26 units less their forecast, for three groups."""
    rng = np.random.default_rng(11)
    T = np.full(60_000, 39.0)
    made = regular_purchases(truth, T + 26, rng)
    x, t_x = history(made, T)
    later = history(made, T + 26)[0] - x
    seen, where = np.unique(np.column_stack([x, t_x.round(1)]), axis=0, return_inverse=True)
    forecast = conditional_expected_transactions(believed, seen[:, 0], seen[:, 1], 39.0, 26.0)
    error = later - forecast[where]
    groups = (x == 0, (x > 0) & (t_x < 20), (x > 0) & (t_x >= 20))
    return [abs(error[g].mean()) / (error[g].std() / np.sqrt(g.sum())) for g in groups]


def test_forecasts_of_simulated_customers_are_right_on_average(params):
    assert max(forecast_error_in_standard_errors(params, params)) < 3.3


def test_forecasts_with_slightly_wrong_parameters_are_noticed(params):
    wrong = params._replace(a=1.15 * params.a)

    assert max(forecast_error_in_standard_errors(params, wrong)) > 3.3

import numpy as np
import pytest
from scipy import stats

from clv.numerics import bg_nbd_fit, nbd
from clv.numerics.bg_nbd import BGNBDParams, log_likelihood
from clv.numerics.bg_nbd_fit import log_likelihood_total, timing
from clv.numerics.histories import distinct_histories
from clv.numerics.nbd import NBDParams
from clv.numerics.optimize import Status
from clv.numerics.simulate import history, log_intervals, regular_purchases

TRUTH = BGNBDParams(r=0.8, alpha=4.4, a=0.8, b=2.4)
MODELS = {
    "BG/NBD": TRUTH,
    "MBG/NBD": TRUTH._replace(drops_at_once=True),
    "BG/CNBD-2": TRUTH._replace(k=2, alpha=2.2),
    "MBG/CNBD-3": TRUTH._replace(k=3, alpha=1.5, drops_at_once=True),
}


def simulated(params, customers=3000, seed=5):
    rng = np.random.default_rng(seed)
    T = rng.integers(0, 53, customers).astype(float)
    made = regular_purchases(params, T, rng)
    return *history(made, T), T, log_intervals(made)


@pytest.fixture(params=MODELS)
def truth(request):
    return MODELS[request.param]


def fit(truth, x, t_x, T, **options):
    rows = distinct_histories(x, t_x, T)
    return bg_nbd_fit.fit(rows, k=truth.k, drops_at_once=truth.drops_at_once, **options)


@pytest.mark.parametrize("k", [1, 3, 8])
def test_regularity_is_the_slope_of_the_dirichlet_of_the_shares_of_time(k):
    rng = np.random.default_rng(8)
    shares = [rng.dirichlet(np.full(x, 4.0)) for x in (1, 2, 3, 9)]
    x, t_x = np.array([1.0, 2, 3, 9, 0]), np.array([5.0, 40, 2, 300, 0])
    logs = [np.log(own * t).sum() for own, t in zip(shares, t_x, strict=False)]

    def total(k):
        return sum(stats.dirichlet(np.full(own.size, k)).logpdf(own) for own in shares[1:])

    step = 1e-3
    up, here, down = (total(k + d) for d in (step, 0, -step))
    slope, curvature = (up - down) / (2 * step), (up - 2 * here + down) / step**2
    found = bg_nbd_fit.regularity(x, t_x, np.array([*logs, np.nan]), k=k)

    assert found == pytest.approx(slope / np.sqrt(-curvature), rel=1e-4)


@pytest.mark.parametrize(("k", "low", "high"), [(2, 10, np.inf), (4, -4, 4), (8, -np.inf, -10)])
def test_regularity_knows_how_regularly_customers_buy_who_differ_and_leave(k, low, high):
    x, t_x, _, logs = simulated(TRUTH._replace(k=4, alpha=1.1, drops_at_once=True))

    assert low < bg_nbd_fit.regularity(x, t_x, logs, k=k) < high


def test_who_bought_again_once_at_most_says_nothing_of_regularity():
    known = np.array([0.0, 1.0]), np.array([0.0, 9.0]), np.array([np.nan, np.log(9.0)])

    assert bg_nbd_fit.regularity(*known, k=3) == 0


POINTS = [np.log([0.5, 3.0, 0.7, 2.0]), np.log([4.0, 90.0, 1e-3, 1e-2]), np.log([0.1, 1, 900, 9e3])]


@pytest.mark.parametrize("point", POINTS)
def test_value_gradient_and_hessian_agree_with_the_sum_over_customers(truth, point):
    x, t_x, T, _ = simulated(truth, 500)
    rows = distinct_histories(x, t_x, T)
    traits = {"k": truth.k, "drops_at_once": truth.drops_at_once}

    def total(point):
        values = log_likelihood(BGNBDParams(*np.exp(point), **traits), x, t_x, T)
        return values.sum() - timing(x.sum(), 0.0, k=truth.k)

    value, gradient, hessian = log_likelihood_total(point, rows, **traits)
    step = 1e-4 * np.eye(4)
    slope = [(total(point + d) - total(point - d)) / 2e-4 for d in step]
    up, down = (
        [log_likelihood_total(point + s * d, rows, **traits)[1] for d in step] for s in (1, -1)
    )
    size = np.abs(hessian).max()

    assert value == pytest.approx(total(point), rel=1e-12)
    assert gradient == pytest.approx(np.array(slope), abs=1e-7 * size)
    assert hessian == pytest.approx((np.array(up) - down) / 2e-4, abs=1e-7 * size)
    assert np.array_equal(hessian, hessian.T)


def test_the_true_parameters_lie_within_three_standard_errors_and_others_do_not(truth):
    found = fit(truth, *simulated(truth)[:3])
    off = np.abs(np.array(found.parameters) - truth[:4]) / found.standard_errors
    other = truth._replace(r=2 * truth.r)
    wrong = np.abs(np.array(fit(truth, *simulated(other)[:3]).parameters) - truth[:4])

    assert found.status is Status.OPTIMUM
    assert np.all(off < 3)
    assert np.any(wrong / found.standard_errors > 3)


def test_no_point_nearby_is_better(truth):
    rows = distinct_histories(*simulated(truth)[:3])
    found = fit(truth, *simulated(truth)[:3])
    rng = np.random.default_rng(2)

    for _ in range(20):
        nearby = np.log(found.parameters) + rng.normal(scale=0.01, size=4)
        value, _, _ = log_likelihood_total(
            nearby, rows, k=truth.k, drops_at_once=truth.drops_at_once
        )
        assert value < found.log_likelihood


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_regularity_of_simulated_customers_is_recognized(k):
    truth = TRUTH._replace(k=k, alpha=4.4 / k, drops_at_once=True)
    x, t_x, T, logs = simulated(truth, 2000)
    likely = {
        tried: fit(truth._replace(k=tried), x, t_x, T).log_likelihood
        + timing(x.sum(), logs.sum(), k=tried)
        for tried in (1, 2, 3, 4)
    }

    assert max(likely, key=likely.get) == k


def test_the_order_of_customers_and_their_copies_make_no_difference(truth):
    customers = simulated(truth)[:3]
    order = np.random.default_rng(8).permutation(3000)
    once, shuffled = fit(truth, *customers), fit(truth, *(column[order] for column in customers))
    thrice = fit(truth, *(np.tile(column, 3) for column in customers))

    assert shuffled == once
    assert thrice.parameters == pytest.approx(once.parameters, rel=1e-8)
    assert thrice.standard_errors == pytest.approx(np.array(once.standard_errors) / np.sqrt(3))


def test_the_answer_does_not_depend_on_the_unit_of_time(truth):
    x, t_x, T, _ = simulated(truth)
    weeks, days = fit(truth, x, t_x, T, prior=True), fit(truth, x, 7 * t_x, 7 * T, prior=True)

    assert np.divide(days.parameters, weeks.parameters) == pytest.approx([1, 7, 1, 1], rel=1e-6)


def test_a_weak_prior_hardly_moves_what_the_data_know(truth):
    customers = simulated(truth)[:3]
    plain, held = fit(truth, *customers), fit(truth, *customers, prior=True)
    moved = np.abs(np.subtract(held.parameters, plain.parameters))

    assert held.status is Status.OPTIMUM
    assert np.all(moved < 0.5 * np.array(plain.standard_errors))


@pytest.mark.parametrize(
    ("alike", "with_prior"),
    [({"a": 1e4, "b": 3e4}, Status.OPTIMUM), ({"a": 1e-9}, Status.PRIOR_GOVERNED)],
    ids=["one chance for all", "nobody drops out"],
)
def test_dropout_the_data_cannot_show_is_a_status_with_and_without_the_prior(alike, with_prior):
    truth = TRUTH._replace(**alike)
    customers = simulated(truth)[:3]
    plain, held = fit(truth, *customers), fit(truth, *customers, prior=True)

    assert plain.status is Status.NOT_IDENTIFIED
    assert held.status is with_prior
    assert held.log_likelihood <= plain.log_likelihood


# Columns x, t_x, T.
DEGENERATE = {
    "a hundred identical customers": [(2, 10, 39)] * 100,
    "a hundred identical customers seen today": [(2, 39, 39)] * 100,
    "two customers": [(0, 0, 39), (1, 10, 39)],
    "one customer": [(3, 10, 39)],
    "customers of age zero": [(0, 0, 0), (0, 0, 0), (0, 0, 5), (4, 9, 9)],
    "a thousand purchases": [(0, 0, 300), (0, 0, 20), (1, 3, 200), (1000, 364, 365)],
}


@pytest.mark.parametrize("prior", [False, True])
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_data_end_at_the_best_parameters_with_a_status_that_says_so(truth, case, prior):
    found = fit(truth, *np.transpose(DEGENERATE[case]), prior=prior)

    assert found.status.converged
    assert np.isfinite(found.parameters).all()
    assert np.isfinite(found.log_likelihood)


def test_nbd_is_bg_nbd_without_dropout():
    x, t_x, T, _ = simulated(TRUTH._replace(a=1e-9))
    found, bg = nbd.fit(distinct_histories(x, t_x, T)), fit(TRUTH, x, t_x, T)

    assert found.status is Status.OPTIMUM
    assert found.log_likelihood == pytest.approx(bg.log_likelihood, abs=0.5)
    assert found.parameters == pytest.approx(bg.parameters[:2], rel=0.02)
    assert nbd.log_likelihood(NBDParams(*found.parameters), x, T).sum() == pytest.approx(
        found.log_likelihood, rel=1e-12
    )


def test_derivatives_of_nbd_agree_with_finite_differences():
    x, t_x, T, _ = simulated(TRUTH, 500)
    rows, point, step = distinct_histories(x, t_x, T), np.log([0.4, 9.0]), 1e-4 * np.eye(2)
    _, gradient, hessian = nbd.log_likelihood_total(point, rows)
    ends = [[nbd.log_likelihood_total(point + s * d, rows) for d in step] for s in (1, -1)]
    slope, bend = (
        [(up[i] - down[i]) / 2e-4 for up, down in zip(*ends, strict=True)] for i in (0, 1)
    )

    assert gradient == pytest.approx(np.array(slope), rel=1e-6)
    assert hessian == pytest.approx(np.array(bend), rel=1e-6)

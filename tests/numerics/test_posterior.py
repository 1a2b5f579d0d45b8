"""Draws of parameters, against grids, known tails and a posterior that breaks the proposals."""

import numpy as np
import pytest

from clv.numerics import (
    gamma_gamma,
    pareto_nbd,
    pareto_nbd_draws,
    pareto_nbd_fit,
    posterior,
    simulate,
)
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.histories import distinct_histories
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.posterior import (
    AGREEING,
    WIDEST,
    WORST_K,
    draw,
    generalized_pareto,
    r_hat,
    smoothed,
)

PARAMS = ParetoNBDParams(r=0.8, alpha=9.0, s=0.7, beta=14.0)


def bell(point):
    return -(point[0] ** 2) / 2 - point[1] ** 2 / 2


def skewed(point):
    """Logs of gammas of shape 2: a wall on one side, a slope on the other."""
    return 2 * point[0] - np.exp(point[0]) + 2 * point[1] - np.exp(point[1])


def banana(point):
    """A first coordinate of standard deviation 0.15, the second close to a parabola of it."""
    x, y = 20 * point[0], 20 * point[1]
    return -(x**2) / 18 - (y + x**2 / 3) ** 2 / 2


def found_in(log_density, curvature, *, mode=(0.0, 0.0), seed=1, **options):
    return draw(log_density, np.array(mode), -np.diag(curvature), count=400, seed=seed, **options)


def moments_by_grid(log_density, first, second):
    """Mean and standard deviation of both coordinates, by adding up a fine grid."""
    grid = np.stack(np.meshgrid(np.linspace(*first, 1201), np.linspace(*second, 1201)))
    weights = np.exp(log_density(grid))
    weights /= weights.sum()
    means = (grid * weights).sum(axis=(1, 2))
    spreads = np.sqrt(((grid - means[:, None, None]) ** 2 * weights).sum(axis=(1, 2)))
    return means, spreads


@pytest.mark.parametrize("log_density", [bell, skewed])
def test_around_a_determined_mode_weighted_proposals_are_enough(log_density):
    mode = (0.0, 0.0) if log_density is bell else (np.log(2), np.log(2))
    curvature = [1.0, 1.0] if log_density is bell else [2.0, 2.0]
    means, spreads = moments_by_grid(log_density, (-9, 6), (-9, 6))

    found = found_in(log_density, curvature, mode=mode)

    assert found.pareto_k < 0.5
    assert not found.sampled
    assert found.points.mean(axis=0) == pytest.approx(means, abs=0.2)
    assert found.points.std(axis=0) == pytest.approx(spreads, rel=0.15)


def test_the_tail_of_the_ratios_tells_a_banana_from_a_bell():
    points = np.random.default_rng(1).standard_normal((2, 2000)) * [[0.15], [0.05]]
    proposed = -((points[0] / 0.15) ** 2 + (points[1] / 0.05) ** 2) / 2
    heavier = -((points[0] / 0.16) ** 2 + (points[1] / 0.052) ** 2) / 2

    k = [smoothed(np.exp(target - proposed))[1] for target in (banana(points), heavier)]

    assert k[0] > WORST_K
    assert k[1] < 0.3


def test_where_weights_fail_a_walk_finds_what_a_grid_has(monkeypatch):
    means, spreads = moments_by_grid(banana, (-0.6, 0.6), (-2.5, 0.25))
    monkeypatch.setattr(posterior, "WORST_K", -np.inf)

    found = found_in(banana, [400 / 9, 400.0], steps=50_000)

    assert found.sampled
    assert found.apart < 1.2
    assert np.all(np.abs(found.points.mean(axis=0) - means) < 0.3 * spreads)
    assert found.points.std(axis=0) == pytest.approx(spreads, rel=0.3)


def test_a_posterior_too_skewed_for_weights_is_walked_and_too_short_a_walk_says_so():
    def bananas(point):
        return sum(banana(pair) for pair in point.reshape(5, 2))

    found = draw(bananas, np.zeros(10), -np.diag([400 / 9, 400.0] * 5), count=400, seed=1)

    assert found.pareto_k > WORST_K
    assert found.apart > AGREEING


@pytest.mark.parametrize(("apart", "agrees"), [(0.0, True), (1.0, False)])
def test_walks_that_stay_in_places_of_their_own_are_told_apart(apart, agrees):
    walks = np.random.default_rng(1).standard_normal((4, 500, 2))
    walks[:, :, 1] += apart * np.arange(4)[:, None]

    assert (r_hat(walks) < AGREEING) == agrees


def test_many_rows_are_drawn_from_as_if_each_were_looked_at(monkeypatch):
    rng = np.random.default_rng(3)
    T = rng.integers(50, 400, 3000) / 7
    x, t_x = simulate.history(simulate.purchases(PARAMS, T, rng), T)
    rows = distinct_histories(x, np.minimum(np.round(t_x, 1), T), T)
    found = pareto_nbd_fit.fit(rows, prior_beta=52.0)
    prior = pareto_nbd_fit.log_prior(52.0, np.empty(0))
    point = np.log(found.parameters)

    all_of_them, sampled = [], []
    for enough, into in ((10**9, all_of_them), (300, sampled)):
        monkeypatch.setattr(posterior, "ENOUGH_ROWS", enough)
        into.append(pareto_nbd_draws.draw(rows, point, prior, count=400, seed=1).points)

    (one,), (other,) = all_of_them, sampled
    assert np.all(np.abs(one.mean(axis=0) - other.mean(axis=0)) < 0.25 * one.std(axis=0))
    assert other.std(axis=0) == pytest.approx(one.std(axis=0), rel=0.2)


def test_a_direction_that_nothing_determines_is_held_by_the_widest_bell():
    found = found_in(lambda point: -(point[0] ** 2) / 2, [1.0, 0.0])

    assert found.points[:, 1].std() == pytest.approx(WIDEST, rel=0.2)


def test_the_same_seed_gives_the_same_draws_and_another_others():
    first, again, other = (found_in(skewed, [2.0, 2.0], seed=seed).points for seed in (3, 3, 4))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_last_bits_of_a_curvature_move_no_more_than_the_last_bits_of_the_draws():
    curvature = -2 * np.eye(2)  # which points nowhere more than elsewhere
    off = 1e-13 * np.array([[1.0, 3.0], [3.0, -2.0]])

    plain, moved = (
        draw(skewed, np.zeros(2), hessian, count=400, seed=3).points
        for hessian in (curvature, curvature + off)
    )

    assert moved == pytest.approx(plain, abs=1e-9)


@pytest.mark.parametrize("k", [-0.4, 0.01, 0.5, 1.0])
def test_the_shape_of_a_generalized_pareto_is_found_again(k):
    uniform = np.random.default_rng(1).random(4000)

    found, scale = generalized_pareto(np.sort(3 * (uniform**-k - 1) / k))

    assert found == pytest.approx(k, abs=0.07)
    assert scale == pytest.approx(3, rel=0.07)


def test_smoothing_touches_the_tail_alone_and_never_exceeds_the_largest():
    ratios = np.random.default_rng(2).random(500) ** -0.8

    weights, k = smoothed(ratios)

    untouched = np.argsort(ratios)[: -int(3 * np.sqrt(500))]
    assert np.array_equal(weights[untouched], ratios[untouched])
    assert weights.max() <= ratios.max()
    assert 0.4 < k < 1.2


@pytest.mark.parametrize(
    ("ratios", "k"), [(np.ones(100), 0.0), (np.eye(100)[0], np.inf)], ids=["alike", "one of all"]
)
def test_ratios_without_a_tail_are_named_good_or_hopeless(ratios, k):
    assert smoothed(ratios)[1] == k


@pytest.fixture(scope="module")
def shop():
    rng = np.random.default_rng(11)
    T = np.repeat([20.0, 40.0], 150)
    x, t_x = simulate.history(simulate.purchases(PARAMS, T, rng), T)
    return x, t_x, T


def test_near_the_fit_draws_are_weighed_by_the_likelihood(shop):
    near = ParetoNBDParams(r=0.9, alpha=12.0, s=0.5, beta=8.0)
    rows = distinct_histories(*shop)

    quick = pareto_nbd_draws._value_near(rows, point=np.log(PARAMS), season=None)

    exact = pareto_nbd.log_likelihood(near, *shop).sum()
    assert quick(np.log(near)) == pytest.approx(exact, abs=1e-6)


def test_draws_of_a_shops_parameters_are_as_wide_as_its_standard_errors(shop):
    rows = distinct_histories(*shop)
    found = pareto_nbd_fit.fit(rows, prior_beta=52.0)
    prior = pareto_nbd_fit.log_prior(52.0, np.empty(0))

    draws = pareto_nbd_draws.draw(rows, np.log(found.parameters), prior, count=400, seed=1)

    assert draws.pareto_k < WORST_K
    relative = np.array(found.standard_errors) / found.parameters
    assert np.all(np.abs(draws.points.mean(axis=0) - np.log(found.parameters)) < relative)
    assert draws.points[:, :2].std(axis=0) == pytest.approx(relative[:2], rel=0.25)


@pytest.mark.parametrize("power", [False, True])
def test_draws_of_spend_parameters_are_as_wide_as_their_standard_errors(power):
    rng = np.random.default_rng(5)
    truth = GammaGammaParams(p=2.0, q=4.0, gamma=40.0, eta=0.2 * power)
    count = rng.integers(1, 12, 3000)
    customer = np.repeat(np.arange(3000), count)
    values, _ = simulate.spend(truth, customer, rng, customers=3000)
    mean = np.bincount(customer, weights=values) / count
    found = gamma_gamma.fit(count, mean, power=power)
    params = GammaGammaParams(*found.parameters)

    draws = gamma_gamma.draw(count, mean, params, power=power, count=400, seed=1)

    relative = np.array(found.standard_errors[:3]) / found.parameters[:3]
    assert draws.pareto_k < WORST_K
    point, spread = draws.points.mean(axis=0), draws.points.std(axis=0)
    assert point == pytest.approx([*np.log(params[:3]), *found.parameters[3:]], abs=0.05)
    assert spread == pytest.approx([*relative, *found.standard_errors[3:]], rel=0.2)

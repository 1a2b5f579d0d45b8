"""Draws of single customers, against exact expectations, published chances and each other."""

import numpy as np
import pytest
from scipy import stats

from clv.numerics import (
    bg_nbd,
    bg_nbd_draws,
    gamma_gamma,
    nbd,
    pareto_nbd,
    pareto_nbd_draws,
    simulate,
)
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.clock import Calendars, Clock
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.nbd import NBDParams
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.predictive import Dice, Shock, Spend, counts, draw, ranges
from clv.numerics.simulate import history

PARAMS = ParetoNBDParams(r=0.55, alpha=10.56, s=0.61, beta=11.64)
SPEND = GammaGammaParams(p=6.25, q=3.74, gamma=15.44)
X = np.array([0.0, 0, 2, 2, 26, 0])
T_X = np.array([0.0, 0, 30, 10, 30, 0])
T = np.array([39.0, 5, 39, 39, 31, 0])
BOUGHT = np.array([1.0, 1, 3, 3, 27, 0])
SPENT = np.array([20.0, 300, 60, 60, 800, 0])
NAMES = ["a", "b", "c", "d", "e", "f"]
HORIZON = 52.0
NO_Z = np.empty((6, 0))
ONE_DRAW = np.log([PARAMS])
PARETO = pareto_nbd_draws.Ahead(ONE_DRAW, X, T_X, T, NO_Z, NO_Z, HORIZON)
BG = BGNBDParams(r=0.243, alpha=4.414, a=0.793, b=2.426)
MBG_2 = BG._replace(k=2, alpha=2.2, drops_at_once=True)
ONE_NBD = NBDParams(r=0.385, alpha=12.07)


def bg_ahead(params):
    points = np.log([params[:4]])
    return bg_nbd_draws.Ahead(points, X, T_X, T, HORIZON, params.k, params.drops_at_once)


FAMILIES = {
    "pareto": (PARETO, pareto_nbd, PARAMS),
    "bg": (bg_ahead(BG), bg_nbd, BG),
    "mbg": (bg_ahead(BG._replace(drops_at_once=True)), bg_nbd, BG._replace(drops_at_once=True)),
    "mbg 2": (bg_ahead(MBG_2), bg_nbd, MBG_2),
    "nbd": (nbd.Ahead(np.log([ONE_NBD]), X, T, HORIZON), nbd, ONE_NBD),
}
each_family = pytest.mark.parametrize("family", FAMILIES)


def drawn(buying=PARETO, names=NAMES, places=None, *, draws=300, seed=1, worth=SPEND, ends=()):
    spend = Spend(worth, BOUGHT, SPENT)
    return draw(buying, spend, names, places, draws=draws, seed=seed, ends=ends)


@each_family
def test_a_customer_alone_is_drawn_as_in_a_crowd_and_in_any_order(family):
    crowd = drawn(FAMILIES[family][0])

    for order in ([4], [5, 2, 0], [1]):
        few = drawn(FAMILIES[family][0], places=np.array(order))
        assert np.array_equal(few.purchases, crowd.purchases[order])
        assert np.array_equal(few.value, crowd.value[order])


def test_the_same_seed_and_name_give_the_same_draws_and_others_others():
    first, again, reseeded = (drawn(seed=seed).value for seed in (1, 1, 2))
    renamed = drawn(names=["a", "a", *NAMES[2:5], "g"]).value

    assert np.array_equal(first, again)
    assert not np.any(np.all(first == reseeded, axis=1))
    assert np.array_equal(first[[0, 2, 3, 4]], renamed[[0, 2, 3, 4]])
    assert not np.array_equal(first[5], renamed[5])


@each_family
@pytest.mark.parametrize("eta", [0.0, 0.3])
def test_draws_average_to_the_exact_expectations(family, eta):
    draws, spend = 20_000, SPEND._replace(eta=eta)
    buying, numerics, params = FAMILIES[family]
    found = drawn(buying, draws=draws, worth=spend)

    days = numerics.conditional_expected_transactions(params, X, T_X, T, HORIZON)
    worth = gamma_gamma.expected_spend(spend, BOUGHT, SPENT / np.maximum(BOUGHT, 1))
    for values, expected in ((found.purchases, days), (found.value, days * worth)):
        error = values.std(axis=1) / np.sqrt(draws)
        assert np.all(np.abs(values.mean(axis=1) - expected) < 4 * error)


@each_family
def test_draws_buy_nothing_as_often_as_the_exact_chance_says(family):
    buying, numerics, params = FAMILIES[family]
    found = drawn(buying, draws=20_000)

    exact = numerics.probability_of_no_transaction(params, X, T_X, T, HORIZON)
    assert (found.purchases == 0).mean(axis=1) == pytest.approx(exact, abs=0.014)
    assert np.array_equal(found.purchases == 0, found.value == 0)


def test_p_alive_under_a_draw_is_right_within_a_draws_noise():
    exact = pareto_nbd.p_alive(PARAMS, X, T_X, T)

    assert PARETO.under_each()[0][:, 0] == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize(("shape", "growth"), [(0.3, 0.5), (2.0, 4.0), (7.5, 3.9), (7.5, 4.1)])
def test_counts_have_the_chances_of_a_negative_binomial(shape, growth):
    numbers = 40_000
    thrown = np.random.default_rng(1).random(numbers)
    same, who = np.ones(numbers), np.zeros(numbers, dtype=int)

    found = counts(thrown, shape * same, growth * same, who, Dice(1, ["a"], numbers))

    truth = stats.nbinom(shape, 1 / (1 + growth))
    for number in range(12):
        share = (found <= number).mean()
        assert share == pytest.approx(truth.cdf(number), abs=4 * 0.5 / np.sqrt(numbers))
    assert found.mean() == pytest.approx(truth.mean(), abs=4 * truth.std() / np.sqrt(numbers))


@pytest.mark.parametrize(
    ("horizon", "first", "chances"),
    [
        # (.55, 10.56, .61, 11.64), by adaptive quadrature to 40 digits
        (39.0, 0, [0.5959381]),
        (30.0, 11, [0.00188994, 0.00133228, 0.000943244, 0.000670250, 0.000477746]),
    ],
)
def test_new_customers_buy_as_often_as_the_exact_distribution_has_it(horizon, first, chances):
    draws = 300_000
    new = PARETO._replace(horizon=horizon)

    found = drawn(new, places=np.array([5]), worth=1.0, draws=draws, seed=4)

    counts = np.bincount(found.purchases[0].astype(int))[first : first + len(chances)]
    error = np.sqrt(np.array(chances) / draws)
    assert np.all(np.abs(counts / draws - chances) < 4 * error)


def test_calendar_and_covariates_move_draws_as_they_move_expectations():
    season = 1 + 0.9 * np.sin(np.arange(200) / 15)
    clock = Clock(season, 60.0)
    shares = np.array([0.4, 1.0, 2.5, 0.7, 1.0, 0.3])
    draws = 20_000

    z = np.log(shares)[:, None]
    buying = PARETO._replace(
        points=np.append(ONE_DRAW, [[-1.0, 1.0]], axis=1),
        purchase_z=z,
        dropout_z=z,
        calendars=Calendars.of(season[:, None], clock.today),
    )
    found = drawn(buying, draws=draws)

    own = PARAMS._replace(alpha=PARAMS.alpha * shares, beta=PARAMS.beta / shares)
    exact = pareto_nbd.conditional_expected_transactions(own, X, T_X, T, HORIZON, clock=clock)
    error = found.purchases.std(axis=1) / np.sqrt(draws)
    assert np.all(np.abs(found.purchases.mean(axis=1) - exact) < 4 * error)
    assert not np.allclose(found.purchases.mean(axis=1), drawn(draws=draws).purchases.mean(axis=1))


# --- parts of the horizon

SEASON = 1 + 0.9 * np.sin(np.arange(200) / 15)
SEASONAL = PARETO._replace(calendars=Calendars.of(SEASON[:, None], 60.0))
MBG_3 = MBG_2._replace(k=3, alpha=1.5)
IN_PARTS = FAMILIES | {
    "seasonal": (SEASONAL, pareto_nbd, PARAMS),
    "mbg 3": (bg_ahead(MBG_3), bg_nbd, MBG_3),
}
ENDS = (3.0, 17.5, 30.0, HORIZON)
each_family_in_parts = pytest.mark.parametrize("family", IN_PARTS)


def in_parts(found, of):
    """What is said of each part, ``(parts, n, draws)``, nothing where nobody bought."""
    dense = np.zeros((of.shape[1], *found.purchases.shape))
    dense[:, found.parts.who, found.parts.of] = of.T
    return dense


@each_family_in_parts
@pytest.mark.parametrize("worth", [SPEND, 12.5], ids=["gamma-gamma", "one value"])
def test_parts_add_up_to_the_whole_and_move_nothing_of_it(family, worth):
    buying = IN_PARTS[family][0]
    whole, found = (drawn(buying, worth=worth, ends=ends) for ends in ((), ENDS))

    assert np.array_equal(found.purchases, whole.purchases)
    assert np.array_equal(found.value, whole.value)
    purchases, share = (in_parts(found, of) for of in (found.parts.purchases, found.parts.share))
    assert np.array_equal(purchases.sum(axis=0), whole.purchases)
    assert share.sum(axis=0) == pytest.approx((whole.purchases > 0).astype(float))
    assert np.array_equal(share > 0, purchases > 0)


@each_family_in_parts
def test_parts_of_a_customer_alone_are_as_in_a_crowd(family):
    buying = IN_PARTS[family][0]
    crowd = drawn(buying, ends=ENDS)

    for order in ([4], [5, 2, 0]):
        few = drawn(buying, places=np.array(order), ends=ENDS)
        for of in ("purchases", "share"):
            alone, among = (in_parts(one, getattr(one.parts, of)) for one in (few, crowd))
            assert np.array_equal(alone, among[:, order])


@each_family_in_parts
def test_each_part_averages_to_what_is_expected_by_its_end_less_by_its_start(family):
    draws = 20_000
    buying, numerics, params = IN_PARTS[family]
    clock = {"clock": Clock(SEASON, 60.0)} if family == "seasonal" else {}

    found = drawn(buying, draws=draws, worth=1.0, ends=ENDS)

    purchases = in_parts(found, found.parts.purchases)
    by_end = [
        numerics.conditional_expected_transactions(params, X, T_X, T, end, **clock) for end in ENDS
    ]
    error = np.maximum(purchases.std(axis=2), 1e-9) / np.sqrt(draws)
    apart = purchases.mean(axis=2) - np.diff(by_end, axis=0, prepend=0.0)
    assert np.all(np.abs(apart) < 4.5 * error)


@pytest.mark.parametrize(
    ("family", "simulated"),
    [
        ("pareto", simulate.purchases),
        ("bg", simulate.regular_purchases),
        ("mbg 2", simulate.regular_purchases),
        ("mbg 3", simulate.regular_purchases),
    ],
)
@pytest.mark.parametrize("place", [1, 5], ids=["silent for a while", "new"])
def test_two_parts_are_drawn_together_as_simulated_customers_buy_in_them(family, simulated, place):
    """Customers who live through their whole life one purchase after the other."""
    draws, lives, (first, second) = 60_000, 120_000, ENDS[:2]
    buying, _, params = IN_PARTS[family]
    age, ends = T[place], (first, second, HORIZON)
    made = simulated(params, np.full(lives, age + second), np.random.default_rng(8))
    x, _ = history(made, np.full(lives, age))
    until = [history(made, np.full(lives, age + end))[0][x == 0] for end in (first, second)]

    found = drawn(buying, places=np.array([place]), draws=draws, worth=1.0, seed=6, ends=ends)

    both = in_parts(found, found.parts.purchases)[:2, 0]
    truth = np.stack([until[0], until[1] - until[0]])
    drawn_share, share = (
        np.histogram2d(*np.minimum(one, 2), bins=np.arange(4) - 0.5)[0] / one.shape[1]
        for one in (both, truth)
    )
    error = np.sqrt(share * (1 - share) * (1 / draws + 1 / truth.shape[1])) + 1e-4
    assert np.all(np.abs(drawn_share - share) < 4 * error)


def test_parts_share_the_value_as_independent_gammas_do():
    found = drawn(draws=20_000, ends=(26.0, HORIZON))

    purchases, share = found.parts.purchases, found.parts.share[:, 0]
    for bought in ((1, 1), (2, 1)):
        own = share[(purchases == bought).all(axis=1)]
        truth = stats.beta(*(SPEND.p * np.array(bought)))
        assert own.size > 500
        assert own.mean() == pytest.approx(truth.mean(), abs=4 * truth.std() / np.sqrt(own.size))
        assert own.std() == pytest.approx(truth.std(), rel=0.1)


def test_uncertain_parameters_are_shared_so_that_they_do_not_average_out_of_a_total():
    same = np.repeat(2, 400)
    crowd = PARETO._of(np.stack([X, T_X, T])[:, same])
    spend = Spend(SPEND, BOUGHT[same], SPENT[same])
    names = [str(i) for i in range(400)]
    uncertain = ONE_DRAW + np.random.default_rng(1).normal(0, [0, 0.5, 0, 0], (100, 4))

    fixed, shared = (
        draw(crowd._replace(points=points), spend, names, draws=300, seed=1).value.sum(axis=0)
        for points in (ONE_DRAW, uncertain)
    )

    assert shared.std() > 1.3 * fixed.std()


def test_one_value_of_a_purchase_is_everybodys():
    found = drawn(worth=12.5)

    assert np.array_equal(found.value, 12.5 * found.purchases)


# --- median and interval


def test_an_interval_begins_at_zero_where_nothing_is_likelier_than_its_lower_tail():
    value = np.concatenate([np.zeros(200), np.arange(1.0, 801.0)])[None].repeat(2, axis=0)

    sure, rare = ranges(value, np.array([0.2, 0.05]), 0.8)[1:]

    assert sure[0] == 0
    assert rare[0] == pytest.approx(800 * (0.8 - 0.2) / 0.8, abs=1)
    assert sure[1] == pytest.approx(800 * (0.1 - 0.05) / 0.95, abs=1)
    assert rare[1] == pytest.approx(800 * (0.9 - 0.05) / 0.95, abs=1)


def test_the_median_is_nothing_exactly_where_nothing_has_an_even_chance():
    value = np.sort(np.random.default_rng(3).poisson(1.0, (2, 999)).astype(float))

    assert (ranges(value, np.array([0.5001, 0.4999]), 0.8).median > 0).tolist() == [False, True]


def test_a_wider_level_gives_a_wider_interval_around_the_same_median():
    p_zero = np.array([0.9, 0.6, 0.26, 0.02, 0.001, 0.0])  # each of one kind at all the levels
    value = np.sort(drawn().value)

    found = [ranges(value, p_zero, level) for level in (0.5, 0.7, 0.8, 0.95)]

    assert np.all(np.diff([one.upper - one.lower for one in found], axis=0) >= 0)
    for one in found:
        assert np.array_equal(one.median, found[0].median)
        assert np.all((one.lower <= one.median) & (one.median <= one.upper))


def test_a_customer_whose_draws_are_all_nothing_has_no_range():
    assert [float(part[0]) for part in ranges(np.zeros((1, 50)), np.array([0.3]), 0.8)] == [0] * 3


def test_a_shock_widens_and_is_the_same_for_everybody():
    factor = Shock(0.2, 5.0).draw(4000, seed=1)

    assert np.median(factor) == pytest.approx(1, abs=0.02)
    assert np.quantile(np.log(factor), [0.1, 0.9]) == pytest.approx([-0.295, 0.295], abs=0.03)
    assert np.array_equal(factor, Shock(0.2, 5.0).draw(4000, seed=1))
    assert np.array_equal(Shock(0.0, 5.0).draw(9, seed=1), np.ones(9))

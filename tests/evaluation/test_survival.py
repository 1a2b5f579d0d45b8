import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sksurv.metrics import concordance_index_ipcw, integrated_brier_score

from clv.evaluation import survival

DAYS = np.array([7.0, 14.0, 28.0, 45.0, 57.0])


def followed(seed, *, customers=400, censored=True):
    """Waits in whole days with many ties, whether an order came, and chances that know a bit."""
    rng = np.random.default_rng(seed)
    pace = rng.gamma(2.0, 20.0, customers)
    wait = np.ceil(rng.exponential(pace))
    known = np.round(rng.uniform(5, 75, customers)) if censored else np.full(customers, 57.0)
    chance = np.round(1 - np.exp(-DAYS[:, None] / pace), 2)
    return np.minimum(wait, known), wait <= known, chance


def as_events(waited, came):
    """For scikit-survival: who is last known on a day is so to its end, after any order."""
    rows = list(zip(came, waited + 0.5 * ~came, strict=True))
    return np.array(rows, dtype=[("came", bool), ("waited", float)])


@pytest.mark.parametrize("censored", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
def test_unos_c_agrees_with_scikit_survival(seed, censored):
    waited, came, chance = followed(seed, censored=censored)
    events = as_events(waited, came)
    expected = concordance_index_ipcw(events, events, chance[3], tau=45.25)[0]

    assert survival.uno_c(waited, came, chance[3], horizon_days=45) == pytest.approx(expected)
    assert survival.uno_c(waited, came, 1 - chance[3], horizon_days=45) == pytest.approx(
        1 - expected
    )


@pytest.mark.parametrize("censored", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_integrated_brier_score_agrees_with_scikit_survival(seed, censored):
    waited, came, chance = followed(seed, censored=censored)
    events = as_events(waited, came)
    expected = integrated_brier_score(events, events, 1 - chance.T, DAYS)

    found = survival.integrated_brier(waited, came, chance, DAYS)

    assert found == pytest.approx(expected, rel=1e-12)


def test_with_everybody_known_to_the_horizon_the_brier_score_is_a_plain_mean():
    waited, came, chance = followed(3, censored=False)
    by_day = [np.mean((chance[i] - (came & (waited <= day))) ** 2) for i, day in enumerate(DAYS)]

    found = survival.integrated_brier(waited, came, chance, DAYS)

    assert found == pytest.approx(np.trapezoid(by_day, DAYS) / (DAYS[-1] - DAYS[0]))


def test_losing_customers_from_sight_at_random_hardly_moves_the_scores():
    everybody = followed(4, customers=40_000, censored=False)
    some = followed(4, customers=40_000)

    for name, tolerance in (("uno_c", 0.01), ("integrated_brier", 0.003)):
        whole, part = (survival.score(*known, DAYS)[name] for known in (everybody, some))
        assert part == pytest.approx(whole, abs=tolerance)


def test_an_order_on_the_last_day_of_the_horizon_counts():
    waited, came = np.array([10.0, 10.0]), np.array([True, False])

    assert survival.uno_c(waited, came, np.array([0.9, 0.1]), horizon_days=10) == 1
    assert survival.uno_c(waited, came, np.array([0.5, 0.5]), horizon_days=10) == 0.5


def test_without_an_order_within_the_horizon_there_is_no_pair_to_judge():
    waited, came = np.array([10.0, 12.0]), np.array([False, True])

    assert np.isnan(survival.uno_c(waited, came, np.array([0.9, 0.1]), horizon_days=10))


def test_the_log_score_is_that_of_a_coin_for_even_chances_and_finite_for_a_sure_mistake():
    ordered = np.array([True, False, False])

    assert survival.log_score(ordered, np.full(3, 0.5)) == pytest.approx(np.log(2))
    assert survival.log_score(ordered, np.array([0.0, 0.0, 0.0])) == pytest.approx(
        -np.log(survival.LEAST_CHANCE) / 3
    )


def test_reliability_agrees_with_scikit_learn():
    rng = np.random.default_rng(5)
    chance = rng.random(1_003)
    ordered = rng.random(1_003) < chance**2
    share, given = calibration_curve(ordered, chance, n_bins=10, strategy="quantile")

    found = survival.reliability(ordered, chance)

    assert found.share == pytest.approx(share)
    assert found.chance == pytest.approx(given)
    assert found.customers.sum() == 1_003
    assert survival.largest_gap(found) == pytest.approx(np.abs(share - given).max())


def test_customers_of_one_chance_share_a_group():
    ordered = np.array([True] * 30 + [False] * 70)

    found = survival.reliability(ordered, np.full(100, 0.4))

    assert found.customers.tolist() == [100]
    assert survival.largest_gap(found) == pytest.approx(0.1)


@pytest.mark.parametrize("distorted", [lambda p: p**2, lambda p: 0.5 + (p - 0.5) / 2])
def test_distorted_chances_score_worse_than_the_true_ones(distorted):
    rng = np.random.default_rng(6)
    pace = rng.gamma(2.0, 20.0, 20_000)
    wait = np.ceil(rng.exponential(pace))
    chance = 1 - np.exp(-DAYS[:, None] / pace)
    known = np.minimum(wait, DAYS[-1]), wait <= DAYS[-1]
    true, other = (survival.score(*known, given, DAYS) for given in (chance, distorted(chance)))

    assert true["largest_gap"] < 0.03
    assert other["uno_c"] == pytest.approx(true["uno_c"])
    for name in ("integrated_brier", "log_score", "largest_gap"):
        assert other[name] > true[name]

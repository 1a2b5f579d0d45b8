import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sksurv.metrics import concordance_index_ipcw, integrated_brier_score

from clv.evaluation import survival

DAYS = np.array([7.0, 14.0, 28.0, 45.0, 57.0])


def followed(seed, *, customers=400):
    """Waits in whole days with many ties, whether an order came, and chances that know a bit."""
    rng = np.random.default_rng(seed)
    pace = rng.gamma(2.0, 20.0, customers)
    wait = np.ceil(rng.exponential(pace))
    chance = np.round(1 - np.exp(-DAYS[:, None] / pace), 2)
    return np.where(wait <= DAYS[-1], wait, np.inf), chance


def as_events(waited):
    """For scikit-survival: who did not order is known to the end of the last day."""
    rows = list(zip(np.isfinite(waited), np.minimum(waited, DAYS[-1] + 0.5), strict=True))
    return np.array(rows, dtype=[("came", bool), ("waited", float)])


@pytest.mark.parametrize("seed", [1, 2])
def test_unos_c_agrees_with_scikit_survival(seed):
    waited, chance = followed(seed)
    events = as_events(waited)
    expected = concordance_index_ipcw(events, events, chance[-1], tau=57.25)[0]

    assert survival.uno_c(waited, chance[-1]) == pytest.approx(expected)
    assert survival.uno_c(waited, 1 - chance[-1]) == pytest.approx(1 - expected)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_integrated_brier_score_agrees_with_scikit_survival(seed):
    waited, chance = followed(seed)
    events = as_events(waited)
    known = integrated_brier_score(events, events, 1 - chance.T, DAYS)
    # Theirs begins at the first of the days, ours today, when nobody can have ordered.
    first = np.mean((chance[0] - (waited <= DAYS[0])) ** 2)
    expected = (known * (DAYS[-1] - DAYS[0]) + first * DAYS[0] / 2) / DAYS[-1]

    found = survival.integrated_brier(waited, chance, DAYS)

    assert found == pytest.approx(expected, rel=1e-12)


def test_an_order_on_the_last_day_of_the_horizon_counts():
    waited = np.array([10.0, np.inf])

    assert survival.uno_c(waited, np.array([0.9, 0.1])) == 1
    assert survival.uno_c(waited, np.array([0.5, 0.5])) == 0.5


def test_without_an_order_there_is_no_pair_to_judge():
    assert np.isnan(survival.uno_c(np.full(2, np.inf), np.array([0.9, 0.1])))


def test_the_log_score_is_that_of_a_coin_for_even_chances_and_finite_for_a_sure_mistake():
    ordered = np.array([True, False, False])

    assert survival.log_score(ordered, np.full(3, 0.5)) == pytest.approx(np.log(2))
    assert survival.log_score(ordered, np.array([0.0, 0.0, 0.0])) == pytest.approx(
        -np.log(survival.LEAST_CHANCE) / 3
    )


def test_the_largest_gap_agrees_with_scikit_learn():
    rng = np.random.default_rng(5)
    chance = rng.random(1_003)
    ordered = rng.random(1_003) < chance**2
    share, given = calibration_curve(ordered, chance, n_bins=10, strategy="quantile")

    found = survival.largest_gap(ordered, chance)

    assert found == pytest.approx(np.abs(share - given).max())


def test_customers_of_one_chance_share_a_group():
    ordered = np.array([True] * 30 + [False] * 70)

    assert survival.largest_gap(ordered, np.full(100, 0.4)) == pytest.approx(0.1)


@pytest.mark.parametrize("distorted", [lambda p: p**2, lambda p: 0.5 + (p - 0.5) / 2])
def test_distorted_chances_score_worse_than_the_true_ones(distorted):
    rng = np.random.default_rng(6)
    pace = rng.gamma(2.0, 20.0, 20_000)
    wait = np.ceil(rng.exponential(pace))
    chance = 1 - np.exp(-DAYS[:, None] / pace)
    waited = np.where(wait <= DAYS[-1], wait, np.inf)
    true, other = (survival.score(waited, given, DAYS) for given in (chance, distorted(chance)))

    assert true["largest_gap"] < 0.03
    assert other["uno_c"] == pytest.approx(true["uno_c"])
    for name in ("integrated_brier", "log_score", "largest_gap"):
        assert other[name] > true[name]

import numpy as np
import pytest

from clv.numerics import bg_nbd
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.pareto_nbd import ParetoNBDParams, expected_transactions
from clv.numerics.simulate import (
    history,
    log_intervals,
    on_whole_days,
    purchases,
    regular_purchases,
    spend,
)

PARAMS = ParetoNBDParams(r=0.55, alpha=10.6, s=0.61, beta=11.7)


def test_the_same_seed_gives_the_same_customers():
    first, second = (purchases(PARAMS, np.full(50, 39.0), np.random.default_rng(4)) for _ in "ab")

    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_nobody_buys_after_dropping_out_or_after_the_end():
    made = purchases(PARAMS, np.linspace(0, 78, 2000), np.random.default_rng(4))
    end = np.minimum(np.linspace(0, 78, 2000), made.lifetime)

    assert np.all(made.time <= end[made.customer])
    assert np.all(np.diff(made.customer) >= 0)


def test_the_mean_count_is_what_the_model_expects_of_a_new_customer():
    x, _ = history(purchases(PARAMS, np.full(200_000, 39.0), np.random.default_rng(4)), 39.0)
    off = (x.mean() - expected_transactions(PARAMS, 39.0)) / (x.std() / np.sqrt(x.size))
    wrong = expected_transactions(PARAMS._replace(beta=11.0), 39.0)

    assert abs(off) < 3
    assert abs(x.mean() - wrong) / (x.std() / np.sqrt(x.size)) > 3


def test_a_history_agrees_with_a_plain_loop():
    made = purchases(PARAMS, np.full(300, 78.0), np.random.default_rng(4))
    x, t_x = history(made, 39.0)

    for i in range(300):
        seen = [t for c, t in zip(made.customer, made.time, strict=True) if c == i and t <= 39]
        assert x[i] == len(seen)
        assert t_x[i] == max(seen, default=0)


def test_purchases_of_one_day_are_one():
    made = on_whole_days(
        purchases(PARAMS._replace(alpha=0.5), np.full(300, 78.0), np.random.default_rng(4))
    )
    pairs = list(zip(made.customer, made.time, strict=True))

    assert len(pairs) == len(set(pairs))
    assert np.all(made.time == np.round(made.time))


def test_mean_spend_is_the_population_mean():
    values, truth = spend(
        GammaGammaParams(6.25, 3.74, 15.44),
        np.arange(300_000),
        np.random.default_rng(4),
        customers=300_000,
    )

    assert values.mean() == pytest.approx(6.25 * 15.44 / 2.74, rel=0.02)
    assert np.median(truth) < truth.mean()


@pytest.mark.parametrize(("k", "drops_at_once"), [(1, False), (1, True), (3, True)])
def test_counts_of_regular_buyers_are_as_likely_as_the_model_says(k, drops_at_once):
    params = BGNBDParams(0.5, 6.0, 0.9, 1.6, k, drops_at_once)
    made = regular_purchases(params, np.full(100_000, 39.0), np.random.default_rng(4))
    x, _ = history(made, 39.0)
    n = np.arange(6)
    seen = np.array([(x == count).mean() for count in n])
    chances, wrong = (
        bg_nbd.probability_of_count(p, 39.0, n) for p in (params, params._replace(b=1.4))
    )
    error = np.sqrt(chances * (1 - chances) / x.size)

    assert np.all(np.abs(seen - chances) < 3.5 * error)
    assert np.any(np.abs(seen - wrong) > 3.5 * error)


def test_logs_of_intervals_agree_with_a_plain_loop():
    made = purchases(PARAMS, np.full(300, 78.0), np.random.default_rng(4))
    found = log_intervals(made)

    for i in range(300):
        times = [0.0, *made.time[made.customer == i]]
        assert found[i] == pytest.approx(np.log(np.diff(times)).sum(), abs=1e-9)

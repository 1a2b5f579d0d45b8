import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import spearmanr

from clv.evaluation import metrics
from clv.evaluation.metrics import (
    RANK_METRICS,
    RATIO_METRICS,
    bootstrap_interval,
    gini,
    resampled_counts,
    resampled_metrics,
    score,
    spearman,
    top_share,
)

NAMES = ["bias", "mae", "wape", "rmse", "tweedie", "msle", "spearman", "gini", "top10", "top20"]
ACTUAL = np.array([0.0, 0.0, 120.0, -30.0, 45.5, 0.0, 800.0, 12.0, 12.0, 0.0, 61.0, 5.0])
MEAN = np.array([0.0, 20.0, 90.0, 4.0, 45.5, 20.0, 500.0, 20.0, 90.0, 1.0, -3.0, 20.0])
MEDIAN = np.array([0.0, 0.0, 70.0, 0.0, 30.0, 0.0, 400.0, 0.0, 60.0, 0.0, 0.0, 0.0])
FLOOR = 0.05

relaxed = settings(deadline=None, max_examples=60, derandomize=True)


def deviance_by_integration(y, mu):
    """Twice the integral of (y - u) / u^1.5 from mu to y, the definition of a deviance."""
    if y == mu:
        return 0.0
    return 2.0 * quad(lambda u: (y - u) / u**1.5, mu, y, epsabs=1e-12, limit=200)[0]


def ratio_metrics_by_loop(actual, mean, median, floor):
    error = money = squared = deviance = logs = predicted = total = 0.0
    n = len(actual)
    for y, m, half in zip(actual.tolist(), mean.tolist(), median.tolist(), strict=True):
        predicted, total = predicted + m, total + y
        error, money = error + abs(half - y), money + abs(y)
        squared += (m - y) * (m - y)
        deviance += deviance_by_integration(max(y, 0.0), max(m, floor))
        logs += math.log((1.0 + max(m, 0.0)) / (1.0 + max(y, 0.0))) ** 2
    return {
        "bias": predicted / total - 1.0,
        "mae": error / n,
        "wape": error / money,
        "rmse": math.sqrt(squared / n),
        "tweedie": deviance / n,
        "msle": logs / n,
    }


def orders_best_first(predicted):
    """Every order that sorts ``predicted`` downward, all orders of ties included."""
    groups = [np.flatnonzero(predicted == v) for v in sorted(set(predicted), reverse=True)]
    for parts in itertools.product(*(itertools.permutations(group) for group in groups)):
        yield [row for part in parts for row in part]


def area_over_diagonal(values):
    captured, area = 0.0, 0.0
    for place, value in enumerate(values, start=1):
        captured += value
        area += captured / sum(values) - place / len(values)
    return area


def gini_by_enumeration(actual, predicted):
    value = np.maximum(actual, 0.0)
    areas = [area_over_diagonal(value[order]) for order in orders_best_first(predicted)]
    return np.mean(areas) / area_over_diagonal(sorted(value, reverse=True))


def top_share_by_enumeration(actual, predicted, chosen):
    captured = [actual[order[:chosen]].sum() for order in orders_best_first(predicted)]
    return np.mean(captured) / actual.sum()


def test_a_score_holds_the_metrics_of_the_report_in_its_order():
    assert list(score(ACTUAL, MEAN, MEDIAN, floor=FLOOR)) == NAMES
    assert [*RATIO_METRICS, *RANK_METRICS] == NAMES


@pytest.mark.parametrize("name", RATIO_METRICS)
def test_a_ratio_metric_agrees_with_a_plain_loop(name):
    expected = ratio_metrics_by_loop(ACTUAL, MEAN, MEDIAN, FLOOR)

    assert score(ACTUAL, MEAN, MEDIAN, floor=FLOOR)[name] == pytest.approx(expected[name], rel=1e-7)


@pytest.mark.parametrize("name", RATIO_METRICS)
def test_the_loop_notices_mean_and_median_taken_for_each_other(name):
    expected = ratio_metrics_by_loop(ACTUAL, MEAN, MEDIAN, FLOOR)
    swapped = score(ACTUAL, MEDIAN, MEAN, floor=FLOOR)

    assert swapped[name] != pytest.approx(expected[name], rel=1e-3)


def test_the_median_is_judged_by_mae_and_wape_only():
    one, other = (score(ACTUAL, MEAN, median, floor=FLOOR) for median in (MEDIAN, MEAN))

    assert {name for name in NAMES if one[name] != other[name]} == {"mae", "wape"}


def test_spearman_agrees_with_scipy():
    assert spearman(ACTUAL, MEAN) == pytest.approx(spearmanr(ACTUAL, MEAN).statistic, rel=1e-12)


def test_gini_is_the_average_over_all_orders_of_ties():
    assert gini(ACTUAL, MEAN) == pytest.approx(gini_by_enumeration(ACTUAL, MEAN), rel=1e-12)


def test_the_enumeration_notices_ties_left_in_row_order():
    as_listed = MEAN - 1e-9 * np.arange(len(MEAN))

    assert gini(ACTUAL, as_listed) != pytest.approx(gini_by_enumeration(ACTUAL, MEAN), rel=1e-3)
    assert top_share(ACTUAL, as_listed, 0.5) != pytest.approx(
        top_share_by_enumeration(ACTUAL, MEAN, 6), rel=1e-3
    )


@pytest.mark.parametrize(
    ("share", "chosen"), [(0.01, 1), (0.1, 1), (0.125, 2), (0.2, 2), (0.5, 6), (0.6, 7), (1.0, 12)]
)
def test_top_share_is_the_expectation_over_all_orders_of_ties(share, chosen):
    expected = top_share_by_enumeration(ACTUAL, MEAN, chosen)

    assert top_share(ACTUAL, MEAN, share) == pytest.approx(expected, rel=1e-12)


def test_top_share_counts_negative_outcomes_as_they_are():
    actual, predicted = np.array([100.0, -20.0]), np.array([2.0, 1.0])

    assert top_share(actual, predicted, 0.5) == pytest.approx(100.0 / 80.0)


def test_a_perfect_forecast_scores_zero_errors_and_full_ranks():
    actual = np.array([0.0, 3.0, 0.0, 250.0, 41.0, 41.0, 7.0, 1.5, 9.0, 2.0])
    perfect = score(actual, actual, actual, floor=1e-9)

    assert [perfect[name] for name in RATIO_METRICS] == pytest.approx([0.0] * 6, abs=1e-4)
    assert [perfect[name] for name in ("spearman", "gini")] == pytest.approx([1.0, 1.0])
    assert perfect["top10"] == pytest.approx(250.0 / actual.sum())


# Whole 64ths add up exactly, so that no total is positive in one order of rows only.
money = st.integers(-20_000, 200_000).map(lambda parts: parts / 64)
rows = st.lists(st.tuples(money, money, money), min_size=2, max_size=40)


def arrays(drawn):
    return (np.array(column) for column in zip(*drawn, strict=True))


@relaxed
@given(rows, st.sampled_from([0.25, 8.0, 1024.0]))
def test_another_currency_scales_errors_and_leaves_shares_and_ranks(drawn, rate):
    actual, mean, median = arrays(drawn)
    before = score(actual, mean, median, floor=0.5)
    after = score(rate * actual, rate * mean, rate * median, floor=0.5 * rate)

    power = {"mae": 1.0, "rmse": 1.0, "tweedie": 0.5}
    for name in set(NAMES) - {"msle"}:
        expected = before[name] * rate ** power.get(name, 0.0)
        assert after[name] == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


@relaxed
@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_is_irrelevant(drawn, random):
    before = score(*arrays(drawn), floor=0.5)
    random.shuffle(drawn)

    after = score(*arrays(drawn), floor=0.5)
    assert after == pytest.approx(before, rel=1e-9, abs=1e-9, nan_ok=True)


@relaxed
@given(rows)
def test_ranks_never_leave_their_bounds(drawn):
    actual, mean, median = arrays(drawn)
    found = score(actual, mean, median, floor=0.5)

    for name in ("spearman", "gini"):
        assert math.isnan(found[name]) or -1.0 - 1e-9 <= found[name] <= 1.0 + 1e-9


@pytest.mark.parametrize(
    ("actual", "predicted", "undefined"),
    [
        ([], [], set(NAMES)),
        ([5.0], [4.0], {"spearman", "gini"}),
        ([0.0, 0.0], [1.0, 2.0], {"bias", "wape", "spearman", "gini", "top10", "top20"}),
        ([-4.0, 3.0], [1.0, 2.0], {"bias", "top10", "top20"}),
        ([1.0, 9.0], [2.0, 2.0], {"spearman"}),
    ],
    ids=["nobody", "one customer", "all zero", "more returned than bought", "constant forecast"],
)
def test_exactly_what_has_no_denominator_is_nan(actual, predicted, undefined):
    forecast = np.array(predicted)
    found = score(np.array(actual), forecast, forecast, floor=0.5)

    assert {name for name in NAMES if math.isnan(found[name])} == undefined


def test_a_constant_forecast_ranks_as_picking_at_random_would():
    constant = np.full(ACTUAL.shape, 7.0)

    assert gini(ACTUAL, constant) == 0.0
    assert top_share(ACTUAL, constant, 0.25) == pytest.approx(0.25)


@pytest.mark.parametrize("floor", [0.0, -1.0, math.nan])
def test_without_a_positive_floor_there_is_no_deviance(floor):
    assert math.isnan(score(ACTUAL, MEAN, MEDIAN, floor=floor)["tweedie"])


@pytest.mark.parametrize(
    ("mean", "message"),
    [
        (MEAN[:3], r"mean has shape \(3,\), not \(12,\)"),
        (MEAN[:, None], r"mean has shape \(12, 1\)"),
        (np.where(MEAN == 90.0, np.nan, MEAN), r"mean has 2 values not finite, first: \[2\]"),
    ],
)
@pytest.mark.parametrize("ask", [score, lambda *args, floor: of_one([], *args, floor=floor)])
def test_arrays_that_cannot_be_compared_are_refused(ask, mean, message):
    with pytest.raises(ValueError, match=message):
        ask(ACTUAL, mean, MEDIAN, floor=FLOOR)


def test_each_draw_takes_as_many_customers_as_there_are():
    (counts,) = resampled_counts(50, draws=30, seed=4)

    assert counts.shape == (30, 50)
    assert counts.sum(axis=1).tolist() == [50.0] * 30
    assert len({tuple(row) for row in counts}) == 30


def test_many_customers_come_in_blocks_with_the_same_draws(monkeypatch):
    (at_once,) = resampled_counts(50, draws=30, seed=4)
    monkeypatch.setattr(metrics, "COUNTS_PER_BLOCK", 350)
    blocks = list(resampled_counts(50, draws=30, seed=4))

    assert [len(block) for block in blocks] == [7, 7, 7, 7, 2]
    assert np.array_equal(np.concatenate(blocks), at_once)


def test_a_resampled_metric_is_the_metric_of_the_repeated_customers():
    blocks = list(resampled_counts(len(ACTUAL), draws=20, seed=8))
    found = of_one(blocks, ACTUAL, MEAN, MEDIAN, floor=FLOOR)

    for draw, counts in enumerate(np.concatenate(blocks).astype(int)):
        repeated = (np.repeat(values, counts) for values in (ACTUAL, MEAN, MEDIAN))
        expected = score(*repeated, floor=FLOOR)
        for name in RATIO_METRICS:
            assert found[name][draw] == pytest.approx(expected[name], rel=1e-9, nan_ok=True)


def test_one_seed_resamples_two_models_jointly_and_two_seeds_do_not():
    twice_as_wrong = ACTUAL + 2.0 * (MEDIAN - ACTUAL)

    def mae_by_draw(median, seed):
        counts = resampled_counts(len(ACTUAL), draws=40, seed=seed)
        return of_one(counts, ACTUAL, MEAN, median, floor=FLOOR)["mae"]

    base = mae_by_draw(MEDIAN, seed=3)
    assert mae_by_draw(twice_as_wrong, seed=3) / base == pytest.approx(np.full(40, 2.0))
    assert np.std(mae_by_draw(twice_as_wrong, seed=5) / base) > 0.1


def test_forecasts_resampled_together_are_as_each_alone():
    blocks = list(resampled_counts(len(ACTUAL), draws=20, seed=8))
    means, medians = (MEAN, MEDIAN), (MEDIAN, MEAN)
    both = resampled_metrics(blocks, ACTUAL, means, medians, floor=FLOOR)

    for place, (mean, median) in enumerate(zip(means, medians, strict=True)):
        for name, alone in of_one(blocks, ACTUAL, mean, median, floor=FLOOR).items():
            assert both[name][:, place] == pytest.approx(alone, nan_ok=True)


def test_an_interval_leaves_out_as_many_draws_on_either_side():
    draws = np.random.default_rng(6).normal(size=200)

    lower, upper = bootstrap_interval(draws)

    assert (np.count_nonzero(draws < lower), np.count_nonzero(draws > upper)) == (20, 20)


def share_of_samples_whose_interval_holds_the_truth(level):
    rng = np.random.default_rng(11)
    forecast, held = np.full(300, 2.0), 0
    truth = 2.0 / math.e  # mean distance of an exponential variable of mean 1 from 1
    for sample in range(200):
        actual = rng.exponential(size=300) + 1.0
        counts = resampled_counts(300, draws=100, seed=sample)
        drawn = of_one(counts, actual, forecast, forecast, floor=1.0)
        lower, upper = bootstrap_interval(drawn["mae"], level=level)
        held += lower <= truth <= upper
    return held / 200


def test_an_interval_holds_the_truth_as_often_as_it_says():
    assert share_of_samples_whose_interval_holds_the_truth(0.8) == pytest.approx(0.8, abs=0.08)


def test_the_coverage_test_notices_an_interval_too_narrow():
    assert share_of_samples_whose_interval_holds_the_truth(0.5) < 0.65


@pytest.mark.parametrize("draws", [[], [1.0, np.nan]], ids=["none", "one undefined"])
def test_an_interval_that_cannot_be_known_is_none(draws):
    assert bootstrap_interval(np.array(draws)) is None


def of_one(counts, actual, mean, median, *, floor):
    """The ratio metrics of one forecast."""
    found = resampled_metrics(counts, actual, [mean], [median], floor=floor)
    return {name: values[:, 0] for name, values in found.items()}

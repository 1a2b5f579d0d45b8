import datetime as dt

import numpy as np
import pytest

from clv.checked import CustomerSummary
from clv.models.gamma_gamma import GammaGamma
from clv.numerics import gamma_gamma
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.simulate import spend
from clv.periods import ObservationWindow

WINDOW = ObservationWindow(dt.date(2020, 1, 1), dt.date(2021, 12, 31))
NAN = float("nan")


def summary_of(purchase_days, mean_day_value):
    count = len(purchase_days)
    return CustomerSummary.from_arrays(
        WINDOW,
        frequency=np.zeros(count, dtype=int),
        recency=np.zeros(count),
        age=np.full(count, 100.0),
        purchase_days=purchase_days,
        orders=purchase_days,
        mean_day_value=np.asarray(mean_day_value, dtype=float),
    )


def simulated(params, customers=2000, seed=3):
    rng = np.random.default_rng(seed)
    count = 1 + rng.poisson(2, customers)
    owner = np.repeat(np.arange(customers), count)
    values, _ = spend(params, owner, rng, customers=customers)
    return count, np.bincount(owner, weights=values) / count


PARAMS = GammaGammaParams(6.25, 3.74, 15.44)
COUNT, MEAN = simulated(PARAMS)
SUMMARY = summary_of(COUNT, MEAN)
MODEL = GammaGamma.fit(SUMMARY)


def test_answers_are_those_of_the_numerics():
    expected = gamma_gamma.expected_spend(MODEL.params, COUNT, MEAN)

    assert MODEL.expected_day_value(SUMMARY) == pytest.approx(expected)


def test_customers_without_a_purchase_that_stands_get_the_mean_and_move_no_fit():
    with_them = summary_of([0, 0, *COUNT], [NAN, NAN, *MEAN])
    p, q, gamma, _ = MODEL.params

    assert GammaGamma.fit(with_them) == MODEL
    assert MODEL.expected_day_value(with_them)[:2] == pytest.approx(p * gamma / (q - 1))


def test_an_infinite_population_mean_is_a_status_with_advice():
    model = GammaGamma.fit(summary_of(*simulated(GammaGammaParams(2.0, 0.8, 10.0))))
    unknown = model.expected_day_value(summary_of([0], [NAN]))

    assert model.report.status == "infinite_mean"
    assert "wholesale" in model.report.advice
    assert np.isfinite(unknown).all()


def test_dependence_that_is_there_is_found_and_measured():
    found = GammaGamma.fit(summary_of(*simulated(PARAMS._replace(eta=0.3)))).dependence

    assert found.eta == pytest.approx(0.3, abs=0.1)
    assert found.of_twice_the_days == pytest.approx(2**found.eta - 1)
    assert found.p_value < 1e-4
    assert found.rank_correlation > 0.1


def test_where_spend_is_independent_the_test_errs_as_often_as_it_says():
    """Nominally 4 of 40; more than 9, or fewer than 1, by chance once in 80 times each."""
    found = [
        GammaGamma.fit(summary_of(*simulated(PARAMS, customers=800, seed=seed))).dependence
        for seed in range(40)
    ]

    assert 1 <= sum(one.p_value < 0.1 for one in found) <= 9


def test_the_rank_correlation_rises_without_dependence_so_its_own_test_is_not_asked():
    """Medians of a mean over many skewed days lie above those over few."""
    few = simulated(GammaGammaParams(0.5, 3.0, 100.0), customers=20_000)
    found = GammaGamma.fit(summary_of(*few)).dependence

    assert found.rank_correlation > 0.08
    assert found.p_value > 0.05

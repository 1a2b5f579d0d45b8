import datetime as dt
import json

import numpy as np
import pytest

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
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


def simulated(params, customers=2000):
    rng = np.random.default_rng(3)
    count = 1 + rng.poisson(2, customers)
    owner = np.repeat(np.arange(customers), count)
    values, _ = spend(params, owner, rng, customers=customers)
    return count, np.bincount(owner, weights=values) / count


COUNT, MEAN = simulated(GammaGammaParams(6.25, 3.74, 15.44))
SUMMARY = summary_of(COUNT, MEAN)
MODEL = GammaGamma.fit(SUMMARY)


def test_answers_are_those_of_the_numerics():
    expected = gamma_gamma.expected_spend(MODEL.params, COUNT, MEAN)

    assert MODEL.expected_day_value(SUMMARY) == pytest.approx(expected)


def test_a_model_reads_back_from_plain_json_as_the_same_value():
    assert GammaGamma.from_dict(json.loads(json.dumps(MODEL.to_dict()))) == MODEL


def test_customers_without_a_purchase_that_stands_get_the_mean_and_move_no_fit():
    with_them = summary_of([0, 0, *COUNT], [NAN, NAN, *MEAN])
    p, q, gamma = MODEL.params

    assert GammaGamma.fit(with_them) == MODEL
    assert MODEL.expected_day_value(with_them)[:2] == pytest.approx(p * gamma / (q - 1))


def test_a_customer_alone_has_the_same_bits_as_in_a_crowd():
    crowd = MODEL.expected_day_value(SUMMARY)

    assert MODEL.expected_day_value(summary_of(COUNT[7:8], MEAN[7:8]))[0] == crowd[7]


def test_an_infinite_population_mean_is_a_status_with_advice():
    model = GammaGamma.fit(summary_of(*simulated(GammaGammaParams(2.0, 0.8, 10.0))))
    unknown = model.expected_day_value(summary_of([0], [NAN]))

    assert model.report.status == "infinite_mean"
    assert "wholesale" in model.report.advice
    assert np.isfinite(unknown).all()


@pytest.mark.parametrize(
    ("count", "mean", "message"),
    [
        ([0, 0], [NAN, NAN], "0 customers have"),
        ([3], [20.0], "1 customer has"),
        ([2, 3, 4], [20.0, 20.0, 20.0], "all 3 customers spend exactly 20"),
        ([1, 1, 1], [20.0, 30.0, 40.0], "none of 3 customers has a second purchase day"),
    ],
)
def test_too_little_variety_is_refused_with_how_many_there_are(count, mean, message):
    with pytest.raises(NotEnoughData, match=message):
        GammaGamma.fit(summary_of(count, mean))

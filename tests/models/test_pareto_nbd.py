import datetime as dt
import json

import numpy as np
import pytest

from clv.checked import CustomerSummary
from clv.errors import HorizonOutOfRange, NotConverged, NotEnoughData, TimeUnitMismatch
from clv.models.base import FitReport, report_of
from clv.models.pareto_nbd import ParetoNBD
from clv.numerics import pareto_nbd
from clv.numerics.optimize import maximize
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.simulate import history, on_whole_days, purchases
from clv.periods import ObservationWindow, TimeUnit

WINDOW = ObservationWindow(dt.date(2020, 1, 1), dt.date(2021, 12, 31))
TRUTH = ParetoNBDParams(r=0.55, alpha=74.0, s=0.61, beta=82.0)


def summary_of(x, t_x, T, time_unit=TimeUnit.DAY):
    return CustomerSummary.from_arrays(WINDOW, time_unit=time_unit, frequency=x, recency=t_x, age=T)


def simulated(customers=1500, seed=1):
    rng = np.random.default_rng(seed)
    T = rng.integers(0, WINDOW.days + 1, customers).astype(float)
    x, t_x = history(on_whole_days(purchases(TRUTH, T, rng)), T)
    return summary_of(x, t_x, T)


SUMMARY = simulated()
MODEL = ParetoNBD.fit(SUMMARY)


def test_the_report_says_what_the_fit_rests_on():
    report = MODEL.report

    assert report.status == "optimum"
    assert report.customers == 1500
    assert 0 < report.distinct_rows < 1500
    assert set(report.standard_errors) == {"r", "alpha", "s", "beta"}
    assert "52 weeks" in report.prior
    assert ParetoNBD.fit(SUMMARY, prior=False).report.prior is None


def test_the_report_weighs_likelihood_against_parameters():
    report = MODEL.report

    assert report.aic == pytest.approx(8 - 2 * report.log_likelihood)
    assert report.bic - report.aic == pytest.approx(4 * np.log(1500) - 8)


def test_a_model_reads_back_from_plain_json_as_the_same_value():
    stored = json.loads(json.dumps(MODEL.to_dict()))

    assert ParetoNBD.from_dict(stored) == MODEL


def test_answers_are_those_of_the_numerics():
    x, t_x, T = (SUMMARY.column(name) for name in ("frequency", "recency", "age"))

    assert np.array_equal(MODEL.p_alive(SUMMARY), pareto_nbd.p_alive(MODEL.params, x, t_x, T))
    assert np.array_equal(
        MODEL.expected_transactions(SUMMARY, 365),
        pareto_nbd.conditional_expected_transactions(MODEL.params, x, t_x, T, 365.0),
    )
    assert MODEL.p_purchase(SUMMARY, 365) == pytest.approx(
        1 - pareto_nbd.probability_of_no_transaction(MODEL.params, x, t_x, T, 365.0)
    )


def test_an_annual_discount_is_per_year_whatever_the_unit():
    plain = MODEL.expected_transactions(SUMMARY, 1).sum()
    discounted = MODEL.expected_transactions(SUMMARY, 1, annual_discount=0.10).sum()

    # Half a day at 10 % a year; 10 % a day would take away 5 %.
    assert discounted / plain == pytest.approx(1.1 ** (-0.5 / 365.25), abs=1e-6)


def test_a_summary_in_another_time_unit_is_refused():
    weeks = summary_of([2.0, 0.0], [5.0, 0.0], [9.0, 9.0], TimeUnit.WEEK)

    with pytest.raises(TimeUnitMismatch, match="fitted in days, but the summary is in weeks"):
        MODEL.expected_transactions(weeks, 365)


@pytest.mark.parametrize("horizon_days", [-1, 0, 3651, float("inf"), float("nan")])
def test_a_horizon_out_of_range_is_refused(horizon_days):
    with pytest.raises(HorizonOutOfRange, match="outside 1 to 3,650 days"):
        MODEL.expected_transactions(SUMMARY, horizon_days)
    with pytest.raises(HorizonOutOfRange):
        MODEL.p_purchase(SUMMARY, horizon_days)


def test_no_repeat_buyer_at_all_is_refused_with_how_many_there_are():
    nobody = summary_of(np.zeros(17), np.zeros(17), np.arange(17.0))

    with pytest.raises(NotEnoughData, match="none of 17 customers"):
        ParetoNBD.fit(nobody)


def test_a_single_customer_is_refused():
    with pytest.raises(NotEnoughData, match="1 customer cannot"):
        ParetoNBD.fit(summary_of([3.0], [10.0], [39.0]))


def test_an_empty_summary_is_refused():
    with pytest.raises(NotEnoughData, match="0 customers"):
        ParetoNBD.fit(SUMMARY.from_table(SUMMARY.table.slice(0, 0), WINDOW))


def test_a_fit_that_stopped_early_never_becomes_a_model():
    stopped = maximize(
        lambda p: (-float(p @ p), -2 * p, -2 * np.eye(4)), np.full(4, 50.0), max_evaluations=1
    )

    with pytest.raises(NotConverged, match="stopped_early after") as caught:
        report_of(
            stopped, model="m", names=("r", "alpha", "s", "beta"), customers=9, distinct_rows=9
        )
    assert isinstance(caught.value.report, FitReport)


def test_dropout_the_data_cannot_show_is_a_status_not_a_failure():
    rng = np.random.default_rng(5)
    T = rng.integers(1, 366, 2000).astype(float)
    x, t_x = history(on_whole_days(purchases(TRUTH._replace(s=1e4, beta=4e6), T, rng)), T)
    model = ParetoNBD.fit(summary_of(x, t_x, T))

    assert model.report.status == "prior_governed"
    assert "do not read meaning into single parameters" in model.report.advice
    assert np.isfinite(model.expected_transactions(SUMMARY, 3650)).all()


def test_customers_who_came_today_get_the_expectation_of_a_new_customer():
    today = summary_of([0.0], [0.0], [0.0])

    assert MODEL.p_alive(today) == 1
    assert MODEL.expected_transactions(today, 365) == pytest.approx(
        pareto_nbd.expected_transactions(MODEL.params, [365.0])
    )

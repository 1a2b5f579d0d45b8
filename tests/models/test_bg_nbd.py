import datetime as dt

import numpy as np
import pytest
from models.shops import autumn, shop, shop_of_boxes, shop_of_regular_buyers

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
from clv.models.bg_nbd import BGNBD, MBGCNBD, MBGNBD, SteadyMBGCNBD, is_regular
from clv.models.nbd import NBD
from clv.numerics import bg_nbd
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.simulate import history, log_intervals, on_whole_days, regular_purchases
from clv.numerics.tweedie import unit_deviance
from clv.periods import ObservationWindow, TimeUnit

WINDOW = ObservationWindow(dt.date(2020, 1, 1), dt.date(2021, 12, 31))


def simulated(k=1, *, customers=1500, time_unit=TimeUnit.DAY, known=True):
    rng = np.random.default_rng(1)
    truth = BGNBDParams(r=0.9, alpha=60.0 / k, a=0.8, b=2.4, k=k, drops_at_once=True)
    T = rng.integers(0, WINDOW.days + 1, customers).astype(float)
    made = on_whole_days(regular_purchases(truth, T, rng))
    x, t_x = history(made, T)
    columns = {"frequency": x, "recency": t_x / time_unit.days, "age": T / time_unit.days}
    if known:
        columns["log_intervals"] = log_intervals(made)
    return CustomerSummary.from_arrays(WINDOW, time_unit=time_unit, **columns)


SUMMARY = simulated()


@pytest.mark.parametrize("unit", TimeUnit)
@pytest.mark.parametrize("k", [1, 2, 3, 8, 24])
def test_the_regularity_of_buyers_is_recognized_in_whole_days_and_weeks(k, unit):
    summary = simulated(k, time_unit=unit)
    forgiving, steady = MBGCNBD.fit(summary), SteadyMBGCNBD.fit(summary)

    assert (forgiving.params.k, steady.params.k) == (min(k, 3), k)
    assert forgiving.params.drops_at_once


def test_who_skipped_a_box_is_not_given_up_and_boxes_never_skipped_are_foreseen_better():
    worse = {}
    for skipped in (0.0, 0.1):
        known = shop_of_boxes(2, skipped=skipped, customers=1000).at(500, horizon=91)
        forgiving, steady = (
            unit_deviance(
                known.later, model.fit(known.summary).expected_transactions(known.summary, 91)
            )
            for model in (MBGCNBD, SteadyMBGCNBD)
        )
        worse[skipped] = forgiving.mean() / steady.mean()

    assert worse[0.1] < 0.8
    assert worse[0.0] > 1.2


@pytest.mark.parametrize(
    ("known", "regular"),
    [
        (shop_of_boxes(3, skipped=0.03, customers=300).at(300), True),
        (shop_of_boxes(3, skipped=0.3, customers=300).at(700), False),
        (shop_of_boxes(3, skipped=0.0, customers=3).at(100), False),
        (shop_of_regular_buyers(3, k=12, leaving="in between", customers=900).at(500), True),
        (shop_of_regular_buyers(3, k=3, leaving="at a purchase", customers=900).at(500), False),
        (shop(3, customers=900).at(500), False),
        (shop(3, customers=900, level=autumn).at(500), False),
    ],
)
def test_a_shop_of_regular_buyers_is_told_by_the_times_between_purchases(known, regular):
    assert is_regular(known.summary) is regular


@pytest.mark.parametrize("unit", TimeUnit)
@pytest.mark.parametrize(("k", "regular"), [(3, False), (12, True)])
def test_regular_buyers_are_told_in_whatever_unit_time_is(k, regular, unit):
    assert is_regular(simulated(k, time_unit=unit)) is regular


def test_without_regularity_it_is_the_plain_model():
    regular, plain = MBGCNBD.fit(SUMMARY), MBGNBD.fit(SUMMARY)

    assert regular.params == plain.params
    assert regular.report.log_likelihood == plain.report.log_likelihood


def test_regularity_is_not_guessed_where_times_between_purchases_are_unknown():
    with pytest.raises(NotEnoughData, match="does not say when"):
        MBGCNBD.fit(simulated(known=False))


def test_answers_are_those_of_the_numerics():
    model = BGNBD.fit(SUMMARY)
    x, t_x, T = (SUMMARY.column(name) for name in ("frequency", "recency", "age"))

    assert np.array_equal(model.p_alive(SUMMARY), bg_nbd.p_alive(model.params, x, t_x, T))
    assert np.array_equal(
        model.expected_transactions(SUMMARY, 365),
        bg_nbd.conditional_expected_transactions(model.params, x, t_x, T, 365.0),
    )


def test_the_report_says_what_the_fit_rests_on():
    report = BGNBD.fit(SUMMARY).report

    assert report.status == "optimum"
    assert set(report.standard_errors) == {"r", "alpha", "a", "b"}
    assert "log a" in report.prior
    assert BGNBD.fit(SUMMARY, prior=False).report.prior is None


@pytest.mark.parametrize("model", [BGNBD, MBGNBD, MBGCNBD, NBD])
def test_no_repeat_buyer_at_all_is_refused_by_name(model):
    nobody = CustomerSummary.from_arrays(
        WINDOW, frequency=np.zeros(17), recency=np.zeros(17), age=np.arange(17.0)
    )

    with pytest.raises(NotEnoughData, match=f"{model.name}.*none of 17 customers"):
        model.fit(nobody)


def test_to_nbd_nobody_is_ever_lost():
    assert np.all(NBD.fit(SUMMARY).p_alive(SUMMARY) == 1)

"""Trees that correct the wait for the next order: where the base misses something, else nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest
from scipy import special, stats

from clv.checked import CustomerSummary
from clv.evaluation import survival
from clv.models import correction, xgb_survival
from clv.models.base import Float
from clv.models.boosted_value import BoostedValue
from clv.models.correction import Origin
from clv.models.features import FEATURES
from clv.models.lifetime_value import LifetimeValue, MeanSpend, ReturnShare
from clv.models.pareto_nbd import ParetoNBD
from clv.models.xgb_survival import XGBSurvival
from clv.numerics import simulate
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.periods import ObservationWindow

START = dt.date(2020, 1, 1)
CUT, HORIZON, FOLLOWED = 540, 91, 365
DAYS = range(180, CUT - HORIZON + 1, 30)


def shop(draw, params, *, customers=2_000, seed=1):
    """Who bought when, from two months after the first day on: the day of each repeat purchase."""
    rng = np.random.default_rng(seed)
    born = rng.integers(0, CUT, customers)
    made = simulate.on_whole_days(draw(params, (CUT + FOLLOWED - born).astype(float), rng))
    return born, made


@dataclasses.dataclass(frozen=True)
class Known:
    """What a plain look at the purchases knows on a day, and of some days ahead."""

    summary: CustomerSummary
    base: ParetoNBD
    waited: Float
    came: np.ndarray


def known(made, day, ahead):
    born, bought = made
    here = np.flatnonzero(born <= day)
    on = born[bought.customer] + bought.time
    seen = on <= day
    past = simulate.Purchases(
        bought.customer[seen], bought.time[seen], bought.rate, bought.lifetime
    )
    x, recency = simulate.history(past, 1e9)
    wait = np.full(born.size, np.inf)
    np.minimum.at(wait, bought.customer[~seen], on[~seen] - day)
    days = x[here].astype(int) + 1
    summary = CustomerSummary.from_arrays(
        ObservationWindow(START, START + dt.timedelta(days=day)),
        frequency=x[here].astype(int),
        recency=recency[here],
        age=(day - born[here]).astype(float),
        log_intervals=np.where(x > 0, simulate.log_intervals(past), np.nan)[here],
        purchase_days=days,
        orders=days,
        mean_day_value=np.full(here.size, 10.0),
        gross_value=10.0 * days,
        returned_value=np.zeros(here.size),
    )
    base = ParetoNBD.fit(summary)
    return Known(summary, base, np.minimum(wait, ahead)[here], (wait <= ahead)[here])


def origin(made, day):
    """That day as a lesson, by the base fitted to what was known then."""
    then = known(made, day, HORIZON)
    chance, by_then = (then.base.p_purchase(then.summary, t) for t in (HORIZON, then.waited))
    money = 10.0 * then.came
    return Origin(then.summary, HORIZON, chance, money, chance, then.came, by_then)


REGULAR = shop(simulate.regular_purchases, BGNBDParams(4.0, 40.0, 0.6, 3.0, k=4))
LESSONS = [origin(REGULAR, day) for day in DAYS]
NOW = known(REGULAR, CUT, HORIZON)
MODEL = XGBSurvival.fit(LESSONS, NOW.summary)


def p_order(summary, days, base=NOW.base, model=MODEL):
    return model.correct(summary, base.p_purchase(summary, days))


def part(summary, places):
    return dataclasses.replace(summary, table=summary.table.take(pa.array(places)))


@pytest.mark.parametrize("horizon_days", [HORIZON, FOLLOWED])
def test_of_regular_buyers_trees_know_more_than_a_model_that_sees_no_regularity(horizon_days):
    now = known(REGULAR, CUT, horizon_days)
    days, waited = np.linspace(0, horizon_days, 8)[1:], np.where(now.came, now.waited, np.inf)
    alone = np.array([now.base.p_purchase(now.summary, day) for day in days])

    without, corrected = (
        survival.score(waited, chance, days)
        for chance in (alone, MODEL.correct(now.summary, alone))
    )

    assert corrected["integrated_brier"] < 0.94 * without["integrated_brier"]
    assert corrected["log_score"] < 0.94 * without["log_score"]
    assert corrected["uno_c"] > without["uno_c"] + 0.01


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_buyers_at_random_who_drop_out_at_random_the_base_keeps_the_word(seed):
    made = shop(simulate.purchases, ParetoNBDParams(0.7, 50.0, 0.6, 150.0), seed=seed)
    now = known(made, CUT, HORIZON)

    model = XGBSurvival.fit([origin(made, day) for day in DAYS], now.summary)

    assert model.correction.strength == 0
    assert model.correction.trees is None
    chance = now.base.p_purchase(now.summary, 50)
    assert model.correct(now.summary, chance).tobytes() == chance.tobytes()


def test_who_waits_longer_is_learned_and_what_all_did_together_is_not(monkeypatch):
    rng = np.random.default_rng(3)
    x = rng.random((4_000, len(FEATURES)))
    is_slow = x[:, 0] > 0.5
    chance = rng.uniform(0.1, 0.9, is_slow.size)
    ordered_at = rng.logistic(size=is_slow.size) + is_slow - 2.0
    came = ordered_at <= special.logit(chance)
    by_then = np.where(came, special.expit(ordered_at), chance)
    lesson = dataclasses.replace(LESSONS[0], chance=chance, came=came, by_then=by_then)
    monkeypatch.setitem(lesson.__dict__, "features", x)

    delay = correction._margin(xgb_survival._grow([lesson]), x)

    assert delay[is_slow].mean() - delay[~is_slow].mean() == pytest.approx(1.0, abs=0.15)
    assert delay.mean() == pytest.approx(0.0, abs=0.1)


def test_a_gain_is_that_of_the_logistic_likelihood_of_the_wait():
    lesson, delay = LESSONS[-1], np.linspace(-1, 1, len(LESSONS[-1].came))
    ended, came = special.logit(lesson.by_then), lesson.came
    waits = [stats.logistic(loc=by) for by in (0.0, delay)]

    of_half = xgb_survival._gain(lesson, 2 * delay)[correction.STRENGTHS.index(0.5)]

    alone, late = (np.where(came, wait.logpdf(ended), wait.logsf(ended)) for wait in waits)
    assert of_half * came.size == pytest.approx(late - alone, abs=1e-9)


def test_the_chance_of_an_order_rises_with_the_days():
    chances = np.array([p_order(NOW.summary, day) for day in (1, 7, 30, 91, 365)])

    assert np.all(np.diff(chances, axis=0) >= 0)
    assert np.all((chances > 0) & (chances < 1))


def test_a_customer_is_answered_alike_alone_in_a_crowd_and_with_a_horizon_of_their_own():
    days = np.where(np.arange(len(NOW.summary)) % 2, 30.0, 91.0)
    own = p_order(NOW.summary, days)
    shuffled = np.random.default_rng(2).permutation(len(NOW.summary))
    of_all = p_order(NOW.summary, 91)

    for day in (30, 91):
        assert np.array_equal(own[days == day], p_order(NOW.summary, day)[days == day])
    for places in (shuffled, [7]):
        assert np.array_equal(p_order(part(NOW.summary, places), 91), of_all[places])


def test_neither_a_second_fit_nor_the_order_of_the_dates_changes_a_bit():
    assert XGBSurvival.fit(LESSONS[::-1], NOW.summary) == MODEL


def test_a_stored_model_answers_as_the_one_that_was_stored():
    text = json.dumps(MODEL.to_dict(), sort_keys=True, allow_nan=False)

    again = XGBSurvival.from_dict(json.loads(text))

    assert again == MODEL
    assert np.array_equal(p_order(NOW.summary, 91, model=again), p_order(NOW.summary, 91))


VALUE = LifetimeValue(NOW.base, MeanSpend(10.0, ""), ReturnShare(0.0, 1.0), 1.0)


def learned(origins):
    return VALUE.corrected_by(NOW.summary, origins).survival


def test_trees_correct_the_days_they_learned_from_and_later_ones_stay_the_bases():
    money = BoostedValue.fit(LESSONS, NOW.summary, VALUE.expected_value(NOW.summary, HORIZON))
    trees = dataclasses.replace(VALUE, boosted=money, survival=MODEL)
    horizons = (30, HORIZON - 1, HORIZON, HORIZON + 1, 182, 365)
    base, own = (
        {days: one.expected_value(NOW.summary, days) for days in horizons} for one in (VALUE, trees)
    )
    none, none_own = (
        {days: 1 - one.p_purchase(NOW.summary, days) for days in horizons} for one in (VALUE, trees)
    )
    bounds = {
        days: 1 - np.minimum(NOW.base.p_alive(NOW.summary), base[days] / 10) for days in horizons
    }
    free = np.all([none_own[days] > bounds[days] + 1e-12 for days in horizons], axis=0)

    assert money.correction.strength
    assert np.abs(np.log(own[HORIZON] / base[HORIZON])).max() > 0.2
    for days in horizons[3:]:
        assert own[days] - own[HORIZON] == pytest.approx(base[days] - base[HORIZON], abs=1e-9)
        later, later_own = none[days] / none[HORIZON], none_own[days] / none_own[HORIZON]
        assert later_own[free] == pytest.approx(later[free], rel=1e-9)
    assert free.mean() > 0.5
    for one in (own, {days: 1 - left for days, left in none_own.items()}):
        assert np.all(np.diff([one[days] for days in horizons], axis=0) >= -1e-12)


def test_a_day_whose_outcome_is_not_known_yet_teaches_nothing():
    late = origin(REGULAR, CUT - HORIZON + 1)

    assert learned([*LESSONS, late]) == learned(LESSONS) == MODEL


@pytest.mark.parametrize(("days_longer", "horizon_days"), [(1, HORIZON + 1), (200, HORIZON)])
def test_chances_learn_from_the_longest_horizon_that_can_be_tried(days_longer, horizon_days):
    longer = [dataclasses.replace(lesson, horizon_days=HORIZON + days_longer) for lesson in LESSONS]

    assert learned([*LESSONS, *longer]).correction.shop.horizon_days == horizon_days


def test_too_few_days_to_tell_leave_the_answer_to_the_base():
    assert learned(LESSONS[:3]) is None

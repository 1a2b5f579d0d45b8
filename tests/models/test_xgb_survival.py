import dataclasses
import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest
from scipy import special, stats

from clv.checked import CustomerSummary
from clv.evaluation import survival
from clv.models import xgb_survival as module
from clv.models.next_order import LIKELY, QUARTILES
from clv.models.pareto_nbd import ParetoNBD
from clv.models.survival_features import FEATURES, survival_features
from clv.models.xgb_survival import (
    MOST_ORIGINS,
    SCALES,
    Correction,
    Origin,
    Trial,
    XGBSurvival,
    origin_days,
)
from clv.numerics import simulate
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.periods import ObservationWindow

START = dt.date(2020, 1, 1)
CUT, HORIZON = 540, 91
WINDOW = ObservationWindow(START, START + dt.timedelta(days=CUT))
AHEAD = np.arange(7.0, HORIZON + 1, 7)


def shop(draw, params, *, customers=2_000, seed=1):
    """Who bought when, from two months after the first day on: the day of each repeat purchase."""
    rng = np.random.default_rng(seed)
    born = rng.integers(0, CUT, customers)
    made = simulate.on_whole_days(draw(params, (CUT + HORIZON - born).astype(float), rng))
    return born, made


def origin(made, day, until):
    """What a plain look at the purchases knows on ``day``, and of the days to ``until``."""
    born, bought = made
    here = np.flatnonzero(born <= day)
    on = born[bought.customer] + bought.time
    seen = on <= day
    known = simulate.Purchases(
        bought.customer[seen], bought.time[seen], bought.rate, bought.lifetime
    )
    x, recency = simulate.history(known, 1e9)
    wait = np.full(born.size, np.inf)
    np.minimum.at(wait, bought.customer[~seen], on[~seen] - day)
    summary = CustomerSummary.from_arrays(
        ObservationWindow(START, START + dt.timedelta(days=day)),
        frequency=x[here].astype(int),
        recency=recency[here],
        age=(day - born[here]).astype(float),
        log_intervals=np.where(x > 0, simulate.log_intervals(known), np.nan)[here],
        purchase_days=x[here].astype(int) + 1,
        orders=x[here].astype(int) + 1,
        mean_day_value=np.full(here.size, 10.0),
    )
    return Origin(summary, np.minimum(wait, until - day)[here], (wait <= until - day)[here])


def lessons(made, until=CUT):
    days = [(day - START).days for day in origin_days(WINDOW, HORIZON)]
    return [origin(made, day, until) for day in days]


def fitted(made, base, origins=None):
    return XGBSurvival.fit(
        lessons(made) if origins is None else origins, base, cut=WINDOW.end, horizon_days=HORIZON
    )


REGULAR = shop(simulate.regular_purchases, BGNBDParams(4.0, 40.0, 0.6, 3.0, k=4))
NOW = origin(REGULAR, CUT, CUT + HORIZON)
BASE = ParetoNBD.fit(NOW.summary)
MODEL = fitted(REGULAR, BASE)


def scores(model, known):
    chance = np.array([model(known.summary, day) for day in AHEAD])
    return survival.score(known.waited, known.came, chance, AHEAD)


def part(summary, places):
    return dataclasses.replace(summary, table=summary.table.take(pa.array(places)))


def test_of_regular_buyers_trees_know_more_than_a_model_that_sees_no_regularity():
    corrected, alone = (scores(model, NOW) for model in (MODEL.p_order, BASE.p_purchase))

    assert corrected["integrated_brier"] < 0.92 * alone["integrated_brier"]
    assert corrected["log_score"] < 0.92 * alone["log_score"]
    assert corrected["uno_c"] > alone["uno_c"] + 0.01
    assert corrected["largest_gap"] < alone["largest_gap"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_buyers_at_random_who_drop_out_at_random_the_base_keeps_the_word(seed):
    made = shop(simulate.purchases, ParetoNBDParams(0.7, 50.0, 0.6, 150.0), seed=seed)
    now = origin(made, CUT, CUT + HORIZON)
    base = ParetoNBD.fit(now.summary)

    model = fitted(made, base)

    assert model.trial is not None
    assert not model.trial.is_won
    assert np.array_equal(model.p_order(now.summary, 50), base.p_purchase(now.summary, 50))
    assert np.array_equal(
        model.next_order_days(now.summary, 50)[0], base.p_purchase(now.summary, 50) >= LIKELY
    )


def test_the_trial_tells_what_was_gained_on_the_day_a_horizon_back():
    assert MODEL.trial.day == WINDOW.end - dt.timedelta(days=HORIZON)
    assert MODEL.trial.customers == len(origin(REGULAR, CUT - HORIZON, CUT).summary)
    assert MODEL.trial.is_won


def test_who_waits_longer_is_learned_and_what_all_did_together_is_not():
    rng = np.random.default_rng(3)
    features = rng.random((4_000, len(FEATURES)))
    is_slow = features[:, 0] > 0.5
    by_last_day = rng.uniform(0.1, 0.9, is_slow.size)
    ordered_at = rng.logistic(size=is_slow.size) + is_slow - 2.0
    came = ordered_at <= special.logit(by_last_day)
    when_ended = np.where(came, special.expit(ordered_at), by_last_day)
    lesson = module._Lesson(features, came, when_ended, by_last_day)

    delay = Correction("logistic", 1.0, module._grow([lesson], "logistic")).delay(features)

    assert delay[is_slow].mean() - delay[~is_slow].mean() == pytest.approx(1.0, abs=0.15)
    assert delay.mean() == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize(("gain_of_half", "strength"), [(0.035, 0.5), (0.025, 1.0)])
def test_half_strength_is_taken_where_it_is_as_good_within_a_standard_error(gain_of_half, strength):
    gains = {1.0: 0.04, 0.5: gain_of_half}
    tried = [module._Tried(Trial(START, 9, gains[s], 0.01), "normal", s) for s in gains]

    assert module._weakest_as_good(tried).strength == strength


def test_nothing_that_follows_the_cut_moves_the_model():
    assert fitted(REGULAR, BASE, lessons(REGULAR, CUT + HORIZON)) == MODEL


def test_what_came_before_the_cut_does_move_it():
    half = [o.followed(40) for o in lessons(REGULAR)]

    assert fitted(REGULAR, BASE, half) != MODEL


@pytest.mark.parametrize(
    "origins",
    [[], [origin(REGULAR, CUT - 60, CUT)], [origin(REGULAR, CUT - HORIZON, CUT)]],
    ids=["no earlier day", "none with a known outcome", "none to learn from before it"],
)
def test_a_log_too_short_for_a_trial_leaves_the_answer_to_the_base(origins):
    model = fitted(REGULAR, BASE, origins)

    assert model.trial is None
    assert np.array_equal(
        model.p_order(NOW.summary, HORIZON), BASE.p_purchase(NOW.summary, HORIZON)
    )


def test_a_trial_day_on_which_nothing_could_be_fitted_leaves_the_answer_to_the_base():
    born, made = REGULAR
    silent = (born, made._replace(customer=made.customer[:0], time=made.time[:0]))

    assert fitted(silent, BASE).trial is None


def test_the_chance_of_an_order_rises_with_the_days_and_churn_is_the_rest():
    chances = np.array([MODEL.p_order(NOW.summary, day) for day in (1, 7, 30, 91, 365)])

    assert np.all(np.diff(chances, axis=0) >= 0)
    assert np.all((chances > 0) & (chances < 1))
    assert np.array_equal(MODEL.churn(NOW.summary, 91), 1 - chances[3])


def test_a_customer_is_answered_alike_alone_in_a_crowd_and_with_a_horizon_of_their_own():
    days = np.where(np.arange(len(NOW.summary)) % 2, 30.0, 91.0)
    own = MODEL.p_order(NOW.summary, days)
    shuffled = np.random.default_rng(2).permutation(len(NOW.summary))

    for day in (30, 91):
        asked = days == day
        assert np.array_equal(own[asked], MODEL.p_order(NOW.summary, day)[asked])
    assert np.array_equal(MODEL.p_order(part(NOW.summary, shuffled), 91), chance_of(shuffled))
    assert np.array_equal(MODEL.p_order(part(NOW.summary, [7]), 91), chance_of([7]))


def chance_of(places):
    return MODEL.p_order(NOW.summary, 91)[places]


def test_the_same_log_gives_the_same_model():
    assert fitted(REGULAR, BASE).to_dict() == MODEL.to_dict()


def test_a_stored_model_answers_as_the_one_that_was_stored():
    text = json.dumps(MODEL.to_dict(), sort_keys=True, allow_nan=False)

    again = XGBSurvival.from_dict(json.loads(text), BASE)

    assert again == MODEL
    assert np.array_equal(again.p_order(NOW.summary, 91), MODEL.p_order(NOW.summary, 91))


def test_a_stored_answer_of_the_base_alone_comes_back_as_such():
    alone = XGBSurvival(BASE, HORIZON, MODEL.trial, None)

    assert XGBSurvival.from_dict(json.loads(json.dumps(alone.to_dict())), BASE) == alone


def test_the_day_of_the_next_order_is_the_first_by_which_that_part_of_the_chance_passed():
    few = part(NOW.summary, range(0, len(NOW.summary), 20))
    by_day = np.array([MODEL.p_order(few, day) for day in range(1, HORIZON + 1)])

    is_likely, days = MODEL.next_order_days(few, HORIZON)

    assert np.array_equal(is_likely, by_day[-1] >= LIKELY)
    assert is_likely.any()
    for quartile, chance in zip(days, QUARTILES, strict=True):
        has_come = by_day[:, is_likely] >= chance * by_day[-1, is_likely]
        assert np.array_equal(quartile, 1 + np.argmax(has_come, axis=0))


@pytest.mark.parametrize(
    ("name", "distribution"),
    [("logistic", stats.logistic), ("extreme", stats.gumbel_l), ("normal", stats.norm)],
)
def test_a_scale_is_the_quantile_of_its_distribution(name, distribution):
    chance = np.array([1e-6, 0.01, 0.5, 0.9, 0.999])

    assert SCALES[name].of(chance) == pytest.approx(distribution.ppf(chance))
    assert SCALES[name].chance(SCALES[name].of(chance)) == pytest.approx(chance)


@pytest.mark.parametrize("horizon_days", [14, 30, 91, 182, 365])
def test_one_of_the_days_to_learn_from_lies_exactly_a_horizon_back(horizon_days):
    days = origin_days(ObservationWindow(START, START + dt.timedelta(days=1_000)), horizon_days)

    back = [(START + dt.timedelta(days=1_000) - day).days for day in days]
    assert horizon_days in back
    assert back == sorted(set(back))
    assert len(back) <= MOST_ORIGINS


def test_a_short_log_has_no_day_to_learn_from():
    assert origin_days(ObservationWindow(START, START + dt.timedelta(days=80)), 91) == []


def test_features_know_no_date():
    year = dt.timedelta(days=366)
    window = ObservationWindow(NOW.summary.window.start + year, NOW.summary.window.end + year)
    later = dataclasses.replace(NOW.summary, window=window)

    now, then = (survival_features(BASE, asked, HORIZON) for asked in (NOW.summary, later))

    assert now.shape == (len(NOW.summary), len(FEATURES))
    assert np.array_equal(now, then, equal_nan=True)


def test_a_one_time_buyer_of_today_has_features_that_are_numbers_or_unknown():
    window = ObservationWindow(START, START)
    summary = CustomerSummary.from_arrays(window, frequency=[0], recency=[0.0], age=[0.0])

    assert not np.isinf(survival_features(BASE, summary, HORIZON)).any()

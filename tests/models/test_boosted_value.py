"""Trees that correct a forecast: they find what it misses, and nothing where it misses nothing.

Two shops are drawn with known truth, the same but for one thing: in the first customers buy at
random, as the base believes; in the second at a beat, so that who is late is later than others.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
from clv.models import boosted_value, correction
from clv.models.boosted_value import BoostedValue
from clv.models.correction import STRENGTHS, Correction, Origin, Trial
from clv.models.features import FEATURES, Shop, features
from clv.models.lifetime_value import LifetimeValue
from clv.numerics import simulate
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.periods import ObservationWindow

FIRST_DAY = dt.date(2022, 1, 1)
HORIZON, LAST_CUT, DAYS = 91, 700, 791
CUTS = range(220, LAST_CUT, 60)
MONEY = ("monetary_value", "mean_day_value", "gross_value", "returned_value", "historic_clv")


class Log:
    """Every purchase of a shop: who, on which day of the log, for how much."""

    def __init__(self, *, regular, customers=1_500, seed=4):
        rng = np.random.default_rng(seed)
        born = rng.integers(0, DAYS - 100, customers)
        if regular:
            params = BGNBDParams(2.0, 20.0, 0.4, 4.0, k=5, drops_at_once=True)
            made = simulate.regular_purchases(params, DAYS - born, rng)
        else:
            params = ParetoNBDParams(0.8, 70.0, 0.6, 150.0)
            made = simulate.purchases(params, DAYS - born, rng)
        made = simulate.on_whole_days(made)
        self.customer = np.concatenate([np.arange(customers), made.customer])
        self.day = np.concatenate([born, born[made.customer] + made.time.astype(int)])
        spend = GammaGammaParams(6.0, 4.0, 60.0)
        self.value, _ = simulate.spend(spend, self.customer, rng, customers=customers)
        self.customers = customers

    def origin(self, cut):
        """What was known on day ``cut`` and what followed, forecast by the plain model."""
        seen, next_ = self.day <= cut, (self.day > cut) & (self.day <= cut + HORIZON)
        ids, who = np.unique(self.customer[seen], return_inverse=True)
        order = np.lexsort([self.day[seen], who])
        who, day, value = who[order], self.day[seen][order], self.value[seen][order]
        begins = np.append(True, who[1:] != who[:-1])
        ends = np.append(begins[1:], True)
        count, gross = np.bincount(who), np.bincount(who, value)
        gap = np.where(begins, 1, np.diff(day, prepend=0))
        again = np.where(count > 1, 1.0, np.nan)
        summary = CustomerSummary.from_arrays(
            ObservationWindow(FIRST_DAY, FIRST_DAY + dt.timedelta(days=int(cut))),
            customer_id=pa.array([f"c{i:05d}" for i in ids]),
            frequency=count - 1,
            recency=(day[ends] - day[begins]).astype(float),
            age=(cut - day[begins]).astype(float),
            log_intervals=np.bincount(who, np.log(gap)) * again,
            monetary_value=np.bincount(who, np.where(begins, 0, value)) / (count - 1 + (count < 2)),
            purchase_days=count,
            orders=count,
            mean_day_value=gross / count,
            gross_value=gross,
            returned_value=0 * gross,
            historic_clv=gross,
        )
        base = LifetimeValue.fit(summary, "pareto-nbd").expected_value(summary, HORIZON)
        actual = np.bincount(self.customer[next_], self.value[next_], self.customers)[ids]
        unknown = np.full(ids.size, np.nan)
        return Origin(summary, HORIZON, base, actual, unknown, actual > 0, unknown)


@dataclasses.dataclass(frozen=True)
class World:
    past: list[Origin]
    now: Origin
    fitted: BoostedValue


def world(*, regular):
    log = Log(regular=regular)
    now = log.origin(LAST_CUT)
    past = [one for one in map(log.origin, CUTS) if one.known_from <= now.day]
    return World(past, now, BoostedValue.fit(past, now.summary, now.base_mean))


@pytest.fixture(scope="module")
def regular():
    return world(regular=True)


@pytest.fixture(scope="module")
def at_random():
    return world(regular=False)


def corrected(found):
    return found.fitted.correct(found.now.summary, found.now.base_mean)


def deviance(actual, mean):
    """Of power 1.5 by the textbook's form, forecasts raised to a thousandth of the mean outcome."""
    root = np.sqrt(np.maximum(mean, actual.mean() / 1000))
    return np.mean(4 * root - 8 * np.sqrt(actual) + 4 * actual / root)


def rows_of(summary, rows):
    return dataclasses.replace(summary, table=summary.table.take(rows))


def column(found, name):
    table = features(found.now.summary, found.fitted.correction.shop)
    return table[:, FEATURES.index(name)]


def test_what_the_base_misses_is_found_and_the_next_outcome_forecast_better(regular):
    actual = regular.now.actual

    assert regular.fitted.correction.strength > 0
    gain = 1 - deviance(actual, corrected(regular)) / deviance(actual, regular.now.base_mean)
    assert gain > 0.05


def test_the_shops_total_stays_the_bases(regular):
    assert corrected(regular).sum() == pytest.approx(regular.now.base_mean.sum(), rel=1e-12)


def test_who_is_later_is_lowered_more_where_customers_buy_at_a_beat(regular):
    factor = corrected(regular) / regular.now.base_mean
    overdue = column(regular, "overdue")

    assert factor[overdue > np.log(3)].mean() < 0.8 * factor[np.abs(overdue) < np.log(1.5)].mean()


def test_nothing_is_corrected_where_the_base_is_right(at_random):
    found, now = at_random.fitted, at_random.now

    assert found.correction.strength == 0
    assert found.correction.trees is None
    assert corrected(at_random).tobytes() == now.base_mean.tobytes()
    assert not found.correction.contributions(now.summary).any()


@pytest.mark.parametrize("name", ["regular", "at_random"])
def test_what_is_stored_answers_bit_by_bit_as_before(name, request):
    found = request.getfixturevalue(name)
    text = json.dumps(found.fitted.to_dict(), allow_nan=False)
    again = BoostedValue.from_dict(json.loads(text))

    assert len(text) < 200_000
    assert again == found.fitted
    answer = again.correct(found.now.summary, found.now.base_mean)
    assert answer.tobytes() == corrected(found).tobytes()


def test_a_customer_alone_gets_the_answer_of_the_crowd(regular):
    now, some = regular.now, [7, 3, 1001]
    alone = [
        regular.fitted.correct(rows_of(now.summary, [row]), now.base_mean[[row]])[0] for row in some
    ]

    assert alone == corrected(regular)[some].tolist()


def test_many_threads_may_ask_at_once(regular):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: corrected(regular).tobytes(), range(40)))

    assert set(answers) == {corrected(regular).tobytes()}


def test_a_base_of_nothing_stays_nothing(regular):
    nothing = np.zeros(len(regular.now.summary))

    assert not regular.fitted.correct(regular.now.summary, nothing).any()


def test_another_currency_changes_nothing_but_the_amounts(regular):
    def priced(origin):
        table = origin.summary.table
        for name in MONEY:
            money = pa.array(137.0 * table[name].to_numpy())
            table = table.set_column(table.column_names.index(name), name, money)
        summary = dataclasses.replace(origin.summary, table=table)
        dearer = {name: 137.0 * getattr(origin, name) for name in ("base_mean", "actual")}
        return dataclasses.replace(origin, summary=summary, **dearer)

    now = priced(regular.now)
    again = BoostedValue.fit([*map(priced, regular.past)], now.summary, now.base_mean)

    assert again.correction.strength == regular.fitted.correction.strength
    answer = again.correct(now.summary, now.base_mean)
    np.testing.assert_allclose(answer, 137.0 * corrected(regular), rtol=1e-4)


def test_neither_a_second_fit_nor_the_order_of_the_dates_changes_a_bit(regular):
    now = regular.now
    again = BoostedValue.fit(regular.past[::-1], now.summary, now.base_mean)

    assert again == regular.fitted


def test_more_threads_grow_the_same_trees(regular, monkeypatch):
    past = regular.past[-1:]
    monkeypatch.setattr(boosted_value, "ROUNDS", 10)
    alone = boosted_value._grow(past).get_dump(with_stats=True)

    monkeypatch.setattr(boosted_value, "SETTINGS", boosted_value.SETTINGS | {"nthread": 2})

    assert boosted_value._grow(past).get_dump(with_stats=True) == alone


def by_walking(trees, row):
    """The margin of one customer, by a walk down every tree of XGBoost's own JSON."""
    total = np.float32(0)
    for tree in trees["learner"]["gradient_booster"]["model"]["trees"]:
        node = 0
        while tree["left_children"][node] != -1:
            value = np.float32(row[tree["split_indices"][node]])
            if np.isnan(value):
                is_left = tree["default_left"][node]
            else:
                is_left = value < np.float32(tree["split_conditions"][node])
            node = (tree["left_children"] if is_left else tree["right_children"])[node]
        total += np.float32(tree["split_conditions"][node])
    return float(total)


def test_a_walk_down_the_stored_trees_gives_the_same_answer(regular):
    found, now = regular.fitted, regular.now
    rows = features(now.summary, found.correction.shop)[:200]
    trees = json.loads(json.dumps(found.to_dict()))["correction"]["trees"]
    assert np.isnan(rows).any()

    margin = np.array([by_walking(trees, row) for row in rows])

    expected = now.base_mean[:200] * np.exp(found.level + found.correction.strength * margin)
    np.testing.assert_allclose(corrected(regular)[:200], expected, rtol=1e-6)


def test_contributions_add_up_to_the_correction_but_for_one_constant(regular):
    found, now = regular.fitted, regular.now
    parts = found.correction.contributions(now.summary)
    whole = np.log(corrected(regular) / now.base_mean)

    assert parts.shape == (len(now.summary), len(FEATURES))
    assert np.ptp(whole - parts.sum(axis=1)) < 1e-5
    assert np.ptp(whole) > 0.1


def test_a_gain_is_the_share_of_deviance_saved_at_the_same_total(regular):
    *before, last = (regular.past[place] for place in (0, 1, 2, 4))
    grown = boosted_value._grow(before)
    gains = boosted_value._gain(last, correction._margin(grown, last.features))
    trees, total = grown.save_raw("json").decode(), last.actual.sum()
    shop = Shop.of(last.summary, HORIZON)

    for strength, gain in zip(STRENGTHS, gains.sum(axis=1), strict=True):
        found = BoostedValue(0.0, Correction(shop, strength, (), trees))
        mean = found.correct(last.summary, last.base_mean)
        own, base = (
            deviance(last.actual, one * total / one.sum()) for one in (mean, last.base_mean)
        )
        assert gain == pytest.approx(1 - own / base, abs=1e-6)


def test_customers_and_dates_both_make_a_gain_uncertain():
    first, second = {"ann": 0.02, "bob": -0.01}, {"bob": 0.03, "cy": 0.00, "di": 0.02}
    gains = [np.array([[*date.values()]] * 3) for date in (first, second)]

    trial = correction.judged([[*first], [*second]], gains)[0]

    own = [(first.get(who, 0) + second.get(who, 0)) / 2 for who in first | second]
    of_customers = sum((one - sum(own) / 4) ** 2 for one in own)
    of_dates = ((0.01 - 0.03) ** 2 + (0.05 - 0.03) ** 2) / 2
    assert trial.gain == pytest.approx(0.03)
    assert trial.error == pytest.approx((of_customers + of_dates) ** 0.5)


def test_a_trial_learns_only_from_what_was_known_on_its_day(regular, monkeypatch):
    grow, known = boosted_value._grow, []

    def watched(origins):
        known.append(max(one.known_from for one in origins))
        return grow(origins)

    monkeypatch.setattr(boosted_value, "_grow", watched)
    fitted = BoostedValue.fit(regular.past, regular.now.summary, regular.now.base_mean)

    *of_trials, of_use = known
    tried = [one.day for one in regular.past][-len(of_trials) :]
    assert fitted.correction.trials[0].origins == len(of_trials) >= 2
    assert all(latest <= day for latest, day in zip(of_trials, tried, strict=True))
    assert of_use <= regular.now.day


def test_too_few_dates_to_tell_are_refused_with_the_next_step(regular):
    now = regular.now

    for few in (0, 1, 4):
        with pytest.raises(NotEnoughData, match="2 dates before; it takes 2"):
            BoostedValue.fit(regular.past[:few], now.summary, now.base_mean)


@pytest.mark.parametrize("nothing", [{"came": False}, {"actual": -1.0}])
def test_a_date_after_which_nothing_was_sold_teaches_nothing(regular, nothing):
    now, silent = regular.now, regular.past[2]
    shape = {name: np.full(len(silent.actual), of_each) for name, of_each in nothing.items()}
    closed = dataclasses.replace(silent, **shape)
    others = [one for one in regular.past if one is not silent]

    with_it, without = (
        BoostedValue.fit(past, now.summary, now.base_mean) for past in ([*others, closed], others)
    )

    assert with_it == without


def test_a_large_shop_is_learned_from_in_part(regular, monkeypatch):
    monkeypatch.setattr(correction, "MOST_CUSTOMERS", 400)

    some = regular.past[-1].sample()

    assert 200 < len(some.summary) <= 400
    assert {len(of_each) for of_each in (*some.outcome.values(), some.features)} == {
        len(some.summary)
    }


@pytest.mark.parametrize(("gain", "error", "is_sure"), [(0.02, 0.005, True), (0.02, 0.02, False)])
def test_a_gain_within_chance_is_none(gain, error, is_sure):
    assert (Trial(0.5, gain, error, 3).surely > 0) is is_sure

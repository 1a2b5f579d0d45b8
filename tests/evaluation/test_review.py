"""What a backtest is said to show: by hand-made holdouts, and beside a plain loop."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest

from clv.evaluation import review as module
from clv.evaluation.backtest import FLOOR_SHARE, SEED, Forecast, Outcome, holdout, records
from clv.evaluation.metrics import resampled_counts
from clv.evaluation.review import (
    FAR_OFF,
    HELD,
    TIE,
    TOTALS_HELD,
    WORSE,
    Comparison,
    Finding,
    Review,
    compare,
    of_comparison,
    review,
)
from clv.speech import Speech

UNASKED = np.empty(0)  # how long customers waited, where no chance of an order is judged
PLACES = [(dt.date(2023, 3, 1), 91), (dt.date(2023, 6, 1), 91), (dt.date(2023, 6, 1), 182)]


def shop(cut, customers, seed=0):
    """What some customers brought after a cut: half of them nothing."""
    rng = np.random.default_rng([seed, cut.toordinal()])
    bought = rng.gamma(1.0, 80.0, customers) * (rng.random(customers) < 0.5)
    ids = pa.chunked_array([[f"c{i}" for i in range(customers)]])
    return ids, bought, rng


def held(errors, *, missing=(), customers=40):
    """Rows and records of forecasts that are off by a factor; ``missing`` are (model, cut)s."""
    rows, found = [], []
    for place, (cut, days) in enumerate(PLACES):
        # Later cuts know more customers, so the same one stands in another row.
        ids, actual, rng = shop(cut, customers + 7 * place)
        ids = ids.take(pa.array(rng.permutation(len(ids))))
        outcome = Outcome(cut, days, ids, {"net_cash": actual}, UNASKED)
        forecasts = [
            Forecast(name, role, {"net_cash": (actual + 5) * rng.lognormal(0, error, len(actual))})
            for name, (role, error) in errors.items()
            if (name, cut) not in missing
        ]
        rows.append(holdout(outcome, forecasts))
        found += records(outcome, forecasts)
    return pa.concat_tables(rows), found


ERRORS = {
    "ours": ("chosen", 0.3),
    "other": ("challenger", 0.05),
    "good rule": ("baseline", 0.35),
    "bad rule": ("baseline", 1.5),
}


def deviance(actual, mean, floor):
    """Tweedie's of power 1.5, one customer at a time, without the library's algebra."""
    bought, mean = max(actual, 0.0), max(mean, floor)
    return 2 * (bought**0.5 / (0.5 * -0.5) - bought * mean**-0.5 / -0.5 + mean**0.5 / 0.5)


def by_a_plain_loop(rows, score, ours, rule):
    """The log ratio at each place, of everybody and of each resampling of all customers."""
    lines = [line for line in rows.to_pylist() if line["model"] in (ours, rule)]
    ids = list(dict.fromkeys(line["customer_id"] for line in rows.to_pylist()))
    counts = np.concatenate(list(resampled_counts(len(ids), seed=SEED)))
    drawn = [dict.fromkeys(ids, 1)] + [dict(zip(ids, map(int, c), strict=True)) for c in counts]
    ratios = np.empty((len(PLACES), len(drawn)))
    for place, (cut, days) in enumerate(PLACES):
        here = [r for r in lines if (r["cut"], r["horizon_days"]) == (cut, days)]
        floor = FLOOR_SHARE * np.mean([max(r["actual"], 0) for r in here])
        for model, sign in ((ours, 1), (rule, -1)):
            own = [r for r in here if r["model"] == model]
            errors = {
                r["customer_id"]: abs(r["mean"] - r["actual"])
                if score == "mae"
                else deviance(r["actual"], r["mean"], floor)
                for r in own
            }
            for draw, times in enumerate(drawn):
                number = sum(times[one] for one in errors)
                sum_of = sum(times[one] * error for one, error in errors.items())
                part = sign * np.log(sum_of / number)
                ratios[place, draw] = part if sign == 1 else ratios[place, draw] + part
    return ratios


@pytest.mark.parametrize("score", module.PRIMARY)
def test_a_comparison_agrees_with_a_plain_loop_over_customers_and_draws(score):
    rows, _ = held(ERRORS)

    found = compare(rows, score)

    assert found is not None
    ratios = by_a_plain_loop(rows, score, "ours", "good rule")
    means = ratios.mean(axis=0)
    assert (found.score, found.baseline) == (score, "good rule")
    assert found.mean == pytest.approx(means[0])
    assert (found.lower, found.upper) == pytest.approx(tuple(np.quantile(means[1:], [0.1, 0.9])))
    worst = int(ratios[:, 0].argmax())
    assert found.worst == pytest.approx(ratios[worst, 0])
    assert found.at == (PLACES[worst][0].isoformat(), PLACES[worst][1])


def test_the_plain_loop_notices_customers_drawn_apart_at_each_cut():
    rows, _ = held(ERRORS)
    ratios = by_a_plain_loop(rows, "tweedie", "ours", "good rule")[:, 1:]

    apart = np.mean([np.roll(one, 50 * place) for place, one in enumerate(ratios)], axis=0)

    together = compare(rows, "tweedie")
    assert together.upper != pytest.approx(np.quantile(apart, 0.9), rel=1e-3)


def test_a_candidate_can_be_compared_that_was_not_chosen():
    rows, _ = held(ERRORS)

    found = compare(rows, "tweedie", "other")

    assert found.mean == pytest.approx(
        by_a_plain_loop(rows, "tweedie", "other", "good rule")[:, 0].mean()
    )
    assert found.mean < compare(rows, "tweedie").mean


def test_the_best_baseline_is_sought_among_those_held_at_every_place():
    rows, _ = held(ERRORS, missing=[("good rule", PLACES[0][0])])

    assert compare(rows, "tweedie").baseline == "bad rule"


def test_a_cut_after_which_nobody_bought_has_no_say():
    rows, found = held(ERRORS)
    still = (dt.date(2023, 9, 1), 91)
    ids = pa.chunked_array([["c1", "c2"]])
    none = Outcome(*still, ids, {"net_cash": np.array([0.0, -3.0])}, UNASKED)
    forecasts = [Forecast(n, role, {"net_cash": np.ones(2)}) for n, (role, _) in ERRORS.items()]
    longer = pa.concat_tables([rows, holdout(none, forecasts)])

    assert compare(longer, "tweedie") == compare(rows, "tweedie")
    only = holdout(none, forecasts)
    assert compare(only, "tweedie") is None
    said = review(records(none, forecasts), only)
    assert "Nothing was bought after any date." in [one.found for one in said.findings]
    assert review(found, longer).word == review(found, rows).word


def test_draws_in_which_nobody_bought_are_left_out():
    ids = pa.chunked_array([["c1", "c2", "c3"]])
    outcome = Outcome(*PLACES[0], ids, {"net_cash": np.array([90.0, 0.0, 0.0])}, UNASKED)
    forecasts = [
        Forecast("ours", "chosen", {"net_cash": np.array([40.0, 4.0, 4.0])}),
        Forecast("rule", "baseline", {"net_cash": np.array([10.0, 9.0, 9.0])}),
    ]

    found = compare(holdout(outcome, forecasts), "tweedie")

    assert found.lower <= found.mean <= found.upper < 0


FOUND = Comparison("tweedie", "rule", 0.0, -0.1, 0.1, 0.0, ("2023-03-01", 91))
ABOVE = WORSE + 1e-9


@pytest.mark.parametrize(
    ("mean", "worst", "word"),
    [
        (-0.1, -0.05, "PASS"),
        (0.0, WORSE, "PASS"),
        (0.0, ABOVE, "REVIEW"),
        (TIE, WORSE, "PASS"),
        (TIE + 1e-9, WORSE, "REVIEW"),
        (WORSE, 0.5, "REVIEW"),
        (ABOVE, 0.5, "FAIL"),
    ],
)
def test_worse_than_a_rule_fails_and_losing_somewhere_is_to_be_looked_at(mean, worst, word):
    found = dataclasses.replace(FOUND, mean=np.log1p(mean), worst=np.log1p(worst))
    # A log there and back must not decide what lies exactly on the edge.
    assert np.expm1(found.worst) == pytest.approx(worst)

    said = of_comparison(found)

    assert said.word == word
    assert (said.advice == "") == (word == "PASS")
    assert "rule, the best simple rule" in said.found
    assert f"{mean:+.1%} (" in said.found


def record(metric, value, cut="2023-03-01", **other):
    told = {"role": "chosen", "target": "net_cash", "metric": metric, "horizon_days": 91}
    return told | {"cut": cut, "value": value, "lower": None, "upper": None} | other


def words(found, about):
    rows, _ = held(ERRORS)
    return {one.word for one in review(found, rows).findings if about in one.found}


@pytest.mark.parametrize(
    ("biases", "word", "way"),
    [
        ([FAR_OFF, -FAR_OFF], "PASS", None),
        ([0.1, None, -0.1], "PASS", None),
        ([FAR_OFF + 0.01, -FAR_OFF], "REVIEW", None),
        ([0.4, 0.5], "REVIEW", None),
        ([0.4, 0.5, -0.1], "REVIEW", None),
        ([0.4, 0.5, None, 1.0], "REVIEW", "high"),
        ([-0.1, -0.1, -0.2], "PASS", "low"),
    ],
)
def test_totals_that_are_far_off_are_to_be_looked_at_and_all_of_one_way_is_said(biases, word, way):
    found = [record("bias", bias, f"2023-0{month}-01") for month, bias in enumerate(biases, 3)]
    found += [record("bias", 9.0, role="baseline"), record("bias", 9.0, target="purchase_days")]

    assert words(found, "Totals were off by") == {word}
    ways = {way for way in ("high", "low") if words(found, f"each time too {way}: this forecast")}
    assert ways == ({way} if way else set())


@pytest.mark.parametrize(
    ("share", "word"),
    [
        (HELD[0], "PASS"),
        (HELD[1], "PASS"),
        (HELD[0] - 0.01, "REVIEW"),
        (HELD[1] + 0.01, "REVIEW"),
    ],
)
def test_ranges_may_be_off_by_so_much_either_way(share, word):
    assert words([record("pit80", share)], "held for") == {word}


@pytest.mark.parametrize(("within", "word"), [(13, "PASS"), (12, "REVIEW")])
def test_the_range_of_the_total_has_to_hold_at_most_dates(within, word):
    assert pytest.approx(TOTALS_HELD) == 13 / 20
    found = []
    for place in range(20):
        cut = (dt.date(2023, 1, 1) + dt.timedelta(days=place)).isoformat()
        # 120 expected of 100 that came; the range says 90 to 130, or 101 to 130.
        lower = 90 if place < within else 101
        found += [record("bias", 0.2, cut), record("total", 120.0, cut, lower=lower, upper=130.0)]

    assert words(found, "range of the total held") == {word}
    assert words(found, f"held {within} times of 20") == {word}


def test_without_ranges_nothing_is_said_of_them():
    assert words([record("bias", 0.1)], "80 %") == set()


def test_a_stored_finding_is_told_in_any_language_with_the_same_figures():
    found = of_comparison(dataclasses.replace(FOUND, mean=np.log(1.05), worst=np.log(1.5)))
    stored = json.loads(json.dumps(dataclasses.asdict(found)))

    assert module.told(stored, Speech("en")) == f"{found.found} {found.advice}"
    assert found.advice.startswith("Let no money follow this forecast")
    assert module.told(stored, Speech("es")).startswith(
        "El error de las sumas («deviance» de la media; menos es mejor) es +5,0\xa0% (entre "
        "-9,5\xa0% y +10,5\xa0%) frente al de rule, la mejor regla sencilla; en el peor caso "
        "+50,0\xa0%, 91 días desde el 1 mar 2023. No mueva dinero"
    )
    plain = {"word": "FAIL", "found": "As it was.", "advice": ""}
    for unknown in (plain, plain | {"texts": ["finding_of_another_version"], "figures": {}}):
        assert module.told(unknown, Speech("es")) == "As it was."


def test_the_word_is_the_gravest_and_its_finding_comes_first():
    findings = (Finding("PASS", "a"), Finding("FAIL", "b"))

    assert Review(findings).word == "FAIL"
    assert Review(findings[:1]).word == "PASS"
    rows, found = held({**ERRORS, "ours": ("chosen", 1.0)})
    said = review(found, rows)
    order = [module.WORDS.index(one.word) for one in said.findings]
    assert order == sorted(order, reverse=True)
    assert said.to_dict()["word"] == said.word == "FAIL"
    assert said.findings[0].found.startswith("The ")

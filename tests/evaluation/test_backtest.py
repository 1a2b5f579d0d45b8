"""Cuts, words for horizons, and records beside the rows they come from."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest

from clv.evaluation import metrics
from clv.evaluation.backtest import Forecast, Outcome, cuts, holdout, records
from clv.evaluation.past import averages, choose, common_shock, horizon_validated, known_by
from clv.models.spread import Range
from clv.periods import ObservationWindow

START = dt.date(2023, 1, 1)
UNASKED = np.empty(0)  # how long customers waited, where no chance of an order is judged


def window(days):
    return ObservationWindow(START, START + dt.timedelta(days=days))


def record(value, **other):
    told = {"role": "chosen", "target": "net_cash", "metric": "bias", "horizon_days": 91}
    told["cut"] = "2023-01-01"
    return {**told, "value": value, **other}


def test_the_common_shock_is_the_misses_of_earlier_totals_beside_three_imagined_ones():
    of_others = [
        record(9.0, role="baseline"),
        record(9.0, target="purchase_days"),
        record(9.0, metric="mae"),
        record(9.0, horizon_days=365),
        record(None),
    ]

    # e_o = log(actual / predicted): a bias of +100 % is a log of 2.
    own = [record(1.0), record(-0.5, cut="2023-06-01")]
    shock = common_shock([*own, *of_others], 91, history_days=800)

    assert shock.degrees == 5
    assert shock.scale**2 == pytest.approx((3 * 0.15**2 + 2 * np.log(2) ** 2) / 5)


def test_cuts_that_overlap_count_as_many_as_would_not():
    own = [record(np.expm1(0.4), cut=f"2023-01-0{day}") for day in range(1, 9)]

    shock = common_shock(own, 91, history_days=800)

    assert shock == pytest.approx((np.sqrt((3 * 0.15**2 + 0.4**2) / 4), 4))


@pytest.mark.parametrize(("days", "scale"), [(400, 0.25), (547, 0.25), (548, 0.15)])
def test_without_an_earlier_total_the_shock_is_wider_for_a_young_log(days, scale):
    assert common_shock([], 91, history_days=days) == pytest.approx((scale, 3))


@pytest.mark.parametrize(
    ("start", "end", "horizons", "wanted"),
    [
        ("2023-01-01", "2023-06-29", [91], {}),
        ("2023-01-01", "2023-07-02", [91], {"2023-04-02": [91]}),
        (
            "2023-01-01",
            "2023-09-30",
            [182, 91],
            {"2023-04-30": [91], "2023-05-30": [91], "2023-06-30": [91]},
        ),
        ("2023-01-01", "2024-12-31", [365], {"2023-12-31": [365]}),
        ("2023-01-02", "2024-12-31", [365], {}),
        ("2022-01-01", "2024-12-31", [365], {"2022-12-31": [365], "2023-12-31": [365]}),
        ("2023-11-29", "2024-05-31", [91], {"2024-02-29": [91]}),
    ],
)
def test_cuts_lie_months_back_with_as_much_log_up_to_them_as_after(start, end, horizons, wanted):
    window = ObservationWindow(dt.date.fromisoformat(start), dt.date.fromisoformat(end))

    found = {cut.isoformat(): held for cut, held in cuts(window, horizons).items()}

    assert found == wanted


def deviances(model, values, role="challenger", first=1, days=31):
    months = range(first, first + len(values))
    about = {"model": model, "role": role, "target": "net_cash", "metric": "tweedie"}
    return [
        {**about, "cut": f"2023-0{month}-01", "horizon_days": days, "value": value}
        for month, value in zip(months, values, strict=True)
    ]


@pytest.mark.parametrize(
    ("challenger", "best"),
    [
        ([9.0, 9.0, 9.0], "b"),
        ([9.95, 9.95, 9.95], "a"),  # better, by too little to tell
        ([1.0, 101.0, 101.0], "a"),  # the mean of logs is no mean of ratios
        ([1.0, 10.0], "a"),  # failed where the first did not
    ],
)
def test_another_model_is_chosen_only_where_it_was_clearly_better_throughout(challenger, best):
    first = deviances("a", [10.0, 10.0, 10.0], "chosen")
    of_others = deviances("c", [1.0, 1.0, 1.0], "baseline")

    assert choose(first + deviances("b", challenger) + of_others, ["a", "b", "c"]) == best
    assert choose([], ["a", "b"]) == "a"


@pytest.mark.parametrize(("challenger", "best"), [([9.0, 9.0], "b"), ([9.89, 9.89], "a")])
def test_before_a_log_was_long_enough_for_a_model_the_first_would_have_answered(challenger, best):
    first = deviances("a", [10.0, 10.0, 10.0], "chosen")

    assert choose(first + deviances("b", challenger, first=2), ["a", "b"]) == best
    assert choose(first, ["a", "b"]) == "a"


def test_dates_whose_outcomes_overlap_are_not_enough_for_another_model():
    held = deviances("a", [9.0] * 3, "chosen", days=91) + deviances("b", [5.0] * 3, days=91)
    assert choose(held, ["a", "b"]) == "a"

    held += deviances("a", [9.0], "chosen", 4, 91) + deviances("b", [5.0], first=4, days=91)
    assert choose(held, ["a", "b"]) == "a"

    held += deviances("a", [9.0], "chosen", 5, 91) + deviances("b", [5.0], first=5, days=91)
    assert choose(held, ["a", "b"]) == "b"


def test_what_is_known_on_a_day_has_ended_by_then():
    held = deviances("a", [1.0, 2.0, 3.0], days=91)

    assert known_by(held, dt.date(2023, 5, 3)) == held[:2]
    assert known_by(held, dt.date(2023, 5, 2)) == held[:1]


@pytest.mark.parametrize(
    ("held", "word"),
    [
        ([], "extrapolated"),
        ([("2023-06-01", 91)], "checked_once"),
        ([("2023-06-01", 91)] * 9, "checked_once"),
        ([("2023-06-01", 91), ("2023-03-02", 91)], "checked"),
        ([("2023-06-01", 91), ("2023-03-03", 91)], "checked_once"),  # their holdouts overlap
        ([("2023-06-01", 182), ("2023-03-02", 182)], "extrapolated"),
    ],
)
def test_a_horizon_is_checked_by_the_cuts_at_which_the_chosen_model_was_held(held, word):
    of_chosen = [{"role": "chosen", "cut": cut, "horizon_days": days} for cut, days in held]
    of_others = [{"role": "baseline", "cut": f"2020-01-0{i}", "horizon_days": 91} for i in (1, 2)]

    assert horizon_validated(of_chosen + of_others, 91) == word


def outcome_of(actual):
    customers = pa.chunked_array([[f"c{i}" for i in range(len(actual))]])
    return Outcome(START, 91, customers, {"net_cash": np.asarray(actual, dtype=float)}, UNASKED)


def test_records_are_the_metrics_of_the_rows():
    rng = np.random.default_rng(3)
    actual, mean = rng.gamma(1, 50, 80) - 20, rng.gamma(1, 50, 80)

    found = records(outcome_of(actual), [Forecast("m", "chosen", {"net_cash": mean})])

    floor = 1e-3 * np.maximum(actual, 0).mean()
    wanted = metrics.score(actual, mean, mean, floor=floor)
    assert {record["metric"]: record["value"] for record in found} == wanted
    named = {"bias": mean.sum() / actual.sum() - 1, "mae": np.abs(mean - actual).mean()}
    assert {name: wanted[name] for name in named} == pytest.approx(named)
    for record in found:
        if record["lower"] is not None:
            assert record["lower"] <= record["upper"]


@pytest.mark.parametrize("actual", [[0.0, 0.0, 0.0], [-5.0, 0.0, 0.0], [7.0]])
def test_a_holdout_in_which_nothing_was_bought_is_still_json(actual):
    forecast = Forecast("m", "chosen", {"net_cash": np.ones(len(actual))})

    found = records(outcome_of(actual), [forecast])

    assert len(found) == len(metrics.RATIO_METRICS + metrics.RANK_METRICS)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_rows_carry_every_forecast_and_null_where_it_is_one_number():
    outcome = outcome_of([1.0, 2.0])
    forecasts = [
        Forecast("a", "chosen", {"net_cash": np.array([3.0, 4.0])}),
        Forecast("b", "baseline", {"net_cash": np.array([5.0, 6.0])}),
    ]

    rows = holdout(outcome, forecasts).to_pylist()

    shown = [(row["customer_id"], row["model"], row["mean"], row["actual"]) for row in rows]
    assert shown == [("c0", "a", 3, 1), ("c1", "a", 4, 2), ("c0", "b", 5, 1), ("c1", "b", 6, 2)]
    assert all(row[name] is None for row in rows for name in ("median", "lower", "upper"))


def test_a_range_is_scored_and_kept_beside_its_rows():
    """By hand: two ranges hold, one outcome lies above, and a return counts as nothing."""
    actual = np.array([-5.0, 4.0, 30.0, 6.0])
    spread = Range(
        median=np.array([0.0, 3.0, 9.0, 6.0]),
        lower=np.array([0.0, 1.0, 2.0, 7.0]),
        upper=np.array([2.0, 8.0, 20.0, 9.0]),
        beyond=np.array([0.2, 0.1, 0.1, 0.1]),
        stated=np.array([0.3, 0.5, 0.99, 0.02]),
        pit=np.array([0.2, 0.4, 0.95, 0.05]),
        crps=np.array([1.0, 2.0, 3.0, 4.0]),
        total=(10.0, 60.0),
    )
    mean = np.array([1.0, 4.0, 10.0, 7.0])
    forecast = Forecast("m", "chosen", {"net_cash": mean}, {"net_cash": spread})

    found = {r["metric"]: r for r in records(outcome_of(actual), [forecast])}

    wanted = {
        "mae": (5 + 1 + 21 + 0) / 4,
        "rmse": np.sqrt((36 + 0 + 400 + 1) / 4),
        "pit80": 0.5,
        "above_upper": 0.25,
        "implied_above_upper": 0.125,
        "interval_score": ((2 + 7 + 18 + 2) + 10 * (10 + 1)) / 4,
        "crps": 2.5,
        "total": 22.0,
    }
    assert {name: found[name]["value"] for name in wanted} == pytest.approx(wanted)
    assert (found["total"]["lower"], found["total"]["upper"]) == (10, 60)
    rows = holdout(outcome_of(actual), [forecast]).to_pylist()
    assert [row["pit"] for row in rows] == spread.stated.tolist()
    assert [row["upper"] for row in rows] == spread.upper.tolist()


def test_averages_are_means_over_cuts_of_whoever_was_chosen():
    told = [
        record(0.2, model="a"),
        record(-0.4, model="b", cut="2023-06-01"),
        record(9.0, model="c", role="challenger"),
        record(0.5, model="d", role="baseline"),
    ]

    found = averages(told, "net_cash")

    assert found.keys() == {(91, "chosen"), (91, "d")}
    assert found[91, "chosen"] == (2, (0.2, -0.4), {"bias": pytest.approx(-0.1)})

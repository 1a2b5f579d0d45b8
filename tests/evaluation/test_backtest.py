"""Cuts, words for horizons, and records beside the rows they come from."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest

from clv.evaluation import metrics
from clv.evaluation.backtest import (
    Forecast,
    Outcome,
    common_shock,
    cuts,
    holdout,
    horizon_validated,
    records,
)
from clv.periods import ObservationWindow

START = dt.date(2023, 1, 1)


def window(days):
    return ObservationWindow(START, START + dt.timedelta(days=days))


def record(value, **other):
    told = {"role": "chosen", "target": "net_cash", "metric": "bias", "horizon_days": 91}
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
    shock = common_shock([record(1.0), record(-0.5), *of_others], 91, history_days=800)

    assert shock.degrees == 5
    assert shock.scale**2 == pytest.approx((3 * 0.15**2 + 2 * np.log(2) ** 2) / 5)


@pytest.mark.parametrize(("days", "scale"), [(400, 0.25), (547, 0.25), (548, 0.15)])
def test_without_an_earlier_total_the_shock_is_wider_for_a_young_log(days, scale):
    assert common_shock([], 91, history_days=days) == pytest.approx((scale, 3))


@pytest.mark.parametrize(
    ("days", "horizon_days", "offsets"),
    [(181, 91, []), (182, 91, [91]), (272, 91, [181]), (273, 91, [182, 91]), (900, 91, [809, 718])],
)
def test_cuts_leave_as_much_log_before_them_as_after_and_do_not_overlap(
    days, horizon_days, offsets
):
    assert cuts(window(days), horizon_days) == [START + dt.timedelta(days=d) for d in offsets]


@pytest.mark.parametrize(
    ("held", "word"),
    [
        ([], "extrapolated"),
        ([("2023-06-01", 91)], "checked_once"),
        ([("2023-06-01", 91)] * 9, "checked_once"),
        ([("2023-06-01", 91), ("2023-03-02", 91)], "checked"),
        ([("2023-06-01", 182), ("2023-03-02", 182)], "extrapolated"),
    ],
)
def test_a_horizon_is_checked_by_the_cuts_at_which_the_chosen_model_was_held(held, word):
    of_chosen = [{"role": "chosen", "cut": cut, "horizon_days": days} for cut, days in held]
    of_others = [{"role": "baseline", "cut": f"2020-01-0{i}", "horizon_days": 91} for i in (1, 2)]

    assert horizon_validated(of_chosen + of_others, 91) == word


def outcome_of(actual):
    customers = pa.chunked_array([[f"c{i}" for i in range(len(actual))]])
    return Outcome(START, 91, customers, {"net_cash": np.asarray(actual, dtype=float)})


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

"""Splits of the log by a plain loop over its lines; nothing after a holdout reaches a record."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import re
import shutil
from collections import Counter, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from models.shops import shop, shop_of_boxes
from runs import ORDER_LOG, ingest_only, write_orders

from clv.checked import CustomerSummary
from clv.errors import IncompatibleArtifact, NotEnoughData
from clv.evaluation import backtest as scoring
from clv.evaluation import past
from clv.models.baselines import BASELINES, Past
from clv.models.lifetime_value import LifetimeValue
from clv.numerics.calibration import AS_STATED
from clv.numerics.predictive import Shock
from clv.periods import ObservationWindow
from clv.pipeline import lessons
from clv.pipeline import train as train_module
from clv.pipeline.backtest import HORIZONS, backtest, last_backtest
from clv.pipeline.contenders import (
    CANDIDATES,
    FITTED_BASELINES,
    REGULAR_BUYERS,
    chosen_forecast,
    default_first,
    fitted_at,
    other_forecasts,
)
from clv.pipeline.earlier import of_last_backtest
from clv.pipeline.splits import Split, followed, open_tables, past_of, split_at
from clv.pipeline.train import train
from clv.pipeline.workbench import workbench
from clv.store import artifacts
from clv.store.parquet import read_summary
from clv.store.workspace import LESSONS, REVIEW, SUMMARY, Workspace

FIRST, LAST = dt.datetime(2023, 1, 1, 9), dt.datetime(2024, 2, 5, 9)
CUT, HORIZON = dt.date(2023, 9, 1), 91
TARGETS = ("net_cash", "net_matched", "purchase_days")
BASELINE_NAMES = {*BASELINES, *FITTED_BASELINES}


def draw_orders(seed, *, last=LAST):
    """A year of a shop of 25 customers: several orders a day, returns in part and in whole."""
    rng = np.random.default_rng(seed)
    orders = [("old", FIRST, 5.0), ("late", dt.datetime(2023, 10, 1, 9), 8.0), ("old", last, 4.0)]
    for customer in range(25):
        at = FIRST + dt.timedelta(days=int(rng.integers(0, 200)))
        while at < last:
            amount = float(rng.integers(500, 9000)) / 100
            orders.append((f"c{customer}", at, amount))
            if rng.random() < 0.3:
                back = at + dt.timedelta(days=int(rng.integers(0, 90)), hours=1)
                part = round(-amount * rng.choice([1.0, 0.4, 1.7]), 2)
                orders.append((f"c{customer}", back, part))
            at += dt.timedelta(days=int(rng.integers(0, 60)), minutes=int(rng.integers(1, 300)))
    return [order for order in orders if order[1] <= last]


def undone(orders, customer, until):
    """What each purchase of a customer lost by a day: returns take from the latest before them."""
    purchases, lost = [], defaultdict(float)
    of_customer = [order for order in orders if order[0] == customer and order[1].date() <= until]
    for _, at, amount in sorted(of_customer, key=lambda order: (order[1], order[2] < 0)):
        if amount > 0:
            purchases.append([at, amount])
            continue
        left = -amount
        for purchase in reversed(purchases):
            taken = min(left, purchase[1])
            purchase[1] -= taken
            lost[purchase[0]] += taken
            left -= taken
    return lost


def days_of(orders, customer, first, last, until):
    """Net value by purchase day from ``first`` to ``last``, by returns dated up to ``until``."""
    lost, days = undone(orders, customer, until), defaultdict(float)
    for name, at, amount in orders:
        if name == customer and amount > 0 and first <= at.date() <= last:
            days[at.date()] += amount
    for at, amount in lost.items():
        if first <= at.date() <= last:
            days[at.date()] -= amount
    return {day: value for day, value in days.items() if value > 0.001}


def expected(orders, cut, horizon_days):
    """By customer with a purchase up to the cut: what the days after it brought."""
    first, last = cut + dt.timedelta(days=1), cut + dt.timedelta(days=horizon_days)
    known = {name for name, at, amount in orders if amount > 0 and at.date() <= cut}
    found = {}
    for customer in known:
        lines = [a for name, at, a in orders if name == customer and first <= at.date() <= last]
        days = days_of(orders, customer, first, last, last)
        waited = min(((day - cut).days for day in days), default=np.inf)
        found[customer] = (sum(lines), sum(days.values()), len(days), waited)
    return found


def split_of(tmp_path, orders, cut=CUT, horizon_days=HORIZON, **settings):
    """The split the pipeline makes, what followed it, and the records of its forecasts."""
    tmp_path.mkdir(exist_ok=True)
    log = write_orders(tmp_path / "orders.csv", orders)
    workspace = ingest_only(tmp_path / "shop", log, **ORDER_LOG, **settings)
    with workbench(workspace) as (_, connection):
        tables = open_tables(connection, workspace)
        split = split_at(tables, cut)
        outcome = followed(tables, split, horizon_days)
        fitted = fitted_at(split, ["pareto-nbd"], [])
        fitted["pareto-nbd"] = fitted["pareto-nbd"].with_posterior(split.summary)
        doubt = Shock(0.15, 3), [AS_STATED, AS_STATED]
        name, model = "pareto-nbd", fitted["pareto-nbd"]
        forecasts = [
            chosen_forecast(model, name, split, outcome, doubt),
            *other_forecasts(split, horizon_days, fitted),
        ]
        before = past_of(split, horizon_days)
        return Seen(split.summary, outcome, before, scoring.records(outcome, forecasts))


class Seen(NamedTuple):
    summary: CustomerSummary
    outcome: scoring.Outcome
    past: dict[str, Past]
    records: list[dict[str, Any]]


def actual_of(split):
    columns = [split.outcome.actual[target].tolist() for target in ("net_cash", "net_matched")]
    columns += [split.outcome.actual["purchase_days"].tolist(), split.outcome.waited.tolist()]
    return dict(zip(split.outcome.customer_id.to_pylist(), zip(*columns, strict=True), strict=True))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_followed_a_cut_agrees_with_a_plain_loop(tmp_path, seed):
    orders = draw_orders(seed)

    split = split_of(tmp_path, orders)

    found, wanted = actual_of(split), expected(orders, CUT, HORIZON)
    assert found.keys() == wanted.keys()
    for customer, values in wanted.items():
        assert found[customer] == pytest.approx(values, abs=1e-6), customer
    assert min(cash for cash, *_ in wanted.values()) < 0  # somebody only sent things back


def test_before_returns_a_cut_is_followed_by_what_was_bought(tmp_path):
    orders = draw_orders(1)

    found = actual_of(split_of(tmp_path, orders, basis="gross"))

    wanted = expected([order for order in orders if order[2] > 0], CUT, HORIZON)
    assert found == {name: pytest.approx(values, abs=1e-6) for name, values in wanted.items()}


def test_the_loop_notices_returns_counted_on_the_wrong_side_of_a_cut(tmp_path):
    orders = draw_orders(1)
    split = split_of(tmp_path, orders)

    wrong = expected(orders, CUT + dt.timedelta(days=7), HORIZON)

    found = actual_of(split)
    assert any(found[name] != pytest.approx(wrong[name], abs=1e-6) for name in found)


def test_customers_of_the_holdout_only_are_not_scored(tmp_path):
    split = split_of(tmp_path, draw_orders(1))

    assert "late" not in split.outcome.customer_id.to_pylist()


def test_anonymous_lines_kept_under_a_name_are_no_customer_of_a_split(tmp_path):
    orders = [*draw_orders(1), ("", FIRST, 500.0), ("", FIRST + dt.timedelta(days=40), 600.0)]

    split = split_of(tmp_path, orders, anonymous_as="guest")

    assert "guest" not in split.outcome.customer_id.to_pylist()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_baselines_past_agrees_with_a_plain_loop(tmp_path, seed):
    orders = draw_orders(seed)
    split = split_of(tmp_path, orders)

    past = split.past["net_cash"], split.past["purchase_days"]

    spans = {"last_period": HORIZON, "last_year": 365, "whole": 10_000}
    for place, customer in enumerate(split.outcome.customer_id.to_pylist()):
        for name, span in spans.items():
            first = CUT - dt.timedelta(days=span - 1)
            days = days_of(orders, customer, first, CUT, CUT)
            assert getattr(past[0], name)[place] == pytest.approx(sum(days.values()), abs=1e-6)
            assert getattr(past[1], name)[place] == len(days)
        ever = days_of(orders, customer, dt.date.min, CUT, CUT)
        if ever:
            assert past[0].age[place] == (CUT - min(ever)).days + 1
    assert past[0].year_days == (CUT - FIRST.date()).days + 1  # the log is younger than a year


def later_days(orders):
    end = CUT + dt.timedelta(days=HORIZON)
    for days, amount in ((1, 70.0), (1, -60.0), (2, -400.0), (30, 90.0)):
        at = dt.datetime.combine(end + dt.timedelta(days=days), dt.time(11))
        orders += [(f"c{i}", at + dt.timedelta(minutes=i), amount - i) for i in range(25)]
    return orders


def test_days_after_a_holdout_change_no_record_of_its_cut(tmp_path):
    end = dt.datetime.combine(CUT + dt.timedelta(days=HORIZON), dt.time(9))
    orders = draw_orders(4, last=end)

    short = split_of(tmp_path / "short", orders)
    long = split_of(tmp_path / "long", later_days(list(orders)))

    assert long.summary.table.equals(short.summary.table)
    assert actual_of(long) == actual_of(short)
    assert long.records == short.records


def test_one_more_return_inside_the_holdout_does_change_records(tmp_path):
    orders = draw_orders(4)
    back = ("c3", dt.datetime.combine(CUT + dt.timedelta(days=9), dt.time(8)), -3.0)

    before = split_of(tmp_path / "before", orders)
    after = split_of(tmp_path / "after", [*orders, back])

    assert after.records != before.records


def raw_lines(path):
    with path.open(newline="") as file:
        for line in csv.DictReader(file):
            if line["Customer ID"] and float(line["Quantity"]) > 0 and float(line["Price"]) > 0:
                yield line["Customer ID"].removesuffix(".0"), line["InvoiceDate"][:10]


@pytest.fixture
def holdout(finished):
    return pq.ParquetFile(finished.root / "reports/holdout.parquet").read()


def test_everybody_who_bought_up_to_a_cut_is_scored_and_nobody_else(finished, holdout):
    bought = list(raw_lines(finished.log))

    for cut in {record["cut"] for record in finished.outcome.backtest}:
        at_cut = holdout.filter(pc.equal(holdout["cut"], dt.date.fromisoformat(cut)))
        known = {customer for customer, day in bought if day <= cut}
        assert set(at_cut["customer_id"].to_pylist()) == known


def test_cuts_lie_whole_months_before_the_end_of_the_log(finished):
    cuts = defaultdict(set)
    for record in finished.outcome.backtest:
        cuts[record["horizon_days"]].add(record["cut"])

    months = ["2010-12-09", *(f"2011-{month:02}-09" for month in range(1, 10))]
    assert {days: sorted(own) for days, own in cuts.items()} == {
        91: months,
        182: months[:7],
        365: months[:1],
    }


def test_every_cut_has_one_chosen_model_its_challengers_and_the_baselines(finished):
    models = defaultdict(set)
    for record in finished.outcome.backtest:
        place = (record["cut"], record["horizon_days"], record["target"])
        models[place].add((record["model"], record["role"]))

    of_chances = {place for place in models if place[2] == past.NEXT_ORDER}
    assert len(models) - len(of_chances) == 18 * len(TARGETS)
    for place, found in models.items():
        if place in of_chances:
            continue
        roles = Counter(role for _, role in found)
        assert roles["chosen"] == 1
        ours = {model.removesuffix(" + boosted") for model, role in found if role != "baseline"}
        assert ours == set(CANDIDATES) - {"drifting-pareto-nbd"}  # it asks for two years of log
        assert {model for model, role in found if role == "baseline"} == BASELINE_NAMES


@pytest.mark.parametrize(("days", "held"), [(700, False), (740, True)])
def test_a_candidate_is_held_where_the_log_is_long_enough_for_it(days, held):
    split = Split(shop(1, customers=300, days=days).at(days).summary, days=None)
    unfitted = []

    fitted = fitted_at(split, ["pareto-nbd", "drifting-pareto-nbd"], unfitted)

    assert ("drifting-pareto-nbd" in fitted) is held
    assert unfitted == []


@pytest.mark.parametrize(
    ("log", "first"),
    [
        (shop_of_boxes(1, skipped=0.05, customers=300), REGULAR_BUYERS),
        (shop(1, customers=300), CANDIDATES[0]),
    ],
)
def test_regular_buyers_have_a_default_of_their_own(log, first):
    ordered = default_first(log.at(300).summary, CANDIDATES)

    assert ordered[0] == first
    assert sorted(ordered) == sorted(CANDIDATES)
    assert default_first(log.at(300).summary, ["nbd"]) == ["nbd"]


def test_what_is_chosen_at_a_cut_rests_on_cuts_known_by_then(finished):
    records = finished.outcome.backtest
    chosen = {(r["cut"], r["model"].split(" + ")[0]) for r in records if r["role"] == "chosen"}

    for cut, model in chosen:
        day = dt.date.fromisoformat(cut)
        known = [
            record
            for record in records
            if dt.date.fromisoformat(record["cut"]) + dt.timedelta(days=record["horizon_days"])
            <= day
        ]
        assert past.choose(known, CANDIDATES) == model
    workspace = Workspace(finished.root)
    best = past.choose(records, CANDIDATES)
    assert last_backtest(workspace) == (records, CANDIDATES, best)
    assert of_last_backtest(workspace, best)
    assert of_last_backtest(workspace, "nbd") is None


def test_records_agree_with_the_rows_behind_them(finished, holdout):
    rows = defaultdict(list)
    for row in holdout.to_pylist():
        place = (row["model"], row["role"], row["cut"].isoformat(), row["horizon_days"])
        median = row["mean"] if row["median"] is None else row["median"]
        rows[(*place, row["target"])].append((row["mean"], median, row["actual"]))
    by_hand = {
        "bias": lambda mean, median, actual: mean.sum() / actual.sum() - 1,
        "mae": lambda mean, median, actual: np.abs(median - actual).mean(),
        "rmse": lambda mean, median, actual: np.sqrt(((mean - actual) ** 2).mean()),
        "wape": lambda mean, median, actual: np.abs(median - actual).sum() / np.abs(actual).sum(),
    }

    checked = 0
    for record in finished.outcome.backtest:
        if record["metric"] not in by_hand:
            continue
        place = [record[name] for name in ("model", "role", "cut", "horizon_days", "target")]
        columns = np.array(rows[tuple(place)]).T
        assert record["value"] == pytest.approx(by_hand[record["metric"]](*columns))
        assert record["lower"] <= record["value"] * (1 + 1e-9) or record["value"] < 0
        checked += 1
    assert checked == len(rows) * len(by_hand)


def test_the_baselines_know_of_no_spend_season():
    summary = shop(1, customers=400).at(400).summary
    dear = dataclasses.replace(summary, spend_season=(1.5,) * 12)
    model, plain = (fitted_at(Split(known, None), ["pareto-nbd"], []) for known in (dear, summary))

    assert model.pop("pareto-nbd").spend.season != plain.pop("pareto-nbd").spend.season is None
    assert model == plain != {}


def refuse_fits(monkeypatch, refused):
    """Fits whose summary and prior ``refused`` says yes to end as not enough data."""
    original = LifetimeValue.fit.__func__

    def fit(cls, summary, model, *, prior=True, **options):
        if refused(summary, prior):
            raise NotEnoughData("pareto-nbd", "it was refused.", next_step="Nothing.")
        return original(cls, summary, model, prior=prior, **options)

    monkeypatch.setattr(LifetimeValue, "fit", classmethod(fit))


def test_where_the_plain_model_cannot_be_fitted_the_reason_is_told(workspace, monkeypatch):
    refuse_fits(monkeypatch, lambda summary, prior: not prior)
    workspace.path("reports/backtest.json").unlink()
    told = []

    records = backtest(workspace, ["pareto-nbd"], told.append, horizon_days=365)

    assert not FITTED_BASELINES.keys() & {record["model"] for record in records}
    refused = [text for text in told if "no plain-pareto-nbd" in text]
    assert len(refused) == 1
    assert re.search(r"at 10 dates, \S+ to \S+; the last: pareto-nbd: it was refused", refused[0])


def test_a_cut_where_the_model_cannot_be_fitted_is_left_out_and_told(workspace, monkeypatch):
    early = dt.date(2011, 6, 9)
    refuse_fits(monkeypatch, lambda summary, prior: summary.window.end == early)
    workspace.path("reports/backtest.json").unlink()
    told = []

    records = backtest(workspace, ["pareto-nbd"], told.append, horizon_days=365)

    assert early.isoformat() not in {record["cut"] for record in records}
    assert sum(f"nothing to check at {early}" in text and "refused" in text for text in told) == 1
    words = [past.horizon_validated(records, horizon_days) for horizon_days in HORIZONS]
    assert words == ["checked", "checked_once", "checked_once"]


def test_where_no_cut_can_be_fitted_no_later_day_is_promised(workspace, monkeypatch):
    refuse_fits(monkeypatch, lambda summary, prior: True)
    workspace.path("reports/backtest.json").unlink()

    told = []

    with pytest.raises(NotEnoughData, match="at no earlier date of this log"):
        backtest(workspace, ["pareto-nbd"], told.append, horizon_days=365)

    assert sum("it was refused" in text for text in told) == 1


def test_a_log_of_181_days_is_too_short_and_one_of_182_is_not(tmp_path):
    for days, enough in ((181, False), (182, True)):
        start = dt.datetime(2023, 1, 1, 9)
        orders = [(f"c{i % 20}", start + dt.timedelta(days=i), 10.0 + i) for i in range(days)]
        log = write_orders(tmp_path / f"{days}.csv", orders)
        workspace = ingest_only(tmp_path / str(days), log, **ORDER_LOG)
        if enough:
            assert backtest(workspace, ["pareto-nbd"], lambda text: None, horizon_days=91)
            continue
        with pytest.raises(NotEnoughData, match="reaches 2023-07-01 or later"):
            backtest(workspace, ["pareto-nbd"], lambda text: None, horizon_days=91)


def test_a_table_of_the_workspace_that_cannot_be_read_is_named(workspace):
    workspace.path("data/processed/clv.parquet").write_bytes(b"PAR1 not really PAR1")

    with pytest.raises(IncompatibleArtifact, match=r"clv\.parquet: it cannot be read"):
        backtest(workspace, ["pareto-nbd"], lambda text: None, horizon_days=91)


def buyers_at_a_beat(seed, *, customers=300, days=760):
    """Customers who buy every 25 days or so until they leave, which no Pareto/NBD expects."""
    rng = np.random.default_rng(seed)
    for customer in range(customers):
        at = float(rng.integers(0, 600))
        while at < days:
            day = FIRST + dt.timedelta(days=int(at), minutes=int(rng.integers(600)))
            yield f"c{customer}", day, round(float(rng.gamma(4, 10)) + 1, 2)
            if rng.random() < 0.08:
                break
            at += 25 * rng.gamma(25, 1 / 25)


def held_back(folder, orders):
    """A workspace of these orders, and the records of its backtest."""
    log = write_orders(folder / "orders.csv", orders)
    workspace = ingest_only(folder / "shop", log, **ORDER_LOG)
    return workspace, backtest(workspace, ["pareto-nbd"], lambda text: None, horizon_days=91)


@pytest.fixture(scope="module")
def at_a_beat(tmp_path_factory):
    return held_back(tmp_path_factory.mktemp("at_a_beat"), list(buyers_at_a_beat(1)))


def test_trees_correct_what_they_could_have_corrected_before_and_what_is_trained(at_a_beat):
    workspace, records = at_a_beat

    names = {
        r["cut"]: r["model"]
        for r in records
        if (r["role"], r["target"], r["horizon_days"]) == ("chosen", "net_cash", 91)
    }
    assert names[min(names)] == "pareto-nbd"  # nothing was known yet
    assert names["2024-10-29"] == "pareto-nbd + boosted"
    scores = {
        (r["model"], r["target"]): r["value"]
        for r in records
        if (r["cut"], r["horizon_days"], r["metric"]) == ("2024-10-29", 91, "tweedie")
    }
    corrected, plain = (scores[name, "net_cash"] for name in (names["2024-10-29"], "pareto-nbd"))
    assert corrected < 0.95 * plain
    held = {origin.day.isoformat() for origin in lessons.read(workspace, "pareto-nbd")}
    assert held == set(names)

    digest = train(workspace, "pareto-nbd", lambda text: None)

    model, summary = artifacts.load(workspace, digest), read_summary(workspace.path(SUMMARY))
    value = model.purchases.expected_transactions(summary, 91) * model.day_value(summary, 91)
    assert model.is_corrected
    assert model.expected_value(summary, 91).sum() == pytest.approx(value.sum())
    assert np.abs(model.expected_value(summary, 91) / value - 1).max() > 0.1
    # A horizon that was never tried is corrected as the one beside it: a day more brings more.
    ahead = np.array([model.expected_value(summary, days) for days in (60, 90, 91, 92, 182, 365)])
    assert (np.diff(ahead, axis=0) > 0).all()


def test_chances_are_corrected_as_they_could_have_been_and_judged_beside_the_base(at_a_beat):
    workspace, records = at_a_beat
    scores = defaultdict(dict)
    for r in records:
        if r["target"] == past.NEXT_ORDER:
            scores[r["cut"], r["horizon_days"], r["metric"]][r["model"]] = r["value"]

    latest = "2024-10-29"
    assert {cut for cut, *_ in scores} == {latest}  # the first at which two trials were known
    for metric, sign in (("integrated_brier", 1), ("log_score", 1), ("uno_c", -1)):
        found = scores[latest, 91, metric]
        corrected, alone = found["pareto-nbd + xgb-survival"], found["pareto-nbd"]
        assert sign * np.log(corrected / alone) < -0.02, metric
    dates, change = past.worth_of_trees(records)
    logs = [
        np.log(own["pareto-nbd + xgb-survival"] / own["pareto-nbd"])
        for (_, _, metric), own in scores.items()
        if metric == "integrated_brier"
    ]
    assert (dates, np.log1p(change)) == (1, pytest.approx(np.mean(logs)))

    model = artifacts.load(workspace, train(workspace, "pareto-nbd", lambda text: None))

    summary = read_summary(workspace.path(SUMMARY))
    assert model.survival.correction.strength > 0
    alone = model.purchases.p_purchase(summary, 182)
    assert np.abs(model.p_purchase(summary, 182) - alone).max() > 0.1
    assert model.p_purchase(summary, 182).mean() == pytest.approx(alone.mean(), abs=0.05)
    alive, days = model.purchases.p_alive(summary), model.purchases.expected_transactions
    for horizon in (91, 182, 365):
        most = np.minimum(alive, days(summary, horizon))
        assert (model.p_purchase(summary, horizon) <= most).all()
    free = model.survival.correct(summary, alone)
    assert (free > np.minimum(alive, days(summary, 182))).any()  # what the limit is for


def test_trees_that_made_chances_worse_are_kept_off_and_still_held(
    at_a_beat, tmp_path, monkeypatch
):
    workspace, records = at_a_beat
    copied = Workspace(tmp_path / "shop")
    shutil.copytree(workspace.root, copied.root)
    copied.path(REVIEW).unlink()  # so that it is computed anew
    monkeypatch.setattr(past, "trees_hurt", lambda known: True)
    monkeypatch.setattr(train_module, "trees_hurt", lambda known: True)

    again = backtest(copied, ["pareto-nbd"], lambda text: None, horizon_days=91)
    model = artifacts.load(copied, train(copied, "pareto-nbd", lambda text: None))

    of_chances = [one for one in again if one["target"] == past.NEXT_ORDER]
    assert {(one["model"], one["role"]) for one in of_chances} == {
        ("pareto-nbd + xgb-survival", "challenger"),
        ("pareto-nbd", "chosen"),
    }
    assert past.worth_of_trees(again) == past.worth_of_trees(records)
    # Ranges are those of the forecast that would have been made.
    alone, with_trees = (
        [
            one["value"]
            for one in found
            if (one["role"], one["target"], one["metric"]) == ("chosen", "purchase_days", "crps")
        ]
        for found in (again, records)
    )
    assert alone != with_trees
    summary = read_summary(copied.path(SUMMARY))
    assert model.survival.correction.is_kept_off
    alone = model.purchases.p_purchase(summary, 182)
    assert np.array_equal(model.p_purchase(summary, 182), alone)


@pytest.mark.parametrize(
    ("pairs", "hurt"),
    [
        ([], False),
        ([(0.11, 0.1)], True),
        ([(0.1, 0.1)], False),
        ([(0.11, 0.1), (0.08, 0.1)], False),
    ],
)
def test_trees_hurt_where_their_error_was_larger_on_average(pairs, hurt):
    about = {"target": "next_order", "metric": "integrated_brier", "horizon_days": 91}
    records = [
        about | {"cut": f"2024-0{place}-01", "model": model, "value": value}
        for place, pair in enumerate(pairs, start=1)
        for model, value in zip(("nbd + xgb-survival", "nbd"), pair, strict=True)
    ]

    assert past.trees_hurt(records) is hurt


def test_what_happens_after_the_last_holdout_changes_no_record_and_no_lesson(
    at_a_beat, tmp_path, monkeypatch
):
    workspace, records = at_a_beat
    orders = list(buyers_at_a_beat(1))
    first, last = (edge(at for _, at, _ in orders) for edge in (min, max))
    known = scoring.cuts(ObservationWindow(first.date(), last.date()), HORIZONS)
    monkeypatch.setattr(scoring, "cuts", lambda window, horizons: known)
    for day in range(1, 120, 3):
        at = last + dt.timedelta(days=day)
        orders += [(f"c{day}", at, 50.0), (f"c{day + 1}", at, -40.0)]

    longer, again = held_back(tmp_path, orders)

    assert again == records
    then, now = (
        pq.ParquetFile(place.path(LESSONS)).read().replace_schema_metadata()
        for place in (workspace, longer)
    )
    assert now.equals(then)


def test_what_was_missed_on_another_log_teaches_nothing(finished, workspace):
    assert lessons.are_there(workspace)
    path = workspace.path(SUMMARY)
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)

    assert not lessons.are_there(workspace)

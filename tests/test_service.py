"""The online questions against the batch: the same customer, asked in every way there is."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import itertools
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost
from rows import differing
from runs import NOW, ingest_only

from clv.checked import CustomerSummary
from clv.errors import (
    CustomerNotFound,
    HorizonOutOfRange,
    IncompatibleArtifact,
    ModelNotFound,
    NothingStored,
)
from clv.histories import Purchase, Tally, from_purchases
from clv.models.boosted_value import BoostedValue
from clv.models.correction import Correction, rows
from clv.models.features import Shop, features
from clv.periods import ObservationWindow, TimeUnit
from clv.pipeline.predict import Ask, predict
from clv.service import Question, Service
from clv.store import workspace as files
from clv.store.workspace import Workspace
from clv.tables import PREDICTIONS

DAY = dt.date(2020, 3, 1)
FORECAST = ("predicted_clv", "predicted_number_of_orders", "churn_probability", "p_alive")
FORECAST += ("expected_order_value", "p_purchase_in_horizon", "value_percentile")
FORECAST += ("predicted_clv_median", "predicted_clv_lower", "predicted_clv_upper")


@pytest.fixture(scope="module")
def service(finished):
    return Service.open(Workspace(finished.root))


@pytest.fixture(scope="module")
def stored(service):
    return {row["customer_id"]: row for row in service.table.to_pylist()}


def bought(customer, *orders):
    """Purchases of a customer from (days since the epoch of these tests, amount)."""
    start = dt.datetime.combine(DAY, dt.time()) - dt.timedelta(days=100)
    return [Purchase(customer, start + dt.timedelta(days=day), amount) for day, amount in orders]


def tally_of(service, place):
    """A customer of the stored summary as a tally."""
    row = service.summary.table.slice(place, 1).to_pylist()[0]
    gross = row["gross_value"]
    return Tally(
        row["customer_id"],
        row["frequency"],
        row["recency"],
        row["age"],
        row["mean_day_value"],
        purchase_days=row["purchase_days"],
        return_share=row["returned_value"] / gross if gross else 0.0,
    )


# --- customers the shop knows


def test_a_stored_answer_is_the_row_of_the_table_in_the_order_asked(service, stored):
    ids = [*reversed(stored), *stored]

    answers = service.customers(ids)

    assert [answer.row for answer in answers] == [stored[customer] for customer in ids]
    assert {answer.source for answer in answers} == {"stored"}


def test_an_unknown_customer_is_an_error_among_answers(service, stored):
    known = next(iter(stored))

    answers = service.customers([known, "nobody", known])

    assert [answer.row for answer in answers] == [stored[known], None, stored[known]]
    assert isinstance(answers[1].error, CustomerNotFound)
    assert [a.row for a in service.customers(["nobody", "\x00", ""])] == [None, None, None]


def test_the_tables_own_terms_spelled_out_are_answered_from_it(service):
    own = Question(service.terms.horizon_days, service.terms.discount_rate, service.as_of, 0.8)

    assert service.customers([service.table["customer_id"][3].as_py()], own)[0].source == "stored"


def test_another_day_is_an_error_that_names_the_field(service, stored):
    answers = service.customers(list(stored)[:2], Question(as_of=dt.date(2011, 1, 1)))

    assert [answer.error.about for answer in answers] == ["as_of", "as_of"]


def test_another_discount_moves_the_lifetime_value_and_nothing_else(service, stored):
    answers = service.customers(stored, Question(discount_rate=0.5))

    assert {answer.source for answer in answers} == {"live"}
    for answer in answers:
        before = stored[answer.customer_id]
        moved = {name for name in before if before[name] != answer.row[name]}
        assert moved <= {"lifetime_clv"}
    assert any(a.row["lifetime_clv"] < stored[a.customer_id]["lifetime_clv"] for a in answers)


@pytest.mark.parametrize("horizon_days", [91, 182, 200])
def test_another_horizon_is_answered_as_the_batch_would(service, finished, tmp_path, horizon_days):
    root = tmp_path / "again"
    shutil.copytree(finished.root, root)
    batch = predict(Workspace(root), Ask(horizon_days=horizon_days), NOW, lambda text: None)

    answers = service.customers(service.table["customer_id"].to_pylist(), Question(horizon_days))

    expected = batch.table.to_pylist()
    if horizon_days == 200:  # the batch has no backtest of it either
        assert {row["horizon_validated"] for row in expected} == {"extrapolated"}
    for answer, row in zip(answers, expected, strict=True):
        assert answer.row == {**row, "scored_at": answer.row["scored_at"]}


def test_every_horizon_carries_the_word_its_backtest_earned(service, finished):
    words = {}
    for days in (91, 182, 365, 364):
        held = [r for r in finished.outcome.backtest if r["horizon_days"] == days]
        cuts = {record["cut"] for record in held if record["role"] == "chosen"}
        words[days] = ["extrapolated", "checked_once", "checked"][min(len(cuts), 2)]
    known = [service.table["customer_id"][0].as_py()]

    for days, word in words.items():
        assert service.customers(known, Question(days))[0].row["horizon_validated"] == word
    assert len(set(words.values())) > 1


@pytest.mark.parametrize("horizon_days", [-1, 3651])
def test_a_horizon_beyond_computing_is_refused(service, horizon_days):
    known = service.table["customer_id"].to_pylist()[:1]

    with pytest.raises(HorizonOutOfRange):
        service.customers(known, Question(horizon_days))


def test_what_moved_a_corrected_forecast_is_the_customers_own_but_for_one_constant(service):
    ids, days = service.table["customer_id"].to_pylist()[:40], service.terms.horizon_days
    base = service.model.expected_value(service.summary, days)
    shop = Shop.of(service.summary, days)
    x = features(service.summary, shop)
    grown = xgboost.train({"max_depth": 2}, rows(x, np.zeros(len(x)), label=x[:, 1]), 6)
    found = BoostedValue(0.1, Correction(shop, 0.5, (), grown.save_raw("json").decode()))
    corrected = copy.copy(service)
    corrected.model = dataclasses.replace(service.model, boosted=found)

    parts = np.array([corrected.contributions(customer) for customer in ids])

    whole = np.log(corrected.model.expected_value(service.summary, days) / base)[:40]
    assert np.ptp(whole - parts.sum(axis=1)) < 1e-5
    assert np.ptp(whole) > 0.1
    with pytest.raises(CustomerNotFound):
        corrected.contributions("nobody")
    assert service.contributions(ids[0]) is None


# --- customers it does not


def test_a_tally_of_a_stored_customer_is_forecast_as_the_stored_row(service, stored):
    tallies = [tally_of(service, place) for place in range(len(stored))]

    for answer in service.tallies(tallies):
        row = stored[answer.customer_id]
        assert answer.source == "live"
        # A tally does not say how many orders its days held.
        for name in set(FORECAST) - {"predicted_number_of_orders", "expected_order_value"}:
            assert answer.row[name] == pytest.approx(row[name], rel=1e-9, abs=0.0101), name


def test_orders_are_read_and_forecast_in_the_seasons_of_the_log_and_the_model(service):
    season = tuple(1 + month / 10 for month in range(12))
    other = copy.copy(service)
    other.summary = dataclasses.replace(service.summary, spend_season=season)
    spend = dataclasses.replace(service.model.spend, season=season)
    other.model = dataclasses.replace(service.model, spend=spend)
    orders = bought("a", (0, 90.0), (31, 60.0), (80, 75.5))

    found, before = (
        one.purchases(orders, Question(as_of=DAY))[0].row["predicted_clv"]
        for one in (other, service)
    )

    row = from_purchases(orders, DAY, spend_season=season) | {"customer_id": "a"}
    months = [order.at.month for order in orders]
    level = sum(o.amount / season[m - 1] for o, m in zip(orders, months, strict=True))
    assert row["season_of_days"] == pytest.approx(225.5 / level)
    window = ObservationWindow(service.summary.window.start, DAY)
    alone = CustomerSummary.from_table(pa.Table.from_pylist([row]), window)
    expected = other.model.expected_value(alone, service.terms.horizon_days)
    assert found == pytest.approx(expected[0], abs=0.0051)
    assert found != pytest.approx(before, rel=0.02)


def test_weeks_are_days(service, stored):
    days = [tally_of(service, place) for place in range(len(stored))]
    weeks = [
        dataclasses.replace(t, recency=t.recency / 7, age=t.age / 7, time_unit=TimeUnit.WEEK)
        for t in days
    ]

    for one, other in zip(service.tallies(days), service.tallies(weeks), strict=True):
        assert differing(one.row, other.row) == {}
    wrong = dataclasses.replace(days[0], time_unit=TimeUnit.WEEK)
    orders = [
        service.tallies([tally])[0].row["predicted_number_of_orders"] for tally in (days[0], wrong)
    ]
    assert orders[0] > 2 * orders[1]


def test_a_customer_alone_is_the_customer_in_any_crowd(service, stored):
    rng = np.random.default_rng(3)
    places = rng.permutation(len(stored))[:20].tolist()
    tallies = [tally_of(service, place) for place in places]
    orders = [bought(str(i), (i, 10.0 + i), (50, 5.0), (60, -1.0 * i)) for i in range(20)]
    question = Question(as_of=DAY)

    for question in (Question(as_of=DAY), Question(91, 0.3, DAY)):
        together = service.tallies(tallies, question)
        assert together == [service.tallies([tally], question)[0] for tally in tallies]
        together = service.purchases(itertools.chain(*orders), question)
        assert together == [service.purchases(own, question)[0] for own in orders]
        shuffled = [order for own in reversed(orders) for order in reversed(own)]
        assert service.purchases(shuffled, question) == together[::-1]
    ids, question = list(stored)[:20], Question(91)
    assert service.customers(ids, question) == [service.customers([i], question)[0] for i in ids]


def test_one_bad_customer_leaves_the_others_their_answers(service):
    good = bought("good", (0, 10.0))
    bad = bought("bad", (0, -10.0))

    answers = service.purchases([*bad, *good], Question(as_of=DAY))

    assert [answer.customer_id for answer in answers] == ["bad", "good"]
    assert answers[0].row is None
    assert answers[1] == service.purchases(good, Question(as_of=DAY))[0]


def test_two_tallies_may_bear_one_name_or_none(service):
    once, often = Tally("x", 0, 0, 50, 9.0), Tally("x", 9, 40, 50, 9.0)
    nameless = dataclasses.replace(often, customer_id=None)

    answers = service.tallies([once, often, nameless, once])

    assert [answer.row["customer_id"] for answer in answers] == ["x", "x", None, "x"]
    assert answers[0] == answers[3]
    assert answers[1].row["predicted_clv"] == answers[2].row["predicted_clv"]
    assert answers[0].row["predicted_clv"] < answers[1].row["predicted_clv"]


def test_a_customer_who_sent_everything_back_is_forecast_as_such(service):
    returned = service.purchases(bought("a", (0, 10.0), (1, -10.0)), Question(as_of=DAY))[0].row
    tally = Tally("a", 0, 0, 100, None, purchase_days=0)

    assert returned == service.tallies([tally], Question(as_of=DAY))[0].row
    assert "all_orders_returned" in returned["reason_codes"]
    assert (returned["historic_clv"], returned["average_order_value"]) == (0, None)
    assert returned["predicted_clv"] > 0


# --- what a workspace holds must belong together


@pytest.fixture
def copied(finished, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(finished.root, root)
    return Workspace(root)


def rewritten(path, *, rows=None, **facts):
    table = pq.read_table(path)
    metadata = {**table.schema.metadata, **{f"clv.{k}".encode(): v for k, v in facts.items()}}
    kept = {key: value for key, value in metadata.items() if value is not None}
    pq.write_table(table.slice(0, rows).replace_schema_metadata(kept), path)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"model": b"another"}, "not what model"),
        ({"summary": b"another"}, "not what model"),
        ({"rows": 5}, "customers are not those"),
        ({"rows": 0}, "customers are not those"),
        ({"earlier": None}, "under which terms"),
        ({"margin": None}, "under which terms"),
        ({"version": b"9"}, f"{PREDICTIONS.name} version 9"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(copied, facts, said):
    Service.open(copied).trial()
    rewritten(copied.path(files.PREDICTIONS), **facts)

    with pytest.raises(IncompatibleArtifact, match=said):
        Service.open(copied)


def test_a_table_the_model_would_not_make_is_refused_by_a_trial(copied):
    rewritten(copied.path(files.PREDICTIONS), margin=b"0.5")

    with pytest.raises(IncompatibleArtifact, match="the model forecasts"):
        Service.open(copied).trial()


def test_a_table_of_another_summary_of_the_same_customers_is_refused(copied, finished):
    ingest_only(copied.root, finished.log, basis="gross")

    with pytest.raises(IncompatibleArtifact, match=r"says of the summary .*clv predict"):
        Service.open(copied)


@pytest.mark.parametrize(
    ("gone", "error"),
    [
        ("models/champion", ModelNotFound),
        (files.PREDICTIONS, NothingStored),
        (files.SUMMARY, NothingStored),
    ],
)
def test_a_file_that_is_not_there_is_said_to_be_missing(copied, gone, error):
    copied.path(gone).unlink()

    with pytest.raises(error):
        Service.open(copied)

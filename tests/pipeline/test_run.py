"""A whole run: which files it leaves, what it computes anew and why, and the table it makes."""

from __future__ import annotations

import csv
import datetime as dt
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from runs import NOW, ORDER_LOG, computed, contents, ingest_only, run_all, write_orders

from clv.errors import NotEnoughData
from clv.pipeline.predict import Ask, predict
from clv.pipeline.train import promote, train
from clv.store import artifacts, parquet
from clv.store.workspace import Workspace
from clv.tables import PREDICTIONS

PROCESSED = ("clv", "refused", "returns", "summary", "cohorts", "predictions")
ETL = {f"data/processed/{name}.parquet" for name in PROCESSED[:-1]} | {"reports/etl.json"}
SCORED = {
    "data/processed/predictions.parquet",
    "data/processed/forecasts.parquet",
    "data/processed/past_predictions.parquet",
    "reports/drift.json",
    "reports/matured.json",
}
FORECAST = SCORED | {
    "reports/backtest.json",
    "reports/holdout.parquet",
    "reports/review.json",
    "data/processed/lessons.parquet",
}


def rows_of(workspace):
    return parquet.read(workspace.path("data/processed/predictions.parquet"), PREDICTIONS)


def kept_customers(path, until="9999"):
    """Who has a line with a quantity and a price up to a day, straight from the raw file."""
    with path.open(newline="") as file:
        return {
            line["Customer ID"].removesuffix(".0")
            for line in csv.DictReader(file)
            if line["Customer ID"]
            and float(line["Quantity"]) > 0
            and float(line["Price"]) > 0
            and line["InvoiceDate"][:10] <= until
        }


def test_a_run_leaves_the_files_of_the_contract_and_nothing_else(finished):
    digest = (finished.root / "models/champion").read_text().strip()
    model = {f"models/{digest}/model.json", f"models/{digest}/manifest.json", "models/champion"}

    assert set(contents(finished.root)) == ETL | FORECAST | model | {"reports/steps.json"}


def test_a_second_run_computes_nothing_and_says_why(finished, workspace):
    before = contents(workspace.root)
    modified = {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*")}

    outcome, told = run_all(workspace.root, finished.log)

    assert computed(told) == set()
    assert sum("nothing changed" in text for text in told) == 4
    assert contents(workspace.root) == before
    files = {path for path in modified if path.is_file()}
    assert {path: path.stat().st_mtime_ns for path in files} == {p: modified[p] for p in files}
    assert outcome.etl == finished.outcome.etl
    assert outcome.backtest == finished.outcome.backtest
    assert outcome.predictions.table.equals(finished.outcome.predictions.table)


@pytest.mark.parametrize(
    ("settings", "anew"),
    [
        ({"margin": 0.5}, {"predict"}),
        ({"churn_window_days": 91}, {"predict"}),
        ({"horizon_days": 91}, {"predict"}),
        ({"horizon_days": 300}, {"backtest", "train", "predict"}),
        ({"country": None, "anonymous_as": "guest"}, {"ingest", "backtest", "predict"}),
        ({"basis": "gross"}, {"ingest", "train", "backtest", "promote", "predict"}),
    ],
)
def test_a_changed_setting_recomputes_what_depends_on_it_and_only_that(
    finished, workspace, settings, anew
):
    _, told = run_all(workspace.root, finished.log, **settings)

    assert computed(told) == anew


def test_one_more_line_in_the_log_recomputes_everything(finished, workspace, tmp_path):
    longer = tmp_path / "simulated_longer.csv"
    with finished.log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    sale = next(row for row in rows if row["Customer ID"] and float(row["Price"]) > 0)
    with longer.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(sale))
        writer.writeheader()
        writer.writerows([*rows, sale | {"InvoiceDate": "2011-12-09 16:00:00", "Quantity": "3"}])

    _, told = run_all(workspace.root, longer)

    assert computed(told) == {"ingest", "train", "backtest", "promote", "predict"}


@pytest.mark.parametrize(
    ("name", "anew"),
    [
        *((name, {"ingest"}) for name in sorted(ETL)),
        ("reports/backtest.json", {"backtest"}),
        ("reports/holdout.parquet", {"backtest"}),
        ("reports/review.json", {"backtest"}),
        ("data/processed/lessons.parquet", {"backtest"}),
        *((name, {"predict"}) for name in sorted(SCORED)),
        ("models/*/model.json", {"train"}),
        ("models/*/manifest.json", {"train"}),
        ("models/champion", {"promote"}),
    ],
)
@pytest.mark.parametrize("damage", ["cut short", "gone"])
def test_a_damaged_output_is_made_again_as_it_was(finished, workspace, name, anew, damage):
    (victim,) = workspace.root.glob(name)
    before = contents(workspace.root)
    if damage == "gone":
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[:-7])

    _, told = run_all(workspace.root, finished.log)

    assert computed(told) == anew
    assert contents(workspace.root) == before


@pytest.mark.parametrize("damage", ["", "[]", "{", "\xff"])
def test_without_a_readable_note_of_the_steps_everything_is_computed_again(
    finished, workspace, damage
):
    workspace.path("reports/steps.json").write_text(damage, encoding="latin-1")
    before = contents(workspace.root) | {"reports/steps.json": None}

    _, told = run_all(workspace.root, finished.log)

    assert {"ingest", "train", "backtest", "predict"} <= computed(told)
    assert contents(workspace.root) | {"reports/steps.json": None} == before


def test_the_table_has_the_declared_columns_and_everybody_who_ever_bought(finished):
    table = finished.outcome.predictions.table

    assert table.column_names == PREDICTIONS.names
    assert table["customer_id"].to_pylist() == sorted(kept_customers(finished.log))


def test_whoever_sent_everything_back_is_in_the_table_with_the_code_for_it(tmp_path):
    orders = [("a", "2024-01-01", 10), ("a", "2024-02-01", 12), ("b", "2024-01-05", 7)]
    orders += [("c", "2024-01-07", 30), ("c", "2024-01-09", -30)]

    outcome, _ = run_all(tmp_path, write_orders(tmp_path / "orders.csv", orders), **ORDER_LOG)

    rows = {row["customer_id"]: row for row in outcome.predictions.table.to_pylist()}
    coded = {name for name, row in rows.items() if "all_orders_returned" in row["reason_codes"]}
    assert (set(rows), coded) == ({"a", "b", "c"}, {"c"})
    assert (rows["c"]["historic_clv"], rows["c"]["historic_number_of_orders"]) == (0, 0)


def test_nothing_is_negative_and_chances_lie_between_0_and_1(finished):
    table = finished.outcome.predictions.table
    numbers = [c.name for c in PREDICTIONS.columns if c.type in ("number", "integer")]
    values = {name: table[name].drop_null().to_numpy() for name in numbers}

    assert [name for name in numbers if (values[name] < 0).any()] == []
    chances = ("p_zero", "p_purchase_in_horizon", "churn_probability", "p_alive")
    assert [name for name in chances if (values[name] > 1).any()] == []
    assert values["p_zero"] + values["p_purchase_in_horizon"] == pytest.approx(1, abs=1e-12)
    assert (values["p_purchase_in_horizon"] <= values["p_alive"] + 1e-12).all()


def test_the_table_says_what_the_champion_answers(finished):
    workspace = Workspace(finished.root)
    model = artifacts.load(workspace, artifacts.champion(workspace))
    summary = parquet.read_summary(workspace.path("data/processed/summary.parquet"))
    table = finished.outcome.predictions.table

    for_each = model.expected_value(summary, 365)
    assert table["predicted_clv"].to_numpy() == pytest.approx(for_each, abs=0.00501)
    days = model.purchases.expected_transactions(summary, 365)
    orders = table["predicted_number_of_orders"].to_numpy()
    assert orders == pytest.approx(days * model.orders_of_a_day(summary))
    assert (orders / days).mean() == pytest.approx(model.orders_per_day, rel=0.1)
    both = table["historic_clv"].to_numpy() + table["predicted_clv"].to_numpy()
    assert table["total_clv"].to_numpy() == pytest.approx(both, abs=0.0051)


def test_a_margin_scales_money_and_nothing_else(finished, workspace):
    ask = Ask(margin=0.4)

    table = predict(workspace, ask, NOW, lambda text: None).table

    whole = finished.outcome.predictions.table
    for name in ("predicted_clv", "historic_clv", "lifetime_clv", "expected_order_value"):
        assert table[name].to_numpy() == pytest.approx(0.4 * whole[name].to_numpy(), abs=0.011)
    assert table["predicted_number_of_orders"].equals(whole["predicted_number_of_orders"])
    assert table["value_definition"][0].as_py().endswith(", times a margin of 0.4")


def test_everything_made_from_a_simulated_shop_says_so(finished):
    assert finished.outcome.etl["simulated"] is True
    assert all(
        "simulated" in codes
        for codes in finished.outcome.predictions.table["reason_codes"].to_pylist()
    )
    for name in PROCESSED:
        facts = parquet.facts_of(finished.root / f"data/processed/{name}.parquet")
        assert facts["simulated"] == "true", name
    (manifest,) = finished.root.glob("models/*/manifest.json")
    assert json.loads(manifest.read_text())["fitted_on"]["simulated"] == "true"


def score(root, log, **settings):
    """Tables, fit and CLV table without the backtest; also what scoring told."""
    workspace, told = ingest_only(root, log, **settings), []
    promote(workspace, train(workspace, "pareto-nbd", lambda text: None), lambda text: None)
    table = predict(workspace, Ask(), NOW, told.append).table
    return {row["customer_id"]: row for row in table.to_pylist()}, told


def test_tiers_are_remembered_across_runs(shop_log, tmp_path):
    first, _ = score(tmp_path, shop_log, observation_end="2011-06-30")
    second, _ = score(tmp_path, shop_log)

    assert all(row["previous_tier"] is None for row in first.values())
    assert {row["tier_since"] for row in first.values()} == {dt.date(2011, 6, 30)}
    moved = {c for c in first if first[c]["value_tier"] != second[c]["value_tier"]}
    stayed = first.keys() - moved
    assert moved
    assert stayed
    assert all(second[c]["previous_tier"] == first[c]["value_tier"] for c in moved)
    assert all(second[c]["tier_since"] == dt.date(2011, 12, 9) for c in moved)
    assert all(second[c]["tier_since"] == dt.date(2011, 6, 30) for c in stayed)
    assert all(second[c]["previous_tier"] is None for c in second.keys() - moved)


@pytest.mark.parametrize(
    "why", ["simulated", "looked further", "cannot be read", "another horizon"]
)
def test_tiers_begin_anew_after_a_table_of_no_use_and_it_is_told(shop_log, tmp_path, why):
    score(tmp_path, shop_log)
    then, end = shop_log, "2011-11-30"
    if why == "simulated":
        then, end = tmp_path / "real.csv", None
        then.write_bytes(shop_log.read_bytes())
    if why == "another horizon":
        end = None
        predict(Workspace(tmp_path), Ask(horizon_days=7), NOW, lambda text: None)
    if why == "cannot be read":
        (tmp_path / "data/processed/predictions.parquet").write_bytes(b"PAR1")

    again, told = score(tmp_path, then, observation_end=end)

    assert any("tiers begin anew" in text and why in text for text in told)
    assert all(row["previous_tier"] is None for row in again.values())


@pytest.mark.parametrize(
    ("orders", "problem"),
    [
        ([("a", "2024-01-01", 10)], "1 customer"),
        ([("a", "2024-01-01", 10), ("b", "2024-01-02", 9)], "none of 2 customers"),
    ],
)
def test_too_little_data_keeps_the_tables_and_says_what_is_possible_when(tmp_path, orders, problem):
    log = write_orders(tmp_path / "orders.csv", orders)

    outcome, _ = run_all(tmp_path / "shop", log, **ORDER_LOG)

    assert isinstance(outcome.predictions, NotEnoughData)
    assert problem in str(outcome.predictions)
    assert "reaches 2024-07-01 or later" in str(outcome.predictions)  # twice 91 days
    assert set(contents(tmp_path / "shop")) == ETL | {"reports/steps.json"}


@pytest.mark.parametrize("customers", [1, 30])
def test_a_long_log_in_which_nobody_returns_is_promised_no_day_that_has_passed(tmp_path, customers):
    months = [dt.date(2023, 1 + i % 12, 1 + i % 28) for i in range(30)]
    orders = [(f"c{i % customers}", str(day), 10 + i) for i, day in enumerate(months)]

    outcome, told = run_all(
        tmp_path / "shop", write_orders(tmp_path / "orders.csv", orders), **ORDER_LOG
    )

    assert isinstance(outcome.predictions, NotEnoughData)
    assert str(outcome.predictions).endswith("customers and cohorts of this log are written.")
    assert "a log that reaches 20" not in str(outcome.predictions) + " ".join(told)
    assert sum("nothing to check" in text for text in told) == 1
    assert "whole shop" not in str(outcome.predictions)


def test_a_log_too_short_to_check_is_forecast_and_no_check_of_another_log_stays(
    workspace, tmp_path
):
    orders = [(f"c{i}", f"2024-0{m}-{i + 10}", 10 + i * m) for i in range(9) for m in (1, 2, 3)]

    outcome, told = run_all(workspace.root, write_orders(tmp_path / "o.csv", orders), **ORDER_LOG)

    assert outcome.backtest == []
    assert any("reaches 2024-07-09 or later" in text for text in told)
    assert not workspace.is_file("reports/backtest.json")
    assert not workspace.is_file("reports/holdout.parquet")
    assert set(outcome.predictions.table["horizon_validated"].to_pylist()) == {"extrapolated"}


@pytest.mark.parametrize(
    ("horizon_days", "word"),
    [(91, "checked"), (182, "checked"), (365, "checked_once"), (400, "extrapolated")],
)
def test_a_horizon_is_called_checked_as_often_as_the_backtest_held_it(
    finished, workspace, horizon_days, word
):
    told = []

    table = predict(workspace, Ask(horizon_days=horizon_days), NOW, told.append).table

    assert set(table["horizon_validated"].to_pylist()) == {word}


def test_a_horizon_nobody_held_against_anything_is_not_called_checked(workspace):
    table = predict(workspace, Ask(horizon_days=30), NOW, lambda text: None).table

    assert set(table["horizon_validated"].to_pylist()) == {"extrapolated"}


def test_money_of_the_report_adds_up(finished):
    etl = finished.outcome.etl

    assert etl["read"] == etl["kept"] + sum(etl["refused"].values())
    cash = {rule: float(amount) for rule, amount in etl["money"]["refused"].items()}
    total = float(etl["money"]["kept"]) + sum(cash.values())
    assert float(etl["money"]["read"]) == pytest.approx(total, abs=1e-6)
    historic = finished.outcome.predictions.table["historic_clv"].to_numpy().sum()
    assert historic == pytest.approx(etl["value"], abs=0.01 * etl["kept_totals"]["customers"])
    refused = pq.ParquetFile(finished.root / "data/processed/refused.parquet").metadata.num_rows
    assert refused == etl["read"] - etl["kept"]
    assert np.isfinite(historic)

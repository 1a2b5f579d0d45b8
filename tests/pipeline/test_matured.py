"""Forecasts kept and held against what came, over a log that grows."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from runs import NOW, ORDER_LOG, ingest_only, write_orders

from clv import terminal
from clv.evaluation import drift
from clv.narrative import Narrative
from clv.overview import Overview
from clv.pipeline import matured as module
from clv.pipeline.predict import Ask, predict
from clv.pipeline.train import promote, train
from clv.service import Service
from clv.speech import TEXTS, Speech
from clv.store import parquet
from clv.store import workspace as files
from clv.store.workspace import Workspace
from clv.tables import FORECASTS, PAST_PREDICTIONS

THEN, LAST = dt.date(2024, 3, 31), dt.date(2024, 7, 15)
ASK = Ask(horizon_days=91)


def draw_orders(until=LAST):
    """Half a year of 40 customers, with returns and customers who first come after ``THEN``."""
    rng, orders = np.random.default_rng(5), [("end", LAST, 1.0), ("end", THEN, 1.0)]
    for customer in range(40):
        day = dt.date(2023, 9, 1) + dt.timedelta(days=int(rng.integers(0, 260)))
        while day < LAST:
            amount = float(rng.integers(500, 9000)) / 100
            orders.append((f"c{customer}", day, amount))
            if rng.random() < 0.2:
                back = day + dt.timedelta(days=int(rng.integers(1, 60)))
                orders.append((f"c{customer}", back, -amount))
            day += dt.timedelta(days=int(rng.integers(1, 70)))
    return sorted((order for order in orders if order[1] <= until), key=lambda order: order[1])


def score(root, orders, ask=ASK, **settings):
    """Tables, fit and CLV table of a log; everything told."""
    root.mkdir(exist_ok=True)
    log = write_orders(root / "orders.csv", orders)
    workspace, told = ingest_only(root / "shop", log, **ORDER_LOG, **settings), []
    digest = train(workspace, "pareto-nbd", told.append)
    promote(workspace, digest, told.append)
    table = predict(workspace, ask, NOW, told.append).table
    return workspace, table, told


def kept(workspace):
    forecasts = parquet.read(workspace.path(files.FORECASTS), FORECASTS)
    return forecasts, parquet.read(workspace.path(files.PAST_PREDICTIONS), PAST_PREDICTIONS)


def of_day(table, day):
    return table.filter(pc.field("as_of") == day).to_pylist()


def net_cash(orders, customers, first, last):
    return sum(amount for name, day, amount in orders if name in customers and first <= day <= last)


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A workspace scored on two logs, the second longer; and what the first run kept."""
    root = tmp_path_factory.mktemp("growing")
    workspace, first, _ = score(root, draw_orders(THEN))
    before, none_yet = kept(workspace), workspace.read_json(files.MATURED)
    score(root, draw_orders())
    return workspace, first, before, none_yet


def test_a_forecast_is_never_changed_after_the_fact(grown):
    workspace, first, before, none_yet = grown

    assert none_yet == []
    for then, now in zip(before, kept(workspace), strict=True):
        assert of_day(now, THEN) == then.to_pylist()
        assert {row["as_of"] for row in now.to_pylist()} == {THEN, LAST}
    rows = {row["value_tier"]: row for row in of_day(before[0], THEN)}
    assert rows["all"]["expected"] == pytest.approx(pc.sum(first["predicted_clv"]).as_py())
    assert sum(rows[tier]["customers"] for tier in "ABC") == rows["all"]["customers"] == len(first)
    for tier in ("all", "A", "B", "C"):
        assert rows[tier]["lower"] < rows[tier]["expected"] < rows[tier]["upper"]


def test_the_ranges_kept_of_tiers_are_those_the_service_draws(grown):
    workspace, _, _, _ = grown
    service = Service.open(workspace)
    rows = {row["value_tier"]: row for row in of_day(kept(workspace)[0], LAST)}
    tiers = sorted(rows.keys() - {"all"})

    own = np.array(service.table["value_tier"].to_pylist())
    drawn = service.ranges(own == np.array(tiers)[:, None])

    for end in ("lower", "upper"):
        assert [rows[tier][end] for tier in tiers] == pytest.approx(getattr(drawn, end))
    assert service.expected_range == (rows["all"]["lower"], rows["all"]["upper"])


def test_what_came_agrees_with_a_plain_loop_over_the_orders(grown):
    workspace, first, _, _ = grown
    orders, end = draw_orders(), THEN + dt.timedelta(days=91)

    (found,) = workspace.read_json(files.MATURED)

    tiers = dict(zip(*(first[c].to_pylist() for c in ("customer_id", "value_tier")), strict=True))
    tomorrow = THEN + dt.timedelta(days=1)
    assert found["actual"] == pytest.approx(net_cash(orders, tiers, tomorrow, end))
    begin = THEN - dt.timedelta(days=90)
    assert found["last_period"] == pytest.approx(net_cash(orders, tiers, begin, THEN))
    for tier, own in found["tiers"].items():
        members = {name for name, of_tier in tiers.items() if of_tier == tier}
        assert own["customers"] == len(members)
        assert own["actual"] == pytest.approx(net_cash(orders, members, tomorrow, end), abs=0.01)
    assert sum(own["expected"] for own in found["tiers"].values()) == pytest.approx(
        found["expected"], abs=0.05
    )
    assert found["within"] == (found["lower"] <= found["actual"] <= found["upper"])
    rows = {row["value_tier"]: row for row in of_day(kept(workspace)[0], THEN)}
    for tier, own in found["tiers"].items():
        assert own["within"] == (rows[tier]["lower"] <= own["actual"] <= rows[tier]["upper"])
    newcomers = {name for name, _, _ in orders} - tiers.keys()
    assert net_cash(orders, newcomers, tomorrow, end) > 0


def test_forecasts_kept_when_tiers_had_no_range_are_read_and_held_all_the_same(tmp_path):
    workspace, _, _ = score(tmp_path, draw_orders(THEN))
    path, (forecasts, _) = workspace.path(files.FORECASTS), kept(workspace)
    of_tiers = {"lower": None, "upper": None}
    rows = [row | (of_tiers if row["value_tier"] != "all" else {}) for row in forecasts.to_pylist()]
    facts = parquet.facts_of(path)
    parquet.write(pa.Table.from_pylist(rows, FORECASTS.schema), path, FORECASTS, facts)

    score(tmp_path, draw_orders())

    (found,) = workspace.read_json(files.MATURED)
    assert of_day(kept(workspace)[0], THEN) == rows
    assert {own["within"] for own in found["tiers"].values()} == {None}
    assert found["within"] is not None


def test_a_forecast_in_margin_is_held_against_margin_and_one_without_the_past_says_so(tmp_path):
    early = [order for order in draw_orders(THEN) if order[1] > dt.date(2024, 1, 15)]
    late = [order for order in draw_orders() if order[1] > dt.date(2024, 1, 15)]
    workspace, table, _ = score(tmp_path, early, Ask(horizon_days=91, margin=0.4))

    score(tmp_path, late)

    (found,) = workspace.read_json(files.MATURED)
    who = table["customer_id"].to_pylist()
    came = net_cash(late, who, THEN + dt.timedelta(days=1), THEN + dt.timedelta(days=91))
    assert found["actual"] == pytest.approx(0.4 * came, abs=0.006)
    assert found["last_period"] is None


def test_scoring_the_same_day_again_replaces_its_forecast(tmp_path):
    orders = draw_orders(THEN)
    workspace, _, _ = score(tmp_path, orders)

    predict(workspace, Ask(horizon_days=91, margin=0.5), NOW, lambda text: None)
    predict(workspace, Ask(horizon_days=30), NOW, lambda text: None)

    forecasts, past = kept(workspace)
    every = [r for r in forecasts.to_pylist() if r["value_tier"] == "all"]
    assert [(r["horizon_days"], r["margin"]) for r in every] == [(30, 1.0), (91, 0.5)]
    assert past.num_rows == 2 * every[0]["customers"]


def test_a_credit_note_that_matches_nothing_is_part_of_what_came(tmp_path):
    orders, day = draw_orders(), THEN + dt.timedelta(days=30)
    score(tmp_path, draw_orders(THEN))
    summaries, came = set(), []
    for amount in (-1e6, -2e6):
        later = sorted([*orders, ("c0", day, amount)], key=lambda order: order[1])
        workspace, _, _ = score(tmp_path, later)
        summaries.add(files.data_digest(workspace.path(files.SUMMARY)))
        came += [row["actual"] for row in workspace.read_json(files.MATURED)]

    assert len(summaries) == 1
    assert came[0] - came[1] == pytest.approx(1e6)


@pytest.mark.parametrize("why", ["on another basis", "cannot be read"])
def test_forecasts_of_no_use_are_left_behind_and_it_is_told(tmp_path, why):
    workspace, _, _ = score(tmp_path, draw_orders(THEN))
    if why == "cannot be read":
        workspace.path(files.FORECASTS).write_bytes(b"PAR1")

    settings = {"basis": "gross"} if why == "on another basis" else {}
    _, _, told = score(tmp_path, draw_orders(), **settings)

    assert any("earlier forecasts are left behind" in text and why in text for text in told)
    assert {row["as_of"] for row in kept(workspace)[0].to_pylist()} == {LAST}


def test_customers_are_kept_of_the_first_day_of_a_month_and_of_so_many_months():
    days = [dt.date(2020 + m // 12, m % 12 + 1, d) for m in range(30) for d in (5, 6)]
    past = pa.table(
        {
            "as_of": pa.array([*days, days[0]], pa.date32()),
            "horizon_days": pa.array([91] * len(days) + [365]),
        }
    )

    left = past.filter(module._is_kept(past)).to_pylist()

    wanted = [d for d in days if d.day == 5][-module.MONTHS_KEPT :]
    assert [row["as_of"] for row in left] == [*wanted, days[0]]


def test_what_moved_since_the_last_table_and_since_the_fit_is_written(grown):
    workspace, _, _, _ = grown
    drift = workspace.read_json(files.DRIFT)

    rows = {(row["column"], row["against"]): row for row in drift["columns"]}

    assert drift["as_of"] == LAST.isoformat()
    assert rows["age", "fit"]["psi"] == rows["age", "fit"]["ks"] == 0  # fitted on this very log
    assert rows["age", "table"]["since"] == THEN.isoformat()
    assert rows["age", "table"]["word"] == "moved"
    assert ("predicted_clv", "fit") not in rows
    assert ("predicted_clv", "table") in rows


def test_scoring_again_on_other_terms_forgets_neither_the_table_before_nor_compares_money(
    tmp_path,
):
    score(tmp_path, draw_orders(THEN))
    workspace, _, _ = score(tmp_path, draw_orders())
    first = workspace.read_json(files.DRIFT)["columns"]

    predict(workspace, Ask(horizon_days=30), NOW, lambda text: None)

    second = workspace.read_json(files.DRIFT)["columns"]
    assert second == [row for row in first if row["column"] != "predicted_clv"]


def outcome(day, actual, **other):
    found = {"as_of": day, "horizon_days": 91, "expected": 1230.0, "actual": actual}
    return found | {"last_period": 980.0, "within": True} | other


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], []),
        (
            [outcome("2024-05-31", 700.0, within=False), outcome("2024-04-30", 9.0)],
            [
                "The latest forecast whose time is up, 91 days from 31 May 2024, expected £1,230; "
                "£700 came. The period before it, repeated, would have said £980. "
                "Of 2 such totals, 1 came within their range."
            ],
        ),
        (
            [outcome("2024-05-31", 700.0, within=None, last_period=None)],
            [
                "The latest forecast whose time is up, 91 days from 31 May 2024, expected £1,230; "
                "£700 came."
            ],
        ),
    ],
)
def test_the_latest_forecast_whose_time_is_up_is_told_with_what_came(rows, said):
    assert module.told(rows, Speech("en", "GBP")) == said


def test_what_came_and_what_moved_is_told_in_the_terminal_and_on_the_page(grown):
    workspace, _, _, _ = grown

    came, moved = terminal.later(workspace, None)

    assert came.startswith("The latest forecast whose time is up, 91 days from 31 March 2024")
    assert moved.startswith("Moved since the table of 31 March 2024: ")
    assert "time from first to last purchase (PSI " in moved
    assert "age" not in moved
    shop = Overview.open(workspace, Service.open(workspace))
    told = Narrative(shop, Speech("es", None)).how_far_off[-1]
    assert told.startswith("La última previsión cuyo plazo terminó, 91 días desde el 31 de marzo")


@pytest.mark.parametrize(
    ("against", "said"),
    [("fit", "`clv run` fits anew"), ("table", "ask what changed in the shop")],
)
def test_what_moved_is_said_with_what_to_do_and_nothing_where_nothing_did(tmp_path, against, said):
    (tmp_path / "reports").mkdir()
    row = {"column": "recency", "against": against, "since": "2024-03-31", "psi": 0.312}
    steady = row | {"column": "p_alive", "against": "table", "word": "shifted"}
    older = row | {"column": "age", "word": "moved"}
    workspace = Workspace(tmp_path)
    workspace.path(files.MATURED).write_text("[]")

    def shown(rows):
        workspace.path(files.DRIFT).write_text(json.dumps({"columns": rows}))
        return terminal.later(workspace, None)

    assert shown([steady, older]) == []
    (line,) = shown([steady, row | {"word": "moved"}])
    assert "31 March 2024: time from first to last purchase (PSI 0.31). " in line
    assert said in line
    spanish = drift.told([row | {"word": "moved"}], Speech("es"))[0]
    assert "31 de marzo de 2024: tiempo entre la primera compra y la última (PSI 0,31)." in spanish


def test_every_column_that_can_move_has_words(grown):
    moved = {row["column"] for row in grown[0].read_json(files.DRIFT)["columns"]}

    assert {f"moved_{column}" for column in moved - {"age"}} <= TEXTS.keys()

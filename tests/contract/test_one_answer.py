"""The same customers asked of the command line, the API, the dashboard and the report.

What the command line says of a customer is the row of the CLV table it wrote. Pages for people
round and put into words; there every figure is read back and held against that row.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import streamlit
from fastapi.testclient import TestClient
from rows import differing
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from clv import cli
from clv.api.main import create_app
from clv.evaluation import past
from clv.live import LiveService
from clv.models import correction
from clv.pipeline import train
from clv.simulated_shop import write_log
from clv.store import artifacts, parquet
from clv.store import workspace as files
from clv.store.workspace import Workspace
from clv.tables import PREDICTIONS

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit"),
    pytest.mark.xdist_group("one_answer"),  # one run of the command line for all
]

KINDS = ("best", "one-time", "all returned", "some returned", "tier B", "drawn")
HORIZONS = (91, 365)
UNKNOWN_TO_ORDERS = {"country", "first_product"}
CHANCES = {"p_zero", "p_purchase_in_horizon", "churn_probability"}
# Counts and times do not say how many orders a purchase day held, nor how regular they were, by
# which trees go.
UNKNOWN_TO_COUNTS = UNKNOWN_TO_ORDERS | {
    *CHANCES,
    *("predicted_clv", "total_clv", "lifetime_clv", "value_tier", "value_percentile"),
    "predicted_clv_median",
    "predicted_clv_lower",
    "predicted_clv_upper",
    "next_order_from",
    "expected_date_of_next_order",
    "next_order_to",
    "historic_number_of_orders",
    "average_order_value",
    "average_days_between_orders",
    "predicted_number_of_orders",
    "expected_order_value",
    "confidence",
    "rfm_group",
}


def everything_sent_back(log):
    """The log with credit notes, after its last day but one, for all one customer bought."""
    ids, at = log["Customer ID"].to_pylist(), log["InvoiceDate"].to_pylist()
    days = defaultdict(set)
    for customer, moment in zip(ids, at, strict=True):
        days[customer].add(moment.date())
    who = min(customer for customer in days if customer and len(days[customer]) == 2)
    bought = log.filter(pa.compute.equal(log["Customer ID"], who))
    bought = bought.filter(pa.compute.greater(bought["Quantity"], 0))
    back = {
        "Invoice": pa.array([f"C{9_000_000 + n}" for n in range(bought.num_rows)]),
        "Quantity": pa.compute.negate(bought["Quantity"]),
        "InvoiceDate": pa.repeat(max(at) - dt.timedelta(days=1), bought.num_rows),
    }
    undone = pa.table([back.get(name, bought[name]) for name in log.column_names], log.column_names)
    return pa.concat_tables([log, undone.cast(log.schema)])


class Shop:
    """A workspace the command line made, and the ways to ask about it."""

    def __init__(self, root, log):
        words = ["run", str(log), "--workspace", str(root), "--json"]
        answer = CliRunner().invoke(cli.app, words)
        assert answer.exit_code == 0, answer.stderr
        self.root, self.printed = root, json.loads(answer.stdout)["forecast"]
        self.api = TestClient(create_app(LiveService(Workspace(root))))
        self.table, self.lines, self.returns, self.summary = (
            pq.read_table(root / name)
            for name in (files.PREDICTIONS, files.CLEAN_LINES, files.RETURNS, files.SUMMARY)
        )
        self.rows = {row["customer_id"]: as_sent(row) for row in self.table.to_pylist()}

    def ask(self, **body):
        response = self.api.post("/predict_clv", json=body)
        assert response.status_code == 200, response.text
        return response.json()["results"]

    def known(self, table, customer):
        return table.filter(pa.compute.equal(table["customer_id"], customer)).to_pylist()

    def by_ids(self, customer):
        return self.ask(customer_ids=[customer])[0]

    def by_route(self, customer):
        return self.api.get(f"/v1/customers/{customer}").json()

    def by_orders(self, customer):
        """Its orders, each return booked where it belongs: the API knows of no articles."""
        orders = [
            *((line, line["sales"]) for line in self.known(self.lines, customer)),
            *((line, -line["value"]) for line in self.known(self.returns, customer)),
        ]
        sent = [
            {
                "customer_id": customer,
                "date": line["invoice_date"].isoformat(),
                "amount": float(amount),
                "order_id": line["invoice"],
            }
            for line, amount in orders
        ]
        return self.ask(transactions=sent)[0]

    def by_counts(self, customer):
        (row,) = self.known(self.summary, customer)
        names = ("frequency", "recency", "age", "mean_day_value", "purchase_days", "customer_id")
        share = row["returned_value"] / row["gross_value"] if row["gross_value"] else 0.0
        asked = {name: row[name] for name in names} | {"return_share": share, "time_unit": "day"}
        return self.ask(summaries=[asked])[0]


def as_sent(row):
    """A row of the table as JSON has it."""
    sent = {name: v.isoformat() if isinstance(v, dt.date) else v for name, v in row.items()}
    return sent | {"scored_at": f"{row['scored_at'].isoformat()}Z"}


@pytest.fixture(scope="module")
def one_shop(shop, tmp_path_factory):
    """With trees that correct, be they right or not: then there are two answers to confuse."""
    root = tmp_path_factory.mktemp("one_answer")
    log = write_log(root / "simulated_shop.csv", everything_sent_back(shop.log))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(correction, "CAUTION", -10.0)
        for keeper in (train, past):
            monkeypatch.setattr(keeper, "trees_hurt", lambda records: False)
        return Shop(root, log)


@pytest.fixture(scope="module")
def somebody(one_shop):
    """A customer of each kind, by the table itself."""
    rows = list(one_shop.rows.values())
    sent_back = {row["customer_id"] for row in one_shop.returns.to_pylist()}
    stands = [row for row in rows if "all_orders_returned" not in row["reason_codes"]]
    found = {
        "best": max(rows, key=lambda row: row["predicted_clv"]),
        "one-time": next(row for row in rows if row["historic_number_of_orders"] == 1),
        "all returned": next(row for row in rows if "all_orders_returned" in row["reason_codes"]),
        "some returned": next(row for row in stands if row["customer_id"] in sent_back),
        "tier B": next(row for row in rows if row["value_tier"] == "B"),
        "drawn": rows[np.random.default_rng(20261122).integers(len(rows))],
    }
    assert tuple(found) == KINDS
    return {kind: row["customer_id"] for kind, row in found.items()}


# --- programs get every field


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("asked", [Shop.by_ids, Shop.by_route])
def test_the_api_answers_with_the_row_the_command_line_wrote(one_shop, somebody, asked, kind):
    answer = asked(one_shop, somebody[kind])

    assert answer == one_shop.rows[somebody[kind]] | {"source": "stored"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("asked", "unknown"),
    [(Shop.by_orders, UNKNOWN_TO_ORDERS), (Shop.by_counts, UNKNOWN_TO_COUNTS)],
)
def test_computed_live_the_answer_is_the_stored_one(one_shop, somebody, asked, unknown, kind):
    live = asked(one_shop, somebody[kind])

    assert live.pop("source") == "live"
    stored = one_shop.rows[somebody[kind]]
    assert differing(live, stored, leave_out=unknown) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_counts_are_forecast_as_the_stored_customer_of_whom_no_more_is_known(
    one_shop, somebody, kind
):
    workspace = Workspace(one_shop.root)
    model = artifacts.load(workspace, artifacts.champion(workspace))
    summary = parquet.read_summary(workspace.path(files.SUMMARY))
    place = pa.compute.index(summary.table["customer_id"], somebody[kind]).as_py()
    alone = summary.table.slice(place, 1)
    less = {"log_intervals": pa.array([None], pa.float64()), "orders": alone["purchase_days"]}
    for name, column in less.items():
        alone = alone.set_column(alone.column_names.index(name), name, column)
    alone = dataclasses.replace(summary, table=alone)

    expected = model.expected_value(alone, 365)[0]

    assert model.is_corrected
    assert one_shop.by_counts(somebody[kind])["predicted_clv"] == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize("asked", [Shop.by_orders, Shop.by_counts])
def test_the_comparison_notices_another_customer(one_shop, somebody, asked):
    live = asked(one_shop, somebody["best"])
    other = one_shop.rows[somebody["tier B"]]

    found = differing(live, other, leave_out={"source", "customer_id"})
    assert {"predicted_clv", "historic_clv", "p_alive", "value_tier"} <= found.keys()


def test_the_chances_of_the_table_are_the_corrected_ones_all_of_them(one_shop):
    workspace = Workspace(one_shop.root)
    model = artifacts.load(workspace, artifacts.champion(workspace))
    summary = parquet.read_summary(workspace.path(files.SUMMARY))

    chance = model.p_purchase(summary, 365)

    assert np.abs(chance - model.purchases.p_purchase(summary, 365)).max() > 0.01
    for name in CHANCES:
        of_an_order = name == "p_purchase_in_horizon"
        expected = chance if of_an_order else 1 - chance
        assert one_shop.table[name].to_numpy() == pytest.approx(expected, abs=1e-12), name
    is_due = pa.compute.equal(one_shop.table["next_order_status"], "expected")
    assert is_due.to_pylist() == (chance >= 0.5).tolist()
    # A median of nothing where nothing is the likelier, by the same chance.
    median = one_shop.table["predicted_clv_median"].to_numpy()
    assert (median[chance < 0.45] == 0).all()


# --- people read the same in words


@pytest.fixture
def look(one_shop, monkeypatch):
    """A page of the dashboard, and the files its buttons hand out."""
    monkeypatch.setenv("CLV_WORKSPACE", str(one_shop.root))
    taken = {}

    def hand_out(label, data, name, *_, **__):
        taken[name] = data

    def one_page(page):
        from clv.dashboard import app

        app.visited(page, app.Speech("en"))

    def look(page, **address):
        monkeypatch.setattr(streamlit, "download_button", hand_out)
        opened = AppTest.from_function(one_page, args=(page,), default_timeout=60)
        for name, value in address.items():
            opened.query_params[name] = value
        opened.run()
        assert not opened.exception
        return opened, taken

    return look


def read_back(data):
    """A downloaded CSV as rows of JSON."""
    types = {field.name: field.type for field in PREDICTIONS.schema}
    types["reason_codes"] = pa.string()
    options = pa.csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    return pa.csv.read_csv(pa.BufferReader(data), convert_options=options).to_pylist()


def number(text):
    return float(re.sub(r"[^\d.]", "", text))


def rough(value):
    """Three figures, as forecasts of money are shown."""
    return float(f"{value:.3g}") if value >= 100 else round(value)


def chance(p):
    if 0 < p < 0.01:
        return "< 1%"
    return "> 99%" if 0.99 < p < 1 else f"{p:.0%}"


def test_the_table_the_dashboard_hands_out_is_the_one_the_command_line_wrote(one_shop, look):
    _, taken = look("customers")

    (rows,) = (read_back(data) for data in taken.values())
    for row in rows:
        row["reason_codes"] = (row["reason_codes"] or "").split()
    assert {row["customer_id"]: as_sent(row) for row in rows} == one_shop.rows


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_customer_says_what_the_row_says(one_shop, somebody, look, kind):
    row = one_shop.rows[somebody[kind]]

    page, _ = look("customers", customer=somebody[kind])

    assert page.header[0].value == f"Customer {somebody[kind]}"
    figures = {metric.label: metric.value for metric in page.metric}
    assert number(figures["Orders"]) == row["historic_number_of_orders"]
    assert number(figures["Spent so far"]) == round(row["historic_clv"])
    said = "\n".join(text.value.replace("\\", "") for text in page.markdown)
    value, days, orders = re.search(
        r"bring £([\d,]+) on average in (\d+) days, with ([\d.]+) orders", said
    ).groups()
    assert number(value) == rough(row["predicted_clv"])
    assert int(days) == row["horizon_days"]
    assert float(orders) == round(row["predicted_number_of_orders"], 1)
    odds = re.search(r"at least one order in \d+ days is (.+?); of none at all, (.+?)\.", said)
    assert odds.groups() == (chance(row["p_purchase_in_horizon"]), chance(row["p_zero"]))
    rank = re.search(r"Out of 100 customers, (\d+) have", said)[1]
    assert int(rank) == round(row["value_percentile"])
    assert f"Tier: **{row['value_tier']}: " in said
    assert f"First product: **{row['first_product'] or 'not known'}**" in said
    assert ("everything was returned" in said) is ("all_orders_returned" in row["reason_codes"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_chance_over_time_is_what_the_api_says_at_each_horizon(one_shop, somebody, look, kind):
    page, _ = look("customers", customer=somebody[kind])

    drawn = dict(page.table[0].value.itertuples(index=False))
    for days in HORIZONS:
        answer = one_shop.ask(customer_ids=[somebody[kind]], horizon_days=days)[0]
        assert drawn[str(days)] == chance(answer["p_purchase_in_horizon"])


# --- the shop as a whole


@pytest.fixture(scope="module")
def report(one_shop):
    """The text of the English report, without its charts."""
    page = (one_shop.root / files.REPORT).read_text(encoding="utf-8")
    body = page.split('<main lang="en">')[1].split("</main>")[0]
    return re.sub(r"<script.*?</script>", "", body, flags=re.S)


def test_the_total_is_the_same_wherever_it_is_said(one_shop, look, report):
    total = sum(row["predicted_clv"] for row in one_shop.rows.values())

    page, _ = look("this_week")
    everybody, _ = look("customers")
    answers = one_shop.ask(customer_ids=list(one_shop.rows))

    assert one_shop.printed["predicted_clv"] == pytest.approx(total, abs=0.005)
    assert sum(row["predicted_clv"] for row in answers) == pytest.approx(total, abs=0.005)
    figures = {metric.label: metric.value for metric in page.metric[:3]}
    assert number(figures["Expected in 365 days"]) == rough(total)
    assert number(figures["Customers"]) == len(one_shop.rows)
    in_report = re.search(r"are expected to bring £([\d,]+) in the (\d+) days", report)
    assert (number(in_report[1]), int(in_report[2])) == (rough(total), 365)
    in_table = next(
        found
        for text in everybody.markdown
        if (found := re.search(r"([\d,]+) customers, from whom £([\d,]+) is expected", text.value))
    )
    assert (number(in_table[1]), number(in_table[2])) == (len(one_shop.rows), rough(total))
    assert f"{len(one_shop.rows)} customers." in report


def test_a_list_holds_the_same_money_in_its_file_the_api_and_the_report(one_shop, look, report):
    _, taken = look("this_week")

    lists = {name.rsplit("_", 1)[0]: read_back(data) for name, data in taken.items()}
    assert set(lists) == {"overdue", "second_order", "protect"}
    assert any(lists.values())
    headed = {"overdue": "Overdue and valuable", "second_order": "Second order due"}
    for name, members in lists.items():
        ids = [row["customer_id"] for row in members]
        soon = one_shop.ask(customer_ids=ids, horizon_days=91) if ids else []
        assert [row["expected_91_days"] for row in members] == [r["predicted_clv"] for r in soon]
        stored = [one_shop.rows[customer]["predicted_clv"] for customer in ids]
        assert [row["predicted_clv"] for row in members] == stored
        shown = re.search(
            rf"<td>{headed.get(name, 'Protect')}</td><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td>",
            report,
        )
        sums = rough(sum(row["predicted_clv"] for row in soon)), rough(sum(stored))
        assert [number(cell) for cell in shown.groups()] == [len(ids), *sums]

"""A shop's own log from the command line to the API: its orders, asked as orders, agree."""

from __future__ import annotations

import csv
import datetime as dt

import numpy as np
import pytest
from fastapi.testclient import TestClient
from rows import differing
from typer.testing import CliRunner

from clv import cli
from clv.api.main import create_app
from clv.live import LiveService
from clv.store.workspace import Workspace

OF_THE_LOG = {"source", "country", "first_product"}  # what orders alone do not tell
FIRST = dt.datetime(2022, 1, 1)


def orders_of_a_shop(customers, seed):
    """Orders (customer, moment, amount) with returns, some of them of everything."""
    rng = np.random.default_rng(seed)
    orders = []
    for who in range(customers):
        name = f"customer{who}@example.org"
        rate, mean = rng.gamma(1.2, 1 / 60), rng.gamma(4, 10)
        day, lives = rng.uniform(0, 500), rng.exponential(400)
        end = min(700, day + lives)
        own = []
        while day < end:
            at = FIRST + dt.timedelta(seconds=int(day * 86_400))
            own.append((name, at, round(float(rng.gamma(3, mean / 3)) + 0.01, 2)))
            if rng.random() < 0.15:
                back = own[-1][2] if rng.random() < 0.5 else round(own[-1][2] / 3, 2)
                later = at + dt.timedelta(seconds=int(rng.uniform(60, 20 * 86_400)))
                own.append((name, later, -back))
            day += rng.exponential(1 / rate)
        if who % 25 == 0:
            total = sum(amount for _, _, amount in own if amount > 0)
            own.append((name, FIRST + dt.timedelta(days=705), -round(total, 2)))
        orders += own
    rng.shuffle(orders)
    return [(name, at, amount) for name, at, amount in orders if amount]


@pytest.fixture(scope="module")
def orders():
    return orders_of_a_shop(300, seed=5)


@pytest.fixture(scope="module", params=["net", "gross"])
def client(request, orders, tmp_path_factory):
    root = tmp_path_factory.mktemp(request.param)
    with (root / "orders.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("email", "created_at", "total"), *orders])
    words = f"--customer-id email --date created_at --amount total --basis {request.param}".split()
    command = ["run", str(root / "orders.csv"), *words, "--workspace", str(root)]
    result = CliRunner().invoke(cli.app, command)
    assert result.exit_code == 0, result.output
    return TestClient(create_app(LiveService(Workspace(root))))


def test_orders_sent_are_forecast_as_the_stored_customer(client, orders):
    names = list(dict.fromkeys(name for name, _, _ in orders))
    sent = [{"customer_id": n, "date": at.isoformat(), "amount": a} for n, at, a in orders]

    stored = client.post("/predict_clv", json={"customer_ids": names}).json()["results"]
    live = client.post("/predict_clv", json={"transactions": sent}).json()["results"]

    assert len(stored) == len(live) == 300
    assert {row["source"] for row in live} == {"live"}
    assert any("all_orders_returned" in row["reason_codes"] for row in live) or (
        live[0]["basis"] == "gross"
    )
    for one, other in zip(stored, live, strict=True):
        assert differing(other, one, leave_out=OF_THE_LOG) == {}


def test_an_order_more_or_less_is_noticed(client, orders):
    name = orders[0][0]
    own = [order for order in orders if order[0] == name]
    sent = [{"customer_id": n, "date": at.isoformat(), "amount": a} for n, at, a in own]
    sent.append(sent[0] | {"amount": 500, "date": "2023-11-01"})

    stored = client.get(f"/v1/customers/{name}").json()
    live = client.post("/predict_clv", json={"transactions": sent}).json()["results"][0]

    assert live["historic_clv"] == pytest.approx(stored["historic_clv"] + 500)
    assert live["predicted_clv"] != stored["predicted_clv"]

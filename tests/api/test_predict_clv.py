"""POST /predict_clv and what stands beside it: answers, and errors in the place of answers."""

from __future__ import annotations

import math

import pytest

from clv.tables import PREDICTIONS

ORDER = {"customer_id": "a", "date": "2011-01-05", "amount": 20.0}
COUNTS = {"frequency": 3, "recency": 40, "age": 50, "mean_day_value": 9, "time_unit": "day"}


@pytest.fixture(scope="module")
def ids(finished):
    return finished.outcome.predictions.table["customer_id"].to_pylist()


def ask(api, **body):
    return api.post("/predict_clv", json=body)


def results(api, **body):
    response = ask(api, **body)
    assert response.status_code == 200, response.text
    return response.json()["results"]


def test_a_stored_customer_has_every_field_of_the_table_and_the_source(api, ids):
    response = ask(api, customer_ids=ids[:3])

    body = response.json()
    assert set(body) == {"results", "as_of", "model", "simulated"}
    assert (body["as_of"], body["simulated"]) == ("2011-12-09", True)
    assert set(body["model"]) == {"name", "version"}
    for row in body["results"]:
        assert list(row) == [*PREDICTIONS.names, "source"]


def test_order_is_kept_twice_is_twice_and_unknown_ones_are_named(api, ids):
    asked = [ids[5], "nobody", ids[2], ids[5]]

    found = results(api, customer_ids=asked)

    assert [row["customer_id"] for row in found] == asked
    assert found[0] == found[3]
    assert set(found[1]) == {"customer_id", "error"}
    assert found[1]["error"]["type"] == "/problems/customer-not-found"
    assert "'nobody'" in found[1]["error"]["detail"]


def test_one_customer_has_a_route(api, ids):
    assert api.get(f"/v1/customers/{ids[0]}").json() == results(api, customer_ids=ids[:1])[0]

    response = api.get("/v1/customers/nobody")
    assert response.status_code == 404
    assert response.json()["type"] == "/problems/customer-not-found"


def test_another_interval_is_answered_live_around_the_same_median(api, ids):
    usual, wide = (
        results(api, customer_ids=ids, **terms) for terms in ({}, {"interval_level": 0.95})
    )

    assert {row["source"] for row in wide} == {"live"}
    assert {row["interval_level"] for row in wide} == {0.95}
    for one, other in zip(usual, wide, strict=True):
        assert one["predicted_clv_median"] == other["predicted_clv_median"]
        assert one["predicted_clv_upper"] <= other["predicted_clv_upper"]


def test_orders_of_several_customers_are_one_result_each(api):
    orders = [
        ORDER | {"customer_id": "b"},
        ORDER,
        ORDER | {"date": "2011-02-05T10:00:00+02:00", "amount": -5, "order_id": "C1"},
    ]

    found = results(api, transactions=orders)

    assert [row["customer_id"] for row in found] == ["b", "a"]
    assert [row["historic_clv"] for row in found] == [20, 15]
    assert {row["source"] for row in found} == {"live"}


def test_counts_in_weeks_are_counts_in_days(api):
    weeks = COUNTS | {"recency": 40 / 7, "age": 50 / 7, "time_unit": "week"}

    in_days, in_weeks = results(api, summaries=[COUNTS, weeks])

    assert in_days["customer_id"] is None
    assert in_days["predicted_clv"] == in_weeks["predicted_clv"] > 0
    assert in_days["p_alive"] == pytest.approx(in_weeks["p_alive"], rel=1e-9)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"customer_ids": ["12346"], "as_of": "2011-01-01"}, "as_of"),
        ({"summaries": [COUNTS | {"recency": 51}]}, "recency"),
        ({"summaries": [COUNTS], "as_of": "0001-01-03"}, "age"),
        ({"transactions": [ORDER | {"date": "2099-01-01"}]}, "transactions"),
    ],
)
def test_what_contradicts_itself_is_an_error_in_the_result(api, body, field):
    error = results(api, **body)[0]["error"]

    assert error["type"] == "/problems/question-unanswerable"
    assert [one["field"] for one in error["errors"]] == [field]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"customer_ids": []}, "customer_ids"),
        ({"transactions": []}, "transactions"),
        ({"summaries": []}, "summaries"),
        ({"customer_ids": None}, "customer_ids"),
        ({"customer_ids": [17850]}, "customer_ids.0"),
        ({"customer_ids": [""]}, "customer_ids.0"),
        ({"customer_ids": ["a"] * 10_001}, "customer_ids"),
        ({"customer_ids": ["a"], "summaries": []}, "summaries"),
        ({"customer_ids": ["a"], "horizon": 91}, "horizon"),
        ({"customer_ids": ["a"], "horizon_days": 0}, "horizon_days"),
        ({"customer_ids": ["a"], "horizon_days": 3651}, "horizon_days"),
        ({"customer_ids": ["a"], "horizon_days": 30.5}, "horizon_days"),
        ({"customer_ids": ["a"], "interval_level": 1}, "interval_level"),
        ({"customer_ids": ["a"], "discount_rate": -0.1}, "discount_rate"),
        ({"customer_ids": ["a"], "as_of": "yesterday"}, "as_of"),
        ({"customer_ids": ["a"], "as_of": "2011-02-30"}, "as_of"),
        ({"summaries": [COUNTS, COUNTS | {"age": math.nan}]}, "summaries.1.age"),
        ({"summaries": [COUNTS | {"age": math.inf}]}, "summaries.0.age"),
        ({"summaries": [COUNTS | {"recency": -1}]}, "summaries.0.recency"),
        ({"summaries": [COUNTS | {"frequency": -1}]}, "summaries.0.frequency"),
        ({"summaries": [COUNTS | {"time_unit": "month"}]}, "summaries.0.time_unit"),
        ({"transactions": [ORDER | {"amount": math.nan}]}, "transactions.0.amount"),
        ({"transactions": [ORDER | {"amount": "20"}]}, "transactions.0.amount"),
        ({"transactions": [ORDER | {"date": 15}]}, "transactions.0.date"),
    ],
)
def test_a_body_of_another_form_is_a_problem_that_names_the_field(api, body, field):
    import json

    response = api.post(
        "/predict_clv", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == "/problems/invalid-request"
    assert problem["errors"][0]["field"] == field
    assert field in problem["detail"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "\x00", '{"customer_ids": ["\\ud800"]}', "[" * 100_000]
)
def test_a_body_that_is_no_question_is_a_problem_and_no_crash(api, content):
    response = api.post(
        "/predict_clv", content=content, headers={"Content-Type": "application/json"}
    )

    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


def test_a_thousand_wrong_rows_are_counted_and_the_first_ten_named(api):
    response = ask(api, customer_ids=[1] * 1000)

    assert "1,000 fields are not as expected" in response.json()["detail"]
    assert len(response.json()["errors"]) == 10


@pytest.mark.parametrize("extreme", [5e-324, 1e-9, 1e12])
def test_extremes_are_forecast_and_finite(api, extreme):
    tiny = {"frequency": 1, "recency": 1e-300, "age": 36_500, "time_unit": "week"}
    huge = {"frequency": 36_500, "recency": 36_500, "age": 36_500, "time_unit": "day"}
    rows = [one | {"mean_day_value": extreme} for one in (tiny, huge)]

    for row in results(api, summaries=rows, horizon_days=3650, discount_rate=10):
        assert math.isfinite(row["lifetime_clv"])
        assert 0 <= row["p_alive"] <= 1


@pytest.mark.parametrize("as_of", ["0001-01-01", "1500-06-01", "2500-06-01", "9999-12-31"])
def test_a_day_far_from_the_log_is_answered_as_any_other(api, as_of):
    orders = [{"customer_id": "x", "date": as_of, "amount": 5.0}]

    answer = api.post("/predict_clv", json={"transactions": orders, "as_of": as_of})

    assert answer.status_code == 200, answer.text
    assert answer.json()["results"][0]["as_of"] == as_of

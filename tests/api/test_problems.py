"""Every error as a problem: a stable type, a title in the caller's language, headers kept."""

from __future__ import annotations

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from test_errors import EXAMPLES, kinds

from clv.api import problems
from clv.api.main import create_app
from clv.speech import TEXTS


def request(language=""):
    headers = [(b"accept-language", language.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("kind", sorted(kinds(), key=lambda kind: kind.__name__))
def test_every_kind_of_error_has_a_problem(kind):
    found = problems.kind_of(kind.__new__(kind))

    assert 400 <= found.status < 600
    assert f"problem_{found.name}" in TEXTS


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_says_what_to_do_next(error):
    response = problems.of_ours(request("es"), error)

    assert response.media_type == "application/problem+json"
    assert response.headers["content-language"] == "es"
    assert response.status_code == problems.kind_of(error).status


def test_types_are_the_ones_callers_rely_on():
    known = [*problems.OURS.values(), *problems.HTTP.values(), problems.INVALID, problems.NOT_JSON]

    assert {kind.name: kind.status for kind in known} == {
        "customer-not-found": 404,
        "horizon-out-of-range": 422,
        "question-unanswerable": 422,
        "not-ready": 503,
        "internal": 500,
        "malformed": 400,
        "not-found": 404,
        "method-not-allowed": 405,
        "invalid-request": 422,
        "unsupported-media-type": 415,
    }


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        ("", "en"),
        ("es", "es"),
        ("es, en", "es"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("es;q=0.5, en", "en"),
        ("es; q=0.1, en; q=0.9", "en"),
        ("en;q=0.2,es;q=0.3", "es"),
        ("de, fr;q=0.9, es;q=0.1", "es"),
        ("de", "en"),
        ("es;q=0", "en"),
        ("es;q=nonsense", "en"),
        ("*", "en"),
        (";;;,,q=", "en"),
    ],
)
def test_the_language_is_the_one_the_caller_prefers(accepted, spoken):
    assert problems.language(request(accepted)) == spoken


def test_a_method_that_is_not_allowed_is_told_which_is(api):
    response = api.delete("/predict_clv", headers={"Accept-Language": "es"})

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["title"] == "Este método no está permitido aquí."


def test_what_is_not_there_is_a_problem_too(api):
    response = api.get("/nowhere")

    assert response.json()["type"] == "/problems/not-found"
    assert response.headers["content-type"] == "application/problem+json"


def test_a_body_that_is_not_said_to_be_json_is_told_so(api):
    response = api.post("/predict_clv", content=b'{"customer_ids": ["1"]}')

    assert response.status_code == 415
    assert response.json()["type"] == "/problems/unsupported-media-type"
    assert "Content-Type: application/json" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/customers/1", "/predict_clv"])
def test_a_query_parameter_nobody_reads_is_refused_by_name(api, path):
    ask = {"customer_ids": ["1"]} if path == "/predict_clv" else None
    response = api.request("POST" if ask else "GET", f"{path}?horizon_days=30&x=1&x=2", json=ask)

    assert response.status_code == 422
    fields = [error["field"] for error in response.json()["errors"]]
    assert fields == ["query.horizon_days", "query.x"]


def test_a_failure_inside_tells_nothing_of_the_inside():
    app = create_app()
    app.state.service = None

    response = TestClient(app, raise_server_exceptions=False).get("/readyz")

    assert response.status_code == 500
    assert response.json()["type"] == "/problems/internal"
    assert "None" not in response.text

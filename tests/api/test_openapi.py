"""Requests made up from the OpenAPI document, right and wrong, hold what it promises."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from hypothesis import settings

from clv.api.main import create_app
from clv.live import LiveService
from clv.store.workspace import Workspace

# Schemathesis wants the document when tests are collected, which is before there is a workspace.
app = create_app(LiveService(Workspace(Path("nowhere"))))
schema = schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.fixture(autouse=True, scope="module")
def _with_a_workspace(finished):
    app.state.service = LiveService(Workspace(finished.root))


@schema.parametrize()
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_every_route_holds_its_own_contract(case):
    answer = case.call_and_validate()  # raises where status, headers or body break the document

    assert answer.status_code < 500
    assert answer.headers["content-type"][0].endswith("json")


def test_a_route_that_fails_is_noticed(monkeypatch):
    monkeypatch.setattr(app.state, "service", None)

    with pytest.raises(AttributeError, match="current"):
        schema["/readyz"]["GET"].Case().call_and_validate()

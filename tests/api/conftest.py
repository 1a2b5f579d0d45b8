"""The API around the finished workspace, asked without a network."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from clv.api.main import create_app
from clv.live import LiveService
from clv.store.workspace import Workspace


@pytest.fixture(scope="session")
def app(finished):
    return create_app(LiveService(Workspace(finished.root)))


@pytest.fixture(scope="session")
def api(app):
    """A client that is told of failures inside as a caller would be: by a status."""
    return TestClient(app, raise_server_exceptions=False)

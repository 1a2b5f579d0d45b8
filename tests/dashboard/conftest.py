"""A visitor of the small simulated shop's dashboard."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def one_page(page):
    from clv.dashboard import app

    app.visited(page, app.Speech(app._language()))


@pytest.fixture
def visit(finished, monkeypatch):
    """A page as a visitor finds it: by its name, language and address."""
    monkeypatch.setenv("CLV_WORKSPACE", str(finished.root))

    def visit(page, language, **address):
        app = AppTest.from_function(one_page, args=(page,), default_timeout=60)
        for name, value in {"lang": language, **address}.items():
            app.query_params[name] = value
        return app.run()

    return visit

"""Every page in a real browser, in both languages and both themes, and the report with them.

``CLV_SCREENSHOTS`` names a folder to keep pictures in; ``CLV_LOOK_AT`` a workspace
to open instead of the simulated shop's.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from clv.report import make_report
from clv.service import Service
from clv.speech import LANGUAGES
from clv.store.workspace import Workspace

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "dashboards/clv_dashboard.py"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURES, LOOK_AT = (os.environ.get(name) for name in ("CLV_SCREENSHOTS", "CLV_LOOK_AT"))
CHARTS = {"": 2, "segments": 4, "customers": 1, "model": 3}
TALL = {"width": 1400, "height": 4900}


@pytest.fixture(scope="module")
def looked_at(finished):
    """A workspace to look at: that of the simulated shop, or the one named."""
    return Path(LOOK_AT or finished.root)


@pytest.fixture(scope="module")
def address(looked_at, tmp_path_factory):
    """Where the dashboard answers, started as its users start it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("streamlit") / "log").open("w")
    options = {
        "server.headless": "true",
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.fileWatcherType": "none",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(SCRIPT), *flags],
        env=os.environ | {"CLV_WORKSPACE": str(looked_at)},
        cwd=SCRIPT.parents[1],
        stdout=log,
        stderr=log,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def _wait_for(url, server):
    for _ in range(120):
        assert server.poll() is None, "the dashboard ended while starting"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the dashboard did not start within a minute")


@pytest.fixture(scope="module")
def browser():
    assert CHROMIUM is not None, "there is no browser: install the package chromium"
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Look:
    """A page as a visitor sees it, with everything the browser complained of."""

    def __init__(self, browser, theme, size=None):
        self.context = browser.new_context(viewport=size or TALL, color_scheme=theme)
        self.page = self.context.new_page()
        self.complaints = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message):
        # Below the root Streamlit 1.67 looks for its server under the page's own path first.
        probing = "/_stcore/" in message.location.get("url", "") and "404" in message.text
        if message.type == "error" and not probing:
            self.complaints.append(f"{message.text} {message.location.get('url')}")

    def settle(self, charts):
        drawn = ".js-plotly-plot:has(.main-svg .cartesianlayer .xy)"
        self.page.wait_for_function(
            "([drawn, n]) => document.querySelectorAll(drawn).length >= n",
            arg=[drawn, charts],
            timeout=60_000,
        )
        self.page.wait_for_timeout(1500)

    def keep(self, name):
        if PICTURES:
            self.page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


@pytest.fixture(scope="module")
def somebody(looked_at):
    """The id of a customer."""
    return Service.open(Workspace(looked_at)).table["customer_id"][1].as_py()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", CHARTS)
def test_a_page_opens_without_complaint(request, page, language, theme):
    address, browser, somebody = (
        request.getfixturevalue(name) for name in ("address", "browser", "somebody")
    )
    look = Look(browser, theme)
    customer = f"&customer={somebody}" if page == "customers" else ""

    look.page.goto(f"{address}/{page}?lang={language}{customer}")
    look.settle(CHARTS[page])
    look.keep(f"{page or 'this_week'}-{language}-{theme}")

    assert look.page.locator('[data-testid="stException"]').count() == 0
    assert look.complaints == []
    assert look.page.locator("h1").count() == 1
    unnamed = look.page.locator(
        '[data-testid="stPlotlyChart"]:not([aria-label]):not(:has([aria-label]))'
    )
    assert unnamed.count() == 0
    look.context.close()


def test_a_visitor_walks_from_page_to_page_and_keeps_the_language(address, browser):
    look = Look(browser, "light")
    look.page.goto(f"{address}/?lang=es")
    look.settle(1)

    look.page.get_by_role("link", name="Clientes").click()
    look.page.get_by_role("heading", name="Todos los clientes").wait_for()

    assert "lang=es" in look.page.url
    assert look.complaints == []
    look.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_opens_from_the_disk_without_a_network(browser, looked_at, tmp_path, language):
    shutil.copytree(looked_at, tmp_path / "shop")
    report = make_report(Workspace(tmp_path / "shop"))
    look = Look(browser, "light", {"width": 1200, "height": 900})
    look.context.set_offline(True)

    look.page.goto(f"{report.as_uri()}#{language}")
    look.settle(6)
    look.keep(f"report-{language}")

    assert look.complaints == []
    assert look.page.locator(f"main[lang={language}]").is_visible()
    assert look.page.locator("main:visible").count() == 1
    wide = look.page.locator("main:visible .main-svg").first.bounding_box()["width"]
    assert wide > 800
    look.context.close()

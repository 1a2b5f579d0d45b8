"""The report: one file, both languages, no network."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser

import pytest

from clv.errors import NothingStored
from clv.report import make_report
from clv.speech import LANGUAGES, TEXTS
from clv.store.workspace import Workspace


@pytest.fixture(scope="module")
def report(finished, tmp_path_factory):
    root = tmp_path_factory.mktemp("report") / "workspace"
    shutil.copytree(finished.root, root)
    return make_report(Workspace(root))


@pytest.fixture(scope="module")
def page(report):
    return report.read_text(encoding="utf-8")


class Elements(HTMLParser):
    """Every start tag with its attributes, and what stays open."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_it_asks_the_network_for_nothing(page):
    loaded = [
        value
        for tag, attributes in Elements(page).found
        for name, value in attributes.items()
        if name in {"src", "href"} and tag != "a"
    ]

    assert loaded == []


def test_the_drawing_library_is_there_once_and_every_chart_refuses_to_send_data(page):
    charts = page.count("Plotly.newPlot(")

    assert page.count("plotly.js v") == 1
    assert charts >= 2 * 7
    assert page.count('"showSendToCloud": false') >= 2 * 7


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_its_own_body_that_says_it_is_simulated(page, language):
    body = page.split(f'<main lang="{language}">')[1].split("</main>")[0]

    assert getattr(TEXTS["report"], language) in body
    assert getattr(TEXTS["simulated"], language) in body
    assert not re.search(r"\{[a-z_]+\}", re.sub(r"<script.*?</script>", "", body, flags=re.S))


def test_every_chart_has_a_text_alternative_and_a_table(page):
    found = Elements(page).found
    images = [attributes for tag, attributes in found if attributes.get("role") == "img"]

    assert len(images) == sum(tag == "figure" for tag, _ in found)
    assert len(images) == sum(tag == "details" for tag, _ in found)
    assert all(re.search(r"\d", attributes["aria-label"]) for attributes in images)


def test_it_is_kept_until_something_it_shows_changes(report):
    workspace = Workspace(report.parents[1])
    report.touch()
    before = report.stat().st_mtime_ns

    make_report(workspace)
    assert report.stat().st_mtime_ns == before

    report.write_text("torn")
    make_report(workspace)
    assert report.read_text().startswith("<!doctype html>")


def test_without_a_forecast_there_is_nothing_to_report(tmp_path):
    with pytest.raises(NothingStored):
        make_report(Workspace(tmp_path))

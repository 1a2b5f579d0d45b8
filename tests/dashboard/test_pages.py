"""Every page in both languages, and what a visitor can do there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from clv.charts import forecasts
from clv.dashboard.app import PAGES
from clv.dashboard.show import plain
from clv.models.features import FEATURES
from clv.narrative import Narrative
from clv.overview import Overview
from clv.service import Service
from clv.speech import LANGUAGES, TEXTS, Speech
from clv.store.workspace import REPORT, Workspace

SCRIPT = Path(__file__).parents[2] / "dashboards/clv_dashboard.py"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


@pytest.fixture(scope="module")
def overview(finished):
    workspace = Workspace(finished.root)
    return Overview.open(workspace, Service.open(workspace))


def said(page):
    """Everything a page says in words."""
    kinds = (page.title, page.header, page.subheader, page.markdown, page.caption, page.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_without_an_exception_and_says_it_is_simulated(visit, page, language):
    opened = visit(page, language)

    assert not opened.exception
    assert opened.title[0].value == getattr(TEXTS[f"page_{page}"], language)
    assert getattr(TEXTS["simulated"], language) in said(opened)
    assert "{" not in said(opened)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_whole_dashboard_lands_on_this_week(finished, monkeypatch, language):
    monkeypatch.setenv("CLV_WORKSPACE", str(finished.root))
    app = AppTest.from_file(str(SCRIPT), default_timeout=60)
    app.query_params["lang"] = language

    opened = app.run()

    assert not opened.exception
    assert opened.title[0].value == getattr(TEXTS["page_this_week"], language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_workspace_without_a_forecast_says_what_to_run(visit, tmp_path, monkeypatch, language):
    monkeypatch.setenv("CLV_WORKSPACE", str(tmp_path))

    opened = visit("this_week", language)

    assert not opened.exception
    assert getattr(TEXTS["no_forecast"], language) in said(opened)
    assert "clv" in opened.code[0].value


def test_another_language_is_one_click_away_and_then_in_the_address(visit):
    opened = visit("this_week", "en")

    opened.segmented_control(key="language").set_value("es").run()

    assert opened.title[0].value == TEXTS["page_this_week"].es
    assert opened.query_params["lang"] == "es"


def test_the_headline_says_how_far_off_the_same_forecast_was(visit, overview):
    opened = visit("this_week", "en")

    assert overview.past
    off = f"{abs(overview.past[0].bias):.0%}"
    assert any(off in warning.value for warning in opened.warning)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("likely", [True, False])
def test_a_customer_has_a_range_in_words_and_a_zero_median_is_never_a_bare_figure(
    visit, overview, likely, language
):
    rows = overview.table.to_pylist()
    row = next(row for row in rows if (row["predicted_clv_median"] > 0) == likely)

    words = said(visit("customers", language, customer=row["customer_id"]))

    assert ("this one customer" in words) == (language == "en")
    nothing = ("most likely nothing", "nothing is by far", "más probable")
    assert any(text in words for text in nothing) == (not likely)
    dated = ("The next order, if one comes", "El próximo pedido, si llega")
    assert any(text in words for text in dated) == likely


@pytest.mark.parametrize(("language", "said_why"), [("en", "It goes by "), ("es", "Parte de ")])
def test_a_forecast_no_tree_corrects_says_what_it_rests_on(visit, overview, language, said_why):
    row = overview.table.to_pylist()[0]
    assert not overview.service.model.is_corrected

    words = said(visit("customers", language, customer=row["customer_id"]))

    assert said_why in words
    assert getattr(TEXTS["drivers"], language) not in words


@pytest.mark.parametrize(
    ("language", "raised"),
    [("en", "raises the forecast by 22%"), ("es", "sube el pronóstico un 22")],
)
def test_a_corrected_forecast_says_what_moved_it(visit, overview, monkeypatch, language, raised):
    moved = np.zeros(len(FEATURES))
    moved[FEATURES.index("overdue")] = 0.2
    monkeypatch.setattr(Service, "contributions", lambda self, customer: moved)

    words = said(visit("customers", language, customer=overview.table["customer_id"][0].as_py()))

    assert raised in words
    assert getattr(TEXTS["drivers_note"], language) in words
    assert "It goes by " not in words


@pytest.fixture
def a_report(finished):
    """One for the time of a test: the workspace is everybody's."""
    path = Workspace(finished.root).path(REPORT)
    path.write_text("<p>A report</p>", encoding="utf-8")
    yield
    path.unlink()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.usefixtures("a_report")
def test_model_and_data_says_who_answers_how_good_it_is_and_offers_the_report(
    visit, overview, language
):
    told = Narrative(overview, Speech(language, "GBP"))

    opened = visit("model", language)

    words = said(opened)
    assert overview.service.terms.model_version in words
    assert plain(told.level) in words
    boxes = "".join(
        box.value for kind in ("success", "warning", "error") for box in opened.get(kind)
    )
    assert overview.champion.review["word"] in boxes
    assert all(plain(finding) in boxes for finding in told.findings)
    assert [button.label for button in opened.get("download_button")] == [
        getattr(TEXTS["download_report"], language)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_tiers_and_cohorts_have_their_totals_with_ranges(visit, overview, language):
    told = Narrative(overview, Speech(language, "GBP"))

    tables = [table.value.iloc[:, -1].tolist() for table in visit("segments", language).table]

    for by in ("value_tier", "cohort"):
        assert [plain(cell) for cell in [*told.totals(by).values()][-1]] in tables


@pytest.mark.parametrize("language", LANGUAGES)
def test_model_and_data_shows_the_months_ahead_with_ranges_and_who_is_not_in_them(
    visit, overview, language
):
    say = Speech(language, "GBP")
    drawn = forecasts.month_by_month(overview.months, say)

    opened = visit("model", language)

    assert say("months_note") in said(opened)
    tables = [table.value.iloc[:, -1].tolist() for table in opened.table]
    assert [plain(cell) for cell in drawn.table[say("said_range")]] in tables


def test_an_address_of_nobody_says_so(visit):
    opened = visit("customers", "es", customer="no-such_customer")

    assert not opened.exception
    assert "no-such" in opened.info[0].value


@pytest.mark.parametrize("language", LANGUAGES)
def test_filters_leave_whom_they_name(visit, overview, language):
    opened = visit("customers", language)
    opened.multiselect(key="value_tier").set_value(["A"]).run()

    only_a = overview.table["value_tier"].to_pylist().count("A")
    assert not opened.exception
    assert any(re.match(rf"{only_a}\b", text.value) for text in opened.markdown)


@pytest.mark.parametrize("measure", ["share", "count", "value"])
def test_the_map_changes_its_measure(visit, measure):
    opened = visit("segments", "en")
    opened.segmented_control(key="measure").set_value(measure).run()

    assert not opened.exception
    assert len({header.value for header in opened.subheader}) == len(opened.subheader)

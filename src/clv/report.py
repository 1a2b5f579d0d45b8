"""The report: ``reports/report.html``, one page for people, made when what it shows has changed.

It shows in every language what the dashboard shows of the shop as a whole, by the same charts
and in the same words, and opens without a network: the drawing library lies in it once.
``report.html`` beside this file is its form.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clv.pipeline.steps import step_key
from clv.store import workspace as files
from clv.store.workspace import Workspace

if TYPE_CHECKING:
    from clv.overview import Overview

SHOWN = (
    *(files.SUMMARY, files.PREDICTIONS, files.COHORTS, files.CLEAN_LINES),
    *(files.REFUSED, files.MATURED),
)


def make_report(workspace: Workspace) -> Path:
    """Write ``reports/report.html``, unless nothing it shows has changed; returns where it is."""
    files.require(workspace, files.PREDICTIONS, "clv predict")
    key = step_key(workspace, *SHOWN)
    if not workspace.is_current("report", key):
        # What draws is not loaded where there is nothing to draw; so in `page`.
        from clv.overview import Overview
        from clv.service import Service

        overview = Overview.open(workspace, Service.open(workspace))
        with workspace.staging() as stage:
            stage.path(files.REPORT).write_text(page(overview), encoding="utf-8")
            stage.publish("report", key, [files.REPORT])
    return workspace.path(files.REPORT)


def page(overview: Overview) -> str:
    import jinja2

    from clv.charts import cohorts, forecasts, model
    from clv.charts.chart import drawing_library
    from clv.narrative import Narrative
    from clv.speech import LANGUAGES, NAMES, Speech

    form = jinja2.Environment(
        loader=jinja2.PackageLoader("clv", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("report.html", globals={"zip": zip})
    currency = overview.service.terms.currency
    return form.render(
        shop=overview,
        tellings=[Narrative(overview, Speech(language, currency)) for language in LANGUAGES],
        names=NAMES,
        cohorts=cohorts,
        forecasts=forecasts,
        model=model,
        library=drawing_library(),
    )

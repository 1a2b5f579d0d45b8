"""The report: ``reports/report.html``, one page for people, made when what it shows has changed."""

from __future__ import annotations

from pathlib import Path

from clv.pipeline.steps import step_key
from clv.store import workspace as files
from clv.store.workspace import Workspace

SHOWN = (
    files.SUMMARY,
    files.PREDICTIONS,
    files.COHORTS,
    files.CLEAN_LINES,
    files.REFUSED,
    files.HOLDOUT,
    files.ETL_REPORT,
)


def make_report(workspace: Workspace) -> Path:
    """Write ``reports/report.html`` from what the workspace holds now; returns where it is.

    Where nothing it shows has changed, it is kept.

    Raises:
        NothingStored, IncompatibleArtifact: there is no forecast to report.
        WorkspaceUnwritable: the disk is full or the folder refuses writing.
    """
    files.require(workspace, files.PREDICTIONS, "clv predict")
    key = step_key(workspace, *(name for name in SHOWN if workspace.is_file(name)))
    if not workspace.is_current("report", key):
        # Drawing is not loaded where there is nothing to draw.
        from clv.overview import Overview
        from clv.page import page
        from clv.service import Service

        overview = Overview.open(workspace, Service.open(workspace))
        with workspace.staging() as stage:
            stage.path(files.REPORT).write_text(page(overview), encoding="utf-8")
            stage.publish("report", key, [files.REPORT])
    return workspace.path(files.REPORT)

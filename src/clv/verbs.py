"""Verbs of the command line as functions, for scripts and notebooks.

Settings are those of `clv.toml`, where they hold too, and of the environment; errors those of
the command.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from clv import wiring
from clv.pipeline import ingest as ingesting
from clv.pipeline import run as running
from clv.pipeline.run import Outcome
from clv.pipeline.steps import Tell
from clv.settings import Settings, read_settings
from clv.store.workspace import Workspace


def ingest(
    source: Path | str, workspace: Workspace, tell: Tell = print, **settings: Any
) -> dict[str, Any]:
    """What `clv ingest` does; returns what it found, as in ``reports/etl.json``."""
    _, log = _asked(source, workspace, tell, settings)
    return ingesting.ingest(workspace, log, tell)


def run(source: Path | str, workspace: Workspace, tell: Tell = print, **settings: Any) -> Outcome:
    """What `clv run` does, but for the report; steps already done are kept."""
    chosen, log = _asked(source, workspace, tell, settings)
    ask, tracking = wiring.ask(chosen), wiring.tracking(chosen)
    return running.run(
        workspace, log, ask, tell, model=chosen.model, now=wiring.now(), tracking=tracking
    )


def _asked(
    source: Path | str, workspace: Workspace, tell: Tell, settings: dict[str, Any]
) -> tuple[Settings, ingesting.Log]:
    chosen = read_settings(workspace=workspace.root, source=(Path(source),), **settings)
    return chosen, wiring.log(chosen, dt.date.today(), tell, lambda done, total: None)

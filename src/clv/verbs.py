"""Verbs of the command line as functions, for scripts and notebooks.

Settings are those of `clv.toml`, where they hold too, and of the environment.
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
    """What `clv ingest` does; returns what it found, as in ``reports/etl.json``.

    Raises:
        ClvError: as the command does.
    """
    chosen = _chosen(source, workspace, settings)
    return ingesting.ingest(workspace, _log(chosen, tell), tell)


def run(source: Path | str, workspace: Workspace, tell: Tell = print, **settings: Any) -> Outcome:
    """What `clv run` does, but for the report; steps already done are kept.

    Raises:
        ClvError: as the command does.
    """
    chosen = _chosen(source, workspace, settings)
    return running.run(
        workspace,
        _log(chosen, tell),
        wiring.ask(chosen),
        tell,
        model=chosen.model,
        now=dt.datetime.now(dt.UTC).replace(tzinfo=None),
        tracking=wiring.tracking(chosen),
    )


def _chosen(source: Path | str, workspace: Workspace, settings: dict[str, Any]) -> Settings:
    return read_settings(workspace=workspace.root, source=(Path(source),), **settings)


def _log(settings: Settings, tell: Tell) -> ingesting.Log:
    return wiring.log(settings, dt.date.today(), tell, lambda done, total: None)

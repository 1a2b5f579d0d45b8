"""Where a verb computes: a staging folder, and an engine that spills into it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from clv.data import engine
from clv.errors import WorkspaceUnwritable
from clv.store.workspace import STAGING_PREFIX, Stage, Workspace


@contextlib.contextmanager
def workbench(workspace: Workspace) -> Iterator[tuple[Stage, Any]]:
    """A staging folder and an engine, both gone afterwards.

    Raises:
        WorkspaceUnwritable: the disk is full or the folder refuses writing.
    """
    with workspace.staging() as stage, engine.connect(stage.path("spill")) as connection:
        try:
            yield stage, connection
        except (duckdb.IOException, duckdb.OutOfMemoryException) as cause:
            if STAGING_PREFIX not in str(cause):
                raise
            raise WorkspaceUnwritable(workspace.root, _reason(str(cause))) from cause


def _reason(message: str) -> str:
    number = re.search(r'"errno":"(\d+)"', message)
    return os.strerror(int(number[1])) if number else message.splitlines()[0]

"""The folder a shop's files live in, and the one way files get into it.

A step writes into a staging folder; when it is done its files move to their places one
``os.replace`` each, and ``reports/steps.json`` notes what they were made from. A step that
fails or is interrupted leaves nothing behind, and the files of the last good run in place.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clv.errors import NothingStored, WorkspaceUnwritable

STAGING_PREFIX = ".clv-staging-"

CLEAN_LINES = "data/processed/clv.parquet"
REFUSED = "data/processed/refused.parquet"
RETURNS = "data/processed/returns.parquet"
SUMMARY = "data/processed/summary.parquet"
COHORTS = "data/processed/cohorts.parquet"
PREDICTIONS = "data/processed/predictions.parquet"
FORECASTS = "data/processed/forecasts.parquet"
PAST_PREDICTIONS = "data/processed/past_predictions.parquet"
ETL_REPORT = "reports/etl.json"
BACKTEST_REPORT = "reports/backtest.json"
HOLDOUT = "reports/holdout.parquet"
REVIEW = "reports/review.json"
LESSONS = "data/processed/lessons.parquet"
DRIFT = "reports/drift.json"
MATURED = "reports/matured.json"
REPORT = "reports/report.html"
STEPS = "reports/steps.json"


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A shop's folder; see the constants of this module for what lies where."""

    root: Path

    def path(self, name: str) -> Path:
        return self.root / name

    def is_file(self, name: str) -> bool:
        return self.path(name).is_file()

    def read_json(self, name: str) -> Any:
        return json.loads(self.path(name).read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def staging(self) -> Iterator[Stage]:
        """A folder to prepare files in; gone afterwards, published or not."""
        with writing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            with (
                _in_use(self.root),
                tempfile.TemporaryDirectory(
                    prefix=STAGING_PREFIX, dir=self.root, ignore_cleanup_errors=True
                ) as folder,
            ):
                yield Stage(self, Path(folder))

    def is_current(self, step: str, key: str) -> bool:
        """Whether ``step`` last ran from what ``key`` digests, and its files are unaltered."""
        note = self._steps().get(step)
        return note is not None and note["key"] == key and not self._altered(note)

    def files_of(self, step: str) -> list[str]:
        """The files ``step`` last published; none if it never did."""
        return list(self._steps().get(step, {"files": []})["files"])

    def retract(self, step: str) -> None:
        """Remove what ``step`` published from inputs that are gone, and the note of it."""
        if step in (steps := self._steps()):
            with self.staging() as stage:
                for name in steps.pop(step)["files"]:
                    self.path(name).unlink(missing_ok=True)
                stage.write_json(STEPS, steps)
                stage.move([STEPS])

    def altered(self) -> list[str]:
        """Files a step published that are gone, or no longer what it wrote."""
        return [name for note in self._steps().values() for name in self._altered(note)]

    def _altered(self, note: dict[str, Any]) -> list[str]:
        return [
            name
            for name, digest in note["files"].items()
            if not self.is_file(name) or file_digest(self.path(name)) != digest
        ]

    def _steps(self) -> dict[str, Any]:
        try:
            return dict(self.read_json(STEPS))
        except (OSError, ValueError):
            return {}


@dataclasses.dataclass(frozen=True)
class Stage:
    """Files of one step on their way into the workspace."""

    workspace: Workspace
    folder: Path

    def path(self, name: str) -> Path:
        """Where to write the file that will be ``name`` in the workspace."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write_json(self, name: str, content: Mapping[str, Any] | list[Any]) -> None:
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        self.path(name).write_text(text + "\n", encoding="utf-8")

    def publish(self, step: str, key: str, names: list[str]) -> None:
        """Move the named files to their places, and last the note what they were made from."""
        made = {name: file_digest(self.path(name)) for name in names}
        self.write_json(STEPS, self.workspace._steps() | {step: {"key": key, "files": made}})
        self.move([*names, STEPS])

    def move(self, names: list[str]) -> None:
        """Move the named files to their places; no file moves while a folder is in the way."""
        for name in names:
            self.workspace.path(name).parent.mkdir(parents=True, exist_ok=True)
        for name in names:
            self.path(name).replace(self.workspace.path(name))


def require(workspace: Workspace, name: str, command: str) -> Path:
    """The path of a file that ``command`` makes."""
    path = workspace.path(name)
    if not path.is_file():
        raise NothingStored(name, workspace.root, next_step=f"Run `{command}` first.")
    return path


@contextlib.contextmanager
def writing(where: Path) -> Iterator[None]:
    """Turn the system's refusal to write into an error that says what to do."""
    try:
        yield
    except OSError as cause:
        raise WorkspaceUnwritable(cause.filename or where, cause.strerror or str(cause)) from cause


@contextlib.contextmanager
def _in_use(root: Path) -> Iterator[None]:
    """Hold the workspace in use, beside others; who finds it unused first sweeps it.

    The system lets go of a lock when its process ends, however it ends: what lies in staging
    while nobody holds one was left by a process that was killed.
    """
    lock = os.open(root, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # in use, or a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for folder in root.glob(f"{STAGING_PREFIX}*"):
                shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield
    finally:
        os.close(lock)


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def data_digest(path: Path) -> str:
    """The digest that names the data a model was fitted on, as long as that of a model."""
    return file_digest(path)[:16]


def key_of(**inputs: object) -> str:
    """A digest of whatever a step depends on; values are JSON or print as they are."""
    text = json.dumps(inputs, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()

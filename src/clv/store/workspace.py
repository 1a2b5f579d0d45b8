"""The folder a shop's files live in, and the one way files get into it.

A step writes into a staging folder; when it is done its files move to their places one
``os.replace`` each, and ``reports/steps.json`` notes what they were made from. A step that
fails or is interrupted leaves nothing behind, and the files of the last good run in place.
"""

from __future__ import annotations

import contextlib
import dataclasses
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
ETL_REPORT = "reports/etl.json"
BACKTEST_REPORT = "reports/backtest.json"
HOLDOUT = "reports/holdout.parquet"
STEPS = "reports/steps.json"


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A shop's folder; see the constants of this module for what lies where."""

    root: Path

    def path(self, name: str) -> Path:
        return self.root / name

    def read_json(self, name: str) -> Any:
        return json.loads(self.path(name).read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def staging(self) -> Iterator[Stage]:
        """A folder to prepare files in; gone afterwards, published or not.

        Raises:
            WorkspaceUnwritable: the disk is full or the folder refuses writing.
        """
        with writing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            self._sweep()
            folder = Path(tempfile.mkdtemp(prefix=f"{STAGING_PREFIX}{os.getpid()}-", dir=self.root))
            try:
                yield Stage(self, folder)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove the staging folders of processes that were killed."""
        for folder in self.root.glob(f"{STAGING_PREFIX}*"):
            process = folder.name.removeprefix(STAGING_PREFIX).split("-")[0]
            if process.isdigit() and not _is_running(int(process)):
                shutil.rmtree(folder, ignore_errors=True)

    def is_current(self, step: str, key: str) -> bool:
        """Whether ``step`` last ran from what ``key`` digests, and its files are unaltered."""
        note = self._steps().get(step)
        return (
            note is not None
            and note["key"] == key
            and all(
                self.path(name).is_file() and file_digest(self.path(name)) == digest
                for name, digest in note["files"].items()
            )
        )

    def files_of(self, step: str) -> list[str]:
        """The files ``step`` last published."""
        return list(self._steps()[step]["files"])

    def _steps(self) -> dict[str, Any]:
        try:
            return dict(self.read_json(STEPS))
        except (FileNotFoundError, ValueError):
            return {}

    def note(self, step: str, key: str, names: list[str]) -> None:
        files = {name: file_digest(self.path(name)) for name in names}
        noted = self._steps() | {step: {"key": key, "files": files}}
        replace_text(self.path(STEPS), json.dumps(noted, indent=1))


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
        """Move the named files to their places and note what they were made from."""
        for name in names:
            target = self.workspace.path(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            self.path(name).replace(target)
        self.workspace.note(step, key, names)


def require(workspace: Workspace, name: str, command: str) -> Path:
    """The path of a file that ``command`` makes.

    Raises:
        NothingStored: it was not made yet.
    """
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


def replace_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key_of(**inputs: object) -> str:
    """A digest of whatever a step depends on; values are JSON or print as they are."""
    text = json.dumps(inputs, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""What would stop a run, looked for one by one; nothing is changed, downloaded or computed."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from clv import wiring
from clv.data import load
from clv.data.engine import MEMORY_LIMIT
from clv.errors import ClvError
from clv.settings import FILE, Settings, read_settings
from clv.store import artifacts
from clv.store import workspace as files
from clv.store.workspace import Workspace

LEAST_BYTES = 2e9  # the engine takes MEMORY_LIMIT, and spills beside it


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing looked at: what was ``found``, and what to do where it is not ok."""

    name: str
    ok: bool
    found: str
    next_step: str = ""


def examine(root: Path | None = None) -> list[Check]:
    """Every check of the workspace ``root``, else of the one the environment names."""
    checks = [Check("Python", True, platform.python_version()), _memory()]
    try:
        settings = read_settings(workspace=root)
    except ClvError as error:
        # Without settings the workspace is known only where it was named.
        return [*checks, _disk(root or Path()), _writable(root or Path()), _refused(error)]
    place = wiring.workspace(settings)
    stored = "read" if place.is_file(FILE) else f"no {FILE}; the defaults hold"
    return [
        *checks,
        _disk(place.root),
        _writable(place.root),
        Check("settings", True, stored),
        _asked("log", lambda: _log(settings)),
        _last_run(place),
        _asked("champion", lambda: _champion(place)),
    ]


def _refused(error: ClvError, name: str = "settings") -> Check:
    return Check(name, False, f"{error.about}: {error.problem}", error.next_step)


def _asked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except ClvError as error:
        return _refused(error, name)


def _checked(name: str, ok: bool, found: str, next_step: str) -> Check:
    return Check(name, ok, found, "" if ok else next_step)


def _memory() -> Check:
    free = _free_memory()
    step = f"Close other programs: the engine alone takes up to {MEMORY_LIMIT}."
    return _checked("memory", free >= LEAST_BYTES, f"{free / 1e9:.1f} GB free", step)


def _free_memory() -> float:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # no Linux: all there is, as what is free cannot be asked the same way
        return os.sysconf("SC_PAGE_SIZE") * float(os.sysconf("SC_PHYS_PAGES"))
    return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))


def _disk(root: Path) -> Check:
    free = shutil.disk_usage(_existing(root)).free
    step = f"Free {LEAST_BYTES / 1e9:.0f} GB, or choose another folder with --workspace."
    return _checked("disk", free >= LEAST_BYTES, f"{free / 1e9:.1f} GB free", step)


def _writable(root: Path) -> Check:
    ok = False
    with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=_existing(root)):
        ok = True
    found = f"{root.absolute()} {'can' if ok else 'cannot'} be written"
    step = "Change its permissions, or choose another folder with --workspace."
    return _checked("workspace", ok, found, step)


def _existing(root: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    path = root.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _log(settings: Settings) -> str:
    if not settings.source:
        return "none is named; `clv run` takes Online Retail II"
    parts = load.header_rows(settings.source, settings.encoding)
    source = wiring.source_of_log(settings)
    for label, header in parts:
        load.require_headers(header, source, label)
    count = len(settings.source)
    return f"{count} file{'s' * (count > 1)}, read as {source.name}"


def _last_run(place: Workspace) -> Check:
    if not place.is_file(files.STEPS):
        return Check("last run", True, "nothing was run here yet")
    if altered := place.altered():
        step = "Run `clv run` again: it makes what is missing."
        return Check("last run", False, f"gone or altered: {', '.join(altered)}", step)
    return Check("last run", True, "every file is as it was written")


def _champion(place: Workspace) -> str:
    if not place.is_file(artifacts.CHAMPION):
        return "no model answers yet; `clv run` makes one, or says what the log lacks for it"
    digest = artifacts.champion(place)
    artifacts.load(place, digest)
    return f"model {digest} can be read"

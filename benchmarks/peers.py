"""How a benchmark asks a peer: a script run by the python of an environment of the peer's own.

`make bench` makes the environments from the pins in `<peer>.txt`. Customers go out as .npz,
what the peer found and what it took comes back as JSON. Seconds are of the call itself, wall
time and processor time (user and system, child processes included): imports and start are not
counted. Both sides import this module, so it needs NumPy alone.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


class Cost(NamedTuple):
    """Seconds by the clock and of processors, the medians of several runs."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.4g} s ({self.cpu:.4g} s of processor)"


def measured(call: Callable[..., Any], *given: Any, repeats: int = 1) -> tuple[Any, Cost]:
    """What the last of the calls returned, and what they took."""
    costs = []
    for _ in range(repeats):
        before, began = _processor(), time.perf_counter()
        found = call(*given)
        costs.append((time.perf_counter() - began, _processor() - before))
    return found, Cost(*np.median(costs, axis=0).tolist())


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def compare(what: str, ours: Cost, peer: str, theirs: Cost, *, aim: float | None = None) -> None:
    """A line that can be read alone."""
    aimed = "" if aim is None else f" (aim: {aim:g} or more)"
    print(
        f"{what}: ours {ours}, {peer} {theirs}, ratio {theirs.wall / ours.wall:.3g}{aimed}, "
        f"of processor {theirs.cpu / ours.cpu:.3g}"
    )


def ask(peer: str, job: str, customers: tuple[np.ndarray, ...], **settings: Any) -> dict[str, Any]:
    """The peer's answer to one of its jobs, with its `Cost` in place."""
    python = ROOT / ".bench" / peer / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"no environment of {peer} at {python.parent}: run `make bench` once")
    with tempfile.TemporaryDirectory() as name:
        question, answer = Path(name) / "customers.npz", Path(name) / "answer.json"
        np.savez(question, *customers)
        script = Path(__file__).with_name(f"peer_{peer.replace('-', '_')}.py")
        command = [python, "-W", "ignore", script, job, question, answer, json.dumps(settings)]
        # What PyMC compiles goes to an empty cache, as on a machine that never ran it.
        environment = os.environ | {"PYTENSOR_FLAGS": f"base_compiledir={name}"}
        done = subprocess.run(
            command, env=environment, cwd=name, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{peer} failed at {job}:\n{done.stderr[-3000:]}")
        found: dict[str, Any] = json.loads(answer.read_text())
    return found | {"cost": Cost(*found["cost"])}


def answer(jobs: dict[str, Callable[..., dict[str, Any]]]) -> None:
    """The peer's side: do the job named on the command line."""
    job, question, where, settings = sys.argv[1:]
    with np.load(question) as columns:
        customers = tuple(columns.values())
    found = jobs[job](customers, **json.loads(settings))
    Path(where).write_text(json.dumps(found, default=float))

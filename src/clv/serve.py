"""API, dashboard and MLflow's page together: started, watched, and stopped together.

Each is a process as its users would start it by hand, and listens on this machine only.
Start reading at :func:`serve`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from clv.errors import NothingStored, ServerEnded, SettingsError
from clv.pipeline.steps import Tell
from clv.store import artifacts
from clv.store import workspace as files
from clv.store.mlflow.recorder import Tracking
from clv.store.workspace import Workspace

HOST = "127.0.0.1"
DASHBOARD = Path(__file__).parent / "dashboard/start/clv_dashboard.py"
STOPPERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OPEN = "The API asks for no key: it is open for demonstration, on this machine only."
LOOK_EVERY = 0.2
PATIENCE = 10  # seconds a server has to stop of its own accord

Process = subprocess.Popen[bytes]


@dataclasses.dataclass(frozen=True)
class Server:
    """One of the servers: the module that is run, its words, and what it finds around it."""

    name: str
    port: int
    page: str
    words: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}{self.page}"

    def start(self) -> Process:
        """The process, in a group of its own with whatever it starts in turn.

        Ctrl-C in a terminal would else reach it too, beside the order to stop.
        """
        return subprocess.Popen(
            [sys.executable, "-m", *self.words],
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            process_group=0,
        )

    def answers(self) -> bool:
        """Whether anything at all comes back from its page."""
        try:
            urllib.request.urlopen(self.address, timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


def api(workspace: Workspace, port: int) -> Server:
    words = ("uvicorn", "clv.api.main:app", "--host", HOST, "--port", str(port))
    return Server("API", port, "/docs", (*words, "--log-level", "warning"), _where(workspace))


def dashboard(workspace: Workspace, port: int) -> Server:
    place = f"--server.address={HOST}", f"--server.port={port}"
    quiet = "--server.headless=true", "--server.fileWatcherType=none"
    words = ("streamlit", "run", str(DASHBOARD), *place, *quiet)
    return Server("dashboard", port, "/", words, _where(workspace))


def mlflow(tracking: Tracking, port: int) -> Server:
    words = ["mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    words += ["--allowed-hosts", f"{HOST}:{port},localhost:{port}"]
    words += ["--uvicorn-opts", "--log-level warning"]
    words += ["--artifacts-destination", str(tracking.artifacts)]
    environment = {
        "MLFLOW_BACKEND_STORE_URI": tracking.uri,  # among the words all could read its password
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "PYTHONWARNINGS": "ignore",  # MLflow's are about its own insides
    }
    return Server("MLflow", port, "/", tuple(words), environment)


def _where(workspace: Workspace) -> dict[str, str]:
    return {"CLV_WORKSPACE": str(workspace.root.absolute())}


def servers_of(
    workspace: Workspace, tracking: Tracking | None, ports: tuple[int, int, int], tell: Tell
) -> list[Server]:
    """The servers of a workspace, on the ports of API, dashboard and MLflow.

    MLflow is left out where it runs elsewhere, or nothing was recorded for it to show.
    """
    if not all(workspace.is_file(name) for name in (artifacts.CHAMPION, files.PREDICTIONS)):
        raise NothingStored(
            "forecast", workspace.root, next_step="Run `make run` or `clv run` first."
        )
    found = [api(workspace, ports[0]), dashboard(workspace, ports[1])]
    if tracking is None or tracking.is_gone:
        tell("no training is recorded here, so MLflow has nothing to show and is not started")
    elif tracking.artifacts is None:
        tell(f"MLflow is not started: it runs at {tracking.shown}")
    elif damage := tracking.damage:
        tell(f"MLflow is not started: {tracking.shown} cannot be read ({damage}).")
        tell("Move it away and `clv run` records the training anew; all else is served.")
    else:
        found.append(mlflow(tracking, ports[2]))
    return found


def serve(servers: Sequence[Server], ready: Callable[[], None]) -> None:
    """Run all servers until asked to stop; ``ready`` is called once every one of them answers.

    Raises:
        SettingsError: a port is taken.
        ServerEnded: one of them ended by itself; the others are stopped then.
    """
    for server in servers:
        _require_free(server)
    running: list[tuple[Server, Process]] = []
    with _asked_to_stop() as stop:
        try:
            for server in servers:
                running.append((server, server.start()))
            _watch(running, stop, ready)
        finally:
            _end([process for _, process in running])


def _watch(
    running: Sequence[tuple[Server, Process]], stop: threading.Event, ready: Callable[[], None]
) -> None:
    silent = [server for server, _ in running]
    while not stop.wait(LOOK_EVERY):
        for server, process in running:
            if process.poll() is not None:
                raise ServerEnded(server.name, process.returncode)
        if silent:
            silent = [server for server in silent if not server.answers()]
            if not silent:
                ready()


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """An event set by Ctrl-C and its like, so that they interrupt nothing, stopping included."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in STOPPERS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_free(server: Server) -> None:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, server.port))
        except OSError as cause:
            flag = f"{server.name.lower()}_port"
            raise SettingsError(
                flag,
                f"{HOST}:{server.port} cannot be used: {cause.strerror}.",
                next_step=f"Choose another with --{flag.replace('_', '-')}, or stop who uses it.",
            ) from cause


def _end(processes: Sequence[Process]) -> None:
    """Stop the processes and everything they started, by force where it takes too long."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    # A group that is gone, or on some systems has only its dead left, cannot be signalled.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)

"""Servers side by side: they answer together and none outlives the others."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from runs import run_all
from typer.testing import CliRunner

from clv import cli, serve
from clv.errors import ServerEnded, SettingsError
from clv.serve import HOST, Server, servers_of
from clv.store import artifacts
from clv.store.mlflow.recorder import Tracking
from clv.store.workspace import Workspace

ROOT = Path(__file__).parents[1]
STUBBORN = """\
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])
"""


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind((HOST, 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def plain_server(name, port, **environment):
    """A server that is up in a moment."""
    return Server(name, port, "/", ("http.server", str(port), "--bind", HOST), environment)


def family():
    return psutil.Process().children(recursive=True)


def still_running(processes):
    """Those that run; nobody may have fetched the exit code of an orphan yet."""
    _, left = psutil.wait_procs(processes, timeout=1)
    return [one for one in left if one.status() != psutil.STATUS_ZOMBIE]


def stop_by(number):
    return lambda: os.kill(os.getpid(), number)


@pytest.fixture(autouse=True)
def nobody_left():
    before = set(family())
    yield
    assert set(family()) <= before


@pytest.mark.parametrize("number", serve.STOPPERS)
def test_each_way_to_ask_for_a_stop_stops_all_without_an_error(number):
    before = signal.getsignal(number)
    ports = free_ports(2)

    serve.serve([plain_server(str(port), port) for port in ports], stop_by(number))

    assert signal.getsignal(number) is before


def test_one_that_ends_by_itself_is_named_and_the_others_are_stopped(capfd):
    good, bad = free_ports(2)
    servers = [plain_server("good", good), Server("bad", bad, "/", ("no_such_module",), {})]

    with pytest.raises(ServerEnded, match=r"bad: it ended by itself \(exit code 1\)") as found:
        serve.serve(servers, lambda: pytest.fail("one of them never answered"))

    assert (found.value.server, found.value.code) == ("bad", 1)
    assert "No module named no_such_module" in capfd.readouterr().err


def test_one_that_is_killed_is_named_with_the_signal():
    servers = [plain_server(name, port) for name, port in zip("ab", free_ports(2), strict=True)]

    def kill_b():
        (found,) = [one for one in family() if str(servers[1].port) in one.cmdline()]
        found.kill()

    with pytest.raises(ServerEnded, match=r"b: it ended by itself \(killed by signal 9\)"):
        serve.serve(servers, kill_b)


def test_one_that_will_not_stop_is_ended_by_force_with_what_it_started(monkeypatch, tmp_path):
    monkeypatch.setattr(serve, "PATIENCE", 0.5)
    (tmp_path / "sitecustomize.py").write_text(STUBBORN)
    (port,) = free_ports(1)

    started = []

    def count_and_stop():
        started.extend(family())
        stop_by(signal.SIGINT)()

    serve.serve([plain_server("stubborn", port, PYTHONPATH=str(tmp_path))], count_and_stop)

    assert len(started) == 2
    assert still_running(started) == []


def ask_cli(*words):
    return CliRunner().invoke(cli.app, ["serve", *map(str, words)])


@pytest.mark.parametrize("flag", ["--api-port", "--dashboard-port"])
def test_a_port_that_is_taken_is_named_with_its_flag(finished, flag):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = {"--api-port", "--dashboard-port"} - {flag}
        words = [*other, *free_ports(1), flag, port]
        answer = ask_cli("--workspace", finished.root, *words)

    assert answer.exit_code == 2
    said = answer.stderr.strip().splitlines()[-1]
    assert said.startswith(SettingsError.__name__)
    assert f"{HOST}:{port} cannot be used: Address already in use." in said
    assert f"Choose another with {flag}" in said


def test_without_a_forecast_it_says_what_to_run_first(tmp_path):
    answer = ask_cli("--workspace", tmp_path)

    assert answer.exit_code == 6
    assert answer.stderr.strip().endswith("Run `make run` or `clv run` first.")


@pytest.mark.parametrize(
    ("tracking", "said"),
    [
        (None, "no training is recorded here"),
        (Tracking("sqlite:////nowhere/mlflow.db", Path("/nowhere")), "no training is recorded"),
        (
            Tracking("https://me:secret@mlflow.example", None),
            "it runs at https://me@mlflow.example",
        ),
    ],
)
def test_mlflow_is_left_out_where_it_has_nothing_to_show_or_runs_elsewhere(
    finished, tracking, said
):
    told = []

    found = servers_of(Workspace(finished.root), tracking, (1, 2, 3), told.append)

    assert [server.name for server in found] == ["API", "dashboard"]
    assert said in told[0]


@pytest.mark.parametrize("what", ["garbage", "cut short"])
def test_a_damaged_record_of_trainings_is_said_and_the_rest_is_served(finished, tmp_path, what):
    path, told = tmp_path / "mlflow.db", []
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE runs AS SELECT zeroblob(20000)")
        database.commit()
    tracking = Tracking(f"sqlite:///{path}", tmp_path)
    places = Workspace(finished.root), tracking, (1, 2, 3)
    assert [server.name for server in servers_of(*places, told.append)][-1] == "MLflow"
    path.write_bytes(b"garbage" * 999 if what == "garbage" else path.read_bytes()[:9000])

    found = servers_of(*places, told.append)

    assert [server.name for server in found] == ["API", "dashboard"]
    assert f"{path} cannot be read (" in told[0]
    assert "Move it away" in told[1]


def test_a_record_that_somebody_writes_to_is_not_damaged(tmp_path, monkeypatch):
    connect = sqlite3.connect
    with contextlib.closing(connect(tmp_path / "mlflow.db", isolation_level=None)) as writer:
        writer.execute("CREATE TABLE runs (id)")
        writer.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite3, "connect", lambda path: connect(path, timeout=0.1))

        assert Tracking(f"sqlite:///{tmp_path}/mlflow.db", tmp_path).damage is None


def test_the_password_of_a_database_is_not_among_the_words_everybody_can_read(tmp_path):
    server = serve.mlflow(Tracking("postgresql://me:secret@db/clv", tmp_path), 5000)

    assert "secret" not in " ".join(server.words)
    assert server.environment["MLFLOW_BACKEND_STORE_URI"].count("secret") == 1


@pytest.mark.parametrize("script", [serve.DASHBOARD, ROOT / "dashboards/clv_dashboard.py"])
def test_the_theme_is_found_from_any_folder(script, tmp_path):
    code = (
        "import sys; from streamlit import config; config._main_script_path = sys.argv[1]; "
        "print(config.get_option('theme.light.primaryColor'), "
        "config.get_option('browser.gatherUsageStats'))"
    )

    process = subprocess.run(
        [sys.executable, "-c", code, str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert process.stdout == "#0072B2 False\n"


# --- the real ones


def get(address, **headers):
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


@pytest.mark.slow
def test_the_command_serves_all_three_and_ctrl_c_leaves_nothing_behind(
    finished, tmp_path, monkeypatch
):
    root = tmp_path / "shop"
    shutil.copytree(finished.root, root)
    tracking = Tracking(f"sqlite:///{root}/mlflow.db", root / "mlartifacts")
    run_all(root, finished.log, tracking=tracking)
    monkeypatch.setenv("CLV_MLFLOW_URI", tracking.uri)
    ports = free_ports(3)
    names = ("--api-port", "--dashboard-port", "--mlflow-port")
    flags = [str(word) for pair in zip(names, ports, strict=True) for word in pair]
    command = [sys.executable, "-c", "from clv.cli import main; main()", "serve", "--json"]

    process = subprocess.Popen(
        [*command, "--workspace", str(root), *flags],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        addresses = json.loads(process.stdout.readline())
        assert list(addresses) == ["API", "dashboard", "MLflow"]
        api, mlflow = (f"http://{HOST}:{port}" for port in (ports[0], ports[2]))

        assert "swagger" in get(addresses["API"])
        digest = artifacts.champion(Workspace(root))
        assert json.loads(get(f"{api}/readyz"))["model"] == digest
        assert "streamlit" in get(addresses["dashboard"]).lower()
        assert "mlflow" in get(addresses["MLflow"]).lower()
        asked = f"{mlflow}/api/2.0/mlflow/registered-models/alias?name=clv&alias=champion"
        tags = json.loads(get(asked))["model_version"]["tags"]
        assert {"key": "digest", "value": digest} in tags
        with pytest.raises(urllib.error.HTTPError) as refusal:
            get(asked, Host="elsewhere.example")
        with refusal.value as answer:
            assert answer.code == 403
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 4  # MLflow's server is a child of its command
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert process.returncode == 0
    assert still_running(children) == []
    assert {path.name for path in tmp_path.iterdir()} == {"shop"}

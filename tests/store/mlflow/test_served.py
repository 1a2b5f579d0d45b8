"""`mlflow models serve` with the champion, and a real PostgreSQL in place of the file."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from clv.checked import CustomerSummary
from clv.pipeline.train import promote, sync, train
from clv.store import artifacts
from clv.store.mlflow import recorder
from clv.store.mlflow.pyfunc_model import ASKED
from clv.store.mlflow.recorder import Tracking

pytestmark = pytest.mark.slow

LOYAL = [12.0, 610.0, 640.0, 85.5, 1.02, 13.0, 15.0, 1111.5, 60.0, 46.1]
ONCE = [0.0, 0.0, 500.0, 42.0, 1.0, 1.0, 1.0, 42.0, 0.0, None]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def served(finished):
    """The address of the champion, served by MLflow in this environment."""
    port = free_port()
    words = ["models", "serve", "-m", "models:/clv@champion", "--env-manager", "local"]
    command = [sys.executable, "-m", "mlflow", *words, "--port", str(port), "--workers", "1"]
    environment = os.environ | {"MLFLOW_TRACKING_URI": finished.tracking.uri}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    server = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/ping", server)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.communicate(timeout=30)


def _wait_for(address, server):
    for _ in range(240):
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            assert server.poll() is None, server.stdout.read().decode()
            time.sleep(0.25)
    pytest.fail("the server was not up after a minute")


def ask(address, rows, **params):
    body = {"dataframe_split": {"columns": list(ASKED), "data": rows}, "params": params}
    request = urllib.request.Request(
        f"{address}/invocations",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["predictions"]


def test_the_champion_is_served_and_says_what_the_stored_model_says(served, finished):
    rows = ask(served, [LOYAL, ONCE], horizon_days=91)

    model = artifacts.load(finished.workspace, artifacts.champion(finished.workspace))
    columns = dict(zip(ASKED, map(list, zip(LOYAL, ONCE, strict=True)), strict=True))
    window = finished.outcome.predictions.table["as_of"][0].as_py()
    from clv.periods import ObservationWindow

    summary = CustomerSummary.from_arrays(ObservationWindow(window, window), **columns)
    found = [row["predicted_clv"] for row in rows]
    assert found == pytest.approx(model.expected_value(summary, 91), abs=0.00501)
    alive = [row["p_alive"] for row in rows]
    assert alive == pytest.approx(model.purchases.p_alive(summary), rel=1e-12)


def test_a_bad_question_is_refused_as_the_callers_mistake(served):
    with pytest.raises(urllib.error.HTTPError) as refusal:
        ask(served, [LOYAL], horizon_days=9999)

    with refusal.value as answer:
        assert answer.code == 400
        assert "outside 1 to 3,650 days" in json.load(answer)["message"]


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL of our own on the loopback, as somebody who is not root."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    assert initdb is not None, "there is no initdb: install the package postgresql"
    tools, port = Path(initdb).resolve().parent, free_port()
    someone = {"user": "nobody"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as folder:
        if someone:
            os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
        data, options = f"{folder}/data", f"-h 127.0.0.1 -p {port} -k {folder}"

        def run(*words):
            subprocess.run(words, check=True, capture_output=True, cwd=folder, **someone)

        run(initdb, "-D", data, "-U", "clv", "-A", "trust", "--no-sync")
        run(tools / "pg_ctl", "-w", "-D", data, "-o", options, "-l", f"{folder}/log", "start")
        try:
            yield f"postgresql://clv@127.0.0.1:{port}/postgres"
        finally:
            run(tools / "pg_ctl", "-w", "-D", data, "-m", "immediate", "stop")


def test_trainings_live_in_a_real_postgres_as_in_a_file(new, postgres):
    import mlflow

    tracking = Tracking(postgres, new.workspace.path("mlartifacts"))
    first = train(new.workspace, "pareto-nbd", lambda text: None)
    second = train(new.workspace, "pareto-nbd", lambda text: None, prior=False)
    for digest in (first, second, first):
        promote(new.workspace, digest, lambda text: None, tracking=tracking)

    assert recorder.champion(tracking) == first
    mlflow.set_tracking_uri(postgres)
    client = mlflow.MlflowClient()
    assert len(client.search_model_versions("name = 'clv'")) == 2
    loaded = mlflow.pyfunc.load_model("models:/clv@champion")
    assert len(loaded.predict(loaded.input_example)) == 3

    (version,) = client.search_model_versions(f"name = 'clv' and tags.digest = '{second}'")
    client.set_registered_model_alias("clv", "champion", version.version)
    shutil.rmtree(new.workspace.path(f"models/{second}"))
    assert sync(new.workspace, tracking, lambda text: None) == second
    assert artifacts.load(new.workspace, second)

"""The application as it is started: by `uvicorn`, beside a workspace or none."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest


@pytest.fixture
def serve():
    """Start `uvicorn clv.api.main:app` on a port of its own; answers the address."""
    running = []

    def start(workspace):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "clv.api.main:app", "--port", str(port)]
        process = subprocess.Popen(
            command,
            env={**os.environ, "CLV_WORKSPACE": str(workspace)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        for line in process.stderr:
            if "Uvicorn running" in line:
                return f"http://127.0.0.1:{port}"
        pytest.fail("uvicorn did not start")

    yield start
    for process in running:
        process.terminate()
        process.communicate(timeout=20)


def get(address):
    try:
        with urllib.request.urlopen(address, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_uvicorn_serves_a_workspace(serve, finished):
    address = serve(finished.root)

    assert get(f"{address}/livez") == (200, '{"status":"alive"}')
    assert get(f"{address}/readyz")[0] == 200
    assert "swagger" in get(f"{address}/docs")[1]
    customer = finished.outcome.predictions.table["customer_id"][0].as_py()
    status, body = get(f"{address}/v1/customers/{customer}")
    assert (status, json.loads(body)["customer_id"]) == (200, customer)


def test_without_a_workspace_it_starts_lives_and_says_why_it_is_not_ready(serve, tmp_path):
    address = serve(tmp_path / "nothing")

    assert get(f"{address}/livez")[0] == 200
    status, body = get(f"{address}/readyz")
    assert status == 503
    assert json.loads(body)["type"] == "/problems/not-ready"
    assert "clv run" in json.loads(body)["detail"]


def test_the_process_that_answers_imports_no_tracker_and_no_dashboard(tmp_path):
    code = (
        "import sys, clv.api.main; print([m for m in ('mlflow', 'streamlit') if m in sys.modules])"
    )
    started = time.monotonic()

    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "CLV_WORKSPACE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert process.stdout.strip() == "[]"
    assert time.monotonic() - started < 30

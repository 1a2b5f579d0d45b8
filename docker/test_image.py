"""The image and the compose file as they run: `make image-test`, with Docker or Podman.

Every container here is no one special, may write to its volume and to /tmp, and has given up
every capability, which is how it should run elsewhere too.
"""

from __future__ import annotations

import csv
import functools
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGINE = [str(ROOT / "docker/engine.sh")]
IMAGE = "clv-forecaster"
HARDENED = (
    *("--read-only", "--tmpfs", "/tmp", "--user", "10001"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
)
PORTS = {"api": 8000, "dashboard": 8501}
HEALTH = {"api": "/readyz", "dashboard": "/_stcore/health"}
LOG = "data/raw/simulated_shop.csv"
STOPPED_BY_FORCE = 137


def run(*command, **more):
    process = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    assert process.returncode == 0, f"{command}\n{process.stdout}\n{process.stderr}"
    return process.stdout.strip()


engine = functools.partial(run, *ENGINE)

IS_DOCKER = engine("--version").startswith("Docker")
PODMAN_COMPOSE = (
    *(str(ROOT / ".uv/bin/uv"), "tool", "run", "podman-compose==1.6.0"),
    *("--podman-path", *ENGINE),
)
PROJECT = f"clv-test-{uuid.uuid4().hex[:8]}"


def ask(address, body=None):
    """Status and JSON, or text, of an answer; None while nobody answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            status, content = response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, content = error.code, error.read().decode()
    except OSError:
        return None
    return status, json.loads(content) if content[:1] in "{[" else content


def until(seconds, answered, question):
    """Ask again and again until it is ``answered``."""
    end = time.monotonic() + seconds
    while not answered(answer := question()):
        assert time.monotonic() < end, f"after {seconds} s still {answer}"
        time.sleep(0.5)
    return answer


def is_ok(answer):
    return answer is not None and answer[0] == 200


def container(*words):
    return engine("run", "--rm", *HARDENED, *words)


@pytest.fixture
def name():
    """A name for a container, which is gone afterwards."""
    name = f"clv-test-{uuid.uuid4().hex[:8]}"
    yield name
    subprocess.run([*ENGINE, "rm", "--force", "--volumes", name], capture_output=True, check=False)


@pytest.fixture(scope="module")
def shop():
    """A volume with a whole run of a simulated shop in it."""
    volume = engine("volume", "create", f"clv-test-{uuid.uuid4().hex[:8]}")
    mount = ("--volume", f"{volume}:/workspace", IMAGE)
    container(*mount, "simulate", "--customers", "300")
    assert "300 customers are expected" in container(*mount, "pipeline", LOG)
    yield volume
    engine("volume", "rm", "--force", volume)


@pytest.fixture
def serve(name, shop):
    """Start a part beside the finished shop, which it may only read; answers its address."""

    def start(part):
        port = PORTS[part]
        mount = ("--volume", f"{shop}:/workspace:ro", "--publish", f"127.0.0.1::{port}")
        engine("run", "--detach", "--name", name, *HARDENED, *mount, IMAGE, part)
        address = f"http://{engine('port', name, f'{port}/tcp')}"
        until(120, is_ok, lambda: ask(address + HEALTH[part]))
        return address

    return start


def exit_code(name):
    return json.loads(engine("container", "inspect", name))[0]["State"]["ExitCode"]


def customer_of(log):
    rows = csv.DictReader(log.splitlines())
    return next(row["Customer ID"].removesuffix(".0") for row in rows if row["Customer ID"])


def test_there_is_nothing_inside_that_only_building_needs():
    names = (".git", ".venv", "online_retail_II*", "predictions.parquet", "clv.toml")
    paths = ("*/bin/uv", "*/bin/gcc", "*/bin/cc", "*/.cache/*", "/build", "/project")
    tests = [*(("-name", name) for name in names), *(("-path", path) for path in paths)]
    unwanted = [word for test in tests for word in ("-o", *test)]

    found = container(
        *("--user", "0", "--cap-add", "DAC_READ_SEARCH", "--entrypoint", "find", IMAGE, "/"),
        *("-xdev", "-not", "-path", "/proc/*", "(", *unwanted[1:], ")"),
    )

    assert found == ""


def test_its_user_is_a_number_that_owns_nothing_but_the_workspace():
    config = json.loads(engine("image", "inspect", IMAGE))[0]["Config"]
    script = "id -u; touch /x /opt/clv/x; find / -xdev -user 10001 -not -path '/proc/*'"
    process = subprocess.run(
        [*ENGINE, "run", "--rm", *HARDENED, "--entrypoint", "sh", IMAGE, "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )

    assert config["User"] == "10001:10001"
    assert process.stdout.split() == ["10001", "/workspace"]
    assert process.stderr.count("Read-only file system") == 2


def test_any_other_user_will_do():
    words = ("--user", "12345:12345", "--env", "CLV_WORKSPACE=/tmp/shop")

    said = container(*words, IMAGE, "simulate", "--customers", "60")

    assert "SIMULATED" in said


def test_the_api_answers_from_the_table_and_live(serve, shop):
    log = container("--volume", f"{shop}:/workspace:ro", "--entrypoint", "cat", IMAGE, LOG)
    predict = serve("api") + "/predict_clv"
    known = {"customer_ids": [customer_of(log)]}
    order = {"customer_id": "new", "date": "2011-11-01", "amount": 25.0}

    sources = [
        ask(predict, body)[1]["results"][0]["source"]
        for body in (known, known | {"horizon_days": 30}, {"transactions": [order]})
    ]

    assert sources == ["stored", "live", "live"]


def test_the_health_check_of_the_image_knows_the_api_from_a_dead_port(serve, name):
    serve("api")
    check = json.loads(engine("image", "inspect", IMAGE))[0]
    command = check["Config"].get("Healthcheck", check.get("Healthcheck"))["Test"]

    assert command == ["CMD", "healthy", ":8000/livez"]
    engine("exec", name, *command[1:])
    with pytest.raises(AssertionError, match="refused"):
        engine("exec", name, "healthy", ":8001/livez")


@pytest.mark.parametrize("part", PORTS)
def test_a_server_stops_in_time_when_it_is_told_to(serve, name, part):
    serve(part)

    engine("stop", "-t", "10", name)

    assert exit_code(name) != STOPPED_BY_FORCE


def test_a_pipeline_stops_in_time_and_leaves_nothing_half_written(name):
    script = f"clv simulate --customers 300 && exec entrypoint pipeline {LOG}"
    engine("run", "--detach", "--name", name, *HARDENED, "--entrypoint", "sh", IMAGE, "-c", script)
    until(
        60,
        lambda said: "backtest" in said,
        lambda: run("sh", "-c", f"{ENGINE[0]} logs {name} 2>&1"),
    )

    engine("stop", "-t", "10", name)

    assert exit_code(name) == 130


@pytest.fixture(scope="module")
def compose(tmp_path_factory):
    """The command of the compose file, for a project, a folder and ports of its own."""
    shop = tmp_path_factory.mktemp("shop")
    user = os.getuid() or 10001
    os.chown(shop, user, -1)
    (shop / "clv.toml").write_text(f'source = ["{LOG}"]\n', encoding="utf-8")
    volume = ("--user", f"{user}:{user}", "--volume", f"{shop}:/workspace")
    container(*volume, IMAGE, "simulate", "--customers", "300")
    ports = {f"{part.upper()}_PORT": str(free_port()) for part in (*PORTS, "mlflow")}
    chosen = {"CLV_SHOP": str(shop), "CLV_USER": f"{user}:{user}", **ports}
    with pytest.MonkeyPatch.context() as environment:
        for variable, value in chosen.items():
            environment.setenv(variable, value)
        tool = ("docker", "compose") if IS_DOCKER else PODMAN_COMPOSE
        file = str(ROOT / "docker/docker-compose.yml")
        compose = functools.partial(run, *tool, "--project-name", PROJECT, "--file", file)
        yield compose
        compose("down", "--volumes")


@pytest.fixture(scope="module")
def system(compose):
    """The addresses of the parts the compose file publishes, once all of them answer."""
    if IS_DOCKER:
        compose("up", "--detach")
    else:
        one_after_another(compose)
    addresses = {
        part: f"http://127.0.0.1:{os.environ[f'{part.upper()}_PORT']}"
        for part in (*PORTS, "mlflow")
    }
    for part, path in (HEALTH | {"mlflow": "/health"}).items():
        until(240, is_ok, lambda address=addresses[part] + path: ask(address))
    return addresses


def one_after_another(compose):
    """What `up` does, for a Podman that cannot wait for health: each part, then its own check."""
    for part in ("postgres", "mlflow", "pipeline", "api", "dashboard"):
        compose("up", "--detach", "--no-deps", part)
        labels = (f"project={PROJECT}", f"service={part}")
        filters = [word for label in labels for word in ("-f", f"label=com.docker.compose.{label}")]
        name = engine("ps", "--all", "--quiet", *filters)
        if part == "pipeline":
            assert engine("wait", name) == "0", engine("logs", name)
        else:
            check = [*ENGINE, "healthcheck", "run", name]
            until(180, lambda code: code == 0, lambda check=check: subprocess.call(check))


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_composed_the_api_answers_with_the_champion_of_an_mlflow_on_postgres(system, compose):
    log = Path(os.environ["CLV_SHOP"], LOG).read_text(encoding="utf-8")
    ready = ask(system["api"] + "/readyz")[1]
    alias = "/api/2.0/mlflow/registered-models/alias?name=clv&alias=champion"
    version = ask(system["mlflow"] + alias)[1]["model_version"]
    runs = "select count(*) from runs"

    answer = ask(system["api"] + "/predict_clv", {"customer_ids": [customer_of(log)]})[1]

    assert answer["results"][0]["source"] == "stored"
    assert answer["model"]["version"] == ready["model"]
    assert {"key": "digest", "value": ready["model"]} in version["tags"]
    query = ("exec", "-T", "postgres", "psql", "--username", "mlflow", "-tAc", runs)
    assert compose(*query) == "1"


@pytest.mark.parametrize("part", ["postgres", "mlflow", "api", "dashboard"])
def test_composed_no_part_is_root_or_may_write_outside_its_volumes(system, compose, part):
    script = "id -u; (echo > /x) 2>&1; grep CapEff /proc/self/status"
    said = compose("exec", "-T", part, "sh", "-c", script)

    user, refusal, capabilities = said.splitlines()
    assert int(user) > 0
    assert "Read-only file system" in refusal
    assert int(capabilities.split()[1], 16) == 0


def test_composed_the_pipeline_runs_again_and_the_api_follows(system, compose):
    def horizon():
        order = {"customer_id": "new", "date": "2011-11-01", "amount": 25.0}
        answer = ask(system["api"] + "/predict_clv", {"transactions": [order]})
        return answer[1]["results"][0]["horizon_days"]

    assert horizon() == 365

    compose("run", "--rm", "-T", "--no-deps", "pipeline", "pipeline", "--horizon-days", "91")

    assert horizon() == 91


def test_composed_a_stranger_by_name_is_refused_by_mlflow(system):
    request = urllib.request.Request(system["mlflow"] + "/", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(request, timeout=20)
    refused.value.close()

"""The logs the tests run on: a small simulated shop, and the real log where it is at hand."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clv.simulated_shop import simulate_log, write_log

if TYPE_CHECKING:
    from clv.pipeline.run import Outcome

REAL_LOG = Path(os.environ["CLV_SOURCE"]).resolve() if os.environ.get("CLV_SOURCE") else None


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    for name in [name for name in os.environ if name.startswith("CLV_")]:
        monkeypatch.delenv(name)
    # Seconds for each workspace; tests/store/mlflow turns it on.
    monkeypatch.setenv("CLV_MLFLOW_URI", "off")


@pytest.fixture(scope="session")
def shop():
    """A simulated shop of 300 customers: its log and the truth about it."""
    return simulate_log(customers=300, seed=7)


@pytest.fixture(scope="session")
def shop_log(shop, tmp_path_factory):
    """The raw log of that shop, as CSV."""
    return write_log(tmp_path_factory.mktemp("shop") / "simulated_shop.csv", shop.log)


@dataclasses.dataclass(frozen=True)
class Finished:
    root: Path
    log: Path
    outcome: Outcome
    told: list[str]


@pytest.fixture(scope="session")
def finished(shop_log, tmp_path_factory):
    """A workspace with a whole run of that log in it, for all tests that change nothing."""
    from runs import run_all

    root = tmp_path_factory.mktemp("finished")
    outcome, told = run_all(root, shop_log)
    return Finished(root, shop_log, outcome, told)


@pytest.fixture(scope="session")
def real_log():
    """The raw log of Online Retail II."""
    assert REAL_LOG is not None, "tests of the real log need CLV_SOURCE to name it"
    assert REAL_LOG.is_file(), f"CLV_SOURCE names {REAL_LOG}, which is not there"
    return REAL_LOG

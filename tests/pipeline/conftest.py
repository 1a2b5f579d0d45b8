"""A finished workspace of the small simulated shop, made once and copied for each test."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from runs import run_all

from clv.pipeline.run import Outcome
from clv.store.workspace import Workspace


@dataclasses.dataclass(frozen=True)
class Finished:
    root: Path
    log: Path
    outcome: Outcome
    told: list[str]


@pytest.fixture(scope="session")
def finished(shop_log, tmp_path_factory):
    root = tmp_path_factory.mktemp("finished")
    outcome, told = run_all(root, shop_log)
    return Finished(root, shop_log, outcome, told)


@pytest.fixture
def workspace(finished, tmp_path):
    root = tmp_path / "workspace"
    shutil.copytree(finished.root, root)
    return Workspace(root)

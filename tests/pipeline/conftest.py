"""A copy of the finished workspace for each test that changes one."""

from __future__ import annotations

import shutil

import pytest

from clv.store.workspace import Workspace


@pytest.fixture
def workspace(finished, tmp_path):
    root = tmp_path / "workspace"
    shutil.copytree(finished.root, root)
    return Workspace(root)

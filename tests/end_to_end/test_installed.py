"""The distribution as installed: its command runs, away from the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path


def test_the_installed_command_answers_from_any_folder(tmp_path):
    command = shutil.which("clv", path=str(Path(sys.executable).parent))
    assert command is not None

    process = subprocess.run(
        [command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert process.stdout == f"clv {metadata.version('clv-forecaster')}\n"
    assert process.stderr == ""


def test_the_package_imports_away_from_the_checkout(tmp_path):
    code = "import clv; print(clv.__all__[0], clv.TimeUnit.WEEK.days)"

    process = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert process.stdout == "ClvError 7\n"


def test_the_command_is_an_entry_point_of_the_distribution():
    points = metadata.distribution("clv-forecaster").entry_points

    assert {(point.name, point.value) for point in points} == {("clv", "clv.cli:main")}

"""A stored model answers as it did, and is refused once it was altered."""

from __future__ import annotations

import datetime as dt
import json
import shutil

import numpy as np
import pytest

from clv.checked import CustomerSummary
from clv.errors import IncompatibleArtifact, ModelNotFound
from clv.models.lifetime_value import LifetimeValue
from clv.periods import ObservationWindow
from clv.store import artifacts
from clv.store.workspace import Workspace


@pytest.fixture(scope="module")
def summary():
    rng = np.random.default_rng(5)
    age = rng.integers(100, 700, size=200).astype(float)
    frequency = rng.poisson(rng.gamma(0.6, 0.01, size=200) * age)
    mean = rng.gamma(6, 5, size=200)
    return CustomerSummary.from_arrays(
        ObservationWindow(dt.date(2022, 1, 1), dt.date(2024, 1, 1)),
        frequency=frequency,
        recency=np.where(frequency > 0, np.floor(age * rng.uniform(0.1, 1, size=200)), 0),
        age=age,
        purchase_days=frequency + 1,
        orders=frequency + 1,
        mean_day_value=mean,
        gross_value=mean * (frequency + 1),
        returned_value=0.1 * mean,
    )


@pytest.fixture(scope="module")
def model(summary):
    return LifetimeValue.fit(summary, "pareto-nbd")


@pytest.fixture
def stored(model, tmp_path):
    workspace = Workspace(tmp_path)
    with workspace.staging() as stage:
        digest, names = artifacts.save(stage, model, {"model": "pareto-nbd"})
        stage.publish("train", "key", names)
    return workspace, digest


def test_a_stored_model_is_equal_and_answers_the_same(stored, model, summary):
    again = artifacts.load(*stored)

    assert again == model
    assert np.array_equal(again.expected_value(summary, 91), model.expected_value(summary, 91))


def test_the_same_fit_is_the_same_folder_and_another_is_another(stored, model, summary):
    workspace, digest = stored

    with workspace.staging() as stage:
        same, _ = artifacts.save(stage, model, {"model": "pareto-nbd", "note": "other facts"})
        other, _ = artifacts.save(stage, LifetimeValue.fit(summary, "pareto-nbd", prior=False), {})

    assert same == digest
    assert other != digest


def test_nothing_in_a_stored_model_is_code(stored):
    workspace, digest = stored

    names = {path.name for path in workspace.path(f"models/{digest}").iterdir()}

    assert names == {"model.json", "manifest.json"}
    assert all(json.loads(workspace.path(f"models/{digest}/{name}").read_text()) for name in names)


def test_a_promoted_model_answers(stored):
    workspace, digest = stored
    with pytest.raises(ModelNotFound, match="clv run"):
        artifacts.champion(workspace)

    artifacts.promote(workspace, digest)

    assert artifacts.champion(workspace) == digest


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (shutil.rmtree, ModelNotFound),
        (lambda folder: _alter(folder / "model.json", '"r": ', '"r": 1'), IncompatibleArtifact),
        (lambda folder: (folder / "manifest.json").unlink(), IncompatibleArtifact),
        (lambda folder: (folder / "manifest.json").write_text("{"), IncompatibleArtifact),
        (
            lambda folder: _alter(
                folder / "manifest.json", f'"format": {artifacts.FORMAT}', '"format": 99'
            ),
            IncompatibleArtifact,
        ),
    ],
)
def test_an_altered_model_is_refused_and_the_champion_stays(stored, damage, error):
    workspace, digest = stored
    artifacts.promote(workspace, digest)
    damage(workspace.path(f"models/{digest}"))

    with pytest.raises(error):
        artifacts.promote(workspace, digest)

    assert artifacts.champion(workspace) == digest


def _alter(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

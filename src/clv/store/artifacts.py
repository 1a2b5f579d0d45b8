"""A fitted model as a folder of plain files: ``models/<digest>/``, and which one answers.

The digest is that of the model's own numbers, so the same fit is the same folder. The file
``models/champion`` holds the digest of the model that answers; readers watch only that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clv.errors import IncompatibleArtifact, ModelNotFound
from clv.store.workspace import Stage, Workspace

if TYPE_CHECKING:
    from clv.models.lifetime_value import LifetimeValue

FORMAT = 4
CHAMPION = "models/champion"
FILES = ("model.json", "manifest.json")


def save(stage: Stage, model: LifetimeValue, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Stage ``model`` with a manifest of ``facts``; returns its digest and the file names."""
    text = json.dumps(model.to_dict(), indent=1, sort_keys=True, allow_nan=False)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    names = [f"models/{digest}/{name}" for name in FILES]
    stage.path(names[0]).write_text(text, encoding="utf-8")
    manifest = {"format": FORMAT, "digest": digest, "name": model.name, **facts}
    stage.write_json(names[1], manifest)
    return digest, names


def load(workspace: Workspace, digest: str) -> LifetimeValue:
    """The model stored under ``digest``.

    Raises:
        ModelNotFound: there is none.
        IncompatibleArtifact: it was written by another format, or was altered since.
    """
    return read(workspace.path(f"models/{digest}"))


def read(folder: Path) -> LifetimeValue:
    """The model in a folder, which may lie anywhere as long as it is named by the digest.

    Raises:
        ModelNotFound, IncompatibleArtifact: as :func:`load`.
    """
    from clv.models.lifetime_value import LifetimeValue

    path, digest = folder / "model.json", folder.name
    if not path.is_file():
        raise ModelNotFound(
            f"model {digest}", folder.parent, next_step="Run `clv run`; it trains one."
        )
    if _manifest(folder).get("format") != FORMAT:
        raise IncompatibleArtifact(
            path,
            f"its manifest does not say format {FORMAT}, which this version reads.",
            next_step="Train it again with this version.",
        )
    text = path.read_text(encoding="utf-8")
    if hashlib.sha256(text.encode()).hexdigest()[:16] != digest:
        raise IncompatibleArtifact(
            path, "its content is not what its digest says.", next_step="Train it again."
        )
    return LifetimeValue.from_dict(json.loads(text))


def manifest(workspace: Workspace, digest: str) -> dict[str, Any]:
    """What was noted when the model was stored; empty where that cannot be read."""
    return _manifest(workspace.path(f"models/{digest}"))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def promote(workspace: Workspace, digest: str) -> None:
    """Let the model under ``digest`` answer, in one atomic step, once it can be read.

    Raises:
        ModelNotFound, IncompatibleArtifact: the pointer stays where it was.
    """
    load(workspace, digest)
    with workspace.staging() as stage:
        stage.path(CHAMPION).write_text(f"{digest}\n", encoding="utf-8")
        stage.move([CHAMPION])


def champion(workspace: Workspace) -> str:
    """The digest of the model that answers.

    Raises:
        ModelNotFound: none was promoted yet.
    """
    if not workspace.is_file(CHAMPION):
        raise ModelNotFound(
            "champion",
            workspace.path("models"),
            next_step="Run `clv run`, or `clv promote` a model that is here.",
        )
    return workspace.path(CHAMPION).read_text(encoding="utf-8").strip()

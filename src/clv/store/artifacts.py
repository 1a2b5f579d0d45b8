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
    digest = _digest(text)
    names = [f"models/{digest}/{name}" for name in FILES]
    stage.path(names[0]).write_text(text, encoding="utf-8")
    manifest = {"format": FORMAT, "digest": digest, "name": model.name, **facts}
    stage.write_json(names[1], manifest)
    return digest, names


def load(workspace: Workspace, digest: str) -> LifetimeValue:
    return read(workspace.path(f"models/{digest}"))


def read(folder: Path) -> LifetimeValue:
    """The model in a folder, which may lie anywhere as long as it is named by the digest.

    Raises:
        ModelNotFound: there is none.
        IncompatibleArtifact: it was written by another format, or was altered since.
    """
    from clv.models.lifetime_value import LifetimeValue

    path, digest = folder / "model.json", folder.name
    if not path.is_file():
        step = "Run `clv run`; it trains one."
        raise ModelNotFound(f"model {digest}", folder.parent, next_step=step)
    text = path.read_text(encoding="utf-8")
    if _manifest(folder).get("format") != FORMAT:
        problem = f"its manifest does not say format {FORMAT}, which this version reads."
    elif _digest(text) != digest:
        problem = "its content is not what its digest says."
    else:
        return LifetimeValue.from_dict(json.loads(text))
    raise IncompatibleArtifact(path, problem, next_step="Train it again with this version.")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def manifest(workspace: Workspace, digest: str) -> dict[str, Any]:
    """What was noted when the model was stored; empty where that cannot be read."""
    return _manifest(workspace.path(f"models/{digest}"))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def promote(workspace: Workspace, digest: str) -> None:
    """Let the model under ``digest`` answer, in one atomic step, once it can be read."""
    load(workspace, digest)
    with workspace.staging() as stage:
        stage.path(CHAMPION).write_text(f"{digest}\n", encoding="utf-8")
        stage.move([CHAMPION])


def champion(workspace: Workspace) -> str:
    if not workspace.is_file(CHAMPION):
        raise ModelNotFound(
            "champion",
            workspace.path("models"),
            next_step="Run `clv run`: it makes one, or says what the log lacks for it.",
        )
    return workspace.path(CHAMPION).read_text(encoding="utf-8").strip()

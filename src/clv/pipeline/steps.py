"""What every verb shares: how it tells where it is, and how it knows its work is done."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from clv.store.workspace import Workspace, file_digest, key_of

Tell = Callable[[str], None]


@cache
def code_digest() -> str:
    """A digest of this package's own source, texts included: another version computes anew."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    own = (path for path in root.rglob("*") if path.suffix in {".py", ".toml", ".html"})
    for path in sorted(own):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def step_key(workspace: Workspace, *names: str, **facts: object) -> str:
    """What a step depends on: its code, the files it reads, where they are there, and ``facts``."""
    read = {name: file_digest(path) for name in names if (path := workspace.path(name)).is_file()}
    return key_of(code=code_digest(), read=read, **facts)

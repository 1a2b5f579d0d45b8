"""The service of a workspace as it is now; a new champion is taken over while the old answers."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from clv.errors import ClvError, IncompatibleArtifact
from clv.store import artifacts
from clv.store import workspace as files
from clv.store.workspace import Workspace

if TYPE_CHECKING:
    from clv.service import Service

logger = logging.getLogger(__name__)


class LiveService:
    """The service of a workspace, exchanged for a new one when the files behind it change.

    The old one answers meanwhile, and goes on where the new one fails. Safe to share between
    threads.
    """

    WATCHED = (artifacts.CHAMPION, files.PREDICTIONS)

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._lock = threading.Lock()
        self._seen: object = None
        self._service: Service | None = None
        self._refusal: ClvError | None = None

    def current(self) -> Service:
        """The service that answers now.

        Raises:
            NothingStored, IncompatibleArtifact: none ever could, and why the last one could not.
        """
        seen = [_stamp(self.workspace.path(name)) for name in self.WATCHED]
        # Whoever comes while another loads waits only if nobody can answer yet.
        if seen != self._seen and self._lock.acquire(blocking=self._service is None):
            try:
                if seen != self._seen:
                    self._exchange()
                    self._seen = seen
            finally:
                self._lock.release()
        if self._service is None:
            assert self._refusal is not None
            raise self._refusal.with_traceback(None)
        return self._service

    def _exchange(self) -> None:
        from clv.service import Service

        root = self.workspace.root
        try:
            service = Service.open(self.workspace)
            service.trial()
        except ClvError as error:
            logger.warning("%s: whoever answered goes on, for %s", root, error)
            self._refusal = error
        except Exception as error:
            logger.exception("%s: whoever answered goes on", root)
            self._refusal = IncompatibleArtifact(
                root, f"its files cannot be read: {error!r}.", next_step="Run `clv run` again."
            )
        else:
            self._service = service
            logger.info("%s: model %s answers from now on", root, service.terms.model_version)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever a file is replaced; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size

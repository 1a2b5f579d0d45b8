"""Settings turned into what the pipeline asks for: the one place that knows both."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from clv.data import download
from clv.data.preprocess import Cleaning
from clv.data.sources import Source
from clv.data.sources.online_retail import ONLINE_RETAIL
from clv.data.sources.order_log import order_log
from clv.errors import ClvError, IncompatibleArtifact, SettingsError, SourceUnreadable
from clv.pipeline.ingest import Log
from clv.pipeline.predict import Ask
from clv.pipeline.steps import Tell
from clv.settings import Settings
from clv.simulated_shop import simulate_log, write_log
from clv.store import artifacts
from clv.store import workspace as files
from clv.store.workspace import Workspace

if TYPE_CHECKING:
    from clv.service import Service

RAW = "data/raw"
LOG_NAME = "online_retail_II"
SIMULATED_LOG = f"{RAW}/simulated_shop.csv"

COLUMNS = ("customer_id", "date", "amount", "order_id", "country", "currency_column")

Progress = Callable[[int, int], None]

logger = logging.getLogger(__name__)


def workspace(settings: Settings) -> Workspace:
    return Workspace(settings.workspace)


def ask(settings: Settings) -> Ask:
    return Ask(
        horizon_days=settings.horizon_days,
        churn_window_days=settings.churn_window_days,
        discount_rate=settings.discount_rate,
        margin=settings.margin,
    )


def log(settings: Settings, today: dt.date, tell: Tell, progress: Progress) -> Log:
    """The raw log the settings name; else Online Retail II from disk, the network or thin air.

    Raises:
        SettingsError: only some of the three columns of an order log are named.
        SourceUnreadable, WorkspaceUnwritable: a download that does not hold what it should.
    """
    paths = settings.source or _online_retail(settings, tell, progress)
    source = _source(settings)
    return Log(
        paths=paths,
        source=source,
        cleaning=Cleaning(
            anonymous_as=settings.anonymous_as,
            goods_only=settings.goods_only,
            keep_duplicates=settings.keep_duplicates,
            hash_emails=settings.hash_emails,
        ),
        today=today,
        net=settings.basis == "net",
        observation_end=settings.observation_end,
        currency=settings.currency or source.currency,
        rates=settings.rates,
        simulated=any("simulated" in path.name.lower() for path in paths),
    )


def _source(settings: Settings) -> Source:
    if not any(getattr(settings, name) for name in COLUMNS):
        known = ONLINE_RETAIL
    elif not (settings.customer_id and settings.date and settings.amount):
        raise SettingsError(
            "customer_id, date, amount",
            "an order log needs all three columns named.",
            next_step="Give --customer-id, --date and --amount.",
        )
    else:
        known = order_log(
            customer_id=settings.customer_id,
            date=settings.date,
            amount=settings.amount,
            order_id=settings.order_id,
            country=settings.country,
            currency_column=settings.currency_column,
        )
    return dataclasses.replace(
        known,
        date_format=settings.date_format,
        decimal_mark=settings.decimal_mark,
        encoding=settings.encoding,
    )


def _online_retail(settings: Settings, tell: Tell, progress: Progress) -> tuple[Path, ...]:
    raw = settings.workspace / RAW
    found = sorted(raw.glob(f"{LOG_NAME}.*"))
    for suffix in (".csv", ".csv.gz", ".parquet", ".zip", ".xlsx"):
        if raw / f"{LOG_NAME}{suffix}" in found:
            return (raw / f"{LOG_NAME}{suffix}",)
    tell("downloading Online Retail II")
    try:
        target = raw / f"{LOG_NAME}.zip"
        return (
            download.fetch(
                download.URL,
                target,
                sha256=download.SHA256,
                size=download.SIZE,
                progress=progress,
            ),
        )
    except SourceUnreadable as error:
        tell(f"{error}")
        return (_simulated(settings, tell),)


def _simulated(settings: Settings, tell: Tell) -> Path:
    path = settings.workspace / SIMULATED_LOG
    if not path.is_file():
        tell("simulating a shop instead: SIMULATED, its customers do not exist")
        write_log(path, simulate_log().log)
    return path


class LiveService:
    """The service of a workspace, exchanged for a new one when the files behind it change.

    The new one is loaded and tried beside the old one, which answers meanwhile, and goes on
    answering where the new one fails. Safe to share between threads.
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
        seen = self._stamps()
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

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        """What changes whenever a watched file is replaced; None where there is none."""
        return [_stamp(self.workspace.path(name)) for name in self.WATCHED]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size

"""Settings turned into what the pipeline asks for: the one place that knows both."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

from clv.data import download, load
from clv.data.download import Progress
from clv.data.preprocess import Cleaning
from clv.data.sources import Source
from clv.data.sources.online_retail import ONLINE_RETAIL
from clv.data.sources.order_log import COLUMNS, order_log
from clv.data.sources.recognize import EXPORTS, Parts, recognize, source_of
from clv.errors import SettingsError, SourceUnreadable
from clv.pipeline.ingest import Log
from clv.pipeline.predict import Ask
from clv.pipeline.steps import Tell
from clv.settings import FILE, Settings, as_toml
from clv.simulated_shop import simulate_log, write_log
from clv.store import parquet
from clv.store import workspace as files
from clv.store.mlflow.recorder import SQLITE, Tracking
from clv.store.workspace import Workspace

RAW = "data/raw"
LOG_NAME = "online_retail_II"
SIMULATED_LOG = f"{RAW}/simulated_shop.csv"


def workspace(settings: Settings) -> Workspace:
    return Workspace(settings.workspace)


def tracking(settings: Settings) -> Tracking | None:
    """Where trainings are recorded: a file of the workspace by default, None if nowhere."""
    root = settings.workspace.absolute()
    uri = settings.mlflow_uri or f"{SQLITE}{root / 'mlflow.db'}"
    if uri == "off":
        return None
    is_server = uri.startswith(("http://", "https://"))
    return Tracking(uri, None if is_server else root / "mlartifacts")


def now() -> dt.datetime:
    """The moment in UTC, as tables write it."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def ask(settings: Settings) -> Ask:
    return Ask(**_of(settings, Ask))


def _of(settings: Settings, kind: type[Ask | Cleaning]) -> dict[str, Any]:
    """The settings that are fields of ``kind``, which has them under the same names."""
    return settings.model_dump(include={field.name for field in dataclasses.fields(kind)})


def log(settings: Settings, today: dt.date, tell: Tell, progress: Progress) -> Log:
    """The raw log the settings name; else Online Retail II from disk, the network or thin air."""
    paths = settings.source or _online_retail(settings, tell, progress)
    source = source_of_log(settings)
    if source.export is not None:
        tell(f"recognized a {source.export.title}")
    return Log(
        paths=paths,
        source=source,
        cleaning=Cleaning(**_of(settings, Cleaning)),
        today=today,
        net=settings.basis == "net",
        observation_end=settings.observation_end,
        currency=settings.currency or source.currency,
        rates=settings.rates,
        calendar=settings.calendar,
        simulated=any(map(_is_simulated, paths)),
    )


def source_of_log(settings: Settings) -> Source:
    """How to read the log the settings name, by its headers where they do not say."""
    named = {name: getattr(settings, name) for name in COLUMNS}
    is_named = any(named.values())
    if is_named and not (settings.customer_id and settings.date and settings.amount):
        raise SettingsError(
            "customer_id, date, amount",
            "an order log needs all three columns named.",
            next_step="Give --customer-id, --date and --amount.",
        )
    parts = load.header_rows(settings.source, settings.encoding)
    if is_named:
        _refuse_names_no_export_has(settings, parts)
        known = order_log(**named)
    else:
        kind = settings.kind or recognize(parts) if parts else None
        inside = settings.with_tax_and_shipping
        known = source_of(kind or ONLINE_RETAIL.name, parts, with_tax_and_shipping=inside)
    return dataclasses.replace(
        known,
        date_format=settings.date_format,
        decimal_mark=settings.decimal_mark,
        encoding=settings.encoding,
    )


def _refuse_names_no_export_has(settings: Settings, parts: Parts) -> None:
    named = {settings.customer_id, settings.date, settings.amount}
    if all(named <= set(header) for _, header in parts):
        return
    if (kind := recognize(parts)) in EXPORTS:
        raise SettingsError(
            "customer_id, date, amount",
            f"this is an export of {str(kind).title()}, which is read as it is.",
            next_step="Leave --customer-id, --date and --amount out.",
        )


def remember(settings: Settings, source: Source) -> Path | None:
    """Write `clv.toml` with the recognized export; None where there is one, or none was."""
    if source.name not in EXPORTS or settings.source == () or workspace(settings).is_file(FILE):
        return None
    return write_settings(settings, source)


def write_settings(settings: Settings, source: Source | None) -> Path:
    """Write `clv.toml` with what differs from its default, and the recognized kind."""
    place = workspace(settings)
    if place.is_file(FILE):
        raise SettingsError(
            FILE,
            f"{place.path(FILE)} is there already and stays as it is.",
            next_step="Edit it, or remove it and ask again.",
        )
    given = settings.model_dump(exclude_defaults=True, exclude={"workspace"})
    if settings.source:
        given["source"] = tuple(path.absolute() for path in settings.source)
    for name in {"rates", "calendar"} & given.keys():
        given[name] = given[name].absolute()
    if source is not None and source.name in EXPORTS:
        given["kind"] = source.name
    with place.staging() as stage:
        stage.path(FILE).write_text(as_toml(given), encoding="utf-8")
        stage.move([FILE])
    return place.path(FILE)


def _online_retail(settings: Settings, tell: Tell, progress: Progress) -> tuple[Path, ...]:
    raw = settings.workspace / RAW
    for suffix in (".csv", ".csv.gz", ".parquet", ".zip", ".xlsx"):
        if (path := raw / f"{LOG_NAME}{suffix}").exists():
            return (path,)
    tell("downloading Online Retail II")
    target, digest, size = raw / f"{LOG_NAME}.zip", download.SHA256, download.SIZE
    try:
        path = download.fetch(download.URL, target, sha256=digest, size=size, progress=progress)
    except SourceUnreadable as error:
        place = workspace(settings)
        if place.is_file(files.SUMMARY) and not is_simulated(place):
            raise SettingsError(
                "source",
                f"no log is named, and this folder holds the tables of a real shop. {error}",
                next_step="Name the log: clv run FILE, or CLV_SOURCE. Nothing was replaced.",
            ) from error
        tell(f"{error}")
        path = place.path(SIMULATED_LOG)
        if not path.is_file():
            tell("simulating a shop instead: SIMULATED, its customers do not exist")
            write_log(path, simulate_log().log)
    return (path,)


def _is_simulated(path: Path) -> bool:
    """Whether a raw log is of `clv simulate`, by its name or by the truth beside it."""
    return "simulated" in path.name.lower() or path.with_suffix(".truth.csv").is_file()


def is_simulated(place: Workspace) -> bool:
    """Whether the tables in a workspace are of a shop that does not exist."""
    return parquet.facts_of(place.path(files.SUMMARY)).get("simulated") == "true"

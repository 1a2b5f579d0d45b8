"""Raw file to raw table; the only module that opens a shop's files.

Every value arrives as text under its raw name, so that what cannot be read is reported by
``clv.data.preprocess`` with its row and value rather than guessed at by a reader.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import gzip
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import fastexcel
import ibis
import pyarrow as pa

from clv.data.engine import hold
from clv.data.sources import Source
from clv.errors import SourceUnreadable

RAW_NAMES = (
    "invoice",
    "stock_code",
    "description",
    "quantity",
    "invoice_date",
    "unit_price",
    "amount",
    "customer_id",
    "country",
    "currency",
)
SUFFIXES = (".csv", ".csv.gz", ".zip", ".xlsx", ".parquet")
_EXPECTED = f"Give one of: {', '.join(SUFFIXES)}."


@dataclasses.dataclass(frozen=True)
class RawFile:
    """One readable part of a log (a file, a sheet, a member of a zip) as a table of text."""

    label: str
    table: ibis.Table


def digest(paths: Sequence[Path]) -> list[dict[str, object]]:
    """Name, size and SHA-256 of each file, in the order given."""
    return [
        {"file": path.name, "bytes": path.stat().st_size, "sha256": _sha256(path)} for path in paths
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_files(paths: Sequence[Path]) -> None:
    """Refuse what is missing, empty or of an unknown kind before anything is computed."""
    if not paths:
        raise SourceUnreadable("source", "no file was given.", next_step=_EXPECTED)
    for path in paths:
        if not path.is_file():
            problem = "is a folder, not a file." if path.is_dir() else "there is no such file."
            raise SourceUnreadable(path, problem, next_step="Check the path.")
        if path.stat().st_size == 0:
            raise SourceUnreadable(path, "the file is empty.", next_step="Export it again.")
        if not path.name.lower().endswith(SUFFIXES):
            raise SourceUnreadable(path, "this kind of file is not known.", next_step=_EXPECTED)


def load(connection: Any, paths: Sequence[Path], source: Source, scratch: Path) -> list[RawFile]:
    """The parts of the log in ``paths``, each with every raw name, unknown ones null.

    ``scratch`` is a folder for what a zip holds. Nothing is computed yet; run what follows
    inside :func:`reading`, which turns the engine's complaints into ours.

    Raises:
        SourceUnreadable: a file is missing, empty, damaged, of an unknown kind or encoding,
            or lacks a column.
    """
    require_files(paths)
    parts: list[RawFile] = []
    for path in paths:
        parts.extend(_parts(connection, path, source, scratch))
    return parts


@contextlib.contextmanager
def reading(paths: Sequence[Path]) -> Iterator[None]:
    """Turn the engine's error about a file into one that says what to do."""
    try:
        yield
    except duckdb.Error as cause:
        message = str(cause)
        path = next((str(path) for path in paths if path.name in message), str(paths[0]))
        if "GZIP" in message:
            problem, step = "the compressed file ends too early.", "Download or copy it again."
        elif "unicode" in message.lower() or "utf-8" in message.lower():
            problem = "the file is not UTF-8 text."
            step = "Say what it is with --encoding latin-1 (or utf-16), or save it as UTF-8."
        elif line := re.search(r"CSV Error on Line: (\d+)\n(?:Original Line:(.*)\n)?(.*)", message):
            problem = f"line {line[1]} cannot be read: {line[3].strip()}."
            step = f"The line reads: {(line[2] or '').strip()[:120]!r}. Correct it or export again."
        else:
            raise
        raise SourceUnreadable(path, problem, next_step=step) from cause


def _parts(connection: Any, path: Path, source: Source, scratch: Path) -> Iterator[RawFile]:
    name = path.name.lower()
    if name.endswith(".zip"):
        for member in _unzipped(path, scratch):
            yield from _parts(connection, member, source, scratch)
    elif name.endswith(".xlsx"):
        yield from _sheets(connection, path, source)
    elif name.endswith(".parquet"):
        with _as_unreadable(path, "a Parquet file"):
            table = connection.read_parquet(str(path))
        texts = table.select(**{header: table[header].cast("string") for header in table.columns})
        yield RawFile(path.name, _raw(texts, source, path))
    else:
        yield RawFile(path.name, _csv(connection, path, source))


def _csv(connection: Any, path: Path, source: Source) -> ibis.Table:
    line = _first_line(path, source.encoding)
    delimiter = max(",;\t|", key=line.count)
    header = next(csv.reader(io.StringIO(line), delimiter=delimiter))
    _require_headers(header, source, path)
    table = connection.read_csv(
        str(path),
        columns=dict.fromkeys(header, "VARCHAR"),
        delim=delimiter,
        quote='"',
        escape='"',
        encoding=source.encoding,
    )
    return _raw(table, source, path)


def _first_line(path: Path, encoding: str) -> str:
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            stream: BinaryIO = file  # type: ignore[assignment]
            encoding = "utf-8-sig" if encoding == "utf-8" else encoding
            return io.TextIOWrapper(stream, encoding=encoding, newline=None).readline().rstrip("\n")
    except (OSError, EOFError) as cause:
        raise SourceUnreadable(
            path, f"cannot be opened: {cause}.", next_step="Download or copy it again."
        ) from cause
    except UnicodeError as cause:
        raise SourceUnreadable(
            path,
            f"the file is not {encoding.removesuffix('-sig').upper()} text.",
            next_step="Say what it is with --encoding latin-1 (or utf-16), or save it as UTF-8.",
        ) from cause


def _sheets(connection: Any, path: Path, source: Source) -> Iterator[RawFile]:
    with _as_unreadable(path, "a workbook"):
        workbook = fastexcel.read_excel(path)
        sheets = {name: workbook.load_sheet(name, dtypes="string") for name in workbook.sheet_names}
    known = {
        name: sheet
        for name, sheet in sheets.items()
        if not _missing([column.name for column in sheet.available_columns()], source)
    }
    if not known:
        headers = [column.name for column in next(iter(sheets.values())).available_columns()]
        _require_headers(headers, source, path)
    for name, sheet in known.items():
        rows = pa.Table.from_batches([sheet.to_arrow()])
        table = hold(connection, rows)
        yield RawFile(f"{path.name}, sheet {name}", _raw(table, source, path))


def _unzipped(path: Path, scratch: Path) -> Iterator[Path]:
    with _as_unreadable(path, "a zip file"), zipfile.ZipFile(path) as archive:
        members = [
            member
            for member in archive.namelist()
            if member.lower().endswith(SUFFIXES) and not member.startswith("__MACOSX")
        ]
        if not members:
            raise SourceUnreadable(path, "holds no order log.", next_step=_EXPECTED)
        for member in members:
            yield Path(archive.extract(member, scratch))


@contextlib.contextmanager
def _as_unreadable(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, fastexcel.FastExcelError, duckdb.Error) as cause:
        raise SourceUnreadable(
            path, f"cannot be read as {kind}: {cause}.", next_step="Download or export it again."
        ) from cause


def _raw(table: ibis.Table, source: Source, path: Path) -> ibis.Table:
    """The table under raw names; columns nobody asked for become ``rest`` where they count."""
    _require_headers(table.columns, source, path)
    found = {}
    for raw in RAW_NAMES:
        header = next((h for h in source.headers.get(raw, ()) if h in table.columns), None)
        found[raw] = ibis.null("string") if header is None else table[header].nullif("")
    others = [
        h for h in table.columns if h not in {h for hs in source.headers.values() for h in hs}
    ]
    rest = ibis.null("string")
    if source.identity and others:
        rest = ibis.literal("\x1f").join([table[header].fill_null("") for header in others])
    return table.select(**found, rest=rest)


def _missing(header: Sequence[str], source: Source) -> list[str]:
    return [
        " or ".join(source.headers[raw])
        for raw in source.required
        if not set(source.headers[raw]) & set(header)
    ]


def _require_headers(header: Sequence[str], source: Source, path: Path) -> None:
    missing = _missing(header, source)
    if missing:
        raise SourceUnreadable(
            path,
            f"no column {', '.join(missing)}; the columns are: {', '.join(header)}.",
            next_step="Name the columns of your log with --customer-id, --date and --amount.",
        )

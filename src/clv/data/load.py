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
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import duckdb
import fastexcel
import ibis
import pyarrow as pa
import pyarrow.parquet as pq

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
ORDER_FACTS = (
    "status",
    "cancelled_at",
    "refunded",
    "refunded_at",
    "tax",
    "shipping",
    "payment_method",
    "tags",
    "mode",
    "captured",
)
SUFFIXES = (".csv", ".csv.gz", ".zip", ".xlsx", ".parquet")
_EXPECTED = f"Give one of: {', '.join(SUFFIXES)}."
_AGAIN = "Export it, copy it or download it again."
_ENCODING = "Say what it is with --encoding latin-1 (or utf-16), or save it as UTF-8."


@dataclasses.dataclass(frozen=True)
class RawFile:
    """One readable part of a log (a file, a sheet, a member of a zip) as a table of text.

    ``headers`` is what the part itself calls each raw name; ``path`` is the file on disk.
    """

    label: str
    path: Path
    headers: Mapping[str, str]
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

    ``scratch`` is an existing folder for what a zip holds. Nothing is computed yet; run what
    follows inside :func:`reading`, which turns the engine's complaints into ours.

    Raises:
        SourceUnreadable: a file is missing, empty, damaged, of an unknown kind or encoding,
            or lacks a column.
    """
    require_files(paths)
    parts: list[RawFile] = []
    for path in paths:
        parts.extend(_parts(connection, path, str(path), source, scratch))
    return parts


def header_rows(paths: Sequence[Path], encoding: str) -> list[tuple[str, list[str]]]:
    """The label and the column names of each part of a log, read without the rest of it.

    Raises:
        SourceUnreadable: a file is missing, empty, damaged, or of an unknown kind or encoding.
    """
    require_files(paths)
    with tempfile.TemporaryDirectory() as scratch:
        return [row for path in paths for row in _headers(path, str(path), encoding, Path(scratch))]


def _headers(
    path: Path, label: str, encoding: str, scratch: Path
) -> Iterator[tuple[str, list[str]]]:
    name = path.name.lower()
    if name.endswith(".zip"):
        for member in _unzipped(path, label, scratch):
            yield from _headers(member, f"{label}, {member.name}", encoding, member.parent)
    elif name.endswith(".xlsx"):
        with _as_unreadable(label, "a workbook"):
            workbook = fastexcel.read_excel(path)
            for sheet in workbook.sheet_names:
                columns = workbook.load_sheet(sheet, n_rows=0).available_columns()
                yield f"{label}, sheet {sheet}", [column.name for column in columns]
    elif name.endswith(".parquet"):
        with _as_unreadable(label, "a Parquet file"):
            yield label, pq.read_schema(path).names
    else:
        yield label, _split(_first_line(path, label, encoding))[0]


@contextlib.contextmanager
def reading(parts: Sequence[RawFile], source: Source) -> Iterator[None]:
    """Turn the engine's error about a part into one that says what to do."""
    try:
        yield
    except duckdb.Error as cause:
        message = str(cause)
        first = parts[0].label
        label = next((part.label for part in parts if str(part.path) in message), first)
        if "format specifier" in message:
            problem = f"dates cannot be read in the form {source.date_format!r}."
            step = "Write it like this: --date-format '%d/%m/%Y %H:%M'."
        elif "GZIP" in message or "gzip" in message:
            problem, step = "the compressed file ends too early or is damaged.", _AGAIN
        elif "unicode" in message.lower() or "utf-8" in message.lower():
            problem, step = f"the file is not {source.encoding.upper()} text.", _ENCODING
        elif line := re.search(r"CSV Error on Line: (\d+)\n(?:Original Line:(.*)\n)?(.*)", message):
            counted = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", line[3])
            problem = f"line {int(line[1]):,} cannot be read; a quotation mark may be left open."
            if counted:
                problem = f"line {int(line[1]):,} has {counted[2]} values for {counted[1]} columns."
            step = (
                f"It reads {(line[2] or '').strip()[:120]!r}. Correct it, or export the log again."
            )
        else:
            raise
        raise SourceUnreadable(label, problem, next_step=step) from cause


def _parts(
    connection: Any, path: Path, label: str, source: Source, scratch: Path
) -> Iterator[RawFile]:
    name = path.name.lower()
    if name.endswith(".zip"):
        for member in _unzipped(path, label, scratch):
            inner = f"{label}, {member.name}"
            yield from _parts(connection, member, inner, source, member.parent)
    elif name.endswith(".xlsx"):
        yield from _sheets(connection, path, label, source)
    elif name.endswith(".parquet"):
        with _as_unreadable(label, "a Parquet file"):
            table = connection.read_parquet(str(path))
        texts = table.select(**{header: table[header].cast("string") for header in table.columns})
        yield _raw(texts, source, path, label)
    else:
        yield _raw(_csv(connection, path, label, source), source, path, label)


def _csv(connection: Any, path: Path, label: str, source: Source) -> ibis.Table:
    header, delimiter = _split(_first_line(path, label, source.encoding))
    require_headers(header, source, label)
    return connection.read_csv(
        str(path),
        columns=dict.fromkeys(header, "VARCHAR"),
        header=True,
        delim=delimiter,
        quote='"',
        escape='"',
        encoding=source.encoding,
    )


def _split(line: str) -> tuple[list[str], str]:
    """The names in a header line, and what separates them."""
    delimiter = max(",;\t|", key=line.count)
    return next(csv.reader(io.StringIO(line), delimiter=delimiter), []), delimiter


def _first_line(path: Path, label: str, encoding: str) -> str:
    opener: Callable[..., IO[Any]] = gzip.open if path.suffix.lower() == ".gz" else open
    marked = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        with opener(path, "rt", encoding=marked) as file:
            return str(file.readline()).rstrip("\n")
    except (OSError, EOFError, zlib.error) as cause:
        problem = "it cannot be opened, or is not the compressed file its name says."
        raise SourceUnreadable(label, problem, next_step=_AGAIN) from cause
    except UnicodeError as cause:
        problem = f"the file is not {encoding.upper()} text."
        raise SourceUnreadable(label, problem, next_step=_ENCODING) from cause


def _sheets(connection: Any, path: Path, label: str, source: Source) -> Iterator[RawFile]:
    with _as_unreadable(label, "a workbook"):
        workbook = fastexcel.read_excel(path)
        sheets = {name: workbook.load_sheet(name, dtypes="string") for name in workbook.sheet_names}
    headers = {
        name: [column.name for column in sheet.available_columns()]
        for name, sheet in sheets.items()
    }
    known = [name for name in sheets if not _missing(headers[name], source)]
    if not known:
        require_headers(next(iter(headers.values())), source, label)
    for name in known:
        rows = hold(connection, pa.Table.from_batches([sheets[name].to_arrow()]))
        yield _raw(rows, source, path, f"{label}, sheet {name}")


def _unzipped(path: Path, label: str, scratch: Path) -> Iterator[Path]:
    with _as_unreadable(label, "a zip file"), zipfile.ZipFile(path) as archive:
        members = [
            member
            for member in archive.namelist()
            if member.lower().endswith(SUFFIXES) and not member.startswith("__MACOSX")
        ]
        # Each zip of several gets a folder of its own: they may hold like names.
        folder = Path(tempfile.mkdtemp(dir=scratch)) if members else scratch
        extracted = [Path(archive.extract(member, folder)) for member in members]
    if not extracted:
        raise SourceUnreadable(label, "it holds no order log.", next_step=_EXPECTED)
    yield from extracted


@contextlib.contextmanager
def _as_unreadable(label: str, kind: str) -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        RuntimeError,  # what zipfile raises where a password is needed
        NotImplementedError,
        fastexcel.FastExcelError,
        duckdb.Error,
        pa.ArrowException,
    ) as cause:
        problem = f"it cannot be read as {kind}: damaged, cut short or locked by a password."
        raise SourceUnreadable(label, problem, next_step=_AGAIN) from cause


def _raw(table: ibis.Table, source: Source, path: Path, label: str) -> RawFile:
    """The table under raw names; columns nobody asked for become ``rest`` where they count."""
    require_headers(table.columns, source, label)
    headers = {
        raw: next(header for header in names if header in table.columns)
        for raw, names in source.headers.items()
        if set(names) & set(table.columns)
    }
    wanted = RAW_NAMES if source.export is None else (*RAW_NAMES, *ORDER_FACTS)
    found = {
        raw: table[headers[raw]].nullif("") if raw in headers else ibis.null("string")
        for raw in wanted
    }
    if source.export is not None:
        for raw, names in source.headers.items():
            filled = [table[name].nullif("") for name in names if name in table.columns]
            found[raw] = ibis.coalesce(*filled) if filled else ibis.null("string")
    others = [header for header in table.columns if header not in headers.values()]
    rest = ibis.null("string")
    if source.identity and others:
        rest = ibis.literal("\x1f").join([table[header].fill_null("") for header in others])
    return RawFile(label, path, headers, table.select(**found, rest=rest))


def _missing(header: Sequence[str], source: Source) -> list[str]:
    return [
        " or ".join(source.headers[raw])
        for raw in source.required
        if not set(source.headers[raw]) & set(header)
    ]


def require_headers(header: Sequence[str], source: Source, label: str) -> None:
    """Refuse a part whose header lacks a column, or has none or one twice.

    Raises:
        SourceUnreadable: with what is missing.
    """
    named = [name for name in header if name.strip()]
    if not named:
        raise SourceUnreadable(
            label, "its first line is empty, so no column has a name.", next_step=_AGAIN
        )
    if missing := _missing(header, source):
        raise SourceUnreadable(
            label,
            f"there is no column {', '.join(missing)}; the columns are: {', '.join(named)}.",
            next_step="Name the columns of your log with --customer-id, --date and --amount.",
        )
    if twice := [name for name in named if header.count(name) > 1]:
        raise SourceUnreadable(
            label,
            f"the column {twice[0]} is there twice.",
            next_step="Rename or remove one of them.",
        )

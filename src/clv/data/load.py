"""Raw file to raw table; the only module that opens a shop's files.

Every value arrives as text under its raw name, so that what cannot be read is reported by
``clv.data.preprocess`` with its row and value rather than guessed at by a reader.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import gzip
import itertools
import operator
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
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
    *("invoice", "stock_code", "description", "quantity", "invoice_date", "unit_price", "amount"),
    *("customer_id", "country", "currency"),
    *("status", "cancelled_at", "refunded", "refunded_at", "tax", "shipping"),
    *("payment_method", "tags", "mode", "captured"),
)
SUFFIXES = (".csv", ".csv.gz", ".zip", ".xlsx", ".parquet")
_EXPECTED = f"Give one of: {', '.join(SUFFIXES)}."
_AGAIN = "Export it, copy it or download it again."
_ENCODING = "Say what it is with --encoding latin-1 (or utf-16), or save it as UTF-8."


@dataclasses.dataclass(frozen=True)
class Part:
    """One readable part of a log (a file, a sheet, a member of a zip), of which only the header
    was read; ``rows`` hands the rest to the engine as text, under that header.
    """

    label: str
    path: Path
    header: list[str]
    rows: Callable[[Any], ibis.Table]


@dataclasses.dataclass(frozen=True)
class RawFile:
    """A part as a table of text under raw names.

    ``headers`` is what the part itself calls each raw name; ``path`` is the file on disk.
    """

    label: str
    path: Path
    headers: Mapping[str, str]
    table: ibis.Table


def require_files(paths: Sequence[Path]) -> None:
    """Refuse what is missing, empty or of an unknown kind before anything is computed."""
    for path in paths:
        if path.is_dir():
            problem, step = "is a folder, not a file.", f"Name its files, such as {path / '*.csv'}."
        elif not path.is_file():
            problem, step = "there is no such file.", "Check the path."
        elif not os.access(path, os.R_OK):
            problem, step = "it may not be read.", "Give yourself the right to."
        elif path.stat().st_size == 0:
            problem, step = "the file is empty.", "Export it again."
        elif not path.name.lower().endswith(SUFFIXES):
            problem, step = "this kind of file is not known.", _EXPECTED
        else:
            continue
        raise SourceUnreadable(path, problem, next_step=step)


def load(connection: Any, paths: Sequence[Path], source: Source, scratch: Path) -> list[RawFile]:
    """The parts of the log in ``paths``, each with every raw name, unknown ones null.

    Of a workbook these are the sheets that have the columns. ``scratch`` is an existing folder
    for what a zip holds. Nothing is computed yet; run what follows inside :func:`reading`, which
    turns the engine's complaints into ours.
    """
    found = []
    parts = _parts(paths, source.encoding, scratch)
    for _, group in itertools.groupby(parts, operator.attrgetter("path")):
        sheets = list(group)
        known = [sheet for sheet in sheets if not _missing(sheet.header, source)]
        for part in known or sheets[:1]:
            require_headers(part.header, source, part.label)
            found.append(_raw(part, part.rows(connection), source))
    return found


def header_rows(paths: Sequence[Path], encoding: str) -> list[tuple[str, list[str]]]:
    """The label and the column names of each part of a log, read without the rest of it."""
    with tempfile.TemporaryDirectory() as scratch:
        return [(part.label, part.header) for part in _parts(paths, encoding, Path(scratch))]


@contextlib.contextmanager
def reading(parts: Sequence[RawFile], source: Source) -> Iterator[None]:
    """Turn the engine's error about a part into one that says what to do."""
    try:
        yield
    except duckdb.Error as cause:
        message = str(cause)
        label = next((p.label for p in parts if str(p.path) in message), parts[0].label)
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


def _parts(paths: Sequence[Path], encoding: str, scratch: Path) -> Iterator[Part]:
    require_files(paths)
    for path in paths:
        yield from _parts_of(path, str(path), encoding, scratch)


def _parts_of(path: Path, label: str, encoding: str, scratch: Path) -> Iterator[Part]:
    name = path.name.lower()
    if name.endswith(".zip"):
        for member in _unzipped(path, label, scratch):
            yield from _parts_of(member, f"{label}, {member.name}", encoding, member.parent)
    elif name.endswith(".xlsx"):
        with _as_unreadable(label, "a workbook"):
            workbook = fastexcel.read_excel(path)
            for sheet_name in workbook.sheet_names:
                sheet = workbook.load_sheet(sheet_name, dtypes="string")
                header = [column.name for column in sheet.available_columns()]
                yield Part(f"{label}, sheet {sheet_name}", path, header, partial(_of_sheet, sheet))
    elif name.endswith(".parquet"):
        with _as_unreadable(label, "a Parquet file"):
            yield Part(label, path, pq.read_schema(path).names, partial(_of_parquet, path, label))
    else:
        line = _first_line(path, label, encoding)
        delimiter = max(",;\t|", key=line.count)
        header = next(csv.reader([line], delimiter=delimiter), [])
        read = partial(_of_csv, path, header=header, delim=delimiter, encoding=encoding)
        yield Part(label, path, header, read)


def _of_sheet(sheet: fastexcel.ExcelSheet, connection: Any) -> ibis.Table:
    return hold(connection, pa.Table.from_batches([sheet.to_arrow()]))


def _of_parquet(path: Path, label: str, connection: Any) -> ibis.Table:
    with _as_unreadable(label, "a Parquet file"):
        table = connection.read_parquet(str(path))
    return table.select(**{header: table[header].cast("string") for header in table.columns})


def _of_csv(path: Path, connection: Any, *, header: list[str], **form: str) -> ibis.Table:
    columns = dict.fromkeys(header, "VARCHAR")
    form |= {"quote": '"', "escape": '"'}
    return connection.read_csv(str(path), columns=columns, header=True, **form)


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


def _unzipped(path: Path, label: str, scratch: Path) -> list[Path]:
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
    return extracted


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


def _raw(part: Part, table: ibis.Table, source: Source) -> RawFile:
    """The table under raw names; without articles, what nobody asked for becomes ``rest``.

    It tells duplicates from like rows.
    """
    found, headers = dict.fromkeys(RAW_NAMES, ibis.null("string")), {}
    for raw, names in source.headers.items():
        if present := [header for header in names if header in part.header]:
            headers[raw] = present[0]
            found[raw] = ibis.coalesce(*(table[header].nullif("") for header in present))
    others = [header for header in part.header if header not in headers.values()]
    rest = ibis.null("string")
    if others and not source.has_articles:
        rest = ibis.literal("\x1f").join([table[header].fill_null("") for header in others])
    return RawFile(part.label, part.path, headers, table.select(**found, rest=rest))


def _missing(header: Sequence[str], source: Source) -> list[str]:
    return [
        " or ".join(source.headers[raw])
        for raw in source.required
        if not set(source.headers[raw]) & set(header)
    ]


def require_headers(header: Sequence[str], source: Source, label: str) -> None:
    """Refuse a part whose header lacks a column, or has none or one twice."""
    named = [name for name in header if name.strip()]
    if not named:
        problem = "its first line is empty, so no column has a name."
        raise SourceUnreadable(label, problem, next_step=_AGAIN)
    if missing := _missing(header, source):
        raise SourceUnreadable(
            label,
            f"there is no column {', '.join(missing)}; the columns are: {', '.join(named)}.",
            next_step="Name the columns of your log with --customer-id, --date and --amount.",
        )
    if twice := [name for name in named if header.count(name) > 1]:
        problem = f"the column {twice[0]} is there twice."
        raise SourceUnreadable(label, problem, next_step="Rename or remove one of them.")

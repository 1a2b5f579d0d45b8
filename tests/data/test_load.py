from __future__ import annotations

import dataclasses
import datetime as dt
import gzip
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data.small_logs import HEADER, OLD_HEADER, ingested, line, write

from clv.data.sources.online_retail import ONLINE_RETAIL

ROWS = [
    line(),
    line(Description='HEART, "SMALL"', Invoice="489435"),
    line(Description="", Customer_ID="13086.0", Price="0.1"),
    line(Invoice="C489440", Quantity="-2", InvoiceDate="2009-12-02 08:00:00"),
]
OUTPUTS = ("clv", "refused", "returns", "summary", "cohorts")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    return ingested(folder, write(folder / "log.csv", ROWS))


def as_gzip(folder):
    path = folder / "log.csv.gz"
    path.write_bytes(gzip.compress(write(folder / "plain", ROWS).read_bytes()))
    return path


def as_zip(folder):
    with zipfile.ZipFile(folder / "log.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", "not a log")
        archive.writestr("export/log.csv", write(folder / "plain", ROWS).read_text())
    return folder / "log.zip"


def as_workbook(folder):
    """Two sheets and a note, with numbers, texts and moments as cells hold them."""
    book = openpyxl.Workbook()
    book.active.title = "note"
    book.active.append(["exported on a Sunday"])
    for name, rows in (("Year 1", ROWS[:2]), ("Year 2", ROWS[2:])):
        sheet = book.create_sheet(name)
        sheet.append(HEADER)
        for row in rows:
            invoice, code, text, pieces, at, price, customer, country = row.values()
            sheet.append(
                [
                    int(invoice) if invoice.isdigit() else invoice,
                    int(code),
                    text or None,
                    int(pieces),
                    dt.datetime.fromisoformat(at),
                    float(price),
                    float(customer),
                    country,
                ]
            )
    book.save(folder / "log.xlsx")
    return folder / "log.xlsx"


def as_parquet(folder, header=HEADER):
    columns = dict(zip(header, zip(*(row.values() for row in ROWS), strict=True), strict=True))
    typed = {name: list(values) for name, values in columns.items()}
    typed[header[3]] = [int(value) for value in typed[header[3]]]
    typed[header[4]] = [dt.datetime.fromisoformat(value) for value in typed[header[4]]]
    typed[header[5]] = [float(value) for value in typed[header[5]]]
    typed[header[6]] = [float(value) for value in typed[header[6]]]
    pq.write_table(pa.table(typed), folder / "log.parquet")
    return folder / "log.parquet"


def as_text(name="log.csv", **how):
    return lambda folder: write(folder / name, [list(row.values()) for row in ROWS], **how)


FORMS = {
    "csv.gz": as_gzip,
    "zip": as_zip,
    "xlsx": as_workbook,
    "parquet": as_parquet,
    "parquet, first edition": lambda folder: as_parquet(folder, OLD_HEADER),
    "first edition": as_text(header=OLD_HEADER),
    "semicolons": as_text(header=HEADER, delimiter=";"),
    "tabs": as_text(header=HEADER, delimiter="\t"),
    "byte order mark": as_text(header=HEADER, encoding="utf-8-sig"),
    "CRLF": as_text(header=HEADER, newline="\r\n"),
    "capital suffix": as_text("LOG.CSV", header=HEADER),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_log_gives_the_same_tables(form, expected, tmp_path):
    etl = ingested(tmp_path, FORMS[form](tmp_path))

    for name in OUTPUTS:
        assert etl.rows(name) == expected.rows(name), name


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_read_where_it_is_named(encoding, tmp_path):
    path = write(tmp_path / "log.csv", [line(Description="CAFÉ")], encoding=encoding)
    source = dataclasses.replace(ONLINE_RETAIL, encoding=encoding)

    assert ingested(tmp_path, path, source=source).rows("clv")[0]["description"] == "CAFÉ"


def test_files_that_overlap_count_their_common_lines_once(expected, tmp_path):
    first = write(tmp_path / "one.csv", ROWS[:3])
    second = write(tmp_path / "two.csv", ROWS[1:])

    etl = ingested(tmp_path, first, second)

    assert etl.report["refused"]["duplicate"] == 2
    assert etl.rows("clv") == expected.rows("clv")
    assert [source["file"] for source in etl.report["sources"]] == ["one.csv", "two.csv"]


def test_zips_whose_members_share_a_name_are_all_read(tmp_path):
    for name, row in (("one.zip", ROWS[0]), ("two.zip", ROWS[1])):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("log.csv", write(tmp_path / "plain", [row]).read_text())

    etl = ingested(tmp_path, tmp_path / "one.zip", tmp_path / "two.zip")

    assert etl.report["kept"] == 2

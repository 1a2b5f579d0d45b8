"""What a shop owner reads when a log cannot be used: what, where, how many, which, what next."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gzip
import random
import re
import zipfile

import openpyxl
import pytest
from data.small_logs import HEADER, ORDERS, ingested, line, write

from clv.data import load
from clv.data.sources.online_retail import ONLINE_RETAIL
from clv.errors import SourceUnreadable

FORBIDDEN = re.compile(r"SELECT|FROM |CAST\(|Traceback|LINE \d|duckdb|ibis_|\.clv-staging|Error:")


def refusal(folder, path, **how):
    with pytest.raises(SourceUnreadable) as refused:
        ingested(folder / "shop", path, **how)
    message = str(refused.value)
    assert not FORBIDDEN.search(message), message
    assert refused.value.next_step.rstrip().endswith((".", "'", "m")), message
    assert not list((folder / "shop").rglob("*.parquet"))
    return message


def of_bytes(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_missing_file_is_named(tmp_path):
    assert "log.csv: there is no such file." in refusal(tmp_path, tmp_path / "log.csv")


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    path = of_bytes(tmp_path, "log.parquet", b"PAR1")
    monkeypatch.setattr(load.os, "access", lambda path, mode: False)

    assert "log.parquet: it may not be read." in refusal(tmp_path, path)


def test_a_folder_is_no_log(tmp_path):
    assert "is a folder, not a file" in refusal(tmp_path, tmp_path)


GOOD = ",".join(HEADER) + "\n" + ",".join(line().values()) + "\n"
NOISE = random.Random(1).randbytes(4_000)
MANY = gzip.compress("".join(f"{GOOD}{i}" for i in range(20_000)).encode(), mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("log.txt", GOOD.encode(), "this kind of file is not known. Give one of: .csv"),
        ("log.csv", b"", "the file is empty"),
        ("log.csv", b"\n\n", "its first line is empty"),
        ("log.csv", GOOD.splitlines()[0].encode(), "it has column names, but not a single line"),
        ("log.csv", f"AÑO,{GOOD}".encode("latin-1"), "not UTF-8 text. Say what it is with --enc"),
        ("log.csv", GOOD.encode("utf-16"), "not UTF-8 text. Say what it is with --encoding"),
        ("log.csv.gz", MANY[: len(MANY) // 2], "ends too early or is damaged"),
        ("log.csv.gz", MANY[:12], "it cannot be opened"),
        ("log.csv.gz", GOOD.encode(), "not the compressed file its name says"),
        ("log.zip", b"PK\3\4" + NOISE, "cannot be read as a zip file"),
        ("log.xlsx", b"PK\3\4" + NOISE, "cannot be read as a workbook"),
        ("log.parquet", b"PAR1" + NOISE + b"PAR1", "cannot be read as a Parquet file"),
    ],
)
def test_a_file_that_is_not_what_it_claims_to_be_is_refused(name, content, said, tmp_path):
    message = refusal(tmp_path, of_bytes(tmp_path, name, content))

    assert said in message


def test_a_wrong_byte_deep_in_the_file_is_refused(tmp_path):
    header, row = GOOD.splitlines(keepends=True)
    text = header + row * 40_000 + row.replace("LIGHTS", "CAFÉ")
    path = of_bytes(tmp_path, "log.csv", text.encode("latin-1"))

    assert "the file is not UTF-8 text" in refusal(tmp_path, path)


def test_a_member_that_is_damaged_is_refused_under_the_name_of_its_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "log.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.csv", GOOD * 500)
    whole = (tmp_path / "log.zip").read_bytes()
    path = of_bytes(tmp_path, "log.zip", whole[:60] + b"\0" * 20 + whole[80:])

    assert "log.zip: it cannot be read as a zip file" in refusal(tmp_path, path)


def test_an_empty_member_is_named_with_its_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("inner.csv", "")

    assert "log.zip, inner.csv: its first line" in refusal(tmp_path, tmp_path / "log.zip")


def test_a_zip_without_a_log_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing here")

    assert "it holds no order log" in refusal(tmp_path, tmp_path / "log.zip")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ([*HEADER[:5], "Preis", *HEADER[6:]], "there is no column Price or UnitPrice; the columns"),
        ([*HEADER[:2], "Invoice", *HEADER[3:]], "the column Invoice is there twice"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(header, said, tmp_path):
    path = write(tmp_path / "log.csv", [list(line().values())], header=header)

    assert said in refusal(tmp_path, path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"InvoiceDate": "13/01/2010 10:00"}, "no readable date in column 'InvoiceDate'"),
        ({"InvoiceDate": ""}, "no readable date in column 'InvoiceDate'"),
        ({"InvoiceDate": "0001-01-01"}, "no readable date in column 'InvoiceDate'"),
        ({"InvoiceDate": "infinity"}, "no readable date in column 'InvoiceDate'"),
        ({"Quantity": "1.5"}, "no readable whole number in column 'Quantity'"),
        ({"Quantity": "many"}, "no readable whole number in column 'Quantity'"),
        ({"Quantity": ""}, "no readable whole number in column 'Quantity'"),
        ({"Quantity": "9" * 25}, "no readable whole number in column 'Quantity'"),
        ({"Price": "abc"}, "no readable amount in column 'Price'"),
        ({"Price": "6,95"}, "no readable amount in column 'Price'"),
        ({"Price": "nan"}, "no readable amount in column 'Price'"),
        ({"Price": "9999999999", "Quantity": "9999999999"}, "no readable amount in column 'Price'"),
    ],
)
def test_a_value_that_cannot_be_read_is_named_with_its_row(changes, said, tmp_path):
    path = write(tmp_path / "log.csv", [line(), line(Invoice="2"), line(**changes)])

    message = refusal(tmp_path, path)

    value = next(iter(changes.values()))
    assert f"log.csv: 1 row has {said}; first: row 3 (without the header)" in message
    assert (repr(value) if value else "empty") in message


def test_unreadable_rows_are_counted_and_the_first_is_named(tmp_path):
    rows = [line(Invoice=str(i)) for i in range(2_000)]
    for i in (1_234, 1_500, 1_999):
        rows[i]["Price"] = f"x{i}"

    message = refusal(tmp_path, write(tmp_path / "log.csv", rows))

    assert "3 rows have no readable amount" in message
    assert "row 1,235 (without the header), 'x1234'" in message


def test_the_sheet_of_an_unreadable_cell_is_named(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Year 1"
    book.active.append(HEADER)
    book.active.append([1, 2, "X", 3, "yesterday", 1.5, 13085, "UK"])
    book.save(tmp_path / "log.xlsx")

    message = refusal(tmp_path, tmp_path / "log.xlsx")

    assert "log.xlsx, sheet Year 1: 1 row has no readable date" in message


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("489434,85048,LIGHTS", "line 3 has 3 values for 8 columns"),
        (GOOD.splitlines()[1] + ",one,more", "line 3 has 9 values for 8 columns"),
        ('489434,85048,"LIGHTS,12', "line 3"),
    ],
)
def test_a_row_that_does_not_fit_the_columns_is_quoted(last, said, tmp_path):
    message = refusal(tmp_path, of_bytes(tmp_path, "log.csv", f"{GOOD}{last}\n{last}\n".encode()))

    assert said in message
    assert "489434,85048" in message


def test_days_to_come_are_refused_unless_the_window_ends_before(tmp_path):
    path = write(tmp_path / "log.csv", [line(), line(Invoice="7", InvoiceDate="2030-01-01 09:30")])

    message = refusal(tmp_path, path)
    etl = ingested(tmp_path / "shop", path, observation_end=dt.date(2010, 1, 1))

    assert "1 line is dated after today (2026-11-22)" in message
    assert "invoice 7 customer 13085 on 2030-01-01 09:30" in message
    assert "--observation-end" in message
    assert etl.report["last_day"] == "2010-01-01"


def test_a_window_before_the_log_is_refused(tmp_path):
    path = write(tmp_path / "log.csv", [line()])

    message = refusal(tmp_path, path, observation_end=dt.date(2009, 1, 1))

    assert "its first day is 2009-12-01, after --observation-end 2009-01-01" in message


def test_a_log_of_which_nothing_is_left_says_why(tmp_path):
    rows = [line(Customer_ID=""), line(Quantity="-1"), line(Price="0"), line(Price="0")]

    message = refusal(tmp_path, write(tmp_path / "log.csv", rows))

    assert "none of its 4 lines is a sale to a known customer" in message
    assert "duplicate 1, no_customer 1, return 1, non_positive_price 1" in message


def test_a_form_of_dates_that_means_nothing_is_quoted(tmp_path):
    path = write(tmp_path / "log.csv", [line()])
    source = dataclasses.replace(ONLINE_RETAIL, date_format="%Q")

    assert "in the form '%Q'" in refusal(tmp_path, path, source=source)


def test_a_misspelt_column_of_an_order_log_shows_what_there_is(tmp_path):
    path = write(tmp_path / "log.csv", [{"who": "a", "wen": "2020-01-01", "total": "1"}])

    message = refusal(tmp_path, path, source=ORDERS)

    assert "there is no column when; the columns are: who, wen, total." in message

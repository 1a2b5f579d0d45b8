"""The shop's own table of days unlike others: every kind of file, and what is wrong with it."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data.small_logs import log_of
from runs import ingest_only

from clv.data import calendar, engine
from clv.errors import SourceUnreadable
from clv.periods import Event
from clv.pipeline.ingest import ingest
from clv.store import parquet
from clv.store import workspace as files
from clv.store.workspace import Workspace

ROWS = [
    ["event", "from", "to", "known_from"],
    ["black friday", "2010-11-26", "2010-11-28", ""],
    ["black friday", "2011-11-25", "", "2011-10-01"],
    ["black friday", "2010-11-26", "2010-11-28", ""],
    ["mother's day", "2010-03-14", "2010-03-14", ""],
]
EVENTS = (
    Event("black friday", dt.date(2010, 11, 26), dt.date(2010, 11, 28)),
    Event("black friday", dt.date(2011, 11, 25), dt.date(2011, 11, 25), dt.date(2011, 10, 1)),
    Event("mother's day", dt.date(2010, 3, 14), dt.date(2010, 3, 14)),
)


def read(path, encoding="utf-8"):
    with engine.connect(path.parent / "spill") as connection:
        return calendar.read_calendar(connection, path, encoding, path.parent)


def csv(path, rows, delimiter=","):
    path.write_text("\n".join(delimiter.join(row) for row in rows) + "\n")
    return path


def as_csv(folder):
    return csv(folder / "campaigns.csv", ROWS)


def with_semicolons(folder):
    return csv(folder / "campaigns.csv", ROWS, delimiter=";")


def as_parquet(folder):
    columns = list(zip(*ROWS[1:], strict=True))
    days = [[day and dt.date.fromisoformat(day) for day in column] for column in columns[1:]]
    days = [pa.array([day or None for day in column], pa.date32()) for column in days]
    table = pa.table([pa.array(columns[0]), *days], names=ROWS[0])
    pq.write_table(table, folder / "campaigns.parquet")
    return folder / "campaigns.parquet"


def as_workbook(folder):
    book = openpyxl.Workbook()
    book.active.append(["what this is"])
    sheet = book.create_sheet("plans")
    for name, *days in ROWS:
        read = dt.datetime.fromisoformat
        sheet.append([name, *(read(day) if day[:2] == "20" else day or None for day in days)])
    book.save(folder / "campaigns.xlsx")
    return folder / "campaigns.xlsx"


@pytest.mark.parametrize("kind", [as_csv, with_semicolons, as_parquet, as_workbook])
def test_events_are_read_from_every_kind_of_table(kind, tmp_path):
    assert read(kind(tmp_path)) == EVENTS


def test_the_day_a_plan_was_known_may_be_left_out(tmp_path):
    path = csv(tmp_path / "c.csv", [row[:3] for row in ROWS])

    assert {event.known_from for event in read(path)} == {None}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [["event", "day"], ["x", "2010-11-26"]],
            "no column from, to; the columns are: event, day",
        ),
        ([ROWS[0]], "holds no event"),
        ([ROWS[0], ["", "2010-11-26", "", ""]], r"1 row is no event; first: .*row 1 .*no name"),
        (
            [*ROWS, ["x", "26/11/2010", "", ""], ["x", "2010-11-26", "soon", ""]],
            r"2 rows are no event; first: .*row 5 .*'26/11/2010' in 'from' is no day.*2025-11-28",
        ),
        ([*ROWS, ["x", "2010-11-26", "2010-11-25", ""]], "'to' 2010-11-25 lies before 'from'"),
        ([*ROWS, ["x", "2010-11-26", "", "x"]], "'x' in 'known_from' is no day"),
    ],
)
def test_what_is_no_calendar_is_refused_with_the_first_row_and_what_to_do(rows, said, tmp_path):
    with pytest.raises(SourceUnreadable, match=rf"(?s){said}"):
        read(csv(tmp_path / "campaigns.csv", rows))


@pytest.mark.parametrize("beside", ["calendar", "rates"])
def test_a_table_beside_the_log_that_is_not_there_is_named_by_any_run(beside, shop_log, tmp_path):
    for _ in ("the first", "one on the same log"):
        with pytest.raises(
            SourceUnreadable, match=r"absent\.csv: (there is no such|it is not there)"
        ):
            ingest_only(tmp_path, shop_log, **{beside: tmp_path / "absent.csv"})
        ingest_only(tmp_path, shop_log)


def test_a_calendar_travels_with_the_summary_and_what_the_log_never_saw_is_said(shop_log, tmp_path):
    rows = [*ROWS, ["fair", "2012-03-01", "", ""], ["sale", "2011-12-01", "", "2011-12-24"]]
    told = []
    log = log_of(shop_log, calendar=csv(tmp_path / "campaigns.csv", rows))

    ingest(Workspace(tmp_path / "shop"), log, told.append)

    summary = parquet.read_summary(tmp_path / "shop" / files.SUMMARY)
    assert {event.name for event in summary.calendar} == {"black friday", "mother's day", "sale"}
    assert set(summary.calendar) > set(EVENTS)
    said = [text for text in told if text.startswith("calendar: ")]
    assert "1 of 5 rows are of a name without a day in the log" in said[0]
    assert said[0].endswith("first: 'fair'")
    assert "known only after 2011-12-09" in said[1]


def test_without_a_calendar_the_summary_says_nothing_of_one(finished):
    path = finished.root / files.SUMMARY

    assert "calendar" not in parquet.facts_of(path)
    assert parquet.read_summary(path).calendar is None

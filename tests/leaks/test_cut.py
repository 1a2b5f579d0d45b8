"""What happens after a cut changes nothing that was known at the cut."""

from __future__ import annotations

import datetime as dt

import pytest
from data.small_logs import dear_autumn, ingested, line, write

from clv.data import engine, summarize
from clv.periods import ObservationWindow
from clv.simulated_shop import write_log

CUT = dt.date(2010, 12, 8)


def known_at_cut(etl, folder):
    """Transactions, summary, and what all did together at the cut, from files of a whole log."""
    with engine.connect(folder) as connection:
        lines, returns = (
            connection.read_parquet(str(etl.path(name))) for name in ("clv", "returns")
        )
        days = engine.hold(connection, summarize.transactions(lines, returns, CUT))
        window = ObservationWindow(dt.date(2009, 12, 1), CUT)
        summary = summarize.customer_summary(lines, days, window)
        days = days.order_by("customer_id", "date")
        together = summary.purchases_by_day, summary.spend_season
        return engine.fetch(days).to_pylist(), summary.table.to_pylist(), together


def appended(folder, shop, rows):
    """The shop's log up to the cut, and further lines, ingested."""
    log = dear_autumn(shop.log).to_pylist()
    before = [
        line(
            **{
                name.replace(" ", "_"): "" if value is None else str(value)
                for name, value in row.items()
            }
        )
        for row in log
        if row["InvoiceDate"].date() <= CUT
    ]
    return ingested(folder, write(folder / "log.csv", before + rows))


@pytest.fixture(scope="module")
def before(shop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("before")
    etl = appended(folder, shop, [])
    return etl, known_at_cut(etl, folder)


def later(etl, date, pieces):
    """A line like the dearest one of the log, on another day."""
    dearest = max(etl.rows("clv"), key=lambda row: row["sales"] - row["returned_value"])
    return line(
        Invoice="C999999" if pieces < 0 else "999999",
        StockCode=dearest["stock_code"],
        Customer_ID=dearest["customer_id"],
        InvoiceDate=f"{date} 23:00:00",
        Quantity=str(pieces),
        Price=str(dearest["unit_price"]),
    )


def test_lines_and_returns_after_the_cut_change_nothing_known_at_it(before, shop, tmp_path):
    etl, known = before
    rows = [later(etl, "2010-12-09", -1), later(etl, "2011-01-09", 4), later(etl, "2011-02-01", -9)]

    after = appended(tmp_path, shop, rows)

    assert after.report["returns"]["matched"] != etl.report["returns"]["matched"]
    assert known_at_cut(after, tmp_path) == known


def test_a_return_on_the_cut_itself_does_change_what_is_known(before, shop, tmp_path):
    etl, known = before

    after = appended(tmp_path, shop, [later(etl, CUT.isoformat(), -1)])

    assert known_at_cut(after, tmp_path) != known


def test_the_whole_log_cut_is_the_log_ingested_up_to_the_cut(before, shop, tmp_path):
    _, known = before
    whole = ingested(tmp_path, write_log(tmp_path / "whole.csv", dear_autumn(shop.log)))

    assert known_at_cut(whole, tmp_path) == known
    assert known[2][1] is not None

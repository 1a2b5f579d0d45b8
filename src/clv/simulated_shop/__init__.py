"""A raw order log with known truth, in the schema of UCI Online Retail II.

Nobody can look up how long a real customer would have stayed. Here it is drawn first
(``truth``): each customer buys at a personal rate, modulated by a calendar, until an unseen
moment of dropout, and spends around a personal level. Then the shop's daily life covers the
truth up (``paperwork``): credit notes, postage, anonymous orders, stock write-offs, repeated
lines, and two sheets of one workbook that overlap by nine days.

The constants were set so that the default log resembles the real one in size and shape; no
article, price or order of it is copied. Everything comes from one seed: the same arguments
give the same bytes.

Start reading at :func:`simulate_log`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from clv.errors import WorkspaceUnwritable
from clv.simulated_shop import paperwork
from clv.simulated_shop.articles import COUNTRIES, REMARKS, Articles, draw_articles
from clv.simulated_shop.truth import Customers, Ints, draw_calendar, draw_purchases

__all__ = ["SimulatedShop", "simulate_log", "write_log"]

FIRST_CUSTOMER, FIRST_INVOICE = 12_346, 489_434
SHEET_DAYS, OVERLAP_DAYS = 365, 9  # the second sheet begins a year on; the first runs into it
REPEATED_LINES = 0.0055


@dataclasses.dataclass(frozen=True)
class SimulatedShop:
    """The log as the shop would export it, and what only the simulation knows.

    ``log`` has the columns of the real log, in file order. ``truth`` has one row for each
    customer: ``customer_id`` (text, without the log's ``.0``), ``segment`` (``retail`` or
    ``wholesale``), ``opening`` (was a customer before the log began), ``customer_since`` and
    ``dropout_at`` (either may lie outside the log; nobody stays longer than two hundred years),
    ``purchase_rate`` (purchases a day, while a customer, in a mean day of the calendar),
    ``dropout_rate`` (a day) and ``spend_level`` (expected value of an order, GBP, before its
    lines are rounded to packs).
    """

    log: pa.Table
    truth: pa.Table


def simulate_log(
    *,
    customers: int = 5_900,
    seed: int = 1,
    first: dt.date = dt.date(2009, 12, 1),
    last: dt.date = dt.date(2011, 12, 9),
) -> SimulatedShop:
    """A shop with ``customers`` who bought between ``first`` and ``last``, both included.

    Raises:
        ValueError: no customers, or the shop is closed on all of these days.

    >>> shop = simulate_log(customers=50, seed=7)
    >>> shop.truth.num_rows, shop.log.column_names[:3]
    (50, ['Invoice', 'StockCode', 'Description'])
    """
    if customers < 1:
        raise ValueError(f"a shop needs at least one customer, not {customers}")
    calendar = draw_calendar(first, last)
    rng = np.random.default_rng(seed)
    articles = draw_articles(rng)
    ids = FIRST_CUSTOMER + rng.permutation(customers)
    people, buyer, day = draw_purchases(rng, customers, calendar)
    orders, lines = paperwork.draw(rng, people, buyer, day, calendar=calendar, articles=articles)
    rows = _file_order(rng, orders, lines)
    log = _as_log(rows, orders, lines, articles=articles, ids=ids, first=first)
    return SimulatedShop(log, _as_truth(people, ids, first))


def write_log(path: Path, log: pa.Table) -> Path:
    """``log`` as CSV under the name ``path``, which never holds half a file.

    Raises:
        WorkspaceUnwritable: the folder refuses writing, or the disk is full.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write((",".join(log.column_names) + "\n").encode())  # Arrow would quote it
            options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
            pa.csv.write_csv(log, file, options)
        unfinished.replace(path)
    except OSError as cause:
        raise WorkspaceUnwritable(path, str(cause)) from cause
    finally:
        if unfinished.is_file():
            unfinished.unlink()
    return path


def _file_order(rng: np.random.Generator, orders: paperwork.Orders, lines: paperwork.Lines) -> Ints:
    """Indices of the lines as the file has them: by time, some twice, two sheets that overlap."""
    minute = orders.minute[lines.order]
    rows = np.lexsort((lines.order, minute))
    rows = np.repeat(rows, 1 + (rng.random(len(rows)) < REPEATED_LINES))
    edges = np.array([SHEET_DAYS, SHEET_DAYS + OVERLAP_DAYS]) * paperwork.MINUTES_PER_DAY
    begin, end = np.searchsorted(minute[rows], edges)
    return np.concatenate([rows[:end], rows[begin:]])


def _as_log(
    rows: Ints,
    orders: paperwork.Orders,
    lines: paperwork.Lines,
    *,
    articles: Articles,
    ids: Ints,
    first: dt.date,
) -> pa.Table:
    by_time = np.argsort(orders.minute, kind="stable")
    number = np.empty_like(by_time)
    number[by_time] = FIRST_INVOICE + np.arange(len(by_time))
    invoices = [
        f"{paperwork.PREFIXES[prefix]}{order}"
        for prefix, order in zip(orders.prefix.tolist(), number.tolist(), strict=True)
    ]
    moments = np.datetime64(first, "m") + orders.minute
    order, words = lines.order[rows], lines.words[rows]
    customer = pa.array(orders.customer[order], mask=orders.customer[order] < 0)
    return pa.table(
        {
            "Invoice": pa.array(invoices).take(pa.array(order)),
            "StockCode": pa.array(articles.code).take(pa.array(lines.item[rows])),
            "Description": pa.array([*articles.description, *REMARKS]).take(
                pa.array(words, mask=words < 0)
            ),
            "Quantity": pa.array(lines.quantity[rows]),
            "InvoiceDate": pa.array(moments[order].astype("datetime64[s]")),
            "Price": pa.array(lines.price[rows]),
            "Customer ID": pa.array([f"{i}.0" for i in ids.tolist()]).take(customer),
            "Country": pa.array(COUNTRIES).take(pa.array(orders.country[order])),
        }
    )


def _as_truth(people: Customers, ids: Ints, first: dt.date) -> pa.Table:
    second = np.datetime64(first, "s")
    by_id = np.argsort(ids)
    columns = {
        "customer_id": ids.astype(str),
        "segment": np.where(people.wholesale, "wholesale", "retail"),
        "opening": people.since < 0,
        "customer_since": second + (people.since * 86_400).astype(np.int64),
        "dropout_at": second + (people.until * 86_400).astype(np.int64),
        "purchase_rate": people.rate,
        "dropout_rate": people.dropout_rate,
        "spend_level": people.spend,
    }
    return pa.table({name: pa.array(values[by_id]) for name, values in columns.items()})

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
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from clv.simulated_shop import paperwork
from clv.simulated_shop.articles import COUNTRIES, REMARKS, Articles, draw_articles
from clv.simulated_shop.paperwork import Lines
from clv.simulated_shop.truth import FIRST, Customers, Ints, draw_purchases
from clv.store.workspace import writing

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


def simulate_log(*, customers: int = 5_900, seed: int = 1) -> SimulatedShop:
    """A shop with ``customers`` who bought between December 2009 and December 2011.

    >>> shop = simulate_log(customers=50, seed=7)
    >>> shop.truth.num_rows, shop.log.column_names[:3]
    (50, ['Invoice', 'StockCode', 'Description'])
    """
    if customers < 1:
        raise ValueError(f"a shop needs at least one customer, not {customers}")
    rng = np.random.default_rng(seed)
    articles = draw_articles(rng)
    ids = FIRST_CUSTOMER + rng.permutation(customers)
    people, buyer, day = draw_purchases(rng, customers)
    lines = paperwork.draw(rng, people, buyer, day, articles)
    return SimulatedShop(_as_log(_as_filed(rng, lines), articles, ids), _as_truth(people, ids))


def write_log(path: Path, log: pa.Table) -> Path:
    """``log`` as CSV under the name ``path``, which never holds half a file."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("wb") as file:
                file.write((",".join(log.column_names) + "\n").encode())  # Arrow would quote it
                options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
                pa.csv.write_csv(log, file, options)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    return path


def _as_filed(rng: np.random.Generator, lines: Lines) -> Lines:
    """The lines as the file has them: by time, invoices numbered, some lines twice, two sheets."""
    lines = lines[np.lexsort((lines["invoice"], lines["minute"]))]
    begins = np.diff(lines["invoice"], prepend=lines["invoice"][0]) != 0
    lines["invoice"] = FIRST_INVOICE + np.cumsum(begins)
    lines = np.repeat(lines, 1 + (rng.random(len(lines)) < REPEATED_LINES))
    edges = np.array([SHEET_DAYS, SHEET_DAYS + OVERLAP_DAYS]) * paperwork.MINUTES_PER_DAY
    begin, end = np.searchsorted(lines["minute"], edges)
    return np.concatenate([lines[:end], lines[begin:]])


def _as_log(lines: Lines, articles: Articles, ids: Ints) -> pa.Table:
    def named(values: Iterable[str], index: Ints) -> pa.Array:
        return pa.array(values).take(pa.array(index, mask=index < 0))

    moments = np.datetime64(FIRST, "s") + 60 * lines["minute"]
    invoices = lines["invoice"].astype(str)
    prefixes = np.array(paperwork.PREFIXES)[lines["prefix"]]
    return pa.table(
        {
            "Invoice": pa.array(np.strings.add(prefixes, invoices)),
            "StockCode": named(articles.code, lines["item"]),
            "Description": named([*articles.description, *REMARKS], lines["words"]),
            "Quantity": pa.array(lines["quantity"]),
            "InvoiceDate": pa.array(moments),
            "Price": pa.array(lines["price"]),
            "Customer ID": named([f"{name}.0" for name in ids.tolist()], lines["customer"]),
            "Country": named(COUNTRIES, lines["country"]),
        }
    )


def _as_truth(people: Customers, ids: Ints) -> pa.Table:
    second = np.datetime64(FIRST, "s")
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

"""Small raw logs, written by hand or from rows, and one call that ingests them."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clv.data.preprocess import Cleaning
from clv.data.sources.online_retail import ONLINE_RETAIL
from clv.data.sources.order_log import order_log
from clv.pipeline.ingest import Log, ingest
from clv.store.workspace import Workspace

HEADER = [
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
]
OLD_HEADER = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]
ORDERS = order_log(customer_id="who", date="when", amount="total")
TODAY = dt.date(2026, 11, 22)
MONEY = Decimal("0.0001")


def line(**changes):
    """A raw line of Online Retail as text, by header, with ``changes``."""
    bare = [
        "489434",
        "85048",
        "LIGHTS",
        "12",
        "2009-12-01 07:45:00",
        "6.95",
        "13085.0",
        "United Kingdom",
    ]
    return dict(zip(HEADER, bare, strict=True)) | {
        name.replace("_", " "): value for name, value in changes.items()
    }


def write(path, rows, *, delimiter=",", encoding="utf-8", newline="\n", header=None):
    """``rows`` (dicts, or lists under ``header``) as a text file."""
    names = header or list(rows[0])
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=newline)
        writer.writerow(names)
        writer.writerows(row.values() if isinstance(row, dict) else row for row in rows)
    return path


def log_of(*paths, source=ONLINE_RETAIL, cleaning=None, today=TODAY, **how):
    return Log(tuple(paths), source, cleaning or Cleaning(), today, **how)


class Ingested:
    """What an ingest left in its workspace."""

    def __init__(self, folder, log):
        self.workspace = Workspace(folder)
        self.report = ingest(self.workspace, log, lambda message: None)

    def path(self, name):
        return self.workspace.path(f"data/processed/{name}.parquet")

    def table(self, name):
        return pq.read_table(self.path(name))

    def rows(self, name):
        return self.table(name).to_pylist()


def ingested(folder, *paths, **how):
    return Ingested(folder, log_of(*paths, **how))


def dear_autumn(log):
    """An Arrow log of the simulated shop with twice the prices from September to November."""
    factor = [2 if 9 <= at.month <= 11 else 1 for at in log["InvoiceDate"].to_pylist()]
    place = log.column_names.index("Price")
    return log.set_column(place, "Price", pc.multiply(log["Price"], pa.array(factor)))


def raw_rows(log):
    """An Arrow log of the simulated shop as the rows of the oracles."""
    return [
        {
            "customer_id": (row["Customer ID"] or "").removesuffix(".0") or None,
            "invoice_date": row["InvoiceDate"],
            "invoice": row["Invoice"],
            "stock_code": row["StockCode"],
            "unit_price": Decimal(str(row["Price"])).quantize(MONEY),
            "quantity": row["Quantity"],
            "description": row["Description"] or None,
            "country": row["Country"],
        }
        for row in log.to_pylist()
    ]


def numbered(rows):
    """Rows of the oracles with a ``line`` each and their ``sales``."""
    return [
        row | {"line": i, "sales": row["quantity"] * row["unit_price"]}
        for i, row in enumerate(rows)
    ]

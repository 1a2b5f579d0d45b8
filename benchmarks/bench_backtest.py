"""What does a whole backtest choose, how good is it and how long does it take, shop by shop?

Simulated logs of two or three years, ingested like anybody's; a line says the model chosen from
all dates, the score of the chosen forecasts beside the best simple rule (compare of the review),
and the time, whose growth with customers is that of the first lines.

    python benchmarks/bench_backtest.py            all, up to 16,000 customers
    python benchmarks/bench_backtest.py --quick    1,000 customers each
"""

import csv
import datetime as dt
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from customers import PARAMS  # noqa: F401  (makes the simulated shops of the tests importable)
from models.shops import START, autumn, shop, shop_of_boxes, shop_of_regular_buyers
from peers import measured

import clv
from clv.evaluation.review import compare
from clv.pipeline.backtest import backtest, last_backtest
from clv.pipeline.contenders import CANDIDATES
from clv.store.workspace import HOLDOUT, Workspace

ROWS = {"customer_id": "customer", "date": "day", "amount": "paid"}


def falling(day):
    return np.exp(-0.3 * day / 365)


def shops(quick):
    for customers in (1000,) if quick else (1000, 4000, 16_000):
        yield f"no season, {customers:,} customers", shop(1, customers=customers, followed=0)
    many = {"customers": 1000 if quick else 4000, "followed": 0}
    past = many | {"past": 1000, "customers": 2 * many["customers"]}
    yield "a season", shop(1, **many, level=autumn)
    yield "a season and a hidden past", shop(1, **past, level=autumn)
    yield "a falling level, three years", shop(1, **many, level=falling, days=1095)
    yield "regular buyers", shop_of_regular_buyers(1, k=4, leaving="in between", **many)
    yield "boxes by the month, 3 % skipped", shop_of_boxes(1, skipped=0.03, **many)


def held(log, root):
    """The records of a backtest of the log, and what it took."""
    with (root / "orders.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(ROWS.values())
        columns = log.customer.tolist(), log.day.tolist(), log.value.tolist()
        for who, day, paid in zip(*columns, strict=True):
            rows.writerow([f"c{who:06}", START + dt.timedelta(days=day), round(paid, 2)])
    workspace = Workspace(root)
    clv.ingest(root / "orders.csv", workspace, print_nothing, **ROWS)
    return measured(
        lambda: backtest(workspace, CANDIDATES, print_nothing, horizon_days=365), repeats=1
    )


def print_nothing(_line):
    pass


def main():
    for name, log in shops("--quick" in sys.argv):
        with tempfile.TemporaryDirectory() as root:
            _, cost = held(log, Path(root))
            chosen = last_backtest(Workspace(Path(root))).chosen
            rows = pq.read_table(Path(root) / HOLDOUT, partitioning=None)
        beside = [compare(rows, score) for score in ("tweedie", "mae")]
        said = ", ".join(
            f"{one.score} {np.expm1(one.mean):+.1%} (worst {np.expm1(one.worst):+.1%}) beside "
            f"{one.baseline}"
            for one in beside
            if one is not None
        )
        print(f"{name}: {chosen} chosen; {said}; backtest {cost}", flush=True)


if __name__ == "__main__":
    main()

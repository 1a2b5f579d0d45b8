"""Whole runs and single verbs in this process, as the command line would start them."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib

from clv import wiring
from clv.pipeline import ingest
from clv.pipeline.run import run
from clv.settings import read_settings

NOW = dt.datetime(2026, 11, 1, 12, 0)
TODAY = dt.date(2026, 11, 1)
ORDER_LOG = {"customer_id": "customer", "date": "at", "amount": "total"}

DONE_BY = {
    "ingest": "keeping and refusing",
    "train": "fitting",
    "backtest": "backtest: what was known",
    "promote": "answers from now on",
    "predict": "scoring",
}


def run_all(workspace, source, *, tracking=None, **settings):
    """What a whole run answers, and what it tells; nothing is recorded unless told where."""
    chosen = read_settings(workspace=workspace, source=(source,), **settings)
    told = []
    log = wiring.log(chosen, TODAY, told.append, lambda done, total: None)
    outcome = run(
        wiring.workspace(chosen),
        log,
        wiring.ask(chosen),
        told.append,
        model=chosen.model,
        now=NOW,
        tracking=tracking,
    )
    return outcome, told


def ingest_only(workspace, source, **settings):
    """A workspace with the tables of a log and nothing else."""
    chosen = read_settings(workspace=workspace, source=(source,), **settings)
    log = wiring.log(chosen, TODAY, lambda text: None, lambda done, total: None)
    place = wiring.workspace(chosen)
    ingest.ingest(place, log, lambda text: None)
    return place


def computed(told):
    """The steps that were computed, by what was told."""
    return {step for step, words in DONE_BY.items() if any(words in text for text in told)}


def contents(folder):
    """The SHA-256 of every file under ``folder``, by name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_orders(path, orders):
    """``orders``, tuples of customer, moment and amount, as a plain order log."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "at", "total"])
        writer.writerows(orders)
    return path

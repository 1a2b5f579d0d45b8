"""The first verb: raw logs to clean lines, returns, customer summary and cohorts.

Every raw line ends up kept or refused; ``reports/etl.json`` adds it up in lines and money.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis

from clv.checked import CustomerSummary
from clv.data import check, cohorts, currency, engine, load, orders, preprocess, returns, summarize
from clv.data.calendar import read_calendar
from clv.data.gaps import gaps, order_days
from clv.data.preprocess import CONTENT, Cleaning
from clv.data.sources import Source
from clv.errors import SourceUnreadable
from clv.periods import Event, ObservationWindow
from clv.pipeline.steps import Tell, step_key
from clv.pipeline.workbench import workbench
from clv.store import parquet
from clv.store import workspace as files
from clv.store.workspace import Stage, Workspace
from clv.tables import COHORTS, CUSTOMER_SUMMARY, ORDER_LINES, REFUSED_LINES, RETURNS, TRANSACTIONS

OUTPUTS = [files.CLEAN_LINES, files.REFUSED, files.RETURNS, files.SUMMARY]
OUTPUTS += [files.COHORTS, files.ETL_REPORT]


@dataclasses.dataclass(frozen=True)
class Log:
    """A shop's raw log and how to read it.

    ``net`` counts value less matched returns. ``observation_end`` is the last day known about,
    before or after the last line; without it the log may not reach past ``today``. Prices stated in
    another currency than ``currency`` are converted by the file ``rates``; days unlike others are
    in the table ``calendar``.
    """

    paths: tuple[Path, ...]
    source: Source
    cleaning: Cleaning
    today: dt.date
    net: bool = True
    observation_end: dt.date | None = None
    currency: str | None = None
    rates: Path | None = None
    calendar: Path | None = None
    simulated: bool = False

    @property
    def value_definition(self) -> str:
        """What an amount counts, in one sentence."""
        sales = self.source.value_definition
        if self.cleaning.goods_only:
            sales = "sales of goods as invoiced, without postage and fees"
        return f"{sales}, {'less matched returns' if self.net else 'before returns'}"


def ingest(workspace: Workspace, log: Log, tell: Tell) -> dict[str, Any]:
    """Clean and consolidate ``log`` into the workspace; returns ``reports/etl.json``.

    Raises:
        SourceUnreadable: a file, row or value cannot be read, or no line is left.
        RuleBroken: a table contradicts its declaration.
        WorkspaceUnwritable: the disk is full or the folder refuses writing.
    """
    load.require_files(log.paths)
    tell("reading the log")
    sources = [
        {"file": path.name, "bytes": path.stat().st_size, "sha256": files.file_digest(path)}
        for path in log.paths
    ]
    beside = {
        name: path.is_file() and files.file_digest(path)
        for name, path in (("rates", log.rates), ("calendar", log.calendar))
        if path
    }
    facts = dataclasses.replace(log, paths=(), rates=None, calendar=None, today=dt.date.min)
    key = step_key(workspace, sources=sources, beside=beside, log=facts)
    if workspace.is_current("ingest", key):
        tell("nothing changed in the log since the last run: its tables are kept")
    else:
        with workbench(workspace) as (stage, connection):
            report = _Ingest(connection, log, stage, tell).run()
            stage.write_json(files.ETL_REPORT, report | {"sources": sources})
            stage.publish("ingest", key, OUTPUTS)
    return dict(workspace.read_json(files.ETL_REPORT))


class _Ingest:
    """One ingest on its way: the tables so far live in the engine under ``connection``."""

    def __init__(self, connection: Any, log: Log, stage: Stage, tell: Tell) -> None:
        self.connection, self.log, self.stage, self.tell = connection, log, stage, tell

    def run(self) -> dict[str, Any]:
        judged = self._judged()
        self.tell("keeping and refusing lines")
        by_article = self.log.source.has_articles
        kept, refused = preprocess.kept(judged), preprocess.refused(judged)
        window = self._window(judged, kept)
        events = self._calendar(window)
        self.tell("matching returns to the purchases they undo")
        credits = preprocess.credits(judged)
        if self.log.source.export is not None:
            pairs = returns.match_orders(kept, credits)
        else:
            pairs = returns.match(kept, credits, has_articles=by_article)
        pairs = engine.hold(self.connection, pairs)
        lines = returns.undo(kept, pairs)
        for table, declared in ((lines, ORDER_LINES), (pairs, RETURNS)):
            check.check(table, declared)
        self.tell("summarizing customers and cohorts")
        summary = self._summarize(kept, pairs, window, events)
        self.tell("writing the tables")
        self._write(files.CLEAN_LINES, lines, ORDER_LINES, [*CONTENT, "returned_value"])
        self._write(files.REFUSED, refused, REFUSED_LINES, [*CONTENT, "rule"])
        self._write(files.RETURNS, pairs, RETURNS, RETURNS.names)
        without = returns.unmatched(credits, pairs, has_articles=by_article)
        named = frozenset(day for event in events or () for day in event.ordinals)
        found = gaps(order_days(kept, window), named)
        return {
            **self._report(judged, kept, pairs, without, summary),
            "without_orders": [gap.plain() for gap in found],
        }

    def _judged(self) -> ibis.Table:
        log = self.log
        rates = log.rates and currency.read_rates(self.connection, log.rates)
        parts = load.load(self.connection, log.paths, log.source, self.stage.folder)
        with load.reading(parts, log.source):
            if log.source.export is not None:
                orders.require_readable(parts, log.source)
                lines = orders.order_lines(parts, log.source, log.cleaning)
            else:
                preprocess.require_clear_amounts(parts, log.source)
                lines = preprocess.distinct_lines(parts, log.source, log.cleaning)
            judged = preprocess.judge(lines, log.source, log.cleaning)
            judged = engine.hold_numbered(self.connection, judged)
            if log.source.export is None:
                preprocess.require_readable(judged, parts, log.source)
        if log.observation_end is None:
            preprocess.require_past(judged, log.today)
        if "currency" not in log.source.headers:
            return judged
        lines = self._in_one_currency(judged, rates)
        judged = preprocess.judge(lines, log.source, log.cleaning)
        return engine.hold_numbered(self.connection, judged)

    def _in_one_currency(self, lines: ibis.Table, rates: ibis.Table | None) -> ibis.Table:
        log, counted = self.log, lines.filter(lines.rule.isnull() | (lines.rule == "return"))
        stated = currency.currencies(lines if log.source.export is None else counted)
        if rates is not None and log.currency is not None:
            return currency.convert(lines, rates, log.currency)
        if len({*stated, log.currency} - {None}) > 1:
            raise SourceUnreadable(
                "log",
                f"lines are in {len(stated)} currencies: {', '.join(stated)}.",
                next_step="Say which one you want with --currency, and give --rates FILE.",
            )
        if stated:
            self.log = dataclasses.replace(log, currency=stated[0])
        return lines

    def _window(self, judged: ibis.Table, kept: ibis.Table) -> ObservationWindow:
        """The days the whole log covers, refused lines included, as far as observed."""
        if not engine.count(kept):
            found = ledger(judged)
            why = ", ".join(f"{rule} {lines:,}" for rule, lines in found["refused"].items())
            raise SourceUnreadable(
                "log",
                f"none of its {found['read']:,} lines is a sale to a known customer ({why})."
                if found["read"]
                else "it has column names, but not a single line.",
                next_step="Check that the right columns and the right file were named.",
            )
        at = judged.invoice_date
        ends = engine.first_row(judged.aggregate(start=at.min().date(), end=at.max().date()))
        end = self.log.observation_end or ends["end"]  # the shop may know of quiet days after it
        if end < ends["start"]:
            raise SourceUnreadable(
                "log",
                f"its first day is {ends['start']}, after --observation-end {end}.",
                next_step="Choose a later day.",
            )
        return ObservationWindow(ends["start"], end)

    def _calendar(self, window: ObservationWindow) -> tuple[Event, ...] | None:
        """The events of the shop's table of whose name the log has a day."""
        log = self.log
        if log.calendar is None:
            return None
        how = log.source.encoding, self.stage.folder
        events = read_calendar(self.connection, log.calendar, *how)
        shown = {one.name for one in events if window.start < one.last and one.first <= window.end}
        unseen = [event for event in events if event.name not in shown]
        late = [one for one in events if one.name in shown and not one.is_known_on(window.end)]
        for which, why in (
            (unseen, "are of a name without a day in the log, so nothing can be learned of them"),
            (late, f"were known only after {window.end}, the last day of the log"),
        ):
            if which:
                rows = f"{len(which):,} of {len(events):,} rows {why}"
                self.tell(f"calendar: {rows}; left out, first: {which[0].name!r}")
        return tuple(event for event in events if event not in unseen) or None

    def _summarize(
        self,
        kept: ibis.Table,
        pairs: ibis.Table,
        window: ObservationWindow,
        events: tuple[Event, ...] | None,
    ) -> CustomerSummary:
        known = kept
        if self.log.cleaning.anonymous_as is not None:
            known = kept.filter(kept.customer_id != self.log.cleaning.anonymous_as)
        days = engine.hold(
            self.connection, summarize.transactions(known, pairs, window.end, net=self.log.net)
        )
        check.check(days, TRANSACTIONS)
        summary = summarize.customer_summary(known, days, window)
        facts = self._facts() | {
            "time_unit": summary.time_unit,
            "window_start": window.start,
            "window_end": window.end,
            "purchases_by_day": json.dumps(summary.purchases_by_day),
            "spend_season": json.dumps(summary.spend_season),
            "calendar": events and json.dumps([event.plain() for event in events]),
        }
        path = self.stage.path(files.SUMMARY)
        parquet.write(summary.table, path, CUSTOMER_SUMMARY, facts)
        grid = cohorts.cohorts(days, engine.hold(self.connection, summary.table))
        check.check(grid, COHORTS)
        self._write(files.COHORTS, grid, COHORTS, list(COHORTS.key))
        return summary

    def _facts(self) -> dict[str, object]:
        return {
            "currency": self.log.currency,
            "basis": "net" if self.log.net else "gross",
            "value_definition": self.log.value_definition,
            "source": self.log.source.name,
            "simulated": "true" if self.log.simulated else None,
        }

    def _write(self, name: str, table: ibis.Table, declared: Any, order: list[str]) -> None:
        path = self.stage.path(name)
        engine.write_parquet(table, path, declared, order=order, facts=self._facts())

    def _report(
        self,
        judged: ibis.Table,
        kept: ibis.Table,
        pairs: ibis.Table,
        without: ibis.Table,
        summary: CustomerSummary,
    ) -> dict[str, Any]:
        found = kept.aggregate(
            lines=kept.count(),
            customers=kept.customer_id.nunique(),
            invoices=kept.invoice.nunique(),
            gross=kept.sales.sum(),
        )
        undone = pairs.aggregate(
            lines=pairs.credit_line.nunique(), value=pairs.value.sum().fill_null(0)
        )
        unmatched = without.aggregate(lines=without.count(), value=without.value.sum().fill_null(0))
        net = float(summary.column("historic_clv").sum())
        of_export = {} if self.log.source.export is None else _of_export(judged)
        return {
            **ledger(judged),
            **of_export,
            "kept_totals": _plain(engine.first_row(found)),
            "returns": {
                "matched": _plain(engine.first_row(undone)),
                "unmatched": _plain(engine.first_row(unmatched)),
            },
            "value": round(net, 4),
            "purchase_days": int(summary.column("purchase_days").sum()),
            "all_orders_returned": int((summary.column("purchase_days") == 0).sum()),
            "first_day": summary.window.start.isoformat(),
            "last_day": summary.window.end.isoformat(),
            **self._facts(),
            "simulated": self.log.simulated,
        }


def ledger(judged: ibis.Table) -> dict[str, Any]:
    """How many lines were read, kept and refused by which rule, and their money, signed."""
    by_rule = judged.group_by("rule").agg(lines=judged.count(), money=judged.sales.sum())
    found = {row["rule"]: row for row in engine.fetch(by_rule).to_pylist()}
    copies = judged.copies - 1
    further = judged.aggregate(
        lines=copies.sum().fill_null(0), money=(judged.sales * copies).sum().fill_null(0)
    )
    nothing: dict[str, Any] = {"lines": 0, "money": Decimal("0.0000")}
    again, known = engine.first_row(further), found.get("duplicate", nothing)
    found["duplicate"] = {name: known[name] + again[name] for name in nothing}
    if "aside" in judged.columns:
        aside = judged.aggregate(money=judged.aside.sum().fill_null(0))
        found["tax_and_shipping"] = {"lines": 0, **engine.first_row(aside)}
    rules = [
        *preprocess.RULES,
        *(rule for rule in preprocess.RULES_OF_SOME if any(found.get(rule, nothing).values())),
    ]
    totals = {rule: found.get(rule, nothing) for rule in rules}
    kept = found.get(None, nothing)
    every = [kept, *totals.values()]
    return {
        "read": int(sum(row["lines"] for row in every)),
        "kept": int(kept["lines"]),
        "refused": {rule: int(row["lines"]) for rule, row in totals.items()},
        "money": {
            "read": str(sum((row["money"] for row in every), nothing["money"])),
            "kept": str(kept["money"]),
            "refused": {rule: str(row["money"]) for rule, row in totals.items()},
        },
    }


def _of_export(judged: ibis.Table) -> dict[str, Any]:
    """Rows and refunds an export has, which make its lines; and what was charged less refunded."""
    counted = judged.rule.isnull() | (judged.rule == "return")
    found = judged.aggregate(
        rows=judged.count(where=~judged.is_refund),
        refunds_on_orders=judged.count(where=judged.is_refund),
        charged_less_refunded=(judged.sales + judged.aside).sum(where=counted).fill_null(0),
    )
    return _plain(engine.first_row(found))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Counts as numbers, money as exact text, for JSON."""
    return {
        name: str(value) if isinstance(value, Decimal) else int(value or 0)
        for name, value in row.items()
    }

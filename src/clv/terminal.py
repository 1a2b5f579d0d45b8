"""What the command line shows to people: the ledger, the backtest, the box at the end."""

from __future__ import annotations

import datetime as dt
import operator
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from clv.checked import Predictions
from clv.data.sources.online_retail import ONLINE_RETAIL
from clv.data.sources.recognize import EXPORTS
from clv.evaluation import drift
from clv.evaluation.past import Average, averages, of_chosen
from clv.pipeline import matured
from clv.pipeline.backtest import HORIZONS, checkable_from
from clv.pipeline.predict import Ask
from clv.speech import Speech
from clv.store import workspace as files
from clv.store.workspace import Workspace

WHY_REFUSED = {
    "duplicate": ("repeats another line exactly", "--keep-duplicates"),
    "no_customer": ("has no customer", "--anonymous-as NAME"),
    "return": ("is a return, matched to what it undoes", "--basis gross"),
    "non_positive_price": ("has no price", ""),
    "not_goods": ("is no article", "--no-goods-only"),
    "continuation": ("is a further row of an order", ""),
    "no_total": ("is of an order that states no total", ""),
    "draft": ("is a draft", "--also-count draft"),
    "test_order": ("is a test order", "--also-count test_order"),
    "cancelled": ("was cancelled or voided", "--also-count cancelled"),
    "not_paid": ("is not paid", "--also-count not_paid"),
    "tax_and_shipping": ("tax and shipping inside the totals", "--with-tax-and-shipping"),
}
ONCE_MORE = ("is an order that another file holds too", "")
# How each metric is written, and which of two is the better: the smaller by this measure.
METRICS: dict[str, tuple[str, Callable[[float], float]]] = {
    "mae": ("{:,.1f}", float),
    "tweedie": ("{:,.1f}", float),
    "spearman": ("{:.3f}", operator.neg),
}
SHOWN_ONE_BY_ONE = 2
SMALL = 10
QUARTER_DAYS = 91
TARGETS = {"net_cash": "net sales", "purchase_days": "purchase days"}


ENGLISH = Speech("en")
SIMULATED = ENGLISH("simulated")


def money(amount: Decimal | float | str, currency: str | None) -> str:
    return Speech("en", currency).money(float(amount))


def ledger(
    report: dict[str, Any], examples: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
) -> list[RenderableType]:
    """The sum to reconcile first; then what was read, refused and kept, worst first.

    ``examples`` are one refused line for each rule, shown below it.
    """
    currency, cash = report["currency"], report["money"]
    table = Table("lines", "", "money", "to change it", box=None, header_style="dim")
    table.columns[0].justify = table.columns[2].justify = "right"
    table.columns[2].no_wrap = True
    table.add_row(f"{report['read']:,}", "read", money(cash["read"], currency))
    refused = {rule: Decimal(amount) for rule, amount in cash["refused"].items()}
    for rule, amount in sorted(refused.items(), key=lambda item: -abs(item[1])):
        lines = report["refused"][rule]
        if not lines and not amount:
            continue
        once_more = rule == "duplicate" and report.get("source") in EXPORTS
        why, switch = ONCE_MORE if once_more else WHY_REFUSED[rule]
        said = f"refused: {why}" if lines else f"left out: {why}"
        if rule in examples:
            said += f"\n[dim]e.g. {_example(examples[rule], currency)}[/dim]"
        table.add_row(f"{lines:,}" * (lines > 0), said, money(amount, currency), switch)
    table.add_row(f"{report['kept']:,}", "kept", money(cash["kept"], currency))
    undone, loose = report["returns"]["matched"], report["returns"]["unmatched"]
    matched = (
        f"Returns undo {money(undone['value'], currency)} of purchases; "
        f"{loose['lines']:,} credit notes over {money(loose['value'], currency)} match no "
        "purchase in this log and change nothing."
    )
    shown: list[RenderableType] = [_reconciled(report), table, matched, *_gaps(report)]
    return [f"[bold]{SIMULATED}[/bold]", *shown] if report["simulated"] else shown


def _reconciled(report: dict[str, Any]) -> str:
    """The one figure to hold against the shop's own report, and why that may say another."""
    seen = money(report["value"], report["currency"])
    said = (
        f"[bold]{ENGLISH.label(report['basis'])} we see: {seen}[/bold], {report['first_day']} to "
        f"{report['last_day']}. "
        "Your shop's own report for these dates should say the same within 1 %; if not, the "
        "usual reasons are what is left out below"
    )
    if report.get("source") not in EXPORTS:
        return f"{said}."
    charged = money(report["charged_less_refunded"], report["currency"])
    return (
        f"{said}, and that {EXPORTS[report['source']].differs}. Charged less refunded, tax and "
        f"shipping included and with customers unknown, it is {charged}: look whether the report "
        "says net or total sales."
    )


def _gaps(report: dict[str, Any]) -> Iterable[str]:
    """Where far longer than elsewhere no order is, what that does, and what to do about it."""
    for gap in report["without_orders"]:
        first, last, alone = gap["first_day"], gap["last_day"], gap["alone"]
        step = "If the shop was closed, name these days in --calendar."
        if alone and alone < first:
            step = (
                f"If {alone}, the log's first day, is a slip, correct or remove its lines. {step}"
            )
        elif alone:
            until = dt.date.fromisoformat(first) - dt.timedelta(days=1)
            slip = f"If {alone}, the log's last day, is a slip, leave it out with"
            step = f"{slip} --observation-end {until}. {step}"
        yield (
            f"[bold]Warning[/bold]: no order that counts is dated {first} to {last} "
            f"({gap['days']:,} days; else at most {gap['next_longest']:,} pass without one), and "
            f"the forecast takes these days for ordinary ones. {step}"
        )


def _example(line: Mapping[str, Any], currency: str | None) -> str:
    """A refused line by its order and day; never by its customer."""
    order = f"{escape(line['invoice'])}, " if line["invoice"] else ""
    day = f"{line['invoice_date']:%Y-%m-%d}, " if line["invoice_date"] else ""
    return f"{order}{day}{money(line['sales'], currency)}"


def examples(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """For each rule the refused line of the most money, as ``refused.parquet`` has it."""
    names = ["rule", "invoice", "invoice_date", "sales"]
    refused = pq.ParquetFile(workspace.path(files.REFUSED)).read(names)
    size = pc.abs(refused["sales"])
    found = {}
    # To sort them would load pandas, wherever it is installed.
    for rule in pc.unique(refused["rule"]).to_pylist():
        of_rule = pc.equal(refused["rule"], rule)
        largest = pc.max(size.filter(of_rule))
        lines = refused.filter(pc.and_(of_rule, pc.equal(size, largest)))
        found[rule] = lines.slice(0, 1).to_pylist()[0]
    return found


def fit_facts(workspace: Workspace, digest: str) -> dict[str, Any]:
    stored = workspace.read_json(f"models/{digest}/model.json")
    parts = stored["purchases"], stored["spend"]
    return {"digest": digest} | {part.pop("model"): part.pop("report", {}) | part for part in parts}


def fit(facts: dict[str, Any]) -> Iterable[RenderableType]:
    """Parameters with standard errors, and how each part of the fit ended."""
    for model, found in facts.items():
        if model == "digest":
            continue
        if "why" in found:
            yield f"{model}: {found['mean']:,.2f} for everybody, because {found['why']}"
            continue
        errors = found["standard_errors"] or {}
        values = ", ".join(
            f"{name} {value:.4g}" + (f" (s.e. {errors[name]:.2g})" if name in errors else "")
            for name, value in found["params"].items()
        )
        likely = f"log-likelihood {found['log_likelihood']:,.3f}"
        criteria = f"AIC {found['aic']:,.1f}, BIC {found['bic']:,.1f}"
        yield f"{model}: {values}; {likely}, {criteria}; {found['status']}"
        yield f"  {found['advice']}"
    yield f"Stored as model {facts['digest']}; `clv promote {facts['digest']}` lets it answer."


def backtest(records: list[dict[str, Any]]) -> Iterable[RenderableType]:
    """What was chosen and every baseline, as means over earlier dates; the best in bold.

    ``bias`` runs from the lowest to the highest at any date. ``error`` is the mean absolute one,
    of the median where there is one, ``dev.`` the Tweedie deviance, ``rank`` Spearman's.
    """
    cuts = sorted({record["cut"] for record in records})
    names = Counter(r["model"] for r in records if r["role"] == "chosen" and r["metric"] == "bias")
    yield f"Held against what happened after {len(cuts)} dates, {cuts[0]} to {cuts[-1]}."
    yield f"Chosen there: {', '.join(names)}."
    for target, words in TARGETS.items():
        title = f"Forecast {words} against what happened"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
        for heading in ("days", "dates", "model", "bias", "error", "dev.", "rank"):
            words_left = heading == "model"
            table.add_column(heading, justify="left" if words_left else "right", no_wrap=True)
        held = averages(records, target)
        for days in dict.fromkeys(days for days, _ in held):
            here = {model: own for (at, model), own in held.items() if at == days}
            for cells in _rows(here):
                table.add_row(str(days), *cells)
            table.add_section()
        yield table


def _rows(models: dict[str, Average]) -> Iterable[list[str]]:
    """The models at one horizon, each with its metrics in words."""
    best = {
        metric: min(
            (own.metrics[metric] for own in models.values() if metric in own.metrics),
            key=measure,
            default=None,
        )
        for metric, (_, measure) in METRICS.items()
    }
    for model, own in models.items():
        ends = sorted({min(own.biases), max(own.biases)} if own.biases else ())
        cells = [str(own.cuts), model, " to ".join(f"{bias:+.0%}" for bias in ends) or "-"]
        for metric, (form, _) in METRICS.items():
            value = own.metrics.get(metric)
            # Purchase days are few, and so are their errors.
            fine = "{:.3f}" if value is not None and abs(value) < SMALL else form
            shown = "-" if value is None else fine.format(value)
            cells.append(f"[bold]{shown}[/bold]" if value == best[metric] else shown)
        yield cells


def forecast_facts(predictions: Predictions) -> dict[str, Any]:
    """The forecast in sums, for the box and for scripts."""
    table = predictions.table
    carried = ("as_of", "horizon_days", "horizon_validated", "currency", "basis", "model_version")
    first = table.select([*carried, "reason_codes", "interval_level"]).slice(0, 1).to_pylist()[0]
    # A group_by would load pandas, wherever it is installed.
    tiers = pc.value_counts(table["value_tier"]).to_pylist()
    reach = predictions.total and dict(zip(("lower", "upper"), predictions.total, strict=True))
    return {
        "customers": len(predictions),
        "predicted_clv": round(pc.sum(table["predicted_clv"]).as_py(), 2),
        "predicted_number_of_orders": round(pc.sum(table["predicted_number_of_orders"]).as_py(), 1),
        "tiers": {row["values"]: row["counts"] for row in tiers},
        **{name: first[name] for name in carried},
        "range": reach and {**reach, "level": first["interval_level"]},
        "simulated": "simulated" in first["reason_codes"],
    }


CHECKED = {
    "checked": "this horizon was checked on this log",
    "checked_once": "this horizon was checked once on this log",
    "extrapolated": "this horizon was not checked on this log",
}


NO_SEASON = (
    "The log has not seen a whole year, so the forecast knows of no season: it is far too high "
    "after the busy months, and too low after the quiet ones."
)


def forecast(facts: dict[str, Any]) -> str:
    say = Speech("en", facts["currency"]).rough
    reach = facts["range"]
    given = (
        f", {reach['level']:.0%} range {say(reach['lower'])} to {say(reach['upper'])},"
        if reach
        else ""
    )
    return (
        f"{facts['customers']:,} customers are expected to bring {say(facts['predicted_clv'])}"
        f"{given} within {facts['horizon_days']} days of {facts['as_of']} "
        f"({CHECKED[facts['horizon_validated']]}; "
        f"half of it comes from {facts['tiers'].get('A', 0):,} of them)."
    )


def _off_by(biases: list[tuple[float, str]]) -> str:
    """How far totals were off at earlier dates: each, or the two ends of many."""
    one = [f"{bias:+.0%} on {cut}" for bias, cut in biases]
    if len(one) <= SHOWN_ONE_BY_ONE:
        return " and ".join(one)
    low, high = (f"{bias:+.0%} on {cut}" for bias, cut in (min(biases), max(biases)))
    return f"{low} to {high}, {len(one)} dates in all"


def how_far_off(records: list[dict[str, Any]], etl: dict[str, Any]) -> list[str]:
    """How the same forecast did at earlier cuts, and which horizons this log cannot check."""
    held: dict[int, list[tuple[float, str]]] = {}
    for one in of_chosen(records, "bias"):
        biases = [] if one["value"] is None else [(one["value"], one["cut"])]
        held.setdefault(one["horizon_days"], []).extend(biases)
    first, last = (dt.date.fromisoformat(etl[name]) for name in ("first_day", "last_day"))
    length = (last - first).days
    no_season = [NO_SEASON] if length < HORIZONS[-1] - 1 else []
    if not held:
        checkable = checkable_from(first)
        until = f", which takes a log that reaches {checkable} or later"
        return [f"It was not held against what happened{until * (last < checkable)}.", *no_season]
    said = [
        f"The same forecast over {days} days "
        + (f"was off by {_off_by(biases)}." if biases else "met no sales to compare it with.")
        for days, biases in sorted(held.items())
    ]
    if unchecked := [str(days) for days in HORIZONS if days not in held]:
        said.append(f"A log of {length:,} days cannot check {', '.join(unchecked)} days yet.")
    return said + no_season


def reviewed(review: dict[str, Any]) -> Iterable[str]:
    """The word of a review, and what it rests on where that is no PASS."""
    grave = [one for one in review["findings"] if one["word"] != "PASS"]
    said = " ".join(f"{one['found']} {one['advice']}" for one in grave)
    return [f"Review: {review['word']}. {said}".rstrip()]


def later_facts(workspace: Workspace) -> dict[str, Any]:
    """What came of earlier forecasts, and how far customers moved since."""
    return {
        "matured": workspace.read_json(files.MATURED),
        "drift": workspace.read_json(files.DRIFT),
    }


def later(workspace: Workspace, currency: str | None) -> list[str]:
    """The same in words, where there is any of it."""
    facts = later_facts(workspace)
    came = matured.told(facts["matured"], Speech("en", currency))
    return [*came, *drift.told(facts["drift"]["columns"], ENGLISH)]


def whole_run(
    workspace: Workspace, etl: dict[str, Any], records: list[dict[str, Any]], facts: dict[str, Any]
) -> Iterable[RenderableType]:
    """A box: what was found, where the files are, what to do next."""
    found = [forecast(facts), *how_far_off(records, etl), *later(workspace, facts["currency"])]
    if facts["simulated"]:
        found.insert(0, SIMULATED)
    written = {"CLV table": files.PREDICTIONS, "clean lines": files.CLEAN_LINES}
    if records:
        found += reviewed(workspace.read_json(files.REVIEW))
        written["backtest"] = files.BACKTEST_REPORT
    if workspace.is_file(files.REPORT):
        written["report"] = files.REPORT
    where = [f"{what:12s} {escape(str(workspace.path(name)))}" for what, name in written.items()]
    here = "" if workspace.root == Path() else f" --workspace {escape(str(workspace.root))}"
    clv = escape(_program())
    days = facts["horizon_days"]
    reach = "" if days == Ask.horizon_days else f" --horizon-days {days}"
    following = [f"{clv} serve{here}    look at it: dashboard, API and MLflow's page"]
    if records:
        following.append(f"{clv} backtest{here}{reach}    how good it was, beside simple guesses")
    if days != QUARTER_DAYS:
        following.append(f"{clv} predict{here} --horizon-days {QUARTER_DAYS}    the next quarter")
    if etl["source"] == ONLINE_RETAIL.name:
        own = "--customer-id email --date created_at --amount total"
        following.append(f"{clv} run orders.csv {own}{reach}")
    body = Group(*found, "", *where, "", "Next:", *(f"  {line}" for line in following))
    yield Panel(body, title="Customer lifetime value", title_align="left")


def _program() -> str:
    """How the command can be typed from here: `clv`, or the path it was started by."""
    if shutil.which("clv"):
        return "clv"
    return min(sys.argv[0], os.path.relpath(sys.argv[0]), key=len)

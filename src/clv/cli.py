"""The command line: one command per verb, a few lines around the function of the same name."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clv import command, errors
from clv.command import Session
from clv.options import JSON, SOURCE, WORKSPACE

if TYPE_CHECKING:
    from clv.data.sources import Source
    from clv.pipeline.ingest import Log

app = typer.Typer(
    help="Customer lifetime value for every customer of a shop, from its raw order log.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
verb = partial(command.verb, app)

Sources = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[SOURCE]...", help=SOURCE.meaning),
]
Port = Annotated[int, typer.Option(min=1, max=65_535)]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Its name in the catalog.")]
Digest = Annotated[str, typer.Argument(metavar="DIGEST", help="As `clv train` printed it.")]


def main() -> None:
    command.stop_by_signal()
    app()


@app.callback(invoke_without_command=True)
def everywhere(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"clv {metadata.version('clv-forecaster')}")
        raise typer.Exit


def _log(session: Session) -> Log:
    from clv import wiring

    return wiring.log(session.settings, dt.date.today(), session.tell, session.progress)


def _show_ledger(session: Session, report: dict[str, Any], source: Source) -> None:
    """What the log holds, as soon as it is known; what was recognized is written down."""
    from clv import terminal, wiring

    session.show(*terminal.ledger(report, terminal.examples(session.workspace)))
    if written := wiring.remember(session.settings, source):
        session.tell(f"wrote what was recognized to {written}")


def _warn_simulated(session: Session) -> None:
    """Say so where the tables at hand are of a shop that does not exist."""
    from clv import terminal, wiring

    if wiring.is_simulated(session.workspace):
        session.show(terminal.SIMULATED)


@verb("ingest")
def ingest(session: Session, source: Sources = None) -> None:
    """Clean a raw log into tables: every line is kept, or refused by one rule."""
    from clv.pipeline.ingest import ingest as clean

    log = _log(session)
    report = clean(session.workspace, log, session.tell)
    _show_ledger(session, report, log.source)
    session.answer(report)


@verb("init")
def init(session: Session, source: Sources = None) -> None:
    """Write `clv.toml`, every setting with its meaning, without running anything."""
    from rich.markup import escape

    from clv import wiring

    found = wiring.source_of_log(session.settings) if session.settings.source else None
    path = wiring.write_settings(session.settings, found)
    kind = found.name if found else None
    said = f"Wrote {path}." + (f" The log is read as {kind}." if kind else "")
    session.answer({"settings": path, "kind": kind}, escape(said), "Next: clv run")


# No verb like the others: it has to answer where settings cannot be read.
@app.command("doctor")
def doctor(
    workspace: Annotated[
        Path | None, typer.Option(WORKSPACE.flag, metavar="DIR", help=WORKSPACE.meaning)
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option(JSON.flag, help=JSON.meaning)] = False,
) -> None:
    """Look for what would stop a run, and say what to do about it."""
    from clv.doctor import examine

    checks = examine(workspace)
    ok = all(check.ok for check in checks)
    if as_json:
        typer.echo(json.dumps({"ok": ok, "checks": [dataclasses.asdict(one) for one in checks]}))
    else:
        for check in checks:
            typer.echo(f"{'ok' if check.ok else 'problem':<7}  {check.name}: {check.found}")
            if check.next_step:
                typer.echo(f"         {check.next_step}")
    if not ok:
        raise typer.Exit(1)


@verb("train")
def train(session: Session, model: ModelName) -> None:
    """Fit a model to the customer summary, store it and record it in MLflow."""
    from clv import terminal
    from clv.pipeline.earlier import records_of
    from clv.pipeline.record import record
    from clv.pipeline.train import train as fit

    digest = fit(session.workspace, model, session.tell)
    if session.tracking is not None:
        records = records_of(session.workspace, digest)
        record(session.workspace, digest, session.tracking, session.tell, records=records)
    _warn_simulated(session)
    report = terminal.fit_facts(session.workspace, digest)
    session.answer(report, *terminal.fit(report))


@verb("promote")
def promote(
    session: Session,
    digest: Digest,
    *,
    unreviewed: Annotated[
        bool, typer.Option("--unreviewed", help="Whatever its backtest says, or without one.")
    ] = False,
) -> None:
    """Let a stored model answer, if on this log it is not worse than the one that does."""
    from clv.pipeline.earlier import records_of
    from clv.pipeline.gate import challenge
    from clv.pipeline.train import promote as point
    from clv.pipeline.train import tell_if_outdated

    place, tracking = session.workspace, session.tracking
    if unreviewed:
        records = records_of(place, digest)
        point(place, digest, session.tell, tracking=tracking, records=records)
    else:
        challenge(place, digest, session.tell, tracking=tracking)
    tell_if_outdated(place, session.tell)
    said = f"Model {digest} answers from now on{', unreviewed' * unreviewed}."
    session.answer({"champion": digest, "unreviewed": unreviewed}, said)


@verb("sync")
def sync(session: Session) -> None:
    """Let the model answer that MLflow's alias champion names."""
    from clv.pipeline.train import sync as follow

    if session.tracking is None:
        raise errors.SettingsError(
            "mlflow_uri", "it is off.", next_step="Name the MLflow to follow with --mlflow-uri."
        )
    digest = follow(session.workspace, session.tracking, session.tell)
    session.answer({"champion": digest}, f"Model {digest} answers.")


@verb("backtest")
def backtest(session: Session) -> None:
    """Hold the model and the baselines against what happened after earlier dates."""
    from clv import terminal
    from clv.pipeline.backtest import backtest as hold
    from clv.pipeline.contenders import candidates
    from clv.pipeline.gate import champion_kind
    from clv.store import workspace as files

    settings, place = session.settings, session.workspace
    among = candidates(settings.model, champion_kind(place))
    records = hold(place, among, session.tell, horizon_days=settings.horizon_days)
    _warn_simulated(session)
    review = place.read_json(files.REVIEW)
    shown = *terminal.backtest(records), *terminal.reviewed(review)
    session.answer({"records": records, "review": review}, *shown)


@verb("predict")
def predict(session: Session) -> None:
    """Score every customer with the model that answers, and make the report of it."""
    from clv import terminal, wiring
    from clv.pipeline.predict import predict as score
    from clv.report import make_report

    table = score(session.workspace, wiring.ask(session.settings), wiring.now(), session.tell)
    make_report(session.workspace)
    facts = terminal.forecast_facts(table)
    _warn_simulated(session)
    since = terminal.later(session.workspace, facts["currency"])
    told = facts | terminal.later_facts(session.workspace)
    session.answer(told, terminal.forecast(facts), *since)


@verb("run")
def run(session: Session, source: Sources = None) -> None:
    """Everything: ingest, backtest, train, promote, predict, and the report of it."""
    from clv import terminal, wiring
    from clv.pipeline.run import run as run_all
    from clv.report import make_report
    from clv.store import workspace as files

    log = _log(session)
    found = run_all(
        session.workspace,
        log,
        wiring.ask(session.settings),
        session.tell,
        model=session.settings.model,
        now=wiring.now(),
        ingested=lambda etl: _show_ledger(session, etl, log.source),
        tracking=session.tracking,
    )
    if isinstance(found.predictions, errors.NotEnoughData):
        session.answer({"etl": found.etl, "forecast": None})
        raise found.predictions
    make_report(session.workspace)
    facts = terminal.forecast_facts(found.predictions)
    shown = terminal.whole_run(session.workspace, found.etl, found.backtest, facts)
    review = session.workspace.read_json(files.REVIEW) if found.backtest else None
    told = {"etl": found.etl, "forecast": facts, "review": review}
    session.answer(told | terminal.later_facts(session.workspace), *shown)


@verb("serve")
def serve(
    session: Session, api_port: Port = 8000, dashboard_port: Port = 8501, mlflow_port: Port = 5000
) -> None:
    """Start the API, the dashboard and MLflow's page, until Ctrl-C."""
    from clv.serve import OPEN, servers_of
    from clv.serve import serve as run_all

    ports = api_port, dashboard_port, mlflow_port
    servers = servers_of(session.workspace, session.tracking, ports, session.tell)
    addresses = {server.name: server.address for server in servers}
    shown = [f"{name:<10} {address}" for name, address in addresses.items()]
    session.tell(f"starting {', '.join(addresses)}")
    run_all(servers, lambda: session.answer(addresses, *shown, OPEN, "Ctrl-C stops all."))
    session.tell("all stopped")


@verb("simulate")
def simulate(
    session: Session,
    path: Path = Path("data/raw/simulated_shop.csv"),
    customers: int = 5_900,
    seed: int = 1,
) -> None:
    """Write the raw log of a shop that does not exist, with the truth about it beside it."""
    from rich.markup import escape

    from clv.simulated_shop import simulate_log, write_log

    shop = simulate_log(customers=customers, seed=seed)
    target = write_log(session.workspace.path(str(path)), shop.log)
    truth = write_log(target.with_suffix(".truth.csv"), shop.truth)
    facts = {"log": target, "truth": truth, "lines": shop.log.num_rows, "customers": customers}
    said = f"SIMULATED: {shop.log.num_rows:,} lines in {target}, truth in {truth}."
    session.answer(facts, escape(said))

"""The command line: one command per verb, with its settings as flags.

Everything heavy is imported inside the commands, so that help is quick. Results go to
standard output (as JSON with ``--json``), everything else to standard error.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import inspect
import json
import signal
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from clv import errors
from clv.options import SOURCE, WORKSPACE, Option, taken_by

if TYPE_CHECKING:
    from clv.data.sources import Source
    from clv.pipeline.ingest import Log
    from clv.settings import Settings

app = typer.Typer(
    help="Customer lifetime value for every customer of a shop, from its raw order log.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

EXIT_CODES: dict[type[errors.ClvError], int] = {
    errors.SettingsError: 2,
    errors.DataError: 3,
    errors.FitError: 4,
    errors.PredictionError: 5,
    errors.StoreError: 6,
    errors.ServerEnded: 7,
    errors.ReviewFailed: 8,
}
INTERRUPTED = 130
STOPPED = "Stopped. Nothing is half-written; the files of the last good run are in place."

EVERYWHERE = (WORKSPACE, Option("json", "", "Print the result as JSON and nothing else.", ()))

Sources = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[SOURCE]...", help=SOURCE.meaning),
]
Port = Annotated[int, typer.Option(min=1, max=65_535)]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Its name in the catalog.")]
Digest = Annotated[str, typer.Argument(metavar="DIGEST", help="As `clv train` printed it.")]


def main() -> None:
    # A scheduler stops a run as a person does; process 1 of a container would not even hear it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()


@app.callback(invoke_without_command=True)
def everywhere(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"clv {metadata.version('clv-forecaster')}")
        raise typer.Exit


def exit_code(error: errors.ClvError) -> int:
    """The exit code of the nearest kind of error that has one."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


class Session:
    """One command at work: its settings, where it says things, and the result it prints."""

    def __init__(self, settings: Settings, *, as_json: bool) -> None:
        from rich.console import Console

        from clv import wiring

        self.settings, self.as_json = settings, as_json
        self.workspace = wiring.workspace(settings)
        self.tracking = wiring.tracking(settings)
        self.aside, self.output = Console(stderr=True), Console()
        self.working = self.aside.status("", spinner="line")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.working.stop()

    def tell(self, text: str) -> None:
        """Say what happens now; in a terminal something turns until the next is said."""
        if self.as_json:
            return
        self.aside.print(f"  {text}", style="dim", highlight=False, markup=False)
        if self.aside.is_terminal:
            self.working.update("")
            self.working.start()

    def progress(self, done: int, total: int) -> None:
        """Redraw how much of a download is here."""
        self.working.update(f"{done / 1e6:.1f} of {total / 1e6:.1f} MB")

    def log(self) -> Log:
        from clv import wiring

        return wiring.log(self.settings, dt.date.today(), self.tell, self.progress)

    def show_ledger(self, report: dict[str, Any], source: Source) -> None:
        """What the log holds, as soon as it is known; what was recognized is written down."""
        from clv import terminal, wiring

        self.show(*terminal.ledger(report, terminal.examples(self.workspace)))
        if written := wiring.remember(self.settings, source):
            self.tell(f"wrote what was recognized to {written}")

    def show(self, *items: Any) -> None:
        """What people are shown; scripts get JSON, once, at the end."""
        self.working.stop()
        if not self.as_json:
            for item in items:
                self.output.print(item, highlight=False)

    def warn_simulated(self) -> None:
        """Say so where the tables at hand are of a shop that does not exist."""
        from clv import terminal
        from clv.store import parquet
        from clv.store import workspace as files

        if parquet.facts_of(self.workspace.path(files.SUMMARY)).get("simulated") == "true":
            self.show(terminal.SIMULATED)

    def past_records(self, digest: str) -> list[dict[str, Any]]:
        """The backtest of a stored model's kind on the log as it is."""
        from clv.pipeline.backtest import past_records
        from clv.store import artifacts

        model = artifacts.manifest(self.workspace, digest).get("model", "")
        return past_records(self.workspace, model, self.settings.horizon_days)

    def answer(self, facts: dict[str, Any], *shown: Any) -> None:
        """The result: ``facts`` as JSON, or what is ``shown`` to people."""
        self.show(*shown)
        if self.as_json:
            print(json.dumps(facts, default=str), flush=True)  # noqa: T201


def verb(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command under ``name``, with the flags ``clv.options`` gives it."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        parameters = inspect.signature(function, eval_str=True).parameters.values()
        own = [parameter for parameter in parameters if parameter.name != "session"]

        def command(**given: Any) -> None:
            arguments = {parameter.name: given.pop(parameter.name) for parameter in own}
            try:
                with _session(given, arguments) as session:
                    function(session, **arguments)
            except errors.ClvError as error:
                typer.echo(f"{type(error).__name__}: {error}", err=True)
                raise typer.Exit(exit_code(error)) from error
            except KeyboardInterrupt as stop:
                typer.echo(STOPPED, err=True)
                raise typer.Exit(INTERRUPTED) from stop

        flags = [_flag(option) for option in (*taken_by(name), *EVERYWHERE)]
        command.__signature__ = inspect.Signature([*own, *flags])  # type: ignore[attr-defined]
        app.command(name, help=inspect.getdoc(function))(command)
        return function

    return register


def _flag(option: Option) -> inspect.Parameter:
    kind: Any = str | None if option.form else bool | None
    named = option.flag if option.form else f"{option.flag}/--no-{option.flag[2:]}"
    said = typer.Option(named, metavar=option.form or None, help=option.meaning)
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, said]
    )


def _session(flags: dict[str, Any], arguments: dict[str, Any]) -> Session:
    from clv.settings import read_settings

    as_json = bool(flags.pop("json"))
    if arguments.get("source"):
        flags["source"] = tuple(arguments["source"])
    return Session(read_settings(**flags), as_json=as_json)


@verb("ingest")
def ingest(session: Session, source: Sources = None) -> None:
    """Clean a raw log into tables: every line is kept, or refused by one rule."""
    from clv.pipeline.ingest import ingest as clean

    log = session.log()
    report = clean(session.workspace, log, session.tell)
    session.show_ledger(report, log.source)
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


@app.command("doctor")
def doctor(
    workspace: Annotated[
        Path | None, typer.Option(WORKSPACE.flag, metavar="DIR", help=WORKSPACE.meaning)
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON and nothing else.")
    ] = False,
) -> None:
    """Look for what would stop a run, and say what to do about it."""
    from clv.doctor import examine

    checks = examine(workspace)
    if as_json:
        facts = {"ok": all(check.ok for check in checks)}
        typer.echo(json.dumps(facts | {"checks": [dataclasses.asdict(c) for c in checks]}))
    else:
        for check in checks:
            mark = "ok     " if check.ok else "problem"
            typer.echo(f"{mark}  {check.name}: {check.found}")
            if check.next_step:
                typer.echo(f"         {check.next_step}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


@verb("train")
def train(session: Session, model: ModelName) -> None:
    """Fit a model to the customer summary, store it and record it in MLflow."""
    from clv import terminal
    from clv.pipeline.record import record
    from clv.pipeline.train import train as fit

    digest = fit(session.workspace, model, session.tell)
    if session.tracking is not None:
        records = session.past_records(digest)
        record(session.workspace, digest, session.tracking, session.tell, records=records)
    session.warn_simulated()
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
    from clv.pipeline.gate import challenge
    from clv.pipeline.train import promote as point

    place, tracking = session.workspace, session.tracking
    if unreviewed:
        records = session.past_records(digest)
        point(place, digest, session.tell, tracking=tracking, records=records)
    else:
        days = session.settings.horizon_days
        challenge(place, digest, session.tell, horizon_days=days, tracking=tracking)
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
    from clv.pipeline.backtest import candidates
    from clv.pipeline.gate import champion_kind
    from clv.store import workspace as files

    settings = session.settings
    records = hold(
        session.workspace,
        candidates(settings.model, champion_kind(session.workspace)),
        session.tell,
        horizon_days=settings.horizon_days,
    )
    session.warn_simulated()
    review = session.workspace.read_json(files.REVIEW)
    shown = *terminal.backtest(records), *terminal.reviewed(review)
    session.answer({"records": records, "review": review}, *shown)


@verb("predict")
def predict(session: Session) -> None:
    """Score every customer with the model that answers."""
    from clv import terminal, wiring
    from clv.pipeline.predict import predict as score

    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    table = score(session.workspace, wiring.ask(session.settings), now, session.tell)
    facts = terminal.forecast_facts(table)
    session.warn_simulated()
    since = terminal.later(session.workspace, facts["currency"])
    session.answer(facts, terminal.forecast(facts), *since)


@verb("run")
def run(session: Session, source: Sources = None) -> None:
    """Everything: ingest, train, backtest, promote, predict, and the report of it."""
    from clv import terminal, wiring
    from clv.pipeline.run import run as run_all
    from clv.report import make_report

    log = session.log()
    found = run_all(
        session.workspace,
        log,
        wiring.ask(session.settings),
        session.tell,
        model=session.settings.model,
        now=dt.datetime.now(dt.UTC).replace(tzinfo=None),
        ingested=lambda etl: session.show_ledger(etl, log.source),
        tracking=session.tracking,
    )
    if isinstance(found.predictions, errors.NotEnoughData):
        session.answer({"etl": found.etl, "forecast": None})
        raise found.predictions
    make_report(session.workspace)
    facts = terminal.forecast_facts(found.predictions)
    shown = terminal.whole_run(session.workspace, found.etl, found.backtest, facts)
    session.answer({"etl": found.etl, "forecast": facts}, *shown)


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

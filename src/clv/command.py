"""How a function becomes a command: its flags, its settings, where it speaks, how it ends.

Everything heavy is imported when a command runs, so that help is quick. Results go to standard
output (as JSON with ``--json``), everything else to standard error.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clv import errors
from clv.options import JSON, WORKSPACE, Option, taken_by

if TYPE_CHECKING:
    from clv.settings import Settings

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
STOPPED = "Stopped. Nothing is half-written; run it again, and it goes on from the last whole step."

_asked_to_stop = threading.Event()


def exit_code(error: errors.ClvError) -> int:
    """The exit code of the nearest kind of error that has one."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


def stop_by_signal() -> None:
    """Let Ctrl-C and a scheduler's SIGTERM stop a command, even where a library drops the stop.

    What a signal raises is lost in code called from C++ and while an object is freed, or comes out
    as an error of the library's own. So the stop is remembered: it holds at the next thing said.
    """
    # SIGTERM has to be taken: process 1 of a container would not even hear it.
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _unraisable


def _stop(*_: object) -> None:
    _asked_to_stop.set()
    raise KeyboardInterrupt


def _unraisable(lost: sys.UnraisableHookArgs) -> None:
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)


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

    def close(self) -> None:
        self.working.stop()

    def tell(self, text: str) -> None:
        """Say what happens now; in a terminal something turns until the next is said."""
        if _asked_to_stop.is_set():
            raise KeyboardInterrupt
        if self.as_json:
            return
        self.aside.print(f"  {text}", style="dim", highlight=False, markup=False)
        if self.aside.is_terminal:
            self.working.update("")
            self.working.start()

    def progress(self, done: int, total: int) -> None:
        """Redraw how much of a download is here."""
        self.working.update(f"{done / 1e6:.1f} of {total / 1e6:.1f} MB")

    def show(self, *items: Any) -> None:
        """What people are shown; scripts get JSON, once, at the end."""
        self.working.stop()
        if not self.as_json:
            for item in items:
                self.output.print(item, highlight=False)

    def answer(self, facts: dict[str, Any], *shown: Any) -> None:
        """The result: ``facts`` as JSON, or what is ``shown`` to people."""
        self.show(*shown)
        if self.as_json:
            print(json.dumps(facts, default=str), flush=True)  # noqa: T201


def verb(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function of a session as the command ``name``, with the flags of its options."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        parameters = inspect.signature(function, eval_str=True).parameters.values()
        own = [parameter for parameter in parameters if parameter.name != "session"]

        def command(**given: Any) -> None:
            from clv.settings import read_settings

            arguments = {parameter.name: given.pop(parameter.name) for parameter in own}
            as_json = bool(given.pop("json"))
            if arguments.get("source"):
                given["source"] = tuple(arguments["source"])
            try:
                session = Session(read_settings(**given), as_json=as_json)
                with contextlib.closing(session):
                    function(session, **arguments)
            except (Exception, KeyboardInterrupt) as error:
                said, code = _end(error)
                typer.echo(said, err=True)
                raise typer.Exit(code) from error

        flags = [_flag(option) for option in (*taken_by(name), WORKSPACE, JSON)]
        command.__signature__ = inspect.Signature([*own, *flags])  # type: ignore[attr-defined]
        app.command(name, help=inspect.getdoc(function))(command)
        return function

    return register


def _end(error: BaseException) -> tuple[str, int]:
    """What to say of a command that ends with ``error``, and its exit code."""
    if _asked_to_stop.is_set() or isinstance(error, KeyboardInterrupt):
        return STOPPED, INTERRUPTED
    if isinstance(error, errors.ClvError):
        return f"{type(error).__name__}: {error}", exit_code(error)
    raise error


def _flag(option: Option) -> inspect.Parameter:
    kind: Any = str | None if option.form else bool | None
    named = option.flag if option.form else f"{option.flag}/--no-{option.flag[2:]}"
    said = typer.Option(named, metavar=option.form or None, help=option.meaning)
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, said]
    )

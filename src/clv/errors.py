"""Everything that can go wrong, as one tree.

::

    ClvError
    ├── DataError            SourceUnreadable, TableMismatch, RuleBroken
    ├── FitError             NotEnoughData, NotConverged
    ├── PredictionError      TimeUnitMismatch, HorizonOutOfRange, CustomerNotFound,
    │                        QuestionUnanswerable
    ├── StoreError           NothingStored › ModelNotFound, IncompatibleArtifact,
    │                        TrackingUnreachable, WorkspaceUnwritable
    ├── ReviewFailed
    ├── SettingsError
    └── ServerEnded

Every message says what, where, how many, the first one, and the next step. The
fields are there for programs; the text is for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ClvError(Exception):
    """Base of every error this package raises on purpose: what it is about, why, what to do."""

    def __init__(self, about: object, problem: str, *, next_step: str) -> None:
        self.about, self.problem, self.next_step = str(about), problem, next_step
        super().__init__(f"{about}: {problem} {next_step}")


class DataError(ClvError):
    """The log, or a table made from it, is not usable."""


class SourceUnreadable(DataError):
    """A raw file cannot be read as what it claims to be."""


class TableMismatch(DataError):
    """A table lacks a declared column or holds another type."""


class RuleBroken(DataError):
    """Rows contradict a declared rule of their table."""

    def __init__(
        self, table: str, rule: str, count: int, first: Mapping[str, Any], *, next_step: str
    ) -> None:
        self.rule, self.count, self.first = rule, count, dict(first)
        shown = " ".join(f"{name}={value!r}" for name, value in first.items())
        rows = "1 row breaks" if count == 1 else f"{count:,} rows break"
        super().__init__(table, f"{rows} '{rule}', first: {shown}.", next_step=next_step)


class FitError(ClvError):
    """A model cannot be fitted."""


class NotEnoughData(FitError):
    """Too few customers or repeat purchases for this model."""


class NotConverged(FitError):
    """The search stopped before an optimum; ``report`` says where and why."""

    def __init__(self, model: str, report: Any, *, next_step: str) -> None:
        self.report = report
        super().__init__(model, f"the fit did not converge: {report}.", next_step=next_step)


class PredictionError(ClvError):
    """A question a fitted model cannot answer."""


class TimeUnitMismatch(PredictionError):
    """The summary is in another time unit than the fit."""

    def __init__(self, model: str, fitted: str, given: str) -> None:
        super().__init__(
            model,
            f"fitted in {fitted}s, but the summary is in {given}s.",
            next_step=f"Summarize the transactions in {fitted}s, or fit again in {given}s.",
        )


class HorizonOutOfRange(PredictionError):
    """The horizon is not a number of days that can be answered."""

    def __init__(self, horizon_days: float, *, longest: int) -> None:
        super().__init__(
            f"horizon_days={horizon_days:g}",
            f"it is outside 1 to {longest:,} days.",
            next_step="Ask for a horizon inside that range.",
        )


class CustomerNotFound(PredictionError):
    """The shop's log knows no such customer."""

    def __init__(self, customer_id: str, as_of: object) -> None:
        super().__init__(
            f"customer {customer_id!r}",
            f"nobody of that name bought up to {as_of}.",
            next_step="Check the id, or send the customer's orders as transactions.",
        )


class QuestionUnanswerable(PredictionError):
    """What was asked contradicts itself, or what is known; it is ``about`` a field."""


class StoreError(ClvError):
    """Files the project itself keeps."""


class NothingStored(StoreError):
    """A file another command makes is not there yet."""

    def __init__(self, wanted: str, where: object, *, next_step: str) -> None:
        super().__init__(where, f"there is no {wanted}.", next_step=next_step)


class ModelNotFound(NothingStored):
    """No model is stored under that digest, or none was promoted yet."""


class IncompatibleArtifact(StoreError):
    """A stored file was written by another format, or was altered since."""


class TrackingUnreachable(StoreError):
    """MLflow's database is away, locked or refuses; ``uri`` is without its password."""

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(
            f"MLflow at {uri}",
            f"{problem} Stored models and the one that answers are untouched.",
            next_step="Run again once it can be reached, or name another place with --mlflow-uri.",
        )


class WorkspaceUnwritable(StoreError):
    """The disk is full, or the folder refuses writing; earlier files are untouched."""

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(
            f"cannot write {path}",
            f"{problem}. The files of the last good run are untouched.",
            next_step="Free some space or choose another folder with --workspace, then run again.",
        )


class ReviewFailed(ClvError):
    """A model is not good enough to answer, or nobody has looked; ``reasons`` say why."""

    def __init__(self, digest: str, reasons: Sequence[str], *, next_step: str) -> None:
        self.reasons = tuple(reasons)
        super().__init__(
            f"model {digest}",
            f"it was not promoted. {' '.join(reasons)}",
            next_step=f"{next_step} `clv promote {digest} --unreviewed` promotes it all the same.",
        )


class SettingsError(ClvError):
    """A setting is unknown or has no usable value."""

    def __init__(self, setting: str, problem: str, *, next_step: str) -> None:
        super().__init__(f"setting {setting}", problem, next_step=next_step)


class ServerEnded(ClvError):
    """A server that was to run until stopped ended by itself; ``code`` is its exit code."""

    def __init__(self, server: str, code: int) -> None:
        self.server, self.code = server, code
        how = f"exit code {code}" if code >= 0 else f"killed by signal {-code}"
        super().__init__(
            server,
            f"it ended by itself ({how}), so the others were stopped.",
            next_step="Its last words are above; start again once that is mended.",
        )

"""Everything that can go wrong, as one tree.

::

    ClvError
    ├── DataError            the log, or a table made from it, is not usable
    │   ├── SourceUnreadable     a raw file cannot be read as what it claims to be
    │   ├── TableMismatch        a table lacks a declared column or holds another type
    │   └── RuleBroken           rows contradict a declared rule
    ├── FitError             a model cannot be fitted
    │   ├── NotEnoughData        too few customers or repeat purchases for this model
    │   └── NotConverged         the search stopped before an optimum
    ├── PredictionError      a question a fitted model cannot answer
    │   ├── TimeUnitMismatch     the summary is in another time unit than the fit
    │   ├── HorizonOutOfRange    the horizon is negative, zero or beyond what can be computed
    │   ├── CustomerNotFound     the shop's log knows no such customer
    │   └── QuestionUnanswerable what was asked contradicts itself, or what is known
    ├── StoreError           files the project itself keeps
    │   ├── NothingStored        a file another command makes is not there yet
    │   │   └── ModelNotFound        nothing under that digest, or no champion yet
    │   ├── IncompatibleArtifact a stored model was written by another format or was altered
    │   ├── TrackingUnreachable  MLflow's database is away, locked or refuses
    │   └── WorkspaceUnwritable  the disk is full or the folder refuses writing
    ├── ReviewFailed         a model is not good enough to answer
    ├── SettingsError        a setting is unknown or has no usable value
    └── ServerEnded          a server that was to run until stopped ended by itself

Every message says what, where, how many, the first one, and the next step. The
fields are there for programs; the text is for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class ClvError(Exception):
    """Base of every error this package raises on purpose."""


class DataError(ClvError):
    """The log, or a table made from it, is not usable."""


class SourceUnreadable(DataError):
    """A raw file cannot be read as what it claims to be."""

    def __init__(self, path: Path | str, problem: str, *, next_step: str) -> None:
        self.path, self.problem, self.next_step = str(path), problem, next_step
        super().__init__(f"{path}: {problem} {next_step}")


class TableMismatch(DataError):
    """A table lacks a declared column or holds another type."""

    def __init__(self, table: str, problem: str, *, next_step: str) -> None:
        self.table, self.problem, self.next_step = table, problem, next_step
        super().__init__(f"{table}: {problem} {next_step}")


class RuleBroken(DataError):
    """Rows contradict a declared rule of their table."""

    def __init__(
        self, table: str, rule: str, count: int, first: Mapping[str, Any], *, next_step: str
    ) -> None:
        self.table, self.rule, self.count, self.first = table, rule, count, dict(first)
        self.next_step = next_step
        shown = " ".join(f"{name}={value!r}" for name, value in first.items())
        rows = "1 row breaks" if count == 1 else f"{count:,} rows break"
        super().__init__(f"{table}: {rows} '{rule}', first: {shown}. {next_step}")


class FitError(ClvError):
    """A model cannot be fitted."""


class NotEnoughData(FitError):
    """Too few customers or repeat purchases for this model."""

    def __init__(self, model: str, problem: str, *, next_step: str) -> None:
        self.model, self.problem, self.next_step = model, problem, next_step
        super().__init__(f"{model}: {problem} {next_step}")


class NotConverged(FitError):
    """The search stopped before an optimum; ``report`` says where and why."""

    def __init__(self, model: str, report: Any, *, next_step: str) -> None:
        self.model, self.report, self.next_step = model, report, next_step
        super().__init__(f"{model}: the fit did not converge: {report}. {next_step}")


class PredictionError(ClvError):
    """A question a fitted model cannot answer."""


class TimeUnitMismatch(PredictionError):
    """The summary is in another time unit than the fit."""

    def __init__(self, model: str, fitted: str, given: str) -> None:
        self.model, self.fitted, self.given = model, fitted, given
        super().__init__(
            f"{model}: fitted in {fitted}s, but the summary is in {given}s. "
            f"Summarize the transactions in {fitted}s, or fit again in {given}s."
        )


class HorizonOutOfRange(PredictionError):
    """The horizon is not a number of days that can be answered."""

    def __init__(self, horizon_days: float, *, longest: int) -> None:
        self.horizon_days, self.longest = horizon_days, longest
        super().__init__(
            f"horizon_days={horizon_days:g} is outside 1 to {longest:,} days. "
            "Ask for a horizon inside that range."
        )


class CustomerNotFound(PredictionError):
    """The shop's log knows no such customer."""

    def __init__(self, customer_id: str, as_of: object) -> None:
        self.customer_id, self.as_of = customer_id, as_of
        super().__init__(
            f"no customer {customer_id!r} bought up to {as_of}. "
            "Check the id, or send the customer's orders as transactions."
        )


class QuestionUnanswerable(PredictionError):
    """What was asked contradicts itself, or what is known."""

    def __init__(self, field: str, problem: str, *, next_step: str) -> None:
        self.field, self.problem, self.next_step = field, problem, next_step
        super().__init__(f"{field}: {problem} {next_step}")


class StoreError(ClvError):
    """Files the project itself keeps."""


class NothingStored(StoreError):
    """A file another command makes is not there yet."""

    def __init__(self, wanted: str, where: Path | str, *, next_step: str) -> None:
        self.wanted, self.where, self.next_step = wanted, str(where), next_step
        super().__init__(f"there is no {wanted} in {where}. {next_step}")


class ModelNotFound(NothingStored):
    """No model is stored under that digest, or none was promoted yet."""


class IncompatibleArtifact(StoreError):
    """A stored file was written by another format, or was altered since."""

    def __init__(self, path: Path | str, problem: str, *, next_step: str) -> None:
        self.path, self.problem, self.next_step = str(path), problem, next_step
        super().__init__(f"{path}: {problem} {next_step}")


class TrackingUnreachable(StoreError):
    """MLflow's database is away, locked or refuses; ``uri`` is without its password."""

    def __init__(self, uri: str, problem: str) -> None:
        self.uri, self.problem = uri, problem
        super().__init__(
            f"MLflow at {uri}: {problem} Stored models and the one that answers are untouched. "
            "Run again once it can be reached, or name another place with --mlflow-uri."
        )


class WorkspaceUnwritable(StoreError):
    """The disk is full, or the folder refuses writing; earlier files are untouched."""

    def __init__(self, path: Path | str, problem: str) -> None:
        self.path, self.problem = str(path), problem
        super().__init__(
            f"cannot write {path}: {problem}. The files of the last good run are untouched. "
            "Free some space or choose another folder with --workspace, then run again."
        )


class ReviewFailed(ClvError):
    """A model is not good enough to answer, or nobody has looked; ``reasons`` say why."""

    def __init__(self, digest: str, reasons: Sequence[str], *, next_step: str) -> None:
        self.digest, self.reasons, self.next_step = digest, tuple(reasons), next_step
        super().__init__(
            f"model {digest} was not promoted. {' '.join(reasons)} {next_step} "
            f"`clv promote {digest} --unreviewed` promotes it all the same."
        )


class SettingsError(ClvError):
    """A setting is unknown or has no usable value."""

    def __init__(self, setting: str, problem: str, *, next_step: str) -> None:
        self.setting, self.problem, self.next_step = setting, problem, next_step
        super().__init__(f"setting {setting}: {problem} {next_step}")


class ServerEnded(ClvError):
    """A server that was to run until stopped ended by itself; ``code`` is its exit code."""

    def __init__(self, server: str, code: int) -> None:
        self.server, self.code = server, code
        how = f"exit code {code}" if code >= 0 else f"killed by signal {-code}"
        super().__init__(
            f"{server} ended by itself ({how}), so the others were stopped. Its last words are "
            "above; start again once that is mended."
        )

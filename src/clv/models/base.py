"""What every fitted model shares: the report of its fit, and the questions it answers.

A fitted model is a frozen value. ``fit`` is a classmethod that returns one or raises; there
is no unfitted model. What a purchase model answers is in :class:`PurchaseModel`, and every
class in ``clv.models.catalog`` is held to it by the contract tests. Whatever is stored is plain
JSON from ``to_dict``, read back by ``from_dict`` without loss.
"""

from __future__ import annotations

import abc
import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from clv.checked import CustomerSummary
from clv.errors import HorizonOutOfRange, NotConverged, NotEnoughData, TimeUnitMismatch
from clv.models.posterior import PartDraws
from clv.numerics import compare
from clv.numerics.histories import Histories, distinct_histories
from clv.numerics.optimize import Optimum
from clv.numerics.posterior import ParameterDraws
from clv.numerics.predictive import Buying
from clv.periods import TimeUnit, discount_per_unit

Float = npt.NDArray[np.float64]

LONGEST_HORIZON_DAYS = 3650


@dataclasses.dataclass(frozen=True)
class FitReport:
    """How a fit ended and what it rests on; money and times in the units of the fit.

    ``status`` is a value of ``clv.numerics.optimize.Status``. ``log_likelihood`` leaves the
    prior out, and so do ``aic`` and ``bic``, which count every estimated parameter, also one
    that the prior decides, but no choice among a few models. ``standard_errors`` and
    ``covariance`` (symmetric, in the order of the standard errors) are None where the data do
    not determine them.
    """

    model: str
    status: str
    advice: str
    log_likelihood: float
    aic: float
    bic: float
    customers: int
    distinct_rows: int
    evaluations: int
    standard_errors: Mapping[str, float] | None
    covariance: tuple[tuple[float, ...], ...] | None
    prior: str | None

    def __str__(self) -> str:
        return (
            f"{self.status} after {self.evaluations} evaluations on {self.customers:,} "
            f"customers, log-likelihood {self.log_likelihood:.4f}"
        )

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        rows = stored["covariance"]
        covariance = None if rows is None else tuple(tuple(row) for row in rows)
        return cls(**{**stored, "covariance": covariance})


P = TypeVar("P", bound=tuple[Any, ...])


@dataclasses.dataclass(frozen=True)
class PurchaseModel(abc.ABC, Generic[P]):
    """Fitted parameters and the answers they give; rates are in ``time_unit``.

    Every array has shape ``(n,)`` in the order of the summary; no customer's answer depends
    on the others in it. A model names itself, its parameters and its numerics.
    """

    name: ClassVar[str]
    params_type: ClassVar[type[Any]]
    numerics: ClassVar[Any]
    """The module that answers for ``params``: p_alive and what lies ahead."""
    least_log_days: ClassVar[int] = 0
    """A log shorter than that is not asked."""

    params: P
    time_unit: TimeUnit
    report: FitReport

    @classmethod
    @abc.abstractmethod
    def fit(cls, summary: CustomerSummary, *, prior: bool = True) -> Self:
        """The model that explains ``summary`` best.

        Args:
            summary: At least two customers, one of whom bought again.
            prior: Whether to hold weakly, within a factor of 20 or so, what hardly moves a fit
                whose data say how customers drop out, and decides where they do not.
                Published figures are fitted without.

        Raises:
            NotEnoughData: a single customer, or nobody bought again.
            NotConverged: the search ended before an optimum; its report says where.
        """

    @abc.abstractmethod
    def draw_params(self, summary: CustomerSummary, *, count: int, seed: int) -> ParameterDraws:
        """Other parameters that explain ``summary``, which this was fitted to, nearly as well.

        Raises:
            TimeUnitMismatch.
        """

    @abc.abstractmethod
    def ahead(self, summary: CustomerSummary, horizon_days: float, drawn: PartDraws) -> Buying:
        """How customers will buy under each of those parameters.

        Raises:
            TimeUnitMismatch, HorizonOutOfRange.
        """

    def p_alive(self, summary: CustomerSummary) -> Float:
        """Probability that each customer still is one at the end of the summary's window."""
        params, history, clock = self.asked(summary, 0)
        answer: Float = self.numerics.p_alive(params, *history, **clock)
        return answer

    def expected_transactions(
        self, summary: CustomerSummary, horizon_days: float, *, annual_discount: float = 0.0
    ) -> Float:
        """Purchase days each customer is expected to have within the horizon.

        Args:
            summary: In the time unit of the fit.
            horizon_days: From the day after the window, 1 to ``LONGEST_HORIZON_DAYS``.
            annual_discount: 0.1 makes a purchase one year ahead count 1 / 1.1.

        Raises:
            TimeUnitMismatch, HorizonOutOfRange.
        """
        t = horizon_in_units(horizon_days, self.time_unit)
        params, history, clock = self.asked(summary, horizon_days)
        discount = discount_per_unit(annual_discount, self.time_unit)
        answer: Float = self.numerics.conditional_expected_transactions(
            params, *history, t, discount=discount, **clock
        )
        return answer

    def p_purchase(self, summary: CustomerSummary, horizon_days: npt.ArrayLike) -> Float:
        """Probability that each customer buys at least once within the horizon, or their own.

        Raises:
            TimeUnitMismatch, HorizonOutOfRange.
        """
        t = horizon_in_units(horizon_days, self.time_unit)
        farthest = float(np.max(horizon_days, initial=0))
        params, history, clock = self.asked(summary, farthest)
        quiet: Float = self.numerics.probability_of_no_transaction(params, *history, t, **clock)
        return 1 - quiet

    def rate_ahead(self, last: dt.date, days: int) -> Float:
        """How busy each of the days after ``last`` is against others, shape ``(days,)``."""
        return np.ones(days)

    def to_dict(self) -> dict[str, Any]:
        return {
            "model": self.name,
            "params": dict(zip(self.params_type._fields, self.params, strict=True)),
            "time_unit": str(self.time_unit),
            "report": self.report.to_dict(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            cls.params_type(**stored["params"]),
            TimeUnit[stored["time_unit"].upper()],
            FitReport.from_dict(stored["report"]),
        )

    @classmethod
    def _histories(cls, summary: CustomerSummary) -> Histories:
        """The distinct histories to fit.

        Raises:
            NotEnoughData: a single customer, or nobody bought again.
        """
        x, t_x, T = arrays(summary)
        require_repeat_buyers(cls.name, x)
        return distinct_histories(x, t_x, T)

    @classmethod
    def _found(
        cls,
        found: Optimum,
        summary: CustomerSummary,
        rows: Histories,
        *chosen: Any,
        prior: str | None = None,
    ) -> Self:
        """The model of a search that converged; ``chosen`` are parameters it did not look for."""
        report = report_of(
            found,
            model=cls.name,
            names=cls.params_type._fields[: len(found.parameters)],
            customers=len(summary),
            distinct_rows=rows.x.size,
            prior=prior,
        )
        return cls(cls.params_type(*found.parameters, *chosen), summary.time_unit, report)

    def asked(
        self, summary: CustomerSummary, horizon_days: float
    ) -> tuple[P, tuple[Float, Float, Float], Mapping[str, Any]]:
        """Everybody's parameters and histories, and the calendar of a model that has one."""
        if summary.time_unit is not self.time_unit:
            raise TimeUnitMismatch(self.name, str(self.time_unit), str(summary.time_unit))
        return self.params, arrays(summary), {}


def arrays(summary: CustomerSummary) -> tuple[Float, Float, Float]:
    """Frequency, recency and age, in the unit of the summary."""
    return summary.column("frequency"), summary.column("recency"), summary.column("age")


def require_repeat_buyers(model: str, x: Float) -> None:
    if x.size < 2:
        raise NotEnoughData(
            model,
            f"{x.size} customer{'' if x.size == 1 else 's'} cannot show how customers differ.",
            next_step="What was spent so far can still be reported; a forecast needs a log of "
            "several customers, some of whom came back.",
        )
    if not np.any(x > 0):
        raise NotEnoughData(
            model,
            f"none of {x.size:,} customers bought on a second day, so nothing is known of "
            "how often they return.",
            next_step=(
                "What was spent so far can still be reported; a forecast needs a log that "
                "reaches the first repeat purchases."
            ),
        )


def report_of(
    found: Optimum,
    *,
    model: str,
    names: tuple[str, ...],
    customers: int,
    distinct_rows: int,
    prior: str | None = None,
) -> FitReport:
    """The report of a search that reached the best parameters.

    Raises:
        NotConverged: it did not; nothing half-fitted leaves this function.
    """
    errors = found.standard_errors
    report = FitReport(
        model=model,
        status=found.status.value,
        advice=found.status.advice,
        log_likelihood=found.log_likelihood,
        aic=compare.aic(found.log_likelihood, len(found.parameters)),
        bic=compare.bic(found.log_likelihood, len(found.parameters), customers),
        customers=customers,
        distinct_rows=distinct_rows,
        evaluations=found.evaluations,
        standard_errors=None if errors is None else dict(zip(names, errors, strict=True)),
        covariance=found.covariance,
        prior=prior,
    )
    if not found.status.converged:
        raise NotConverged(model, report, next_step=found.status.advice)
    return report


def horizon_in_units(horizon_days: npt.ArrayLike, unit: TimeUnit) -> Float:
    """The horizon, or one for each customer, in the unit of a fit.

    Raises:
        HorizonOutOfRange: outside 1 to ``LONGEST_HORIZON_DAYS``.
    """
    days = np.asarray(horizon_days, dtype=float)
    is_possible = (days >= 1) & (days <= LONGEST_HORIZON_DAYS)
    if not is_possible.all():
        raise HorizonOutOfRange(float(days[~is_possible][0]), longest=LONGEST_HORIZON_DAYS)
    return np.asarray(days / unit.days)

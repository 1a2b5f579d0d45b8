"""What every fitted model shares: the report of its fit, and the questions it answers.

A fitted model is a frozen value. ``fit`` is a classmethod that returns one or raises; there
is no unfitted model. What a purchase model answers is :class:`PurchaseModel`, and every class
in ``clv.models.catalog`` is held to it by the contract tests.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from clv.checked import CustomerSummary
from clv.errors import HorizonOutOfRange, NotConverged
from clv.numerics.optimize import Optimum
from clv.periods import TimeUnit

Float = npt.NDArray[np.float64]

LONGEST_HORIZON_DAYS = 3650


@dataclasses.dataclass(frozen=True)
class FitReport:
    """How a fit ended and what it rests on; money and times in the units of the fit.

    ``status`` is a value of ``clv.numerics.optimize.Status``. ``log_likelihood`` leaves the
    prior out. ``standard_errors`` and ``covariance`` (symmetric, in the order of the
    standard errors) are None where the data do not determine them.
    """

    model: str
    status: str
    advice: str
    log_likelihood: float
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
        """Plain JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        rows = stored["covariance"]
        covariance = None if rows is None else tuple(tuple(row) for row in rows)
        return cls(**{**stored, "covariance": covariance})


class PurchaseModel(Protocol):
    """What the catalog's models answer, for all customers of a summary at once.

    Every array has shape ``(n,)`` in the order of the summary; no customer's answer depends
    on the others in it.
    """

    name: ClassVar[str]

    @property
    def report(self) -> FitReport: ...

    @property
    def time_unit(self) -> TimeUnit: ...

    @classmethod
    def fit(cls, summary: CustomerSummary, *, prior: bool = True) -> Self: ...

    def p_alive(self, summary: CustomerSummary) -> Float: ...

    def expected_transactions(
        self, summary: CustomerSummary, horizon_days: float, *, annual_discount: float = 0.0
    ) -> Float: ...

    def p_purchase(self, summary: CustomerSummary, horizon_days: npt.ArrayLike) -> Float: ...

    def to_dict(self) -> dict[str, Any]: ...

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self: ...


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

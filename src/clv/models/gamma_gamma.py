"""Gamma-Gamma fitted to a customer summary: what a purchase day of each customer is worth.

Takes the mean gross value of all purchase days that still stand, with their number as its
count: a mean over repeat days alone would give a one-time buyer of 5,000 the population mean.
Start reading at :meth:`GammaGamma.fit`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
from clv.models.base import FitReport, Float, report_of
from clv.numerics import gamma_gamma
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.posterior import ParameterDraws


@dataclasses.dataclass(frozen=True)
class GammaGamma:
    """A fitted Gamma-Gamma; ``gamma`` is in the currency of the summary."""

    name: ClassVar[str] = "gamma-gamma"

    params: GammaGammaParams
    report: FitReport

    @classmethod
    def fit(cls, summary: CustomerSummary) -> Self:
        """The model that explains the customers with a known ``mean_day_value`` best.

        Raises:
            NotEnoughData: fewer than two such customers, or all spend the same, or nobody
                has two purchase days, so that nothing tells customers from purchases.
            NotConverged: the search ended before an optimum; its report says where.
        """
        count, mean = _valued(summary)
        _require_variety(count, mean)
        found = gamma_gamma.fit(count, mean)
        report = report_of(
            found,
            model=cls.name,
            names=GammaGammaParams._fields,
            customers=count.size,
            distinct_rows=len(np.unique(np.column_stack([count, mean]), axis=0)),
        )
        return cls(GammaGammaParams(*found.parameters), report)

    def expected_day_value(self, summary: CustomerSummary) -> Float:
        """Expected value of a future purchase day of each customer, shape ``(n,)``, > 0.

        Customers without a purchase day that still stands get the population mean, or its
        median where that is infinite (status ``infinite_mean``).
        """
        return gamma_gamma.expected_spend(self.params, *known_spend(summary))

    def draw_params(self, summary: CustomerSummary, *, count: int, seed: int) -> ParameterDraws:
        """Other parameters that explain ``summary``, which this was fitted to, nearly as well."""
        days, mean = _valued(summary)
        return gamma_gamma.draw(days, mean, self.params, count=count, seed=seed)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, read back by :meth:`from_dict` without loss."""
        return {
            "model": self.name,
            "params": self.params._asdict(),
            "report": self.report.to_dict(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(GammaGammaParams(**stored["params"]), FitReport.from_dict(stored["report"]))


def known_spend(summary: CustomerSummary) -> tuple[Float, Float]:
    """Purchase days and their mean value; a count of 0 where either is unknown or nothing."""
    count, mean = summary.column("purchase_days"), summary.column("mean_day_value")
    is_known = (count >= 1) & (mean > 0)
    return np.where(is_known, count, 0.0), np.where(is_known, mean, np.nan)


def _valued(summary: CustomerSummary) -> tuple[Float, Float]:
    count, mean = known_spend(summary)
    return count[count > 0], mean[count > 0]


def _require_variety(count: Float, mean: Float) -> None:
    if count.size < 2:
        who = "1 customer has" if count.size == 1 else f"{count.size} customers have"
        problem = f"{who} a purchase day of known value; two are the least."
    elif np.all(mean == mean[0]):
        problem = f"all {count.size:,} customers spend exactly {mean[0]:g} a day."
    elif np.all(count == 1):
        problem = f"none of {count.size:,} customers has a second purchase day of known value."
    else:
        return
    raise NotEnoughData(
        GammaGamma.name,
        problem,
        next_step="Use the mean value of a purchase day for everybody until the log is longer.",
    )

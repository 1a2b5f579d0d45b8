"""Pareto/NBD fitted to a customer summary: who is still a customer, and how often they buy.

Turns a checked summary into arrays for ``clv.numerics.pareto_nbd`` and days into the unit of
the fit. Knows nothing of money or of how the summary was made. Start at :meth:`ParetoNBD.fit`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData, TimeUnitMismatch
from clv.models.base import FitReport, Float, horizon_in_units, report_of
from clv.numerics import pareto_nbd, pareto_nbd_draws, pareto_nbd_fit
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.pareto_nbd_total import distinct_histories
from clv.numerics.posterior import ParameterDraws
from clv.periods import TimeUnit, discount_per_unit

PRIOR_BETA_DAYS = 52 * 7


@dataclasses.dataclass(frozen=True)
class ParetoNBD:
    """A fitted Pareto/NBD; ``alpha`` and ``beta`` are in ``time_unit``."""

    name: ClassVar[str] = "pareto-nbd"

    params: ParetoNBDParams
    time_unit: TimeUnit
    report: FitReport

    @classmethod
    def fit(cls, summary: CustomerSummary, *, prior: bool = True) -> Self:
        """The model that explains ``summary`` best.

        Args:
            summary: At least two customers, one of whom bought again.
            prior: Whether to hold ``s`` near 1 and ``beta`` near 52 weeks, within a factor of
                20 or so. It hardly moves a fit whose data say how customers drop out, and
                decides where they do not. Published figures are fitted without.

        Raises:
            NotEnoughData: a single customer, or nobody bought again.
            NotConverged: the search ended before an optimum; its report says where.
        """
        x, t_x, T = _arrays(summary)
        _require_repeat_buyers(x)
        rows = distinct_histories(x, t_x, T)
        prior_beta = PRIOR_BETA_DAYS / summary.time_unit.days if prior else None
        found = pareto_nbd_fit.fit(rows, prior_beta=prior_beta)
        report = report_of(
            found,
            model=cls.name,
            names=ParetoNBDParams._fields,
            customers=len(summary),
            distinct_rows=rows.x.size,
            prior="log s ~ N(0, 3^2), log(beta / 52 weeks) ~ N(0, 3^2)" if prior else None,
        )
        return cls(ParetoNBDParams(*found.parameters), summary.time_unit, report)

    def p_alive(self, summary: CustomerSummary) -> Float:
        """Probability that each customer still is one at the end of the summary's window."""
        return pareto_nbd.p_alive(self.params, *self._arrays(summary))

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
        return pareto_nbd.discounted_expected_transactions(
            self.params,
            *self._arrays(summary),
            t,
            discount=discount_per_unit(annual_discount, self.time_unit),
        )

    def p_purchase(self, summary: CustomerSummary, horizon_days: npt.ArrayLike) -> Float:
        """Probability that each customer buys at least once within the horizon, or their own.

        Raises:
            TimeUnitMismatch, HorizonOutOfRange.
        """
        t = horizon_in_units(horizon_days, self.time_unit)
        return 1 - pareto_nbd.probability_of_no_transaction(self.params, *self._arrays(summary), t)

    def draw_params(self, summary: CustomerSummary, *, count: int, seed: int) -> ParameterDraws:
        """Other parameters that explain ``summary``, which this was fitted to, nearly as well.

        Raises:
            TimeUnitMismatch.
        """
        rows = distinct_histories(*self._arrays(summary))
        beta = PRIOR_BETA_DAYS / self.time_unit.days if self.report.prior else None
        prior = pareto_nbd_fit.log_prior(beta, np.empty(0))
        return pareto_nbd_draws.draw(rows, self.params, prior, count=count, seed=seed)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, read back by :meth:`from_dict` without loss."""
        return {
            "model": self.name,
            "params": self.params._asdict(),
            "time_unit": str(self.time_unit),
            "report": self.report.to_dict(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            ParetoNBDParams(**stored["params"]),
            TimeUnit[stored["time_unit"].upper()],
            FitReport.from_dict(stored["report"]),
        )

    def _arrays(self, summary: CustomerSummary) -> tuple[Float, Float, Float]:
        if summary.time_unit is not self.time_unit:
            raise TimeUnitMismatch(self.name, str(self.time_unit), str(summary.time_unit))
        return _arrays(summary)


def _arrays(summary: CustomerSummary) -> tuple[Float, Float, Float]:
    return summary.column("frequency"), summary.column("recency"), summary.column("age")


def _require_repeat_buyers(x: Float) -> None:
    if x.size < 2:
        raise NotEnoughData(
            ParetoNBD.name,
            f"{x.size} customer{'' if x.size == 1 else 's'} cannot show how customers differ.",
            next_step="Fit on the whole shop; one customer can then be scored alone.",
        )
    if not np.any(x > 0):
        raise NotEnoughData(
            ParetoNBD.name,
            f"none of {x.size:,} customers bought on a second day, so nothing is known of "
            "how often they return.",
            next_step=(
                "What was spent so far can still be reported; a forecast needs a log that "
                "reaches the first repeat purchases."
            ),
        )

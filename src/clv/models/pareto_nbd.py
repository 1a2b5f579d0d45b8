"""Pareto/NBD fitted to a customer summary: who is still a customer, and how often they buy.

Turns a checked summary into arrays for ``clv.numerics.pareto_nbd`` and days into the unit of
the fit. Knows nothing of money or of how the summary was made. Start at :meth:`ParetoNBD.fit`.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self

import numpy as np

from clv.checked import CustomerSummary
from clv.models.base import PurchaseModel, horizon_in_units
from clv.models.posterior import PartDraws
from clv.numerics import pareto_nbd, pareto_nbd_draws, pareto_nbd_fit
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.posterior import ParameterDraws

PRIOR_BETA_DAYS = 52 * 7


@dataclasses.dataclass(frozen=True)
class ParetoNBD(PurchaseModel[ParetoNBDParams]):
    """A fitted Pareto/NBD; ``alpha`` and ``beta`` are in ``time_unit``."""

    name: ClassVar[str] = "pareto-nbd"
    params_type: ClassVar[type[ParetoNBDParams]] = ParetoNBDParams
    numerics: ClassVar[Any] = pareto_nbd

    @classmethod
    def fit(cls, summary: CustomerSummary, *, prior: bool = True) -> Self:
        """As in :class:`PurchaseModel`; the prior holds ``s`` near 1, ``beta`` near 52 weeks."""
        rows = cls._histories(summary)
        prior_beta = PRIOR_BETA_DAYS / summary.time_unit.days if prior else None
        found = pareto_nbd_fit.fit(rows, prior_beta=prior_beta)
        told = "log s ~ N(0, 3^2), log(beta / 52 weeks) ~ N(0, 3^2)" if prior else None
        return cls._found(found, summary, rows, prior=told)

    def draw_params(self, summary: CustomerSummary, *, count: int, seed: int) -> ParameterDraws:
        self.asked(summary, 0)
        beta = PRIOR_BETA_DAYS / self.time_unit.days if self.report.prior else None
        prior = pareto_nbd_fit.log_prior(beta, np.empty(0))
        point = np.log(np.array(self.params))
        return pareto_nbd_draws.draw(self._histories(summary), point, prior, count=count, seed=seed)

    def ahead(
        self, summary: CustomerSummary, horizon_days: float, drawn: PartDraws
    ) -> pareto_nbd_draws.Ahead:
        _, (x, t_x, T), _ = self.asked(summary, horizon_days)
        horizon = float(horizon_in_units(horizon_days, self.time_unit))
        none = np.empty((x.size, 0))
        return pareto_nbd_draws.Ahead(drawn.array, x, t_x, T, none, none, horizon)

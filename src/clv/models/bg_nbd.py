"""BG/NBD and its relatives fitted to a customer summary: customers who may leave at a purchase.

Turns a checked summary into arrays for ``clv.numerics.bg_nbd``. Knows nothing of money or of
how the summary was made. Start at :meth:`BGNBD.fit`.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self

import numpy as np

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
from clv.models.base import PurchaseModel, horizon_in_units
from clv.models.posterior import PartDraws
from clv.numerics import bg_nbd, bg_nbd_draws, bg_nbd_fit
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.posterior import ParameterDraws

REGULAR = 6
"""The k from which MBG/CNBD answers unless another is better: of simulated shops those that looked
more regular lost 4 to 14 % of the deviance to a model with a season instead. A season of their
own makes buyers look less regular than that."""
SURE = 2.0
"""Standard errors."""


@dataclasses.dataclass(frozen=True)
class BGNBD(PurchaseModel[BGNBDParams]):
    """A fitted BG/NBD, to which who never came back still is a customer; rates in ``time_unit``."""

    name: ClassVar[str] = "bg-nbd"
    params_type: ClassVar[type[BGNBDParams]] = BGNBDParams
    numerics: ClassVar[Any] = bg_nbd
    drops_at_once: ClassVar[bool] = False

    @classmethod
    def fit(cls, summary: CustomerSummary, *, prior: bool = True) -> Self:
        """As in :class:`PurchaseModel`; the prior holds ``a`` and ``b`` near 1."""
        return cls._with_regularity(summary, 1, prior=prior)

    @classmethod
    def _with_regularity(cls, summary: CustomerSummary, k: int, *, prior: bool) -> Self:
        rows = cls._histories(summary)
        found = bg_nbd_fit.fit(rows, k=k, drops_at_once=cls.drops_at_once, prior=prior)
        if k > 1:
            added = bg_nbd_fit.timing(*_timing(cls.name, summary), k=k)
            found = dataclasses.replace(found, log_likelihood=found.log_likelihood + added)
        told = "log a ~ N(0, 3^2), log b ~ N(0, 3^2)" if prior else None
        return cls._found(found, summary, rows, k, cls.drops_at_once, prior=told)

    def draw_params(self, summary: CustomerSummary, *, count: int, seed: int) -> ParameterDraws:
        self.asked(summary, 0)
        rows, prior = self._histories(summary), bg_nbd_fit.PRIOR if self.report.prior else None
        return bg_nbd_draws.draw(rows, self.params, prior, count=count, seed=seed)

    def ahead(
        self, summary: CustomerSummary, horizon_days: float, drawn: PartDraws
    ) -> bg_nbd_draws.Ahead:
        params, history, _ = self.asked(summary, horizon_days)
        horizon = float(horizon_in_units(horizon_days, self.time_unit))
        traits = params.k, params.drops_at_once
        return bg_nbd_draws.Ahead(drawn.array, *history, horizon, *traits)


@dataclasses.dataclass(frozen=True)
class MBGNBD(BGNBD):
    """A fitted MBG/NBD, where a customer may leave right after the first purchase."""

    name: ClassVar[str] = "mbg-nbd"
    drops_at_once: ClassVar[bool] = True


@dataclasses.dataclass(frozen=True)
class MBGCNBD(MBGNBD):
    """A fitted MBG/CNBD-k: customers buy as regularly as ``params.k`` says, 1 being at random.

    Times between purchases vary by 1 / sqrt(k). The likelihood prefers k of 8 and more for boxes
    that come by the month, and then who skips one is as good as gone: where one in ten was
    skipped, some two in a row, the deviance of the forecast doubled. No more than 3 forgives it.
    """

    name: ClassVar[str] = "mbg-cnbd"
    regularities: ClassVar[tuple[int, ...]] = (1, 2, 3)

    @classmethod
    def fit(cls, summary: CustomerSummary, *, prior: bool = True) -> Self:
        """The model and the first of ``regularities`` after which ``summary`` is explained worse.

        As in :meth:`BGNBD.fit`, but ``log_intervals`` of every repeat buyer have to be known.
        """
        first, *others = cls.regularities
        best = cls._with_regularity(summary, first, prior=prior)
        for k in others:
            fitted = cls._with_regularity(summary, k, prior=prior)
            if fitted.report.log_likelihood <= best.report.log_likelihood:
                break
            best = fitted
        return best


@dataclasses.dataclass(frozen=True)
class SteadyMBGCNBD(MBGCNBD):
    """The same for customers who skip nothing: as regular as the likelihood says."""

    name: ClassVar[str] = "steady-mbg-cnbd"
    regularities: ClassVar[tuple[int, ...]] = (*MBGCNBD.regularities, 4, 6, 8, 12, 16, 24)


def is_regular(summary: CustomerSummary) -> bool:
    """Whether customers surely buy as regularly as those of a subscription do."""
    x, logs = summary.column("frequency"), summary.column("log_intervals")
    return bg_nbd_fit.regularity(x, summary.in_days("recency"), logs, k=REGULAR) > SURE


def _timing(model: str, summary: CustomerSummary) -> tuple[float, float]:
    """Purchases after the first and the summed logs of the times between, in the time unit."""
    x, logs = summary.column("frequency"), summary.column("log_intervals")
    unknown = int(np.sum((x > 0) & np.isnan(logs)))
    if unknown:
        raise NotEnoughData(
            model,
            f"of {unknown:,} customers who bought again the summary does not say when.",
            next_step="Ingest the log anew, or fit bg-nbd or mbg-nbd, which do not ask.",
        )
    purchases = float(x.sum())
    days = float(np.sum(np.sort(logs[x > 0])))  # in an order that rows do not decide
    return purchases, days - purchases * float(np.log(summary.time_unit.days))

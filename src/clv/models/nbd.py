"""NBD fitted to a customer summary: how often customers buy, were none ever to leave.

The rival a model of dropout has to beat. Start at :meth:`NBD.fit`.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self

from clv.checked import CustomerSummary
from clv.models.base import PurchaseModel, horizon_in_units
from clv.models.posterior import PartDraws
from clv.numerics import nbd
from clv.numerics.nbd import NBDParams
from clv.numerics.posterior import ParameterDraws


@dataclasses.dataclass(frozen=True)
class NBD(PurchaseModel[NBDParams]):
    """A fitted NBD; ``alpha`` is in ``time_unit``."""

    name: ClassVar[str] = "nbd"
    params_type: ClassVar[type[NBDParams]] = NBDParams
    numerics: ClassVar[Any] = nbd

    @classmethod
    def fit(cls, summary: CustomerSummary, *, prior: bool = True) -> Self:
        """As in :class:`PurchaseModel`. There is no dropout for a prior to hold."""
        rows = cls._histories(summary)
        return cls._found(nbd.fit(rows), summary, rows)

    def draw_params(self, summary: CustomerSummary, *, count: int, seed: int) -> ParameterDraws:
        self.asked(summary, 0)
        return nbd.draw(self._histories(summary), self.params, count=count, seed=seed)

    def ahead(self, summary: CustomerSummary, horizon_days: float, drawn: PartDraws) -> nbd.Ahead:
        _, (x, _, T), _ = self.asked(summary, horizon_days)
        return nbd.Ahead(drawn.array, x, T, float(horizon_in_units(horizon_days, self.time_unit)))

"""What a fit leaves open: the parameters that explain the shop nearly as well as the best.

A posterior stands beside the fitted parameters and moves no expectation; medians, intervals and
totals are drawn from it. It is rounded to six digits and stored with the model, because it
cannot be drawn again without the log. Start reading at :meth:`Posterior.of`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from clv.checked import CustomerSummary
from clv.models.base import Float
from clv.models.gamma_gamma import GammaGamma
from clv.models.pareto_nbd import ParetoNBD
from clv.models.seasonal_pareto_nbd import SeasonalParetoNBD
from clv.numerics.posterior import ParameterDraws

ParetoFamily = ParetoNBD | SeasonalParetoNBD

DRAWS = 200
SEED = 20_111_209
DIGITS = 6


@dataclasses.dataclass(frozen=True)
class PartDraws:
    """Equally likely parameters of one fitted part, each a tuple in the order of its params.

    ``pareto_k`` says how well the draws around the fit could be weighted, None where a few were
    everything; above 0.7 they were ``sampled`` by a walk instead.
    """

    params: tuple[tuple[float, ...], ...]
    pareto_k: float | None
    sampled: bool

    @classmethod
    def of(cls, found: ParameterDraws, *, positive: int) -> Self:
        """Draws of points, the first ``positive`` coordinates of which are logs."""
        params = np.hstack([np.exp(found.points[:, :positive]), found.points[:, positive:]])
        rounded = [tuple(float(f"{value:.{DIGITS}g}") for value in row) for row in params]
        k = round(found.pareto_k, 2) if np.isfinite(found.pareto_k) else None
        return cls(tuple(rounded), k, found.sampled)

    def columns(self) -> list[Float]:
        """One array per parameter, shape ``(draws,)``."""
        return list(np.array(self.params).T)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        params = tuple(tuple(row) for row in stored["params"])
        return cls(params, stored["pareto_k"], stored["sampled"])


@dataclasses.dataclass(frozen=True)
class Posterior:
    """Draws of the purchase model's parameters, and of the spend model's where it has any."""

    purchases: PartDraws
    spend: PartDraws | None

    @classmethod
    def of(
        cls, purchases: ParetoFamily, spend: GammaGamma | None, summary: CustomerSummary
    ) -> Self:
        """What ``summary``, which both were fitted to, leaves open about them.

        Raises:
            TimeUnitMismatch: the summary is in another unit.
        """
        days = purchases.draw_params(summary, count=DRAWS, seed=SEED)
        if spend is None:
            return cls(PartDraws.of(days, positive=4), None)
        value = spend.draw_params(summary, count=DRAWS, seed=SEED + 1)
        return cls(PartDraws.of(days, positive=4), PartDraws.of(value, positive=3))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, read back by :meth:`from_dict` without loss."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        spend = stored["spend"]
        return cls(PartDraws.from_dict(stored["purchases"]), spend and PartDraws.from_dict(spend))

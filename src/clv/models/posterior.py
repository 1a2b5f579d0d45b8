"""What a fit leaves open: the parameters that explain the shop nearly as well as the best.

A posterior stands beside the fitted parameters and moves no expectation; medians, intervals and
totals are drawn from it. It is rounded to six digits and stored with the model, because it
cannot be drawn again without the log. Start reading at :meth:`Posterior.of`.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from clv.checked import CustomerSummary
from clv.numerics.posterior import ParameterDraws
from clv.numerics.quadrature import Float

if TYPE_CHECKING:
    from clv.models.base import PurchaseModel
    from clv.models.gamma_gamma import GammaGamma

DRAWS = 200
SEED = 20_111_209
DIGITS = 6


@dataclasses.dataclass(frozen=True)
class PartDraws:
    """Equally likely parameters of one fitted part.

    Each of ``points`` is what the fit searched over: logs of positive parameters, coefficients
    as they are. ``pareto_k`` says how well the draws around the fit could be weighted, None
    where a few were everything; where it was too large they were ``sampled`` by walks instead,
    which ended ``apart`` by that much more than chance has it (their R-hat), 1 where they agree.
    """

    points: tuple[tuple[float, ...], ...]
    pareto_k: float | None
    sampled: bool
    apart: float | None

    @classmethod
    def of(cls, found: ParameterDraws) -> Self:
        rounded = [tuple(float(f"{v:.{DIGITS}g}") for v in point) for point in found.points]
        k = round(found.pareto_k, 2) if np.isfinite(found.pareto_k) else None
        apart = None if found.apart is None else round(found.apart, 3)
        return cls(tuple(rounded), k, found.sampled, apart)

    @functools.cached_property
    def array(self) -> Float:
        """Shape ``(draws, p)``."""
        return np.array(self.points)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**{**stored, "points": tuple(tuple(point) for point in stored["points"])})


@dataclasses.dataclass(frozen=True)
class Posterior:
    """Draws of the purchase model's parameters, and of the spend model's where it has any."""

    purchases: PartDraws
    spend: PartDraws | None

    @classmethod
    def of(
        cls, purchases: PurchaseModel[Any], spend: GammaGamma | None, summary: CustomerSummary
    ) -> Self:
        """What ``summary``, which both were fitted to, leaves open about them.

        Raises:
            TimeUnitMismatch: the summary is in another unit.
        """
        days = purchases.draw_params(summary, count=DRAWS, seed=SEED)
        if spend is None:
            return cls(PartDraws.of(days), None)
        value = spend.draw_params(summary, count=DRAWS, seed=SEED + 1)
        return cls(PartDraws.of(days), PartDraws.of(value))

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        spend = stored["spend"]
        return cls(PartDraws.from_dict(stored["purchases"]), spend and PartDraws.from_dict(spend))

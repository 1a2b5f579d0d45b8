"""Gamma-Gamma fitted to a customer summary: what a purchase day of each customer is worth.

Takes the mean gross value of all purchase days that still stand, with their number as its
count: a mean over repeat days alone would give a one-time buyer of 5,000 the population mean.
Where months differ, all of it is in money of no season; ``clv.models.lifetime_value`` puts the
season of the days ahead back on. The model of the papers denies that who buys more often
spends more; :class:`Dependence` says whether a shop agrees, and :class:`GammaGammaByFrequency`
goes by it. Start reading at :meth:`GammaGamma.fit`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from scipy import special

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
from clv.models.base import FitReport, Float, report_of
from clv.numerics import gamma_gamma
from clv.numerics.gamma_gamma import GammaGammaParams, Rate
from clv.numerics.optimize import Optimum
from clv.numerics.posterior import ParameterDraws

_PRIOR = f"eta ~ N(0, {gamma_gamma.POWER_SD}^2)"


@dataclasses.dataclass(frozen=True)
class Dependence:
    """How surely, and how much, spend goes with the number of purchase days.

    ``rank_correlation`` is Spearman's, over repeat buyers. ``p_value`` is that of the
    likelihood ratio for the power ``eta`` of Gamma-Gamma, because Spearman's own misleads: a
    mean over many days is less skewed than one day, so medians rise with the number of days
    where nothing depends on it.
    """

    rank_correlation: float
    eta: float
    p_value: float

    @property
    def of_twice_the_days(self) -> float:
        """What a customer with twice the purchase days spends more on each, as a share."""
        return float(2**self.eta - 1)


@dataclasses.dataclass(frozen=True)
class GammaGamma:
    """A fitted Gamma-Gamma; ``gamma`` is in the currency of the summary.

    ``dependence`` is None where repeat buyers are too much alike to show any. ``season`` is the
    factor of each month, from January on, that day values were divided by; None for none.
    """

    name: ClassVar[str] = "gamma-gamma"
    has_power: ClassVar[bool] = False

    params: GammaGammaParams
    report: FitReport
    dependence: Dependence | None
    season: tuple[float, ...] | None = None

    @classmethod
    def fit(cls, summary: CustomerSummary) -> Self:
        """The model that explains the customers with a known ``mean_day_value`` best.

        Raises:
            NotEnoughData: fewer than two such customers, or all spend the same, or nobody
                has two purchase days, so that nothing tells customers from purchases.
            NotConverged: the search ended before an optimum; its report says where.
        """
        count, mean = _valued(summary, summary.spend_season)
        _require_variety(count, mean)
        plain, freed = (gamma_gamma.fit(count, mean, power=power) for power in (False, True))
        # A handful of customers can be explained by the power alone, without a maximum.
        found = freed if cls.has_power and freed.status.converged else plain
        report = report_of(
            found,
            model=cls.name,
            names=GammaGammaParams._fields[: len(found.parameters)],
            customers=count.size,
            distinct_rows=len(np.unique(np.column_stack([count, mean]), axis=0)),
            prior=_PRIOR if found is freed else None,
        )
        params = GammaGammaParams(*found.parameters)
        dependence = _dependence(count, mean, plain, freed)
        return cls(params, report, dependence, summary.spend_season)

    def expected_day_value(self, summary: CustomerSummary) -> Float:
        """Expected value of a future purchase day of no season, shape ``(n,)``, > 0.

        Customers without a purchase day that still stands get the population mean, or its
        median where that is infinite (status ``infinite_mean``).
        """
        return gamma_gamma.expected_spend(self.params, *known_spend(summary, self.season))

    def draw_params(self, summary: CustomerSummary, *, count: int, seed: int) -> ParameterDraws:
        """Other parameters that explain ``summary``, which this was fitted to, nearly as well."""
        days, mean = _valued(summary, self.season)
        power = self.report.prior is not None
        return gamma_gamma.draw(days, mean, self.params, power=power, count=count, seed=seed)

    @property
    def _fitted(self) -> tuple[Rate, ...]:
        return self.params if self.report.prior else self.params[:3]

    def to_dict(self) -> dict[str, Any]:
        return {
            "model": self.name,
            "params": dict(zip(GammaGammaParams._fields, self._fitted, strict=False)),
            "report": self.report.to_dict(),
            "dependence": self.dependence and dataclasses.asdict(self.dependence),
            "season": self.season,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        report, dependence = FitReport.from_dict(stored["report"]), stored["dependence"]
        season = stored["season"]
        return cls(
            GammaGammaParams(**stored["params"]),
            report,
            dependence and Dependence(**dependence),
            season and tuple(season),
        )


@dataclasses.dataclass(frozen=True)
class GammaGammaByFrequency(GammaGamma):
    """The same where who has bought on more days may spend more, or less, on each.

    What is expected before a customer's own days are known goes with the number of these days
    to the power ``eta``; customers without any are taken for customers of one. ``eta`` is 0
    where too few customers show it.
    """

    name: ClassVar[str] = "gamma-gamma-by-frequency"
    has_power: ClassVar[bool] = True


def known_spend(summary: CustomerSummary, season: tuple[float, ...] | None) -> tuple[Float, Float]:
    """Purchase days and their mean value; a count of 0 where either is unknown or nothing.

    Without the season of those days, where there is one; bare counts do not tell it.
    """
    count, mean = summary.column("purchase_days"), summary.column("mean_day_value")
    if season is not None:
        mean = mean / np.nan_to_num(summary.column("season_of_days"), nan=1.0)
    is_known = (count >= 1) & (mean > 0)
    return np.where(is_known, count, 0.0), np.where(is_known, mean, np.nan)


def _valued(summary: CustomerSummary, season: tuple[float, ...] | None) -> tuple[Float, Float]:
    count, mean = known_spend(summary, season)
    return count[count > 0], mean[count > 0]


def _dependence(count: Float, mean: Float, plain: Optimum, freed: Optimum) -> Dependence | None:
    repeated = count[count > 1], mean[count > 1]
    varies = all(np.unique(values).size > 1 for values in repeated)
    if not (varies and plain.status.converged and freed.status.converged):
        return None
    from scipy import stats  # slow to load, and whoever only answers has no use for it

    rank = float(stats.spearmanr(*repeated).statistic)
    gain = max(freed.log_likelihood - plain.log_likelihood, 0.0)
    return Dependence(rank, freed.parameters[3], float(special.chdtrc(1, 2 * gain)))


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

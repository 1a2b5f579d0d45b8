"""Customer lifetime value: purchases expected, times the value of one, less what comes back.

Three fitted parts answer three questions. A purchase model: how many purchase days lie
ahead? A spend model: what is one worth, before returns? A return share: how much of it is
sent back? Their product is money; the parts know nothing of each other, but that dear months
count by how many purchases fall in them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData, SettingsError
from clv.models.base import Float, PurchaseModel
from clv.models.boosted_value import BoostedValue
from clv.models.catalog import PURCHASE_MODELS, SPEND_MODELS
from clv.models.correction import Origin
from clv.models.gamma_gamma import GammaGamma, GammaGammaByFrequency
from clv.models.posterior import Posterior
from clv.models.xgb_survival import XGBSurvival
from clv.periods import ObservationWindow

JOINED = " x "
POOLED_DAYS = 6.0
"""Purchase days at which a customer's own habit counts as much as everybody's."""


@dataclasses.dataclass(frozen=True)
class ReturnShare:
    """The share of gross value that comes back: a customer's own, drawn to everybody's.

    ``weight`` is the gross value, in currency, at which a customer's own share counts as much
    as ``pooled``, the shop's: six mean purchase days, so that it means the same in any currency.
    """

    pooled: float
    weight: float

    @classmethod
    def fit(cls, summary: CustomerSummary) -> Self:
        gross = float(np.nansum(summary.column("gross_value")))
        returned = float(np.nansum(summary.column("returned_value")))
        days = float(np.nansum(summary.column("purchase_days")))
        if gross <= 0 or days <= 0:
            return cls(0.0, 1.0)
        return cls(returned / gross, POOLED_DAYS * gross / days)

    def of(self, summary: CustomerSummary) -> Float:
        """Each customer's share, shape ``(n,)``, 0 to 1."""
        gross = np.nan_to_num(summary.column("gross_value"))
        returned = np.nan_to_num(summary.column("returned_value"))
        return np.clip((returned + self.weight * self.pooled) / (gross + self.weight), 0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class MeanSpend:
    """One value of a purchase day for everybody, where nothing tells customers apart.

    Such a log is that of a subscription at one price. ``mean`` is gross, in currency; ``why``
    says what Gamma-Gamma lacked.
    """

    name: ClassVar[str] = "mean-spend"
    season: ClassVar[None] = None

    mean: float
    why: str

    def expected_day_value(self, summary: CustomerSummary) -> Float:
        """The mean for each customer, shape ``(n,)``."""
        return np.full(len(summary), self.mean)

    def to_dict(self) -> dict[str, Any]:
        return {"model": self.name, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(stored["mean"], stored["why"])


@dataclasses.dataclass(frozen=True)
class LifetimeValue:
    """A fitted purchase model, spend model and return share.

    Without a ``posterior`` it has expectations, and neither medians nor intervals.
    ``boosted`` is what trees found its money to miss, and ``survival`` what they found its
    chances of an order to; None where too few earlier dates could be tried.
    """

    purchases: PurchaseModel[Any]
    spend: GammaGamma | MeanSpend
    return_share: ReturnShare
    orders_per_day: float
    posterior: Posterior | None = None
    boosted: BoostedValue | None = None
    survival: XGBSurvival | None = None

    @property
    def name(self) -> str:
        return f"{self.purchases.name}{JOINED}{self.spend.name}"

    @classmethod
    def fit(cls, summary: CustomerSummary, model: str, *, prior: bool = True) -> Self:
        """All parts fitted to ``summary``.

        Args:
            summary: In any time unit.
            model: A purchase model's name in the catalog, or that and a spend model's, as in
                ``"pareto-nbd x gamma-gamma"``; day values go by frequency where none is named.
            prior: Whether the purchase model may lean on weak priors.

        Raises:
            SettingsError: the catalog has no such model.
            NotEnoughData, NotConverged: from the parts.
        """
        buying, _, spend = model.partition(JOINED)
        spend = spend or GammaGammaByFrequency.name
        for name, known in ((buying, PURCHASE_MODELS), (spend, SPEND_MODELS)):
            if name not in known:
                next_step = f"Known: {', '.join(known)}."
                raise SettingsError("model", f"there is no {name!r}.", next_step=next_step)
        days = np.nansum(summary.column("purchase_days"))
        orders = np.nansum(summary.column("orders"))
        return cls(
            PURCHASE_MODELS[buying].fit(summary, prior=prior),
            _fit_spend(summary, spend),
            ReturnShare.fit(summary),
            float(orders / days) if days > 0 else 1.0,
        )

    def with_spend(self, summary: CustomerSummary, spend: str) -> Self:
        """The same purchases with another spend model fitted to ``summary``, the one of the fit."""
        return dataclasses.replace(self, spend=_fit_spend(summary, spend))

    def with_posterior(self, summary: CustomerSummary) -> Self:
        """The same forecast, with what ``summary``, the one of the fit, leaves open about it."""
        spend = self.spend if isinstance(self.spend, GammaGamma) else None
        posterior = Posterior.of(self.purchases, spend, summary)
        return dataclasses.replace(self, posterior=posterior)

    def corrected_by(self, summary: CustomerSummary, origins: Iterable[Origin]) -> Self:
        """The same with what earlier dates call for, where they tell at all.

        ``summary`` is the one of the fit; an origin whose outcome was not known yet is left out.
        Trees learn from the longest horizon that can be tried, and what they say holds for the
        days within it; those that come later stay what the parts make of them.
        """
        known = [one for one in origins if one.known_from <= summary.window.end]
        for days in sorted({one.horizon_days for one in known}, reverse=True):
            own = [one for one in known if one.horizon_days == days]
            with contextlib.suppress(NotEnoughData):
                survival = XGBSurvival.fit(own, summary)
                boosted = BoostedValue.fit(own, summary, self.expected_value(summary, days))
                return dataclasses.replace(self, boosted=boosted, survival=survival)
        return self

    def without_trees(self) -> Self:
        """The same with the purchase model's own chances of an order; what trials found stays."""
        kept_off = self.survival and self.survival.kept_off()
        return dataclasses.replace(self, survival=kept_off)

    @property
    def is_corrected(self) -> bool:
        """Whether trees have a say in what is expected."""
        return self.boosted is not None and self.boosted.correction.strength > 0

    def corrected(self, summary: CustomerSummary, value: Float, horizon_days: float) -> Float:
        """``value`` expected by the parts within a horizon, with the trees' correction.

        They correct what comes within the horizon they learned from: a day more never makes a
        forecast smaller.
        """
        if self.boosted is None or not self.is_corrected:
            return value
        learned = self.boosted.correction.shop.horizon_days
        if horizon_days <= learned:
            return self.boosted.correct(summary, value)
        early = self.uncorrected_value(summary, learned)
        return np.asarray(value - early + self.boosted.correct(summary, early))

    def p_purchase(self, summary: CustomerSummary, horizon_days: npt.ArrayLike) -> Float:
        """Probability that each customer buys at least once within the horizon, or their own.

        Every chance of an order that anybody is told comes from here. Trees correct the horizon
        they learned from; of who has bought nothing by then, the later chance is the purchase
        model's. They raise it no further than to the chance of still being a customer and, where
        the horizon is the same for all, to the purchases expected within it.

        Raises:
            TimeUnitMismatch, HorizonOutOfRange.
        """
        chance = self.purchases.p_purchase(summary, horizon_days)
        if self.survival is None or not self.survival.correction.strength:
            return chance
        most = self.purchases.p_alive(summary)
        if np.ndim(horizon_days) == 0:
            days = self.purchases.expected_transactions(summary, float(np.asarray(horizon_days)))
            most = np.minimum(most, days)
        learned = self.survival.correction.shop.horizon_days
        early = self.purchases.p_purchase(summary, np.minimum(horizon_days, learned))
        none_later = np.divide(1 - chance, 1 - early, out=np.ones_like(chance), where=early < 1)
        corrected = 1 - (1 - self.survival.correct(summary, early)) * none_later
        return np.minimum(corrected, np.maximum(most, chance))

    def orders_of_a_day(self, summary: CustomerSummary) -> Float:
        """Orders of a purchase day, shape ``(n,)``, a customer's own drawn to the shop's."""
        orders = summary.column("orders")
        days = np.where(np.isnan(orders), np.nan, summary.column("purchase_days"))
        own_orders, own_days = np.nan_to_num(orders), np.nan_to_num(days)
        return (own_orders + POOLED_DAYS * self.orders_per_day) / (own_days + POOLED_DAYS)

    def day_value(self, summary: CustomerSummary, horizon_days: float) -> Float:
        """Expected value of one purchase day ahead less returns, shape ``(n,)``, in currency."""
        gross = self.spend.expected_day_value(summary) * self.season_ahead(summary, horizon_days)
        return gross * (1.0 - self.return_share.of(summary))

    def season_ahead(self, summary: CustomerSummary, horizon_days: float) -> float:
        """What the spend season makes of the value of purchases within the horizon.

        Days count by their purchase rate; that customers leave meanwhile moved no total of a
        real log by a ten-thousandth.
        """
        if self.spend.season is None:
            return 1.0
        days, last = math.ceil(horizon_days), summary.window.end
        months = (np.datetime64(last, "D") + np.arange(1, days + 1)).astype("datetime64[M]")
        of_day = np.array(self.spend.season)[months.astype(np.int64) % 12]
        return float(np.average(of_day, weights=self.purchases.rate_ahead(last, days)))

    def season_of(self, months: Sequence[ObservationWindow]) -> Float:
        """What the spend season makes of the value of purchases in each of some months."""
        season = self.spend.season or (1.0,) * 12
        return np.array([season[month.start.month - 1] for month in months])

    def shares_by_month(self, summary: CustomerSummary, horizon_days: int) -> Float:
        """How each customer's expected value divides among the calendar months of the horizon.

        Shape ``(n, months)``; shares of one customer add up to 1.
        """
        months = summary.window.holdout(horizon_days).months
        until = [
            self.purchases.expected_transactions(summary, (month.end - summary.window.end).days)
            for month in months
        ]
        worth = np.diff(np.column_stack(until), prepend=0.0) * self.season_of(months)
        whole = worth.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(worth, whole, out=np.zeros_like(worth), where=whole > 0))

    def expected_value(self, summary: CustomerSummary, horizon_days: float) -> Float:
        """Expected value within the horizon less returns, shape ``(n,)``, in currency.

        Raises:
            TimeUnitMismatch, HorizonOutOfRange.
        """
        return self.corrected(summary, self.uncorrected_value(summary, horizon_days), horizon_days)

    def uncorrected_value(self, summary: CustomerSummary, horizon_days: float) -> Float:
        """The same by the parts alone."""
        days = self.purchases.expected_transactions(summary, horizon_days)
        return days * self.day_value(summary, horizon_days)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, read back by :meth:`from_dict` without loss."""
        return {
            "purchases": self.purchases.to_dict(),
            "spend": self.spend.to_dict(),
            "return_share": dataclasses.asdict(self.return_share),
            "orders_per_day": self.orders_per_day,
            "posterior": self.posterior and self.posterior.to_dict(),
            "boosted": self.boosted and self.boosted.to_dict(),
            "survival": self.survival and self.survival.to_dict(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        purchases, spend, posterior = (stored[name] for name in ("purchases", "spend", "posterior"))
        spend_model = SPEND_MODELS.get(spend["model"], MeanSpend)
        return cls(
            PURCHASE_MODELS[purchases["model"]].from_dict(purchases),
            spend_model.from_dict(spend),
            ReturnShare(**stored["return_share"]),
            stored["orders_per_day"],
            posterior and Posterior.from_dict(posterior),
            stored["boosted"] and BoostedValue.from_dict(stored["boosted"]),
            stored["survival"] and XGBSurvival.from_dict(stored["survival"]),
        )


def _fit_spend(summary: CustomerSummary, model: str) -> GammaGamma | MeanSpend:
    try:
        return SPEND_MODELS[model].fit(summary)
    except NotEnoughData as error:
        gross, days = (np.nansum(summary.column(name)) for name in ("gross_value", "purchase_days"))
        if not (gross > 0 and days > 0):
            raise
        return MeanSpend(float(gross / days), why=error.problem)

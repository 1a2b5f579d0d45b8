"""Corrections of a fitted forecast by trees, and how far earlier dates let them go.

A correction is learned from earlier dates whose outcome is known. How much of it is applied is
chosen by what it would have gained at the later ones of those dates, learned from earlier ones
alone. Where that is not clear of chance it is nothing, and the forecast stays as it was, bit by
bit. What is corrected is said by :mod:`clv.models.boosted_value` and
:mod:`clv.models.xgb_survival`.

Start reading at :meth:`Correction.learned`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
from clv.models.base import Float
from clv.models.features import FEATURES, Shop, features

if TYPE_CHECKING:
    import xgboost

STRENGTHS = (0.25, 0.5, 1.0)
"""Shares of the trees' correction that may be applied, besides none."""
CAUTION = 2.0
"""Standard errors a gain has to be clear of nothing."""
LEAST_EARLIER = 2
"""Origins a trial learns from: one alone cannot tell a customer from a season."""
LEAST_TRIALS = 2
MOST_CUSTOMERS = 50_000
"""Of one origin; more would not move some small trees, only take longer."""

TREES: dict[str, Any] = {
    "max_depth": 3,
    "min_child_weight": 50,
    "tree_method": "hist",
    "max_bin": 64,
    "nthread": 1,  # sums of floats must not depend on the machine
}
"""What all trees share. Nothing is drawn at random: subsamples gained nothing beyond noise."""


OUTCOME = ("base_mean", "actual", "chance", "came", "by_then")
"""What is known of each customer of an origin beside the summary."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """An earlier date, its last day that of ``summary``, whose outcome is known.

    All but the horizon have shape ``(n,)``: what the base, fitted on that day, forecast over the
    horizon, in currency, and what each customer brought; its ``chance`` of an order within the
    horizon, whether one ``came``, and its chance of one ``by_then``, the day of the first, or
    the end where none came.
    """

    summary: CustomerSummary
    horizon_days: int
    base_mean: Float
    actual: Float
    chance: Float
    came: npt.NDArray[np.bool_]
    by_then: Float

    @property
    def day(self) -> dt.date:
        return self.summary.window.end

    @property
    def known_from(self) -> dt.date:
        """The first day on which the outcome is known."""
        return self.day + dt.timedelta(days=self.horizon_days)

    @property
    def outcome(self) -> dict[str, npt.NDArray[Any]]:
        """All of ``OUTCOME``, by name."""
        return {name: getattr(self, name) for name in OUTCOME}

    @functools.cached_property
    def features(self) -> Float:
        """What trees know of each customer."""
        return features(self.summary, Shop.of(self.summary, self.horizon_days))

    def sample(self) -> Origin:
        """As many of its customers as trees learn from."""
        some = np.arange(0, len(self.summary), 1 + (len(self.summary) - 1) // MOST_CUSTOMERS)
        summary = dataclasses.replace(self.summary, table=self.summary.table.take(some))
        outcome = {name: of_each[some] for name, of_each in self.outcome.items()}
        return Origin(summary, self.horizon_days, **outcome)


@dataclasses.dataclass(frozen=True)
class Trial:
    """What a strength would have gained at earlier dates, learned from dates before them.

    ``gain``, in what the correction is judged by, is that on average over ``origins`` dates.
    ``error`` is its standard error: customers differ, and so do dates.
    """

    strength: float
    gain: float
    error: float
    origins: int

    @property
    def surely(self) -> float:
        return self.gain - CAUTION * self.error


@dataclasses.dataclass(frozen=True)
class Correction:
    """Trees, as XGBoost's own JSON, and how far they count; None where they do not at all.

    Customers are measured against ``shop``, on the day of use.
    """

    shop: Shop
    strength: float
    trials: tuple[Trial, ...]
    trees: str | None

    @classmethod
    def learned(
        cls,
        name: str,
        origins: Iterable[Origin],
        summary: CustomerSummary,
        *,
        grow: Callable[[Sequence[Origin]], xgboost.Booster],
        gain: Callable[[Origin, Float], Float],
    ) -> Self:
        """The correction that earlier dates call for, or none.

        Args:
            name: Of what is learned, for people.
            origins: Dates whose outcome was known on the last day of ``summary``, at one
                horizon, in any order. One after which nothing was sold teaches nothing.
            summary: The whole shop on the day of use, in the unit of the origins.
            grow: Trees from some of the origins.
            gain: What each customer of an origin gains by what trees say of them, for each of
                ``STRENGTHS``, shape ``(strengths, n)``; their sum is the gain at that date.

        Raises:
            NotEnoughData: fewer than ``LEAST_TRIALS`` dates can be tried with what was known
                on ``LEAST_EARLIER`` dates before.
        """
        sold = [one for one in origins if one.came.any() and (one.actual > 0).any()]
        sold.sort(key=lambda one: one.day)
        before = {one.day: [two for two in sold if two.known_from <= one.day] for one in sold}
        tried = [one for one in sold if len(before[one.day]) >= LEAST_EARLIER]
        if len(tried) < LEAST_TRIALS:
            raise NotEnoughData(
                name,
                f"{len(tried)} of {len(sold)} earlier dates can be tried with what was known "
                f"on {LEAST_EARLIER} dates before; it takes {LEAST_TRIALS}.",
                next_step="Forecast a shorter horizon, or wait until the log is longer.",
            )
        trials = judged(
            [one.summary.table["customer_id"].to_pylist() for one in tried],
            [gain(one, _margin(grow(before[one.day]), one.features)) for one in tried],
        )
        best = max(trials, key=lambda trial: trial.surely)
        shop = Shop.of(summary, sold[0].horizon_days)
        if best.surely <= 0:
            return cls(shop, 0.0, trials, None)
        trees = json.loads(grow(sold).save_raw("json"))
        return cls(shop, best.strength, trials, json.dumps(trees))

    @property
    def is_kept_off(self) -> bool:
        """Whether trials called for trees, and later dates did not."""
        return not self.strength and any(trial.surely > 0 for trial in self.trials)

    def of(self, summary: CustomerSummary) -> Float:
        """What the trees say of each customer, as far as it counts, shape ``(n,)``.

        No customer's answer depends on the others in ``summary``.
        """
        if self._booster is None:
            return np.zeros(len(summary))
        return self.strength * _margin(self._booster, features(summary, self.shop))

    def contributions(self, summary: CustomerSummary) -> Float:
        """What each of ``FEATURES`` adds to that, but for one constant, shape ``(n, 7)``."""
        if self._booster is None:
            return np.zeros((len(summary), len(FEATURES)))
        asked = rows(features(summary, self.shop), np.zeros(len(summary)))
        parts = self._booster.predict(asked, pred_contribs=True)
        return np.asarray(self.strength * parts[:, :-1], dtype=float)

    @functools.cached_property
    def _booster(self) -> xgboost.Booster | None:
        if self.trees is None:
            return None
        # Who answers without a correction never loads it.
        from xgboost import Booster

        booster = Booster({"nthread": TREES["nthread"]})
        booster.load_model(bytearray(self.trees, "utf-8"))
        return booster

    def to_dict(self) -> dict[str, Any]:
        trees = None if self.trees is None else json.loads(self.trees)
        return {**dataclasses.asdict(self), "trees": trees}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            Shop(**stored["shop"]),
            stored["strength"],
            tuple(Trial(**trial) for trial in stored["trials"]),
            None if stored["trees"] is None else json.dumps(stored["trees"]),
        )


def rows(x: Float, start: Float, **labels: npt.ArrayLike) -> xgboost.DMatrix:
    """Rows of ``FEATURES`` for trees on top of ``start``."""
    from xgboost import DMatrix

    # Their names are stored with the trees, which then refuse any others.
    found = DMatrix(x, base_margin=start, feature_names=list(FEATURES), nthread=TREES["nthread"])
    for label, of_each in labels.items():
        found.set_float_info(label, of_each)
    return found


def _margin(booster: xgboost.Booster, x: Float) -> Float:
    """What the trees add up to, shape ``(n,)``; many threads may ask at once."""
    found = booster.inplace_predict(
        x, predict_type="margin", base_margin=np.zeros(len(x)), validate_features=False
    )
    return np.asarray(found, dtype=float)


def judged(names: Sequence[Sequence[str]], gains: Sequence[Float]) -> tuple[Trial, ...]:
    """Gains, shape ``(strengths, n)`` at each date, on average and with what they may be off.

    One customer's gains at all dates go together; how dates differ is added, so that a
    strength that helps at one and hurts at another is not taken for sure.
    """
    dates = len(gains)
    at = np.array([gain.sum(axis=1) for gain in gains])
    _, person = np.unique(np.concatenate(names), return_inverse=True)
    own = np.array([np.bincount(person, gain) for gain in np.concatenate(gains, axis=1)]) / dates
    error = np.sqrt(own.var(axis=1) * own.shape[1] + at.var(axis=0, ddof=1) / dates)
    return tuple(
        Trial(strength, float(gain), float(off), dates)
        for strength, gain, off in zip(STRENGTHS, at.mean(axis=0), error, strict=True)
    )

"""Boosted value: trees that correct a forecast of money where its past misses agree.

The base forecast knows the season, the level, and how customers come and go; it does not know
that a regular buyer who is late is later than others, or that spending goes with frequency.
Trees learn such things from earlier dates whose outcome is known, on top of the base: at each of
those dates they start from the base raised to what was really sold, so that they learn
differences between customers and never a season. On the day of use the shop's total stays the
base's.

How much of the correction is applied is chosen by what it would have gained at later ones of
those dates, learned from earlier ones alone. Where that is not clear of chance it is nothing,
and the answer is the base, bit by bit.

Start reading at :meth:`BoostedValue.fit`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
from clv.models.base import Float
from clv.models.features import FEATURES, Shop, features
from clv.numerics.tweedie import unit_deviance

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
"""Of one origin; more would not move sixty small trees, only take longer."""
FLOOR_SHARE = 1e-3
"""Of the mean outcome: forecasts below are learned from and judged as if they were that."""

ROUNDS = 60
TREES: Mapping[str, Any] = {
    "objective": "reg:tweedie",
    "tweedie_variance_power": 1.5,
    "max_depth": 3,
    "eta": 0.05,
    "min_child_weight": 50,  # mean customers, or seven of fifty times the mean
    "reg_lambda": 5,
    "tree_method": "hist",
    "max_bin": 64,
    "nthread": 1,  # sums of floats must not depend on the machine
}
"""Nothing is drawn at random: subsamples gained nothing beyond their own noise."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """An earlier date, its last day that of ``summary``, whose outcome is known.

    ``base_mean`` is what the base, fitted on that day, forecast for each customer over the
    horizon, and ``actual`` what they brought, both shape ``(n,)``, in currency.
    """

    summary: CustomerSummary
    horizon_days: int
    base_mean: Float
    actual: Float

    @property
    def day(self) -> dt.date:
        return self.summary.window.end

    def sample(self) -> Origin:
        """As many of its customers as trees learn from."""
        some = np.arange(0, len(self.summary), 1 + (len(self.summary) - 1) // MOST_CUSTOMERS)
        table = self.summary.table.take(some)
        summary = CustomerSummary(table, self.summary.window, self.summary.time_unit)
        return Origin(summary, self.horizon_days, self.base_mean[some], self.actual[some])

    @property
    def known_from(self) -> dt.date:
        """The first day on which the outcome is known."""
        return self.day + dt.timedelta(days=self.horizon_days)


@dataclasses.dataclass(frozen=True)
class Trial:
    """What a strength would have gained at earlier dates, learned from dates before them.

    ``gain`` is the share of the deviance saved, on average over ``origins`` dates, forecasts and
    base at the same total. ``error`` is its standard error: customers differ, and so do dates.
    """

    strength: float
    gain: float
    error: float
    origins: int

    @property
    def surely(self) -> float:
        return self.gain - CAUTION * self.error


@dataclasses.dataclass(frozen=True)
class BoostedValue:
    """A fitted correction of a forecast of money at one horizon.

    ``strength`` is the share of it that is applied and ``level`` the log of what keeps the
    shop's total; ``trees`` is XGBoost's own JSON, None where nothing is corrected.
    """

    name: ClassVar[str] = "boosted"

    strength: float
    level: float
    shop: Shop
    trials: tuple[Trial, ...]
    trees: str | None

    @classmethod
    def fit(cls, origins: Sequence[Origin], summary: CustomerSummary, base_mean: Float) -> Self:
        """The correction that earlier dates call for, or none.

        Args:
            origins: Dates whose outcome was known on the last day of ``summary``, at one
                horizon, in any order. One after which nothing was sold teaches nothing.
            summary: The whole shop on the day of use, in the unit of the origins.
            base_mean: Its base forecast, shape ``(n,)``, > 0 in total.

        Raises:
            NotEnoughData: fewer than ``LEAST_TRIALS`` dates can be tried with what was known
                on ``LEAST_EARLIER`` dates before.
            ValueError: an origin's outcome was not known yet, or horizons differ.
        """
        lessons = [_Lesson.of(origin) for origin in sorted(origins, key=lambda one: one.day)]
        lessons = [lesson for lesson in lessons if lesson.y.any()]
        horizons = {origin.horizon_days for origin in origins}
        late = [origin.day for origin in origins if origin.known_from > summary.window.end]
        if late or len(horizons) > 1:
            raise ValueError(f"not known on {summary.window.end}: {late}; horizons {horizons}")
        trials = _try_out(lessons)
        best = max(trials, key=lambda trial: trial.surely)
        shop = Shop.of(summary, base_mean, horizons.pop())
        if best.surely <= 0:
            return cls(0.0, 0.0, shop, trials, None)
        trees = json.loads(_grow(lessons).save_raw("json"))
        found = cls(best.strength, 0.0, shop, trials, json.dumps(trees))
        level = np.log(base_mean.sum() / found.correct(summary, base_mean).sum())
        return dataclasses.replace(found, level=float(level))

    def correct(self, summary: CustomerSummary, base_mean: Float) -> Float:
        """The corrected means, shape ``(n,)``; the base itself where nothing is corrected.

        No customer's answer depends on the others in ``summary``. Draws and quantiles of a
        customer's value are to be multiplied by corrected over base: what is unlikely stays so.
        """
        if self._booster is None:
            return base_mean
        margin = _margin(self._booster, features(summary, base_mean, self.shop))
        return np.asarray(base_mean * np.exp(self.level + self.strength * margin))

    def contributions(self, summary: CustomerSummary, base_mean: Float) -> Float:
        """What each of ``FEATURES`` adds to the log of a customer's mean, shape ``(n, 8)``.

        They sum to log(corrected / base) but for a constant, the same for every customer.
        """
        if self._booster is None:
            return np.zeros((len(summary), len(FEATURES)))
        rows = _matrix(features(summary, base_mean, self.shop), np.zeros(len(summary)))
        parts = self._booster.predict(rows, pred_contribs=True)
        return np.asarray(self.strength * parts[:, :-1], dtype=float)

    @functools.cached_property
    def _booster(self) -> xgboost.Booster | None:
        if self.trees is None:
            return None
        from xgboost import Booster

        booster = Booster({"nthread": TREES["nthread"]})
        booster.load_model(bytearray(self.trees, "utf-8"))
        return booster

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, read back by :meth:`from_dict` without loss."""
        trees = None if self.trees is None else json.loads(self.trees)
        return {"model": self.name, **dataclasses.asdict(self), "trees": trees}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            stored["strength"],
            stored["level"],
            Shop(**stored["shop"]),
            tuple(Trial(**trial) for trial in stored["trials"]),
            None if stored["trees"] is None else json.dumps(stored["trees"]),
        )


@dataclasses.dataclass(frozen=True)
class _Lesson:
    """An origin as the trees see it: money in mean outcomes, the base raised to the total."""

    origin: Origin
    names: Sequence[str]
    x: Float
    start: Float
    y: Float

    @classmethod
    def of(cls, origin: Origin) -> Self:
        some = slice(None, None, 1 + (len(origin.summary) - 1) // MOST_CUSTOMERS)
        base, y = origin.base_mean, np.maximum(origin.actual, 0.0)[some]
        shop = Shop.of(origin.summary, base, origin.horizon_days)
        x = features(origin.summary, base, shop)[some]
        names = origin.summary.table["customer_id"].to_pylist()[some]
        return cls(origin, names, x, base[some] / base[some].mean(), y / (y.mean() or 1.0))


def _grow(lessons: Sequence[_Lesson]) -> xgboost.Booster:
    """Trees on top of the base of all these dates."""
    import xgboost

    x, start, y = (
        np.concatenate([getattr(lesson, part) for lesson in lessons])
        for part in ("x", "start", "y")
    )
    # Else one purchase where next to nothing was expected would outweigh all the others.
    rows = _matrix(x, np.log(np.maximum(start, FLOOR_SHARE)), y)
    return xgboost.train(dict(TREES), rows, ROUNDS)


def _matrix(x: Float, margin: Float, y: Float | None = None) -> xgboost.DMatrix:
    from xgboost import DMatrix

    return DMatrix(x, y, base_margin=margin, feature_names=list(FEATURES), nthread=TREES["nthread"])


def _margin(booster: xgboost.Booster, x: Float) -> Float:
    """The log of the whole correction, shape ``(n,)``; many threads may ask at once."""
    found = booster.inplace_predict(
        x, predict_type="margin", base_margin=np.zeros(len(x)), validate_features=False
    )
    return np.asarray(found, dtype=float)


def _try_out(lessons: Sequence[_Lesson]) -> tuple[Trial, ...]:
    """What each strength would have gained, at every date that has enough before it.

    Raises:
        NotEnoughData: too few dates have.
    """
    names: list[Sequence[str]] = []
    gains: list[Float] = []
    for lesson in lessons:
        before = [one for one in lessons if one.origin.known_from <= lesson.origin.day]
        if len(before) >= LEAST_EARLIER:
            names.append(lesson.names)
            gains.append(_gain(lesson, _margin(_grow(before), lesson.x)))
    if len(gains) < LEAST_TRIALS:
        raise NotEnoughData(
            BoostedValue.name,
            f"{len(gains)} of {len(lessons)} earlier dates can be tried with what was known "
            f"on {LEAST_EARLIER} dates before; it takes {LEAST_TRIALS}.",
            next_step="Forecast a shorter horizon, or wait until the log is longer.",
        )
    return _judged(names, gains)


def _judged(names: Sequence[Sequence[str]], gains: Sequence[Float]) -> tuple[Trial, ...]:
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


def _gain(lesson: _Lesson, margin: Float) -> Float:
    """Share of the base's deviance each customer saves, shape ``(strengths, n)``."""
    base = unit_deviance(lesson.y, np.maximum(lesson.start, FLOOR_SHARE))
    saved = []
    for strength in STRENGTHS:
        mean = lesson.start * np.exp(strength * margin)
        mean = np.maximum(mean / mean.mean(), FLOOR_SHARE)
        saved.append((base - unit_deviance(lesson.y, mean)) / base.sum())
    return np.array(saved)

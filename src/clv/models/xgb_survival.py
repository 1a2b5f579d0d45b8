"""Trees that correct how long a customer is expected to wait until the next order.

An accelerated failure time model (XGBoost's ``survival:aft``), fitted to what followed earlier
days of the same log. Its time is not the calendar's but the purchase model's own: the chance of
an order that has built up by then, on a scale from minus to plus infinity. There the purchase
model says that everybody waits alike, and the trees say who waits longer or shorter:

    scale(chance of an order by day t) = scale(what the purchase model says) - strength * trees

So the season, the slowing down and the leaving stay what the purchase model makes of them. In
plain days this family of models has everybody return in the end; on this clock it does not.
Three scales are tried: the log odds, the complementary log-log (a factor on the rate of
ordering) and the normal quantile.

Whether all customers of a day bought more or less than expected is taken out of that day before
the trees look: it is season and chance, and the trees should tell customers apart.

What the trees say counts only as far as it held at an earlier day whose outcome is known, the
trial; else the purchase model answers alone. Start at :meth:`XGBSurvival.fit`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import xgboost
from scipy import optimize, special

from clv.checked import CustomerSummary
from clv.errors import FitError
from clv.models.base import Float, PurchaseModel
from clv.models.next_order import next_order_days
from clv.models.survival_features import FEATURES, survival_features
from clv.periods import ObservationWindow

MOST_ORIGINS = 12
LEAST_HISTORY_DAYS = 60
"""Of log before an origin: before that almost nobody can have come back."""
LEAST_FOLLOWED_DAYS = 28
"""Days that must have followed an origin for trees to learn from it."""

STRENGTHS = (0.5, 1.0)
CLEARLY = 2.0
"""Standard errors by which a correction has to win its trial; without, the base answers."""

SURE = 1e-9
ROUNDS = 30
TREES = {
    "objective": "survival:aft",
    # On the base's clock the spread of waiting is known: it is that of the scale itself.
    "aft_loss_distribution_scale": 1.0,
    "eta": 0.1,
    "max_depth": 3,
    "min_child_weight": 50,
    "reg_lambda": 10,
    "max_bin": 64,
    "seed": 0,
    # One thread, faster than two that wait for each other, and the same bits everywhere.
    "nthread": 1,
}


class Scale(NamedTuple):
    """A chance between 0 and 1 put on the whole line, and back."""

    of: Callable[[Float], Float]
    chance: Callable[[Float], Float]


SCALES: Mapping[str, Scale] = {
    "logistic": Scale(special.logit, special.expit),
    "extreme": Scale(lambda p: np.log(-np.log1p(-p)), lambda z: -np.expm1(-np.exp(z))),
    "normal": Scale(special.ndtri, special.ndtr),
}
"""By the name of the distribution of waiting times it stands for in XGBoost."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """What was known on an earlier day, the end of ``summary``'s window, and what followed.

    ``waited`` is the days from there to the next purchase day, or to the last day looked at
    where none ``came``; both have shape ``(n,)`` in the order of the summary.
    """

    summary: CustomerSummary
    waited: Float
    came: npt.NDArray[np.bool_]

    @property
    def day(self) -> dt.date:
        return self.summary.window.end

    def followed(self, days: int) -> Origin:
        """The same with nothing known beyond ``days`` days after the origin."""
        came = self.came & (self.waited <= days)
        return Origin(self.summary, np.minimum(self.waited, days), came)


def origin_days(window: ObservationWindow, horizon_days: int) -> list[dt.date]:
    """The days to learn from at the end of ``window``, the latest first.

    A month apart or a quarter of the horizon, whichever is longer; one of them lies exactly a
    horizon back.
    """
    parts = min(max(round(horizon_days / 30), 1), 4)
    back = [round(place * horizon_days / parts) for place in range(1, MOST_ORIGINS + 1)]
    farthest = window.days - LEAST_HISTORY_DAYS
    return [window.end - dt.timedelta(days=days) for days in back if days <= farthest]


@dataclasses.dataclass(frozen=True)
class Correction:
    """Trees, as XGBoost's own JSON, on the scale they were fitted on, and how far they count."""

    distribution: str
    strength: float
    trees: str

    @functools.cached_property
    def booster(self) -> xgboost.Booster:
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(self.trees, "utf-8"))
        return booster

    def delay(self, features: Float) -> Float:
        """How much longer than the base says each customer waits, on the scale."""
        rows = _rows(features, np.zeros(len(features)))
        found = self.booster.predict(rows, output_margin=True)
        return self.strength * np.asarray(found, dtype=float)

    def chance(self, base: Float, delay: Float) -> Float:
        """The base's chance of an order with the delay taken into account."""
        scale = SCALES[self.distribution]
        return scale.chance(_on(scale, base) - delay)


@dataclasses.dataclass(frozen=True)
class Trial:
    """How the correction did on ``day``, from what was known then.

    ``gain`` is the mean over customers of the log-likelihood of the day of their next order
    within the horizon, less that of the base alone.
    """

    day: dt.date
    customers: int
    gain: float
    standard_error: float

    @property
    def is_won(self) -> bool:
        return self.gain > CLEARLY * self.standard_error


@dataclasses.dataclass(frozen=True)
class XGBSurvival:
    """The chance of an order by any day: the purchase model's, corrected where trees have won.

    ``trial`` is None where no earlier day has a known outcome and enough log before it.
    """

    name: ClassVar[str] = "xgb-survival"

    base: PurchaseModel
    horizon_days: int
    trial: Trial | None
    correction: Correction | None

    @classmethod
    def fit(
        cls, origins: Sequence[Origin], base: PurchaseModel, *, cut: dt.date, horizon_days: int
    ) -> Self:
        """The correction that held at the trial day, fitted anew to all that is known.

        Args:
            origins: At the days of :func:`origin_days`, followed up to ``cut``.
            base: Fitted to what was known at ``cut``. For the trial another of its kind is
                fitted to what was known on that day.
            cut: The last day that anything is known of.
            horizon_days: The days ahead the correction is made for, best the churn window.
        """
        at = max((o.day for o in origins if (cut - o.day).days >= horizon_days), default=None)
        if at is None:
            return cls(base, horizon_days, None, None)
        tried = next(o for o in origins if o.day == at).followed(horizon_days)
        won = _try_all(tried, origins, type(base), horizon_days)
        if won is None:
            return cls(base, horizon_days, None, None)
        if not won.trial.is_won:
            return cls(base, horizon_days, won.trial, None)
        lessons = _lessons(origins, base, cut, horizon_days)
        trees = _grow(lessons, won.distribution)
        correction = Correction(won.distribution, won.strength, trees)
        return cls(base, horizon_days, won.trial, correction)

    def p_order(self, summary: CustomerSummary, horizon_days: npt.ArrayLike) -> Float:
        """Probability that each customer orders within the horizon, or within their own.

        Raises:
            TimeUnitMismatch, HorizonOutOfRange: from the base.
        """
        base = self.base.p_purchase(summary, horizon_days)
        if self.correction is None:
            return base
        return self.correction.chance(base, self._delay(summary, self.correction))

    def churn(self, summary: CustomerSummary, window_days: int) -> Float:
        """Probability that each customer places no order within the window."""
        return 1.0 - self.p_order(summary, window_days)

    def next_order_days(
        self, summary: CustomerSummary, horizon_days: int
    ) -> tuple[npt.NDArray[np.bool_], Float]:
        """As :func:`clv.models.next_order.next_order_days`, from the corrected chances."""
        within = self.p_order(summary, horizon_days)
        return next_order_days(self.p_order, summary, horizon_days, within)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON without the base, which is stored once, where it belongs."""
        trial = self.trial and dataclasses.asdict(self.trial) | {"day": str(self.trial.day)}
        return {
            "model": self.name,
            "horizon_days": self.horizon_days,
            "trial": trial,
            "correction": self.correction
            and dataclasses.asdict(self.correction) | {"trees": json.loads(self.correction.trees)},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], base: PurchaseModel) -> Self:
        """The model that :meth:`to_dict` stored, around the base it was fitted with."""
        trial, correction = stored["trial"], stored["correction"]
        if trial is not None:
            trial = Trial(**{**trial, "day": dt.date.fromisoformat(trial["day"])})
        if correction is not None:
            trees = _plain(correction["trees"])
            correction = Correction(correction["distribution"], correction["strength"], trees)
        return cls(base, stored["horizon_days"], trial, correction)

    def _delay(self, summary: CustomerSummary, correction: Correction) -> Float:
        return correction.delay(survival_features(self.base, summary, self.horizon_days))


class _Lesson(NamedTuple):
    """What trees learn from one origin: chances are the base's, ``waited`` ends by ``days``."""

    features: Float
    came: npt.NDArray[np.bool_]
    when_ended: Float
    by_last_day: Float


def _lessons(
    origins: Sequence[Origin], base: PurchaseModel, cut: dt.date, horizon_days: int
) -> list[_Lesson]:
    """One for each origin that was followed long enough by ``cut``, and to it at most."""
    found = []
    for origin in origins:
        days = min((cut - origin.day).days, horizon_days)
        if days < LEAST_FOLLOWED_DAYS or not len(origin.summary):
            continue
        seen = origin.followed(days)
        found.append(
            _Lesson(
                survival_features(base, seen.summary, horizon_days),
                seen.came,
                base.p_purchase(seen.summary, seen.waited),
                base.p_purchase(seen.summary, days),
            )
        )
    return found


def _grow(lessons: Sequence[_Lesson], distribution: str) -> str:
    """Trees on the scale of ``distribution``, as JSON."""
    scale = SCALES[distribution]
    ended = [np.exp(_on(scale, lesson.when_ended)) for lesson in lessons]
    level = [np.full(len(lesson.came), _level(lesson, scale)) for lesson in lessons]
    rows = _rows(np.concatenate([lesson.features for lesson in lessons]), np.concatenate(level))
    lower, came = np.concatenate(ended), np.concatenate([lesson.came for lesson in lessons])
    rows.set_float_info("label_lower_bound", lower)
    rows.set_float_info("label_upper_bound", np.where(came, lower, np.inf))
    trees = xgboost.train(TREES | {"aft_loss_distribution": distribution}, rows, ROUNDS)
    return _plain(json.loads(trees.save_raw("json")))


def _plain(trees: Any) -> str:
    return json.dumps(trees, sort_keys=True, allow_nan=False)


def _level(lesson: _Lesson, scale: Scale) -> float:
    """How much longer than the base says all customers of an origin waited together."""
    on_scale, count = _on(scale, lesson.by_last_day), len(lesson.came)
    share = np.clip(lesson.came.mean(), 0.5 / count, 1 - 0.5 / count)
    level = optimize.brentq(lambda by: scale.chance(on_scale - by).mean() - share, -50, 50)
    return float(level)


class _Tried(NamedTuple):
    trial: Trial
    distribution: str
    strength: float


def _try_all(
    tried: Origin, origins: Sequence[Origin], kind: type[PurchaseModel], horizon_days: int
) -> _Tried | None:
    """The scale and strength to take, by what followed ``tried``; None without a lesson before."""
    try:
        base = kind.fit(tried.summary)
    except FitError:
        return None
    lessons = _lessons(origins, base, tried.day, horizon_days)
    if not lessons:
        return None
    features = survival_features(base, tried.summary, horizon_days)
    by = base.p_purchase(tried.summary, tried.waited)
    before = base.p_purchase(tried.summary, np.maximum(tried.waited - 1, 1))
    before = np.where(tried.waited > 1, before, 0.0)
    alone = _log_likelihood(by, before, tried.came)
    results = []
    for distribution in SCALES:
        trees = _grow(lessons, distribution)
        for strength in STRENGTHS:
            correction = Correction(distribution, strength, trees)
            delay = correction.delay(features)
            by_then, the_day_before = (correction.chance(p, delay) for p in (by, before))
            gain = _log_likelihood(by_then, the_day_before, tried.came) - alone
            error = float(gain.std() / np.sqrt(gain.size))
            trial = Trial(tried.day, gain.size, float(gain.mean()), error)
            results.append(_Tried(trial, distribution, strength))
    return _weakest_as_good(results)


def _weakest_as_good(results: Sequence[_Tried]) -> _Tried:
    """Of those within a standard error of the best, the weakest: one day's outcome is noisy."""
    best = max((result.trial for result in results), key=lambda trial: trial.gain)
    enough = best.gain - best.standard_error
    as_good = [result for result in results if result.trial.gain >= enough]
    return min(as_good, key=lambda result: (result.strength, -result.trial.gain))


def _log_likelihood(by: Float, before: Float, came: npt.NDArray[np.bool_]) -> Float:
    """Of an order on the day waited for, and of none by then where none came."""
    return np.log(np.maximum(np.where(came, by - before, 1 - by), SURE))


def _on(scale: Scale, chance: Float) -> Float:
    return scale.of(np.clip(chance, SURE, 1 - SURE))


def _rows(features: Float, margin: Float) -> xgboost.DMatrix:
    # Their names are stored with the trees, which then refuse any others.
    names = list(FEATURES)
    return xgboost.DMatrix(features, base_margin=margin, feature_names=names, nthread=1)

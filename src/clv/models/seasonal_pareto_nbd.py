"""Pareto/NBD with a season and events in the purchase rate, and an opening cohort of its own.

Customers of a log's first weeks were customers before it began: they buy more often than those
who come later and make everybody look loyal. They get rates of their own, by a weight that
fades with the day of their first purchase. Then a season, annual harmonics on the log of the
rate, can be told from the coming and going of customers; ahead of the log it is drawn to no
season at all, the more the fewer years have shown it. Days of the shop's own calendar
(:mod:`clv.models.events`) have effects beside it.

Start at :meth:`SeasonalParetoNBD.fit`; the mathematics is in ``clv.numerics``.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
from clv.models.base import (
    FitReport,
    Float,
    PurchaseModel,
    horizon_in_units,
    report_of,
    require_repeat_buyers,
)
from clv.models.events import Events
from clv.models.pareto_nbd import PRIOR_BETA_DAYS
from clv.models.posterior import PartDraws
from clv.models.yearly_season import WAVES, YearlySeason
from clv.numerics import pareto_nbd, pareto_nbd_draws, pareto_nbd_fit
from clv.numerics.clock import Calendars, Clock
from clv.numerics.histories import Histories, distinct_histories
from clv.numerics.optimize import LogPrior, Optimum
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.pareto_nbd_total import Season
from clv.numerics.posterior import ParameterDraws
from clv.periods import TimeUnit

FADING_DAYS = (14.0, 30.0, 60.0, 100.0)
"""Candidates, chosen by likelihood, for how fast the weight of the opening cohort fades."""
OPENING_SD = 2.0
"""Standard deviation of the prior on its coefficients: customers up to seven times as busy."""

LEAST_SPREAD_DAYS = 182
"""Days over which the middle four fifths of customers have to begin: where all begin together,
their age and the calendar are one and the same."""

SHORTEST_LOG_DAYS = 364
"""A season is not looked for in a log that has not seen the whole year."""
SHORTEST_DRIFTING_DAYS = 728
"""Nor a drift of the level in one of less than two, where it may be the season."""
CALENDAR_DAYS = 3650
"""How far back the calendar reaches; a customer older than that had no season before."""

_PRIOR_OF_RATES = "log s ~ N(0, 3^2), log(beta / 52 weeks) ~ N(0, 3^2), "
_PRIOR_OF_COEFFICIENTS = "opening ~ N(0, 2^2), season ~ N(0, .15^2)"
_PRIOR_OF_DRIFT = ", drift ~ N(0, .2^2)"
_PRIOR_OF_EVENTS = ", event ~ N(0, .5^2)"


@dataclasses.dataclass(frozen=True)
class Opening:
    """How much more often the opening cohort buys and drops out, in logs, fading by ``days``."""

    first_day: dt.date
    days: float
    purchase: float
    dropout: float

    @property
    def coefficients(self) -> tuple[float, ...]:
        """Both, and none where the log cannot tell them."""
        both = self.purchase, self.dropout
        return both if any(both) else ()

    def weight(self, born: Float) -> Float:
        """Of customers first seen ``born`` days after the log's first day, 1 down to 0."""
        return np.asarray(np.exp(-np.maximum(born, 0.0) / self.days))


@dataclasses.dataclass(frozen=True)
class SeasonalParetoNBD(PurchaseModel[ParetoNBDParams]):
    """A fitted Pareto/NBD with its season; ``alpha`` and ``beta`` are in days.

    ``alpha`` holds on a day of mean log season and for a customer of no opening weight.
    """

    name: ClassVar[str] = "seasonal-pareto-nbd"
    params_type: ClassVar[type[ParetoNBDParams]] = ParetoNBDParams
    numerics: ClassVar[Any] = pareto_nbd
    drifts: ClassVar[bool] = False

    opening: Opening
    season: YearlySeason

    @classmethod
    def fit(cls, summary: CustomerSummary, *, prior: bool = True) -> Self:
        """As in :meth:`ParetoNBD.fit`; the coefficients always have their prior.

        Raises:
            NotEnoughData: the purchases of each day are not known too, or the log is shorter
                than ``least_log_days``.
        """
        require_repeat_buyers(cls.name, summary.column("frequency"))
        if summary.window.days < cls.least_log_days:
            raise NotEnoughData(
                cls.name,
                f"the log covers {summary.window.days} days; {cls.least_log_days} are the least.",
                next_step=f"Use {SeasonalParetoNBD.name} until it is longer.",
            )
        if summary.purchases_by_day is None:
            raise NotEnoughData(
                cls.name,
                "the summary does not say how many repeat purchases fell on each day.",
                next_step="Make the summary anew from the order lines.",
            )
        shop = _Shop(summary, float(PRIOR_BETA_DAYS) if prior else None, cls.drifts)
        fading, season = None, YearlySeason((), summary.window.start, summary.window.end)
        if shop.tells_age_from_calendar:
            by_fading = {days: shop.fit(days, season) for days in FADING_DAYS}
            fading = max(by_fading, key=lambda days: by_fading[days].log_likelihood)
            season = shop.season
        found = shop.fit(fading, season)
        names = [*ParetoNBDParams._fields]
        names += ["opening_purchase", "opening_dropout"] if fading else []
        names += season.names
        told = (_PRIOR_OF_RATES if prior else "") + _PRIOR_OF_COEFFICIENTS
        told += _PRIOR_OF_DRIFT if cls.drifts else ""
        told += _PRIOR_OF_EVENTS if season.events.effects else ""
        report = report_of(
            found,
            model=cls.name,
            names=tuple(names),
            customers=len(summary),
            distinct_rows=shop.rows(fading).x.size,
            prior=told,
        )
        coefficients = found.parameters[4:]
        purchase, dropout = coefficients[:2] if fading else (0.0, 0.0)
        return cls(
            ParetoNBDParams(*found.parameters[:4]),
            TimeUnit.DAY,
            report,
            Opening(summary.window.start, fading or FADING_DAYS[0], purchase, dropout),
            season.fitted(coefficients[2:]),
        )

    def draw_params(self, summary: CustomerSummary, *, count: int, seed: int) -> ParameterDraws:
        """Other rates that explain ``summary``, which this was fitted to, nearly as well.

        Season and opening cohort are drawn with them, where they were fitted.
        """
        has_prior = str(self.report.prior).startswith(_PRIOR_OF_RATES)
        beta = float(PRIOR_BETA_DAYS) if has_prior else None
        shop = _Shop(summary, beta, self.drifts)
        opening = self.opening.coefficients
        return pareto_nbd_draws.draw(
            shop.rows(self.opening.days if opening else None),
            np.array([*np.log(np.array(self.params)), *opening, *self.season.every]),
            shop.prior(self.opening.days if opening else None, self.season),
            count=count,
            seed=seed,
            season=shop.shape(self.season),
        )

    def ahead(
        self, summary: CustomerSummary, horizon_days: float, drawn: PartDraws
    ) -> pareto_nbd_draws.Ahead:
        horizon = float(horizon_in_units(horizon_days, self.time_unit))
        x, t_x, T = _in_days(summary)
        z = self._opening_weight(summary, T)[:, None][:, : len(self.opening.coefficients[:1])]
        calendars = None
        if self.season.every:
            asked = _calendar_of(summary, horizon_days)
            calendars = _drawn_calendars(self.season, drawn.points, *asked)
        rates = drawn.array[:, : 4 + 2 * z.shape[1]]
        return pareto_nbd_draws.Ahead(rates, x, t_x, T, z, z, horizon, calendars)

    def rate_ahead(self, last: dt.date, days: int) -> Float:
        """How busy each of the days after ``last`` is against others, shape ``(days,)``."""
        return np.asarray(np.exp(self.season.log_multiplier(last.toordinal() + 1, days)))

    def to_dict(self) -> dict[str, Any]:
        return super().to_dict() | {
            "opening": _plain(self.opening),
            "season": _plain(self.season) | {"events": self.season.events.to_dict()},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        opening, season = dict(stored["opening"]), dict(stored["season"])
        opening["first_day"] = dt.date.fromisoformat(opening["first_day"])
        season["coefficients"] = tuple(season["coefficients"])
        season["events"] = Events.from_dict(season["events"])
        for end in ("seen_from", "seen_to"):
            season[end] = dt.date.fromisoformat(season[end])
        return cls(
            ParetoNBDParams(**stored["params"]),
            TimeUnit.DAY,
            FitReport.from_dict(stored["report"]),
            Opening(**opening),
            YearlySeason(**season),
        )

    def asked(
        self, summary: CustomerSummary, horizon_days: float
    ) -> tuple[ParetoNBDParams, tuple[Float, Float, Float], Mapping[str, Any]]:
        x, t_x, T = _in_days(summary)
        z = self._opening_weight(summary, T)
        r, alpha, s, beta = self.params
        alpha, beta = (
            rate * np.exp(-coefficient * z)
            for rate, coefficient in ((alpha, self.opening.purchase), (beta, self.opening.dropout))
        )
        clock = _calendar(self.season, *_calendar_of(summary, horizon_days))
        clock = clock.set_to(float(CALENDAR_DAYS))
        return ParetoNBDParams(r, alpha, s, beta), (x, t_x, T), {"clock": clock}

    def _opening_weight(self, summary: CustomerSummary, T: Float) -> Float:
        return self.opening.weight((summary.window.end - self.opening.first_day).days - T)


@dataclasses.dataclass(frozen=True)
class DriftingParetoNBD(SeasonalParetoNBD):
    """The same where the level of the whole shop rises or falls too, by as much every year.

    ``alpha`` is that of the last day of the log, and ahead the level stays as it is then.
    """

    name: ClassVar[str] = "drifting-pareto-nbd"
    least_log_days: ClassVar[int] = SHORTEST_DRIFTING_DAYS
    drifts: ClassVar[bool] = True


def _calendar_of(summary: CustomerSummary, horizon_days: float) -> tuple[int, int]:
    """First day, as an ordinal, and length of the calendar for a question.

    Whoever is asked about, so that nobody's bits depend on others; to the end of a year, so
    that one calendar serves many horizons.
    """
    first = summary.window.end.toordinal() - CALENDAR_DAYS + 1
    return first, CALENDAR_DAYS + 365 * int(np.ceil(horizon_days / 365))


@functools.lru_cache(maxsize=16)
def _calendar(season: YearlySeason, first: int, days: int) -> Clock:
    """The season as a clock; kept, since every question needs one and it is costly to make."""
    return Clock(np.exp(season.log_multiplier(first, days)), 0.0, season.events.steps(first, days))


@functools.lru_cache(maxsize=4)
def _drawn_calendars(
    season: YearlySeason, points: tuple[tuple[float, ...], ...], first: int, days: int
) -> Calendars:
    """The season of each draw of the parameters, whose last are its coefficients; kept too."""
    shapes = season.waves(first, days) @ np.array(points)[:, -len(season.every) :].T
    return Calendars.of(np.exp(shapes), float(CALENDAR_DAYS))


def _in_days(summary: CustomerSummary) -> tuple[Float, Float, Float]:
    return summary.column("frequency"), summary.in_days("recency"), summary.in_days("age")


@dataclasses.dataclass(frozen=True)
class _Shop:
    """What a fit looks at, in days."""

    summary: CustomerSummary
    prior_beta: float | None
    drifts: bool

    @property
    def born(self) -> Float:
        return self.summary.window.days - self.summary.in_days("age")

    @property
    def tells_age_from_calendar(self) -> bool:
        early, late = np.quantile(self.born, [0.1, 0.9])
        return bool(late - early >= LEAST_SPREAD_DAYS)

    @property
    def season(self) -> YearlySeason:
        """What there is to fit, not fitted yet."""
        window = self.summary.window
        count = (len(WAVES) + self.drifts) * (window.days >= SHORTEST_LOG_DAYS)
        events = Events.shown_by(self.summary)
        return YearlySeason((0.0,) * count, window.start, window.end, events)

    def shape(self, season: YearlySeason) -> Season | None:
        if not season.every:
            return None
        days = self.summary.window.start.toordinal() + 1, self.summary.window.days
        purchases = np.asarray(self.summary.purchases_by_day, dtype=float)
        return Season(season.waves(*days), purchases, season.events.steps(*days))

    def rows(self, fading: float | None) -> Histories:
        if fading is None:
            return distinct_histories(*_in_days(self.summary))
        opening = Opening(self.summary.window.start, fading, 0.0, 0.0)
        z = opening.weight(self.born)[:, None]
        return distinct_histories(*_in_days(self.summary), purchase_z=z, dropout_z=z)

    def spread(self, fading: float | None, season: YearlySeason) -> Float:
        opening = [] if fading is None else [OPENING_SD] * 2
        return np.array([*opening, *season.spread], dtype=float)

    def prior(self, fading: float | None, season: YearlySeason) -> LogPrior | None:
        return pareto_nbd_fit.log_prior(self.prior_beta, self.spread(fading, season))

    def fit(self, fading: float | None, season: YearlySeason) -> Optimum:
        return pareto_nbd_fit.fit(
            self.rows(fading),
            prior_beta=self.prior_beta,
            season=self.shape(season),
            spread=self.spread(fading, season),
        )


def _plain(value: Opening | YearlySeason) -> dict[str, Any]:
    fields = dataclasses.asdict(value)
    return {name: str(v) if isinstance(v, dt.date) else v for name, v in fields.items()}

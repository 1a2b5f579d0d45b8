"""Who is held against what happened, and what each of them says at one cut.

Candidates, of which one answers, and what they have to beat: fitted to what was known there, with
their expectations, and of the one that answers its ranges too. Start reading at
:func:`fitted_at`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from clv.checked import CustomerSummary
from clv.errors import FitError
from clv.evaluation import backtest as scoring
from clv.evaluation import past
from clv.evaluation.backtest import Float, Forecast, Outcome
from clv.evaluation.past import Record
from clv.models.baselines import BASELINES
from clv.pipeline.splits import Split, past_of

if TYPE_CHECKING:
    from clv.models.lifetime_value import LifetimeValue
    from clv.models.spread import Range
    from clv.numerics.calibration import Calibration
    from clv.numerics.predictive import Shock

CANDIDATES = (
    "seasonal-pareto-nbd",
    "seasonal-pareto-nbd x gamma-gamma",
    "drifting-pareto-nbd",
    "pareto-nbd",
    "mbg-cnbd",
    "steady-mbg-cnbd",
)
"""What a shop's model is chosen from; the first is the default, but in a shop whose customers buy
so regularly that ``REGULAR_BUYERS`` is. Where no spend model is named, day values go by how often a
customer buys."""
REGULAR_BUYERS = "mbg-cnbd"
FITTED_BASELINES = {
    "plain-pareto-nbd": "pareto-nbd x gamma-gamma",
    "plain-nbd": "nbd x gamma-gamma",
}
"""Models of the catalog as others fit them: without a prior, without returns."""

SPREAD = ("purchase_days", "net_cash")
"""Targets whose distribution is forecast, not the mean alone."""
Doubt = tuple["Shock", Sequence["Calibration"]]
"""What earlier cuts say of a forecast: what may move everybody, and, for each in ``SPREAD``,
what its stated chances are worth."""


class Unfitted(NamedTuple):
    """A model that could not be fitted at a cut, and why."""

    model: str
    cut: dt.date
    error: FitError


def candidates(model: str, champion: str | None = None) -> tuple[str, ...]:
    """What a model is chosen from that was asked for by name, or as ``auto``.

    The kind of model that answers now is held beside it, where that is said.
    """
    names = CANDIDATES if model == "auto" else (model,)
    return tuple(dict.fromkeys((*names, *filter(None, [champion]))))


def default_first(summary: CustomerSummary, among: Iterable[str]) -> list[str]:
    """What a model is chosen from, the one first that answers where nothing speaks for another."""
    from clv.models.bg_nbd import is_regular

    first = REGULAR_BUYERS if is_regular(summary) else None
    return sorted(among, key=lambda name: name != first)


def fitted_at(
    split: Split, among: Sequence[str], unfitted: list[Unfitted]
) -> dict[str, LifetimeValue]:
    """The candidates that can be fitted at a cut, and the models among the baselines.

    What cannot be is added to ``unfitted``. None at all where the default cannot be: nothing was
    checked there.
    """
    from clv.models.catalog import PURCHASE_MODELS
    from clv.models.lifetime_value import JOINED, LifetimeValue

    wanted = {name: (name, True) for name in among}
    wanted |= {name: (model, False) for name, model in FITTED_BASELINES.items()}
    fitted: dict[str, LifetimeValue] = {}
    for name, (model, prior) in wanted.items():
        try:
            buying, _, spend = model.partition(JOINED)
            too_short = split.summary.window.days < PURCHASE_MODELS[buying].least_log_days
            if too_short and name != among[0]:
                continue
            if prior and buying in fitted:
                fitted[name] = fitted[buying].with_spend(split.summary, spend)
            else:
                summary = split.summary
                if not prior:  # others know of no spend season either
                    summary = dataclasses.replace(summary, spend_season=None)
                fitted[name] = LifetimeValue.fit(summary, model, prior=prior)
        except FitError as error:
            unfitted.append(Unfitted(name, split.cut, error))
            if name == among[0]:
                return {}
    return fitted


def reasons(unfitted: Iterable[Unfitted], default: str) -> Iterable[str]:
    """Which model was missed at how many dates, each kind of reason once, as of the last date."""
    alike: dict[tuple[str, type[FitError]], list[Unfitted]] = {}
    for one in unfitted:
        alike.setdefault((one.model, type(one.error)), []).append(one)
    for (name, _), missed in alike.items():
        what = "nothing to check" if name == default else f"no {name}"
        first, last = missed[0].cut, missed[-1].cut
        when = f"{first}" if first == last else f"{len(missed)} dates, {first} to {last}; the last"
        yield f"{what} at {when}: {missed[-1].error}"


def chosen_forecast(
    model: LifetimeValue, name: str, split: Split, outcome: Outcome, doubt: Doubt
) -> Forecast:
    """The forecast that would have been made, with its ranges."""
    mean = _means(model, split.summary, outcome.horizon_days)
    shown = f"{name} + boosted" if model.is_corrected else name
    return Forecast(shown, "chosen", mean, _ranges(model, split.summary, outcome, doubt))


def other_forecasts(split: Split, days: int, fitted: Mapping[str, LifetimeValue]) -> list[Forecast]:
    """Everybody else's at one cut and horizon; of the chosen one before it was corrected."""
    forecasts = []
    for name, model in fitted.items():
        plain = name in FITTED_BASELINES
        mean = _means(model, split.summary, days, plain=plain)
        forecasts.append(Forecast(name, "baseline" if plain else "challenger", mean))
    before = past_of(split, days)
    for name, baseline in BASELINES.items():
        mean = {target: baseline(of_target) for target, of_target in before.items()}
        forecasts.append(Forecast(name, "baseline", mean))
    return forecasts


def _means(
    model: LifetimeValue, summary: CustomerSummary, days: int, *, plain: bool = False
) -> dict[str, Float]:
    """What a model expects, by target; ``plain`` knows of no returns."""
    of_days = model.purchases.expected_transactions(summary, days)
    worth = model.spend.expected_day_value(summary) if plain else model.day_value(summary, days)
    value = model.corrected(summary, of_days * worth, days)
    return {"purchase_days": of_days, "net_cash": value, "net_matched": value}


def records_of_chances(
    model: LifetimeValue,
    name: str,
    summary: CustomerSummary,
    outcome: Outcome,
    *,
    kept_off: bool,
) -> list[Record]:
    """How good the chances of an order were, with the trees' correction and without.

    Nothing where none was called for. One that is ``kept_off`` is a challenger and is held all
    the same, so that later dates can speak for it again.
    """
    if model.survival is None or not model.survival.correction.strength:
        return []
    alone = np.array([model.purchases.p_purchase(summary, day) for day in outcome.quarters])
    corrected = np.array([model.p_purchase(summary, day) for day in outcome.quarters])
    roles: tuple[past.Role, past.Role] = ("chosen", "challenger")
    of_trees, of_base = reversed(roles) if kept_off else roles
    chances = {(f"{name}{past.WITH_TREES}", of_trees): corrected, (name, of_base): alone}
    return scoring.of_chances(outcome, chances)


def _ranges(
    model: LifetimeValue,
    summary: CustomerSummary,
    outcome: Outcome,
    doubt: Doubt,
) -> dict[str, Range]:
    """How the chosen forecast spreads, and where what happened lies in it."""
    from clv.models.spread import held_against

    shock, maps = doubt
    held = held_against(
        model,
        summary,
        outcome.horizon_days,
        purchase_days=outcome.actual["purchase_days"],
        value=outcome.actual["net_cash"],
        level=scoring.LEVEL,
        shock=shock,
        calibrations=maps,
    )
    return {} if held is None else dict(zip(SPREAD, held, strict=True))

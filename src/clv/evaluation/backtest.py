"""Forecasts held against what happened: scores of splits made elsewhere.

A split is a cut, what was known then and what followed. It is made by ``clv.pipeline``; here
it is only scored, every model over the same customers and the same resampling of them. What
the scores of earlier cuts say is read in :mod:`clv.evaluation.past`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clv.evaluation.past import NEXT_ORDER, Record, Role
from clv.periods import ObservationWindow, months_before

if TYPE_CHECKING:
    from clv.models.spread import Range

Float = npt.NDArray[np.float64]
Score = tuple[float, float | None, float | None]
"""A value and the ends of its range."""
MONTHS_BACK = (36, 24, *range(12, 0, -1))
"""Cuts lie whole months before the end of the log, within a year of it; where it is long enough
at whole years too, for a forecast of a year needs two to be checked."""
LEVEL = 0.8
"""Of the ranges that are judged, and of those of what is judged."""
FLOOR_SHARE = 1e-3
SEED = 20_111_209


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Who was scored at a cut and what followed, by target, each shape ``(n,)``.

    ``waited`` are the days to the first purchase day, infinite where none came.
    """

    cut: dt.date
    horizon_days: int
    customer_id: pa.ChunkedArray
    actual: Mapping[str, Float]
    waited: Float

    @property
    def quarters(self) -> Float:
        """The days by which the chance of an order is judged: four, if the horizon has as many."""
        days = np.linspace(0, self.horizon_days, 5)[1:].round()
        return np.unique(np.maximum(days, 1.0))


@dataclasses.dataclass(frozen=True)
class Forecast:
    """One model's expectation for the customers of an outcome, by target, each shape ``(n,)``.

    ``ranges`` holds the targets whose distribution it states too.
    """

    model: str
    role: Role
    mean: Mapping[str, Float]
    ranges: Mapping[str, Range] = dataclasses.field(default_factory=dict)

    def of(self, target: str) -> tuple[Float, Float]:
        """Mean and median, one number for both where no distribution is stated."""
        mean, spread = self.mean[target], self.ranges.get(target)
        return mean, mean if spread is None else spread.median


def cuts(window: ObservationWindow, horizons: Iterable[int]) -> dict[dt.date, list[int]]:
    """Last days of calibrations, the earliest first, and the horizons that ended since.

    A cut needs at least as much log up to it as it forecasts.
    """
    found = {}
    for months in MONTHS_BACK:
        cut = months_before(window.end, months)
        known, since = (cut - window.start).days + 1, (window.end - cut).days
        held = [days for days in sorted(set(horizons)) if days <= min(known, since)]
        if held:
            found[cut] = held
    return found


def records(outcome: Outcome, forecasts: Sequence[Forecast]) -> list[Record]:
    """One record per model, target and metric, in the form of ``reports/backtest.json``."""
    from clv.evaluation import metrics

    found = []
    customers = len(outcome.customer_id)
    # A single customer says nothing about others.
    counts = list(metrics.resampled_counts(customers, seed=SEED)) if customers > 1 else []
    for target, actual in outcome.actual.items():
        floor = FLOOR_SHARE * float(np.maximum(actual, 0.0).mean())
        own = [forecast for forecast in forecasts if target in forecast.mean]
        means, medians = ([one.of(target)[place] for one in own] for place in (0, 1))
        drawn = {}
        if counts and own:
            drawn = metrics.resampled_metrics(counts, actual, means, medians, floor=floor)
        for place, forecast in enumerate(own):
            ends = {
                name: metrics.bootstrap_interval(values[:, place]) for name, values in drawn.items()
            }
            scores = _scores(actual, forecast, target, floor=floor, ends=ends)
            found += _lines(outcome, forecast.model, forecast.role, target, scores)
    return found


def of_chances(outcome: Outcome, chances: Mapping[tuple[str, Role], Float]) -> list[Record]:
    """The records of chances of an order by each of ``quarters``, by who gave them."""
    from clv.evaluation import survival

    found = []
    for (model, role), chance in chances.items():
        values = survival.score(outcome.waited, chance, outcome.quarters)
        scores: dict[str, Score] = {name: (value, None, None) for name, value in values.items()}
        found += _lines(outcome, model, role, NEXT_ORDER, scores)
    return found


def _lines(
    outcome: Outcome, model: str, role: Role, target: str, scores: Mapping[str, Score]
) -> list[Record]:
    return [
        {
            "model": model,
            "role": role,
            "cut": outcome.cut.isoformat(),
            "horizon_days": outcome.horizon_days,
            "target": target,
            "metric": metric,
            "value": float(value) if np.isfinite(value) else None,
            "lower": lower,
            "upper": upper,
        }
        for metric, (value, lower, upper) in scores.items()
    ]


def _scores(
    actual: Float,
    forecast: Forecast,
    target: str,
    *,
    floor: float,
    ends: Mapping[str, tuple[float, float] | None],
) -> dict[str, Score]:
    """Every metric with its ends, None where it has none."""
    from clv.evaluation import metrics

    spread = forecast.ranges.get(target)
    mean, median = forecast.of(target)
    scores: dict[str, Score] = {
        name: (value, *(ends.get(name) or (None, None)))
        for name, value in metrics.score(actual, mean, median, floor=floor).items()
    }
    if spread is None:
        return scores
    judged = metrics.score_ranges(
        actual, spread.lower, spread.upper, beyond=spread.beyond, pit=spread.pit
    )
    judged["crps"] = float(spread.crps.mean())
    scores |= {name: (value, None, None) for name, value in judged.items()}
    if spread.total is not None:
        scores["total"] = (float(mean.sum()), *spread.total)
    return scores


def holdout(outcome: Outcome, forecasts: Iterable[Forecast]) -> pa.Table:
    """The rows behind the records: one per customer, target and model.

    ``median``, ``lower``, ``upper`` and ``pit``, as first stated, are null for forecasts that
    are one number.
    """
    count = len(outcome.customer_id)
    unknown = pa.nulls(count, pa.float64())
    parts = []
    for forecast in forecasts:
        for target, mean in forecast.mean.items():
            spread = forecast.ranges.get(target)
            shown = (
                dict.fromkeys(("median", "lower", "upper", "pit"), unknown)
                if spread is None
                else {
                    "median": pa.array(spread.median),
                    "lower": pa.array(spread.lower),
                    "upper": pa.array(spread.upper),
                    "pit": pa.array(spread.stated),
                }
            )
            columns = {
                "customer_id": outcome.customer_id,
                "cut": pa.repeat(pa.scalar(outcome.cut), count),
                "horizon_days": pa.repeat(outcome.horizon_days, count),
                "target": pa.repeat(target, count),
                "model": pa.repeat(forecast.model, count),
                "role": pa.repeat(forecast.role, count),
                "mean": pa.array(mean),
                **shown,
                "actual": pa.array(outcome.actual[target]),
            }
            parts.append(pa.table(columns))
    return pa.concat_tables(parts)

"""Forecasts held against what happened: scores of splits made elsewhere.

A split is a cut, what was known then and what followed. It is made by ``clv.pipeline``; here
it is only scored, every model over the same customers and the same resampling of them.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clv.periods import ObservationWindow

if TYPE_CHECKING:
    from clv.models.segments import HorizonValidated
    from clv.numerics.predictive import Shock

Float = npt.NDArray[np.float64]
Role = Literal["chosen", "baseline"]

MOST_CUTS = 2
FLOOR_SHARE = 1e-3
SEED = 20_111_209

PRIOR_CUTS = 3
OLD_DAYS = 548
SCALE_OF_YOUNG, SCALE_OF_OLD = 0.25, 0.15


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Who was scored at a cut and what followed, by target, each shape ``(n,)``."""

    cut: dt.date
    horizon_days: int
    customer_id: pa.ChunkedArray
    actual: Mapping[str, Float]


@dataclasses.dataclass(frozen=True)
class Forecast:
    """One model's expectation for the customers of an outcome, by target, each shape ``(n,)``."""

    model: str
    role: Role
    mean: Mapping[str, Float]


def cuts(window: ObservationWindow, horizon_days: int) -> list[dt.date]:
    """Last days of non-overlapping calibrations whose holdout has ended, the latest first.

    A cut needs at least as much log before it as it forecasts.
    """
    ends = [window.end - dt.timedelta(days=horizon_days * (back + 1)) for back in range(MOST_CUTS)]
    return [end for end in ends if (end - window.start).days >= horizon_days]


def horizon_validated(records: Iterable[Mapping[str, Any]], horizon_days: int) -> HorizonValidated:
    """How often a horizon was held against what happened, by the records of a backtest."""
    words: tuple[HorizonValidated, ...] = ("extrapolated", "checked_once", "checked")
    held = {
        record["cut"]
        for record in records
        if record["role"] == "chosen" and record["horizon_days"] == horizon_days
    }
    return words[min(len(held), 2)]


def common_shock(
    records: Iterable[Mapping[str, Any]], horizon_days: int, *, history_days: int
) -> Shock:
    """What may move everybody at once, by how far totals were off at earlier cuts.

    Few cuts say little, so the scale begins at one that shops have shown, larger where the log
    has not seen a year and a half, and counts as ``PRIOR_CUTS`` cuts.
    """
    start = SCALE_OF_YOUNG if history_days < OLD_DAYS else SCALE_OF_OLD
    errors = [
        np.log1p(record["value"])
        for record in records
        if (record["role"], record["target"], record["metric"]) == ("chosen", "net_cash", "bias")
        and record["horizon_days"] == horizon_days
        and record["value"] is not None
        and record["value"] > -1
    ]
    degrees = PRIOR_CUTS + len(errors)
    variance = (PRIOR_CUTS * start**2 + sum(np.square(errors))) / degrees
    from clv.numerics.predictive import Shock

    return Shock(float(np.sqrt(variance)), float(degrees))


def records(outcome: Outcome, forecasts: Iterable[Forecast]) -> list[dict[str, Any]]:
    """One record per model, target and metric, in the form of ``reports/backtest.json``."""
    from clv.evaluation import metrics

    found = []
    for forecast in forecasts:
        for target, mean in forecast.mean.items():
            actual = outcome.actual[target]
            floor = FLOOR_SHARE * float(np.maximum(actual, 0.0).mean())
            values = metrics.score(actual, mean, mean, floor=floor)
            intervals = metrics.bootstrap_intervals(actual, mean, mean, floor=floor, seed=SEED)
            for metric, value in values.items():
                lower, upper = intervals[metric] or (None, None)
                found.append(
                    {
                        "model": forecast.model,
                        "role": forecast.role,
                        "cut": outcome.cut.isoformat(),
                        "horizon_days": outcome.horizon_days,
                        "target": target,
                        "metric": metric,
                        "value": value if np.isfinite(value) else None,
                        "lower": lower,
                        "upper": upper,
                    }
                )
    return found


def holdout(outcome: Outcome, forecasts: Iterable[Forecast]) -> pa.Table:
    """The rows behind the records: one per customer, target and model.

    ``median``, ``lower`` and ``upper`` are null for forecasts that are one number.
    """
    count = len(outcome.customer_id)
    unknown = pa.nulls(count, pa.float64())
    parts = []
    for forecast in forecasts:
        for target, mean in forecast.mean.items():
            columns = {
                "customer_id": outcome.customer_id,
                "cut": pa.repeat(pa.scalar(outcome.cut), count),
                "horizon_days": pa.repeat(outcome.horizon_days, count),
                "target": pa.repeat(target, count),
                "model": pa.repeat(forecast.model, count),
                "role": pa.repeat(forecast.role, count),
                "mean": pa.array(mean),
                "median": unknown,
                "lower": unknown,
                "upper": unknown,
                "actual": pa.array(outcome.actual[target]),
            }
            parts.append(pa.table(columns))
    return pa.concat_tables(parts)

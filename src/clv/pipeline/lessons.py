"""What a backtest teaches: every candidate's forecasts at earlier dates, beside what came.

They are kept as rows of the customer summary, for a training on the same log to read. Nothing in
them was known later than at the end of their own horizon.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clv.checked import CustomerSummary
from clv.evaluation.backtest import Forecast, Outcome
from clv.periods import ObservationWindow, TimeUnit
from clv.store import workspace as files
from clv.store.workspace import Stage, Workspace, data_digest

if TYPE_CHECKING:
    from clv.models.correction import Origin
    from clv.models.lifetime_value import LifetimeValue


def of_cut(
    summary: CustomerSummary,
    outcome: Outcome,
    forecasts: Sequence[Forecast],
    fitted: Mapping[str, LifetimeValue],
    among: Sequence[str],
) -> Iterator[tuple[str, Origin]]:
    """What trees may learn from a cut for each of the candidates ``among``, before correction."""
    from clv.models.correction import Origin

    days, came, chances = outcome.horizon_days, np.isfinite(outcome.waited), {}
    buyers = dataclasses.replace(summary, table=summary.table.filter(pa.array(came)))
    for one in forecasts:
        if one.model not in among:
            continue
        purchases = fitted[one.model].purchases
        if purchases.name not in chances:
            chance = purchases.p_purchase(summary, days)
            by_then = chance.copy()
            by_then[came] = purchases.p_purchase(buyers, outcome.waited[came])
            chances[purchases.name] = chance, by_then
        chance, by_then = chances[purchases.name]
        mean, actual = one.mean["net_cash"], outcome.actual["net_cash"]
        yield one.model, Origin(summary, days, mean, actual, chance, came, by_then).sample()


def write(stage: Stage, lessons: Iterable[tuple[str, Origin]], data: str) -> None:
    """Stage the lessons of each candidate, learned from a log of that digest."""
    table = pa.concat_tables([_rows_of(*lesson) for lesson in lessons])
    table = table.replace_schema_metadata({"data_digest": data})
    pq.write_table(table, stage.path(files.LESSONS), compression="snappy")


def _rows_of(model: str, origin: Origin) -> pa.Table:
    """A lesson as rows of the summary, with what was forecast and what came."""
    table = origin.summary.table
    added = {
        "model": pa.repeat(model, table.num_rows),
        "window_start": pa.repeat(pa.scalar(origin.summary.window.start), table.num_rows),
        "window_end": pa.repeat(pa.scalar(origin.day), table.num_rows),
        "lesson_days": pa.repeat(origin.horizon_days, table.num_rows),
        **{name: pa.array(of_each) for name, of_each in origin.outcome.items()},
    }
    for name, column in added.items():
        table = table.append_column(name, column)
    return table


def are_there(workspace: Workspace) -> bool:
    """Whether a backtest was made on the log as it is."""
    path = workspace.path(files.LESSONS)
    digest = data_digest(workspace.path(files.SUMMARY)).encode()
    return path.is_file() and pq.read_schema(path).metadata[b"data_digest"] == digest


def read(workspace: Workspace, model: str) -> list[Origin]:
    """What a backtest on the log as it is held ``model`` against, for trees to learn from."""
    from clv.models.correction import OUTCOME, Origin

    path = workspace.path(files.LESSONS)
    table = pq.read_table(path, filters=pc.field("model") == model, partitioning=None)
    found = []
    places = table.select(["window_start", "window_end", "lesson_days"])
    for place in places.group_by(places.column_names).aggregate([]).to_pylist():
        own = table.filter(
            (pc.field("window_end") == place["window_end"])
            & (pc.field("lesson_days") == place["lesson_days"])
        )
        window = ObservationWindow(place["window_start"], place["window_end"])
        outcome = {name: own[name].to_numpy() for name in OUTCOME}
        summary = CustomerSummary(own, window, TimeUnit.DAY)
        found.append(Origin(summary, place["lesson_days"], **outcome))
    return found

"""The questions about a shop as a whole: what it sold, what is expected, from whom.

An overview holds the service's own tables, and the reports of the workspace beside them. It
is what the dashboard and the report show; neither computes anything itself.

Start reading at :meth:`Overview.open`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clv import lists
from clv.charts.forecasts import Month, PastForecast
from clv.charts.model import Season
from clv.evaluation.past import worth_of_trees
from clv.lists import CallList
from clv.models.clv_table import Crowd
from clv.models.tracking import Tracking, tracking
from clv.service import Service
from clv.store import artifacts, parquet
from clv.store import workspace as files
from clv.store.workspace import Workspace
from clv.tables import COHORTS

YEAR_DAYS = 365
SOON_DAYS = 91


@dataclasses.dataclass(frozen=True)
class Ladder:
    """From every line of the log to net sales; ``read`` and the ``steps`` add up to ``net``."""

    first: dt.date
    last: dt.date
    read: Decimal
    steps: Mapping[str, Decimal]
    net: Decimal


@dataclasses.dataclass(frozen=True)
class ReadyList:
    """A list with its money: expected within 91 days, and within the horizon of the table.

    The latter is what is at stake: it does not come if these customers do not.
    """

    list: CallList
    customers: int
    expected_soon: float
    at_stake: float


class Total(NamedTuple):
    """What customers alike in one thing are expected to bring together, with its range."""

    name: str
    customers: int
    expected: float
    range: tuple[float, float] | None


class Champion(NamedTuple):
    """The model that answers: since when, on a log up to which day it was fitted, and what the
    backtest that speaks for it and the customers who came since say, as in the reports.
    """

    since: dt.date
    fitted_to: dt.date | None
    review: Mapping[str, Any] | None
    drift: list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Overview:
    """A shop at the moment its CLV table was made."""

    service: Service
    cohorts: pa.Table
    ladder: Ladder
    past: tuple[PastForecast, ...]
    """At the horizon of the table, or at the nearest one tried."""
    oftener: tuple[PastForecast, ...]
    """At the longest horizon tried at more dates than that; none where there is no such."""
    matured: list[dict[str, Any]]
    """Forecasts whose time is up, as in ``reports/matured.json``."""
    trees: tuple[int, float] | None
    """What trees were worth to the chances of an order, by the backtest."""
    champion: Champion
    report: Path
    """Where the report lies once it is made."""

    @classmethod
    def open(cls, workspace: Workspace, service: Service) -> Overview:
        """The overview of the workspace whose service this is."""
        cohorts = parquet.read(files.require(workspace, files.COHORTS, "clv ingest"), COHORTS)
        held = _past(service.past)
        tried = sorted({one.horizon_days for one in held})
        horizon = service.terms.horizon_days
        nearest = min(tried, key=lambda days: abs(days - horizon), default=0)
        by_horizon = {days: tuple(p for p in held if p.horizon_days == days) for days in tried}
        past = by_horizon.get(nearest, ())
        oftener = [own for own in by_horizon.values() if len(own) > len(past)]
        ladder = _ladder(workspace, service.as_of, net=service.terms.basis == "net")
        trees = worth_of_trees(service.past["records"])
        return cls(
            service,
            cohorts,
            ladder,
            past,
            oftener[-1] if oftener else (),
            _report(workspace, files.MATURED) or [],
            trees,
            _champion(workspace, service.terms.model_version, service.past["review"]),
            workspace.path(files.REPORT),
        )

    @property
    def table(self) -> pa.Table:
        return self.service.table

    @property
    def expected(self) -> float:
        """What existing customers are expected to bring within the horizon."""
        return float(pc.sum(self.table["predicted_clv"]).as_py())

    @property
    def carried_by(self) -> tuple[int, float]:
        """How many customers make up the first half of that sum, and the share of the largest."""
        values = np.sort(self.table["predicted_clv"].to_numpy())[::-1]
        total = max(self.expected, 1e-9)
        return int(np.searchsorted(np.cumsum(values), total / 2) + 1), float(values[0] / total)

    @functools.cached_property
    def tracking(self) -> Tracking | None:
        """What the champion expects of all customers day by day, beside what they did."""
        return tracking(self.service.model.purchases, self.service.summary)

    @property
    def season(self) -> Season | None:
        """What the model expects of each day of the year ahead, where it knows a season."""
        model, last = self.service.model, self.service.as_of
        rate = model.purchases.rate_ahead(last, YEAR_DAYS)
        found = Season(last, rate if np.ptp(rate) else None, model.spend.season)
        return None if found.rate is None and found.baskets is None else found

    @functools.cached_property
    def totals(self) -> dict[str, list[Total]]:
        """Of each tier and of each cohort, from the same draws."""
        columns = {by: np.array(self.table[by].to_pylist()) for by in ("value_tier", "cohort")}
        groups = [(by, str(name)) for by, own in columns.items() for name in np.unique(own)]
        belongs = np.array([columns[by] == name for by, name in groups])
        found = self.service.ranges(belongs)
        ranges = [None] * len(groups) if found is None else [*zip(*found[1:], strict=True)]
        expected = (belongs @ self.table["predicted_clv"].to_numpy()).tolist()
        totals: dict[str, list[Total]] = {by: [] for by in columns}
        of_each = zip(groups, belongs.sum(axis=1).tolist(), expected, ranges, strict=True)
        for (by, name), *own in of_each:
            totals[by].append(Total(name, *own))
        return totals

    @functools.cached_property
    def months(self) -> list[Month]:
        """What existing customers are expected to bring in each calendar month of the horizon."""
        service = self.service
        days = service.summary.window.holdout(service.terms.horizon_days).months
        expected, found = service.months()
        ranges = [None] * len(days) if found is None else [*zip(*found[1:], strict=True)]
        return [Month(*own) for own in zip(days, expected.tolist(), ranges, strict=True)]

    @functools.cached_property
    def crowd(self) -> Crowd:
        return Crowd.of(self.service.summary, self.table["predicted_clv"].to_numpy())

    @functools.cached_property
    def soon(self) -> npt.NDArray[np.float64]:
        """What each customer is expected to bring within 91 days, shape ``(n,)``."""
        return self.service.predicted_clv(SOON_DAYS)

    @functools.cached_property
    def ready_lists(self) -> list[ReadyList]:
        """The lists of this moment, and their money."""

        def ready(found: CallList) -> ReadyList:
            who, value = found.members, self.table["predicted_clv"].to_numpy()
            money = float(self.soon[who].sum()), float(value[who].sum())
            return ReadyList(found, int(who.sum()), *money)

        return [ready(one) for one in lists.call_lists(self.table, self.service.summary)]

    def export(self, ready: ReadyList) -> pa.Table:
        """A list as a file: who, why, what is expected, and who is left alone."""
        members = ready.list.members
        rows = self.table.filter(pa.array(members))
        seed = lists.seed_of(self.service.as_of)
        control = lists.control_group(rows["customer_id"].to_pylist(), seed)
        order = ("average_days_between_orders", "historic_number_of_orders", "historic_clv")
        value = ("predicted_clv", "horizon_days", "currency")
        count = rows.num_rows
        return pa.table(
            {
                "customer_id": rows["customer_id"],
                "list": pa.repeat(ready.list.name, count),
                "group": pa.array(np.where(control, "control", "contact").tolist(), pa.string()),
                "control_seed": pa.repeat(seed, count),
                "as_of": rows["as_of"],
                "days_since_last_order": pa.array(self.service.summary.inactivity[members]),
                **{name: rows[name] for name in order},
                f"expected_{SOON_DAYS}_days": pa.array(self.soon[members]),
                **{name: rows[name] for name in value},
                "simulated": pa.repeat(self.service.terms.simulated, count),
            }
        ).sort_by([("predicted_clv", "descending")])


def _report(workspace: Workspace, name: str) -> Any:
    return workspace.read_json(name) if workspace.is_file(name) else None


def _champion(workspace: Workspace, digest: str, review: Mapping[str, Any] | None) -> Champion:
    pointed = dt.datetime.fromtimestamp(workspace.path(artifacts.CHAMPION).stat().st_mtime)
    fitted = artifacts.manifest(workspace, digest).get("fitted_on", {}).get("window_end")
    moved = _report(workspace, files.DRIFT) or {"columns": []}
    return Champion(
        pointed.date(),
        fitted and dt.date.fromisoformat(fitted),
        review,
        moved["columns"],
    )


def _past(past: Mapping[str, Any]) -> list[PastForecast]:
    """The backtest's totals, by date."""
    return [
        PastForecast(
            dt.date.fromisoformat(cut), days, expected, actual, reach and tuple(reach), held
        )
        for cut, days, expected, actual, reach, held in past["totals"]
    ]


def _ladder(workspace: Workspace, last: dt.date, *, net: bool) -> Ladder:
    """Net sales of the 365 days up to ``last``, from everything the log holds of them.

    A credit note counts on the purchase it undoes, not on its own day: it leaves the sales of
    the day it was booked, and what it undid leaves the sales of the day of purchase.
    """
    first = last - dt.timedelta(days=YEAR_DAYS - 1)
    begin, end = (
        pa.scalar(dt.datetime.combine(day, dt.time()), pa.timestamp("us"))
        for day in (first, last + dt.timedelta(days=1))
    )
    within = (pc.field("invoice_date") >= begin) & (pc.field("invoice_date") < end)

    def lines(name: str, column: str) -> pa.Table:
        path, columns = files.require(workspace, name, "clv ingest"), ["sales", column]
        return pq.read_table(path, columns=columns, filters=within, partitioning=None)

    kept, refused = lines(files.CLEAN_LINES, "returned_value"), lines(files.REFUSED, "rule")
    by_rule = refused.group_by("rule").aggregate([("sales", "sum")]).sort_by("rule").to_pylist()
    steps = {row["rule"]: -row["sales_sum"] for row in by_rule}
    if net:
        steps["returned"] = -_sum(kept["returned_value"])
    read = _sum(kept["sales"]) + _sum(refused["sales"])
    return Ladder(first, last, read, steps, read + sum(steps.values()))


def _sum(money: pa.ChunkedArray) -> Decimal:
    return Decimal(pc.sum(money).as_py() or 0)

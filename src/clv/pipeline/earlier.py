"""What earlier dates say of a model: how far it may be trusted, by the backtest that chose it.

It is kept with the model when it is trained, so that holding another one against what happened
changes nothing of what answers. Start reading at :func:`earlier_of`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, TypedDict

import pyarrow.compute as pc
import pyarrow.parquet as pq

from clv.evaluation.past import NEXT_ORDER, Record
from clv.pipeline.backtest import calibration_of, last_backtest, past_transforms
from clv.store import artifacts, parquet
from clv.store import workspace as files
from clv.store.workspace import Workspace

KEPT = {("net_cash", "bias"), (NEXT_ORDER, "integrated_brier")}


class Earlier(TypedDict):
    """Plain JSON, as in the manifest of a model and in the facts of the CLV table.

    ``records`` are those that shocks, checked horizons and the worth of trees come from,
    ``calibrations`` are of net cash, by horizon, and ``totals`` hold for each date and horizon
    what was expected and what came, the range of it and the share of customers within theirs.
    """

    among: list[str]
    records: list[Record]
    calibrations: dict[str, list[float]]
    totals: list[list[Any]]
    review: dict[str, Any] | None


NOTHING = Earlier(among=[], records=[], calibrations={}, totals=[], review=None)


def earlier_of(workspace: Workspace, digest: str) -> Earlier:
    """What is known of a stored model: by the last backtest where that speaks for it, else as
    it was when the model was trained.
    """
    manifest = artifacts.manifest(workspace, digest)
    if records_of(workspace, digest):
        return of_last_backtest(workspace, manifest["model"]) or NOTHING
    return manifest.get("earlier") or NOTHING


def evidence(workspace: Workspace, digest: str) -> list[str]:
    """The files of the last backtest, where it speaks for a stored model; else none."""
    spoken = [files.BACKTEST_REPORT, files.HOLDOUT, files.REVIEW]
    return spoken if records_of(workspace, digest) else []


def records_of(workspace: Workspace, digest: str) -> list[Record]:
    """All records of the last backtest, where it speaks for a stored model; else none.

    It does where it chose this kind of model from no others than when that was trained: one that
    held a challenger beside it has the challenger answer at some of its dates.
    """
    manifest = artifacts.manifest(workspace, digest)
    model, kept = manifest.get("model"), manifest.get("earlier")
    tried = last_backtest(workspace)
    if tried is None or tried.chosen != model:
        return []
    return tried.records if kept is None or [*tried.among] in (kept["among"], [model]) else []


def of_last_backtest(workspace: Workspace, model: str) -> Earlier | None:
    """What the backtest on the log as it is says of the kind of model it chose."""
    tried = last_backtest(workspace)
    if tried is None or tried.chosen != model:
        return None
    end = dt.date.fromisoformat(parquet.facts_of(workspace.path(files.SUMMARY))["window_end"])
    seen = past_transforms(workspace)
    horizons = sorted({record["horizon_days"] for record in tried.records})
    maps = {
        str(days): list(calibration_of(seen, "net_cash", days, known_by=end).worth)
        for days in horizons
    }
    return Earlier(
        among=list(tried.among),
        records=[one for one in tried.records if _is_kept(one)],
        calibrations=maps,
        totals=[*_totals(workspace, tried.records)],
        review=workspace.read_json(files.REVIEW),
    )


def _is_kept(record: Record) -> bool:
    chosen = record["role"] == "chosen" or record["target"] == NEXT_ORDER
    return chosen and (record["target"], record["metric"]) in KEPT


def _totals(workspace: Workspace, records: Sequence[Record]) -> Iterator[list[Any]]:
    rows = pq.read_table(
        workspace.path(files.HOLDOUT),
        columns=["cut", "horizon_days", "mean", "actual"],
        filters=(pc.field("role") == "chosen") & (pc.field("target") == "net_cash"),
        partitioning=None,
    )
    sums = rows.group_by(["cut", "horizon_days"]).aggregate([("mean", "sum"), ("actual", "sum")])
    found = {
        (one["cut"], one["horizon_days"], one["metric"]): one
        for one in records
        if (one["role"], one["target"]) == ("chosen", "net_cash")
    }
    for cut, days, expected, actual in map(dict.values, sums.sort_by("cut").to_pylist()):
        total, share = (found.get((cut.isoformat(), days, name)) for name in ("total", "pit80"))
        reach = total and [total["lower"], total["upper"]]
        if actual > 0:
            held = share and share["value"]
            yield [cut.isoformat(), days, expected, actual, reach, held]

"""What was forecast earlier, and what came of it once the time is up.

Each forecast is kept with the customers it was for, and never changed afterwards: a later log
adds outcomes, not other forecasts. Start reading at :func:`keep`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clv.checked import Predictions, check
from clv.errors import IncompatibleArtifact
from clv.models.segments import TIERS
from clv.periods import ObservationWindow
from clv.pipeline.steps import Tell
from clv.speech import Speech
from clv.store import parquet
from clv.store import workspace as files
from clv.store.workspace import Stage, Workspace
from clv.tables import EVERYBODY, FORECASTS, PAST_PREDICTIONS, Table

MONTHS_KEPT = 24
SHOP = ("source", "simulated", "basis", "currency")
KEPT = ((FORECASTS, files.FORECASTS), (PAST_PREDICTIONS, files.PAST_PREDICTIONS))


def keep(
    stage: Stage, predictions: Predictions, margin: float, window: ObservationWindow, tell: Tell
) -> list[str]:
    """Stage what was forecast so far with a CLV table added, and what came of it; the file names.

    Forecasts of another shop, or on another basis, are left behind, and so are damaged ones.
    """
    workspace = stage.workspace
    facts = parquet.facts_of(workspace.path(files.SUMMARY))
    shop = {name: facts.get(name) for name in SHOP}
    try:
        forecasts, past = (_of_this_shop(workspace, *kind, shop) for kind in KEPT)
    except (IncompatibleArtifact, LookupError) as error:
        tell(f"earlier forecasts are left behind: {error}")
        forecasts, past = (declared.schema.empty_table() for declared, _ in KEPT)
    tables = with_these(forecasts, past, predictions, margin)
    for table, (declared, name) in zip(tables, KEPT, strict=True):
        parquet.write(table, stage.path(name), declared, shop)
    stage.write_json(files.MATURED, matured(workspace, *tables, window))
    return [*(name for _, name in KEPT), files.MATURED]


def _of_this_shop(
    workspace: Workspace, declared: Table, name: str, shop: Mapping[str, str | None]
) -> pa.Table:
    path = workspace.path(name)
    if not path.is_file():
        return declared.schema.empty_table()
    then = parquet.facts_of(path)
    if any(then.get(what) != own for what, own in shop.items()):
        raise LookupError(f"{path} is of another shop, or on another basis")
    return parquet.read(path, declared)


def with_these(
    forecasts: pa.Table, past: pa.Table, predictions: Predictions, margin: float
) -> tuple[pa.Table, pa.Table]:
    """Both with a CLV table added, in place of one of the same day and horizon.

    Of whom a forecast was, is kept for the first one of each month, of the last ``MONTHS_KEPT``.
    """
    table = predictions.table
    first = table.slice(0, 1).to_pylist()[0]
    rows = []
    for tier in (EVERYBODY, *TIERS):
        own = table if tier == EVERYBODY else table.filter(pc.field("value_tier") == tier)
        carried = ("as_of", "horizon_days", "model_version", "scored_at")
        row = {name: first[name] for name in carried} | {"value_tier": tier, "margin": margin}
        lower, upper = predictions.totals.get(tier, (None, None))
        row |= {"customers": own.num_rows, "lower": lower, "upper": upper}
        row["expected"] = pc.sum(own["predicted_clv"], min_count=0).as_py()
        rows.append(row)
    made = pa.Table.from_pylist(rows, FORECASTS.schema)
    forecasts = _replaced(forecasts, made, FORECASTS)
    past = _replaced(past, table, PAST_PREDICTIONS)
    return forecasts, past.filter(_is_kept(past))


def _replaced(kept: pa.Table, made: pa.Table, declared: Table) -> pa.Table:
    """Rows of one day and horizon in place of those that were there; oldest first."""
    day, horizon = (made[name][0] for name in ("as_of", "horizon_days"))
    others = kept.filter((pc.field("as_of") != day) | (pc.field("horizon_days") != horizon))
    both = pa.concat_tables([others, check(made, declared)])
    return check(both.sort_by([(name, "ascending") for name in declared.key]), declared)


def _is_kept(past: pa.Table) -> pa.Array:
    days = past["as_of"].to_numpy().astype("datetime64[D]")
    horizons = past["horizon_days"].to_numpy()
    kept = np.zeros(len(days), dtype=bool)
    for horizon in np.unique(horizons):
        own = np.unique(days[horizons == horizon])
        _, first = np.unique(own.astype("datetime64[M]"), return_index=True)
        kept |= (horizons == horizon) & np.isin(days, own[first][-MONTHS_KEPT:])
    return pa.array(kept)


def matured(
    workspace: Workspace, forecasts: pa.Table, past: pa.Table, window: ObservationWindow
) -> list[dict[str, Any]]:
    """Each forecast whose horizon has ended, beside what the same customers brought."""
    known = set(zip(*(past[c].to_pylist() for c in ("as_of", "horizon_days")), strict=True))
    due: dict[tuple[dt.date, int], dict[str, dict[str, Any]]] = {}
    for row in forecasts.to_pylist():
        made = row["as_of"], row["horizon_days"]
        if made in known and made[0] + dt.timedelta(days=made[1]) <= window.end:
            due.setdefault(made, {})[row["value_tier"]] = row
    if not due:
        return []
    basis = parquet.facts_of(workspace.path(files.SUMMARY))["basis"]
    moved = _moved(workspace, net=basis == "net")
    return [_held(rows, past, moved, window) for rows in due.values()]


def _held(
    rows: Mapping[str, dict[str, Any]], past: pa.Table, moved: pa.Table, window: ObservationWindow
) -> dict[str, Any]:
    """One forecast, its rows by tier, and what came of it."""
    row = rows[EVERYBODY]
    day, span = row["as_of"], dt.timedelta(days=row["horizon_days"])
    own = past.filter(
        (pc.field("as_of") == day) & (pc.field("horizon_days") == row["horizon_days"])
    )
    came = row["margin"] * _of_each(own["customer_id"], moved, day, day + span)
    before = row["margin"] * _of_each(own["customer_id"], moved, day - span, day).sum()
    actual = float(came.sum())
    tiers, expected = np.array(own["value_tier"].to_pylist()), own["predicted_clv"].to_numpy()
    return {
        "as_of": day.isoformat(),
        **{name: row[name] for name in ("horizon_days", "customers", "model_version")},
        **{name: row[name] for name in ("expected", "lower", "upper")},
        "actual": round(actual, 2),
        # Only where the log shows the whole of it.
        "last_period": round(float(before), 2) if window.start <= day - span else None,
        "within": _is_within(row, actual),
        "tiers": {
            tier: {
                "customers": int((tiers == tier).sum()),
                "expected": round(float(expected[tiers == tier].sum()), 2),
                "actual": round(float(came[tiers == tier].sum()), 2),
                "within": _is_within(rows[tier], float(came[tiers == tier].sum())),
            }
            for tier in np.unique(tiers).tolist()
        },
    }


def _is_within(row: Mapping[str, Any], actual: float) -> bool | None:
    """None where the forecast had no range, as those of tiers once had none."""
    return None if row["lower"] is None else bool(row["lower"] <= actual <= row["upper"])


def _of_each(
    customers: pa.ChunkedArray, moved: pa.Table, after: dt.date, until: dt.date
) -> npt.NDArray[np.float64]:
    """What each customer brought from the day after one day until another."""
    rows = moved.filter((pc.field("day") > after) & (pc.field("day") <= until))
    place = pc.index_in(rows["customer_id"], value_set=customers.combine_chunks())
    found = rows.filter(pc.is_valid(place))["sales"].cast(pa.float64()).to_numpy()
    places = place.drop_null().to_numpy()
    return np.bincount(places, weights=found, minlength=len(customers)).astype(float)


def _moved(workspace: Workspace, *, net: bool) -> pa.Table:
    """What came in and, net, what went back: customer, day and money."""
    columns = ["customer_id", "invoice_date", "sales"]
    parts = [pq.ParquetFile(workspace.path(files.CLEAN_LINES)).read(columns)]
    if net:
        refused = pq.ParquetFile(workspace.path(files.REFUSED)).read([*columns, "rule"])
        parts.append(refused.filter(pc.field("rule") == "return").select(columns))
    lines = pa.concat_tables([part.cast(parts[0].schema) for part in parts])
    return lines.append_column("day", lines["invoice_date"].cast(pa.date32()))


def told(rows: Sequence[Mapping[str, Any]], speech: Speech) -> list[str]:
    """What came of the latest forecast, and how often ranges held; nothing before one is up."""
    if not rows:
        return []
    last = max(rows, key=lambda row: (row["as_of"], row["horizon_days"]))
    said = [
        speech(
            "matured",
            days=speech.number(last["horizon_days"]),
            date=speech.date(dt.date.fromisoformat(last["as_of"])),
            expected=speech.rough(last["expected"]),
            actual=speech.rough(last["actual"]),
        )
    ]
    if last["last_period"] is not None:
        said.append(speech("matured_before", before=speech.rough(last["last_period"])))
    ranged = [row["within"] for row in rows if row["within"] is not None]
    if ranged:
        within, count = speech.number(sum(ranged)), speech.number(len(ranged))
        said.append(speech("matured_within", within=within, count=count))
    return [" ".join(said)]

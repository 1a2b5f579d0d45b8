"""What MLflow keeps of a training, gathered from the files of the workspace.

Neither this nor what it imports at once imports MLflow: a training that was recorded is known
by its note, so that a run with nothing to do stays quick. Start reading at :func:`record`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clv.checked import CustomerSummary
from clv.evaluation.past import NEXT_ORDER, WITH_TREES
from clv.periods import ObservationWindow
from clv.pipeline.steps import Tell
from clv.store import artifacts, parquet
from clv.store import workspace as files
from clv.store.mlflow import recorder
from clv.store.mlflow.recorder import Tracking, Training
from clv.store.workspace import Workspace, data_digest, key_of

if TYPE_CHECKING:
    from clv.models.correction import Correction
    from clv.models.lifetime_value import LifetimeValue

Records = Sequence[dict[str, Any]]

TENTHS = 10


def record(
    workspace: Workspace, digest: str, tracking: Tracking, tell: Tell, *, records: Records = ()
) -> None:
    """Keep the training of a stored model in MLflow, once, with the scores known by now.

    Args:
        records: Of a backtest of this kind of model on the log as it is. They, and the charts,
            are kept where the model was fitted on that log.

    Raises:
        ModelNotFound, IncompatibleArtifact: nothing usable is stored under that digest.
        TrackingUnreachable: the stored model stays, and is recorded by the next call.
    """
    key = key_of(digest=digest, uri=tracking.uri, records=records)
    if workspace.is_current("record", key) and not tracking.is_gone:
        return
    tell("recording the training in MLflow")
    recorder.record(tracking, _training(workspace, digest, records))
    with workspace.staging() as stage:
        stage.publish("record", key, [])


def _training(workspace: Workspace, digest: str, records: Records) -> Training:
    folder, summary = workspace.path(f"models/{digest}"), workspace.path(files.SUMMARY)
    model, manifest = artifacts.read(folder), artifacts.manifest(workspace, digest)
    fitted_on, data = manifest.get("fitted_on", {}), manifest.get("data_digest", "unknown")
    scores: tuple[tuple[str, float, int], ...] = ()
    charts = {}
    if summary.is_file() and data_digest(summary) == data:
        scores = tuple(_scores(records))
        charts = {"purchases_so_far": _so_far(model, parquet.read_summary(summary))}
        if records:
            charts["purchases_after_a_cut"] = _after_a_cut(workspace, records)
    return Training(
        digest=digest,
        folder=folder,
        title=f"{manifest.get('model')} to {fitted_on.get('window_end')}",
        source=summary,
        data_digest=data,
        params=_params(model, manifest),
        metrics=_fit_metrics(model),
        scores=scores,
        charts=charts,
    )


def _params(model: LifetimeValue, manifest: dict[str, Any]) -> dict[str, str]:
    """What went into the fit, and what came out of it, by part."""
    said = {name: manifest.get(name) for name in ("model", "prior")} | manifest.get("fitted_on", {})
    stored = model.to_dict()
    said["orders_per_day"] = stored["orders_per_day"]
    said |= {f"return_share.{name}": value for name, value in stored["return_share"].items()}
    for part in (stored["purchases"], stored["spend"]):
        found = part.get("params", {"mean": part.get("mean")})
        said |= {f"{part['model']}.{name}": value for name, value in found.items()}
        said[f"{part['model']}.status"] = part.get("report", {}).get("status")
    for month, factor in enumerate(model.spend.season or (), start=1):
        said[f"spend_season.{month:02}"] = factor
    for name, trees in _corrections(model):
        said[f"{name}.horizon_days"] = trees.shop.horizon_days
        said |= {f"{name}.strength": trees.strength, f"{name}.trials": trees.trials[0].origins}
    return {name: str(value) for name, value in said.items() if value is not None}


def _fit_metrics(model: LifetimeValue) -> dict[str, float]:
    """How well the parts that were fitted explain how many customers, and standard errors."""
    metrics: dict[str, float] = {}
    for part in (model.to_dict()["purchases"], model.to_dict()["spend"]):
        report = part.get("report")
        if report is None:
            continue
        for what in ("log_likelihood", "aic", "bic", "customers"):
            metrics[f"{part['model']}.{what}"] = report[what]
        for name, error in (report["standard_errors"] or {}).items():
            # Events are named by the shop, metrics by letters MLflow takes.
            plain = re.sub(r"[^\w.\- ]", "_", name)[:100]
            metrics[f"{part['model']}.{plain}.standard_error"] = error
    for name, trees in _corrections(model):
        for trial in trees.trials:
            of_trial = f"{name}.gain_at_{trial.strength:g}"
            metrics |= {of_trial: trial.gain, f"{of_trial}.standard_error": trial.error}
    return metrics


def _corrections(model: LifetimeValue) -> Iterator[tuple[str, Correction]]:
    """What trees learned, by name; the gains of their trials are in what each is judged by."""
    if model.survival is not None:
        yield model.survival.name, model.survival.correction
    if model.boosted is not None:
        yield model.boosted.name, model.boosted.correction


def _scores(records: Records) -> Iterator[tuple[str, float, int]]:
    """Scores of the chosen model, such as ``net_cash/365d/bias``, with the day of their cut.

    Those of chances of an order come with what they would be without trees, or with them.
    """
    for row in records:
        is_chosen = row["role"] == "chosen"
        if (is_chosen or row["target"] == NEXT_ORDER) and row["value"] is not None:
            name = f"{row['target']}/{row['horizon_days']}d/{row['metric']}"
            other = "with_trees" if row["model"].endswith(WITH_TREES) else "without_trees"
            name += "" if is_chosen else f"/{other}"
            yield name, row["value"], dt.date.fromisoformat(row["cut"]).toordinal()


def _so_far(model: LifetimeValue, summary: CustomerSummary) -> Any:
    """Repeat purchase days of each cohort, and what the fit would have expected of newcomers."""
    from clv.charts.fit import expected_and_observed
    from clv.models.base import LONGEST_HORIZON_DAYS

    def of_a_newcomer(days: int) -> float:
        """Who first bought that many days before the end, expected on that day."""
        born = summary.window.end - dt.timedelta(days=days)
        new = CustomerSummary.from_arrays(
            ObservationWindow(born, born), frequency=[0], recency=[0.0], age=[0.0]
        )
        return float(model.purchases.expected_transactions(new, days)[0])

    age = summary.in_days("age")
    longest = int(min(age.max(), LONGEST_HORIZON_DAYS))
    days = np.unique(np.linspace(1, max(longest, 1), 120).astype(int))
    of_each = np.interp(age, [0, *days], [0.0, *(of_a_newcomer(int(day)) for day in days)])
    cohort = np.array(summary.table["cohort"].fill_null("unknown").to_pylist())
    labels, place = np.unique(cohort, return_inverse=True)
    return expected_and_observed(
        "Repeat purchase days so far, by month of first purchase",
        labels,
        np.bincount(place, of_each),
        np.bincount(place, summary.column("frequency")),
    )


def _after_a_cut(workspace: Workspace, records: Records) -> Any:
    """Purchase days after the latest cut of the longest horizon, by tenth of the forecast."""
    from clv.charts.fit import expected_and_observed

    days = max(row["horizon_days"] for row in records)
    cut = max(row["cut"] for row in records if row["horizon_days"] == days)
    chosen = (
        (pc.field("role") == "chosen")
        & (pc.field("target") == "purchase_days")
        & (pc.field("horizon_days") == days)
        & (pc.field("cut") == dt.date.fromisoformat(cut))
    )
    rows = pq.ParquetFile(workspace.path(files.HOLDOUT)).read().filter(chosen)
    mean, actual = (np.asarray(rows[name].to_numpy()) for name in ("mean", "actual"))
    order = np.argsort(mean, kind="stable")
    parts = [part for part in np.array_split(order, TENTHS) if part.size]
    return expected_and_observed(
        f"Purchase days per customer in {days} days after {cut}, by tenth of the forecast",
        [f"{place + 1}" for place in range(len(parts))],
        [mean[part].mean() for part in parts],
        [actual[part].mean() for part in parts],
    )

"""What a recorded training says, told by MLflow's own client and held against the files."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import json
import math
import operator
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from clv.pipeline.record import _fit_metrics, _params, record
from clv.store import artifacts, parquet
from clv.store import workspace as files


@pytest.fixture
def run(client):
    (run,) = client.search_runs([client.get_experiment_by_name("clv").experiment_id])
    return run


@pytest.fixture
def stored(finished):
    digest = artifacts.champion(finished.workspace)
    return json.loads(finished.workspace.path(f"models/{digest}/model.json").read_text())


def logged(client, run, name):
    (folder,) = {client.get_run(run.info.run_id).info.artifact_uri}
    return Path(folder.removeprefix("file://")) / name


def chart_of(client, run, name):
    """A kept chart: its page, its title, its labels, and its two series by name."""
    page = logged(client, run, f"charts/{name}.html").read_text()
    drawn = page.rindex("Plotly.newPlot(")
    bars, end = json.JSONDecoder().raw_decode(page, page.index("[", drawn))
    layout, _ = json.JSONDecoder().raw_decode(page, page.index("{", end))
    return page, layout["title"]["text"], bars[0]["x"], {bar["name"]: bar["y"] for bar in bars}


def test_a_run_keeps_parameters_standard_errors_and_how_the_fit_ended(run, stored):
    for part in (stored["purchases"], stored["spend"]):
        for name, value in part["params"].items():
            assert float(run.data.params[f"{part['model']}.{name}"]) == value
            error = run.data.metrics[f"{part['model']}.{name}.standard_error"]
            assert error == pytest.approx(part["report"]["standard_errors"][name])
        for what in ("log_likelihood", "aic", "bic", "customers"):
            kept = run.data.metrics[f"{part['model']}.{what}"]
            assert kept == pytest.approx(part["report"][what])
        assert run.data.params[f"{part['model']}.status"] == part["report"]["status"]
    assert run.info.status == "FINISHED"
    assert run.data.params["model"] == "seasonal-pareto-nbd"
    assert run.data.params["window_end"] == "2011-12-09"
    assert run.data.params["simulated"] == "true"


def test_the_spend_season_is_among_the_parameters_by_month(finished):
    model = artifacts.load(finished.workspace, artifacts.champion(finished.workspace))
    season = tuple(1 + month / 10 for month in range(12))
    dear = dataclasses.replace(model, spend=dataclasses.replace(model.spend, season=season))

    params = _params(dear, {})

    assert (params["spend_season.01"], params["spend_season.12"]) == ("1.0", "2.1")
    assert not any(name.startswith("spend_season") for name in _params(model, {}))


def test_what_trees_learned_is_kept_with_their_trials(run, stored):
    learned = {"xgb-survival": stored["survival"], "boosted": stored["boosted"]}

    for name, found in learned.items():
        kept = found["correction"]
        assert float(run.data.params[f"{name}.strength"]) == kept["strength"]
        assert float(run.data.params[f"{name}.horizon_days"]) == kept["shop"]["horizon_days"]
        for trial in kept["trials"]:
            gain = f"{name}.gain_at_{trial['strength']:g}"
            assert run.data.metrics[gain] == pytest.approx(trial["gain"])
            assert run.data.metrics[f"{gain}.standard_error"] == pytest.approx(trial["error"])


def test_chances_of_an_order_are_kept_with_trees_and_without(run, finished):
    latest = {
        row["role"]: (row["value"], "+" in row["model"])
        for row in sorted(finished.outcome.backtest, key=lambda row: row["cut"])
        if (row["target"], row["metric"]) == ("next_order", "integrated_brier")
        and row["horizon_days"] == 91
    }

    name = "next_order/91d/integrated_brier"
    (chosen, with_trees), (other, _) = latest["chosen"], latest["challenger"]
    assert run.data.metrics[name] == chosen
    beside = "without_trees" if with_trees else "with_trees"
    assert run.data.metrics[f"{name}/{beside}"] == other
    assert chosen != other


def test_events_are_kept_under_names_that_mlflow_takes(finished):
    model = artifacts.load(finished.workspace, artifacts.champion(finished.workspace))
    errors = {"event_Día de Reyes: 50 % & más / fin": 0.1}
    report = dataclasses.replace(model.purchases.report, standard_errors=errors)
    model = dataclasses.replace(
        model, purchases=dataclasses.replace(model.purchases, report=report)
    )

    assert (
        _fit_metrics(model)[
            "seasonal-pareto-nbd.event_Día de Reyes_ 50 _ _ más _ fin.standard_error"
        ]
        == 0.1
    )


def test_scores_of_the_backtest_are_kept_by_target_horizon_and_cut(client, run, finished):
    kept = 0
    for row in finished.outcome.backtest:
        name = f"{row['target']}/{row['horizon_days']}d/{row['metric']}"
        if row["role"] != "chosen" or row["value"] is None:
            continue
        by_cut = {m.step: m.value for m in client.get_metric_history(run.info.run_id, name)}
        assert by_cut[dt.date.fromisoformat(row["cut"]).toordinal()] == row["value"]
        kept += 1
    assert kept > 50
    assert sum("/" in name for name in run.data.metrics) < kept  # two cuts form one line


def test_the_latest_cut_is_the_figure_shown(run, finished):
    rows = [
        row
        for row in finished.outcome.backtest
        if (row["role"], row["target"], row["metric"]) == ("chosen", "net_cash", "bias")
        and row["horizon_days"] == 91
    ]

    latest = max(rows, key=lambda row: row["cut"])
    assert len(rows) == 10
    assert run.data.metrics["net_cash/91d/bias"] == latest["value"]


def test_the_data_are_named_by_the_digest_of_the_summary(run, finished):
    summary = finished.workspace.path(files.SUMMARY)
    digest = hashlib.sha256(summary.read_bytes()).hexdigest()[:16]

    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("summary", digest)
    assert json.loads(used.dataset.source) == {"uri": str(summary)}
    assert run.data.tags["data_digest"] == digest


def test_the_model_is_plain_files_with_a_signature_and_an_example(client, finished):
    version = client.get_model_version_by_alias("clv", "champion")
    digest = artifacts.champion(finished.workspace)
    (folder,) = finished.workspace.path("mlartifacts/models").glob("*/artifacts")

    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert version.tags["digest"] == digest
    names -= {name for name in names if "__pycache__" in name}  # left by whoever loaded it
    assert {Path(name).suffix for name in names} == {"", ".json", ".py", ".txt", ".yaml"}
    assert {"pyfunc_model.py", "input_example.json", f"artifacts/{digest}/model.json"} <= names
    for name in artifacts.FILES:
        original = finished.workspace.path(f"models/{digest}/{name}").read_bytes()
        assert (folder / "artifacts" / digest / name).read_bytes() == original


def test_purchases_so_far_agree_with_a_plain_loop_over_customers_and_days(
    client, run, finished, stored
):
    page, _, labels, chart = chart_of(client, run, "purchases_so_far")
    summary = parquet.read_summary(finished.workspace.path(files.SUMMARY))
    p, opening, season = (stored["purchases"][part] for part in ("params", "opening", "season"))
    waves = season["coefficients"] or [0.0] * 8

    def busy(day):
        angle = 2 * math.pi * (day.toordinal() - 0.5) / 365.25
        shape = [turn(angle * order) for turn in (math.sin, math.cos) for order in (1, 2, 3, 4)]
        return math.exp(math.fsum(map(operator.mul, waves, shape)))

    @functools.cache
    def of_a_newcomer(first):
        """Day by day: the rate of that day, and the chance of still being a customer by noon."""
        weight = math.exp(
            -(first - dt.date.fromisoformat(opening["first_day"])).days / opening["days"]
        )
        alpha = p["alpha"] * math.exp(-opening["purchase"] * weight)
        beta = p["beta"] * math.exp(-opening["dropout"] * weight)
        return (
            p["r"]
            / alpha
            * math.fsum(
                busy(first + dt.timedelta(days=day + 1)) * (beta / (beta + day + 0.5)) ** p["s"]
                for day in range((summary.window.end - first).days)
            )
        )

    observed, expected = defaultdict(float), defaultdict(float)
    for row in summary.table.to_pylist():
        observed[row["cohort"]] += row["frequency"]
        expected[row["cohort"]] += of_a_newcomer(row["first_purchase"])

    assert labels == sorted(observed)
    assert dict(zip(labels, chart["observed"], strict=True)) == observed
    assert chart["expected"] == pytest.approx([expected[c] for c in labels], rel=2e-3, abs=5e-3)
    assert 'src="http' not in page  # drawn without a network


def test_purchases_after_a_cut_have_the_totals_of_the_holdout(client, run, finished):
    _, title, _, chart = chart_of(client, run, "purchases_after_a_cut")
    import pyarrow.parquet as pq

    rows = [
        row
        for row in pq.ParquetFile(finished.workspace.path(files.HOLDOUT)).read().to_pylist()
        if (row["role"], row["target"], row["horizon_days"]) == ("chosen", "purchase_days", 365)
    ]
    assert len({row["cut"] for row in rows}) == 1
    rows.sort(key=lambda row: row["mean"])
    top = rows[-(len(rows) // 10) :]

    assert "2010-12-09" in title
    assert chart["expected"] == sorted(chart["expected"])
    assert chart["observed"][-1] == pytest.approx(np.mean([row["actual"] for row in top]))
    assert chart["expected"][-1] == pytest.approx(np.mean([row["mean"] for row in top]))


def test_recording_again_makes_no_second_run(client, tracked):
    digest, told = artifacts.champion(tracked.workspace), []

    record(tracked.workspace, digest, tracked.tracking, told.append)  # without its backtest

    assert told == ["recording the training in MLflow"]
    assert len(client.search_runs([client.get_experiment_by_name("clv").experiment_id])) == 1
    assert len(client.search_model_versions("name = 'clv'")) == 1


def test_scores_that_come_later_join_the_run_that_is_there(client, new, finished):
    from clv.pipeline.train import train

    digest = train(new.workspace, "pareto-nbd", lambda text: None)
    record(new.workspace, digest, new.tracking, lambda text: None)
    before = client.search_model_versions("name = 'clv'")
    holdout = new.workspace.path(files.HOLDOUT)
    holdout.parent.mkdir(exist_ok=True)
    holdout.write_bytes(finished.workspace.path(files.HOLDOUT).read_bytes())

    rows = finished.outcome.backtest
    record(new.workspace, digest, new.tracking, lambda text: None, records=rows)

    (version,) = client.search_model_versions("name = 'clv'")
    assert version.version == before[0].version
    run = client.get_run(version.run_id)
    assert "net_cash/365d/bias" in run.data.metrics
    charts = {file.path for file in client.list_artifacts(version.run_id, "charts")}
    assert "charts/purchases_after_a_cut.html" in charts


def test_scores_of_another_log_are_not_kept(client, new, finished):
    from clv.pipeline.train import train

    digest = train(new.workspace, "pareto-nbd", lambda text: None)
    new.workspace.path(files.SUMMARY).write_bytes(b"another")

    rows = finished.outcome.backtest
    record(new.workspace, digest, new.tracking, lambda text: None, records=rows)

    (version,) = client.search_model_versions("name = 'clv'")
    metrics = client.get_run(version.run_id).data.metrics
    assert "pareto-nbd.log_likelihood" in metrics
    assert not any("/" in name for name in metrics)


ASKED = """
import clv.store.mlflow.recorder
from mlflow.telemetry import get_telemetry_client
print(get_telemetry_client())
"""


def test_mlflow_reports_nothing_to_its_makers():
    # MLflow keeps still by itself in tests and in CI, so nothing of either may show here.
    plain = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    process = subprocess.run(
        [sys.executable, "-c", ASKED], env=plain, capture_output=True, text=True, check=True
    )

    assert process.stdout == "None\n"

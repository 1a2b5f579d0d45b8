"""The gate on whole backtests: against whom a model is held, and when nobody looked."""

from __future__ import annotations

import numpy as np
import pytest
from runs import run_all

from clv.errors import ModelNotFound, ReviewFailed
from clv.evaluation import backtest as scoring
from clv.overview import Overview
from clv.pipeline.backtest import backtest, last_backtest
from clv.pipeline.contenders import candidates
from clv.pipeline.earlier import earlier_of, of_last_backtest, records_of
from clv.pipeline.gate import beside_champion, challenge, champion_kind
from clv.pipeline.predict import Ask, predict
from clv.pipeline.train import promote, train
from clv.service import Service
from clv.store import artifacts
from clv.store import workspace as files


def quiet(text):
    """Tell nobody."""


def test_a_model_beside_the_champion_agrees_with_a_plain_loop(finished):
    records = finished.outcome.backtest
    held = {
        (one["model"], one["cut"], one["horizon_days"]): one["value"]
        for one in records
        if (one["target"], one["metric"]) == ("net_cash", "tweedie")
    }
    logs = [
        np.log(value) - np.log(held["pareto-nbd", cut, days])
        for (model, cut, days), value in held.items()
        if model == "mbg-cnbd"
    ]

    found = beside_champion(records, "mbg-cnbd", "pareto-nbd")

    assert f"{np.expm1(np.mean(logs)):+.1%} beside that of pareto-nbd" in found.found
    assert f"over {len(logs)} dates" in found.found
    assert (found.word == "FAIL") == (np.mean(logs) > 0.01)


def test_only_dates_at_which_both_were_held_count():
    def held(model, cut, value):
        told = {"target": "net_cash", "metric": "tweedie", "role": "challenger"}
        return told | {"model": model, "cut": cut, "horizon_days": 91, "value": value}

    both = [held("a", "2023-01-01", 2.0), held("b", "2023-01-01", 4.0)]

    found = beside_champion([*both, held("a", "2023-02-01", 900.0)], "a", "b")

    assert (found.word, "-50.0%" in found.found) == ("PASS", True)
    assert beside_champion([held("a", "2023-02-01", 1.0)], "a", "b").word == "FAIL"


@pytest.fixture
def two_cuts(monkeypatch):
    """Backtests of the last two cuts only, which take a ninth of the time."""
    every = scoring.cuts
    monkeypatch.setattr(scoring, "cuts", lambda *asked: dict(list(every(*asked).items())[-2:]))


def test_a_kind_never_held_is_held_beside_the_champion_before_it_may_answer(workspace, two_cuts):
    digest, answers = train(workspace, "bg-nbd", quiet), champion_kind(workspace)
    champion = artifacts.champion(workspace)
    with pytest.raises(ReviewFailed, match="bg-nbd was never held against what happened"):
        challenge(workspace, digest, quiet)

    # Alone is not enough: nobody knows how the champion would have done.
    backtest(workspace, candidates("bg-nbd"), quiet, horizon_days=365)
    with pytest.raises(ReviewFailed, match=f"never held beside {answers}, which answers"):
        challenge(workspace, digest, quiet)
    assert artifacts.champion(workspace) == champion

    records = backtest(workspace, candidates("bg-nbd", answers), quiet, horizon_days=365)
    assert {r["model"] for r in records if r["role"] != "baseline"} == {"bg-nbd", answers}
    tried = last_backtest(workspace)
    assert (tried.records, tried.among) == (records, ("bg-nbd", answers))
    said = [of_last_backtest(workspace, name) is not None for name in ("bg-nbd", answers)]
    assert sorted(said) == [False, True]


@pytest.mark.parametrize("kind", ["nbd", "mbg-cnbd"])
def test_trying_another_model_changes_nothing_of_what_the_champion_says(workspace, two_cuts, kind):
    before = Overview.open(workspace, Service.open(workspace))

    backtest(workspace, candidates(kind, champion_kind(workspace)), quiet, horizon_days=365)
    workspace.path(files.DRIFT).unlink()  # so that everybody is scored anew
    told = []
    predict(workspace, Ask(365), before.service.terms.scored_at, told.append)
    assert "scoring every customer" in told

    after = Overview.open(workspace, Service.open(workspace))
    assert after.table.equals(before.table)
    for what in ("past", "oftener", "trees", "champion"):
        assert getattr(after, what) == getattr(before, what), what
    assert after.service.past == before.service.past
    assert after.service.expected_range == before.service.expected_range
    assert records_of(workspace, artifacts.champion(workspace)) == []


def test_a_model_trained_again_after_another_was_tried_keeps_what_was_known_of_it(
    workspace, two_cuts
):
    champion, kind = artifacts.champion(workspace), champion_kind(workspace)
    known = earlier_of(workspace, champion)
    backtest(workspace, ["nbd"], quiet, horizon_days=365)

    assert known["records"]
    assert train(workspace, kind, quiet)
    assert earlier_of(workspace, champion) == known


def test_a_candidate_as_good_as_the_champion_answers_though_not_chosen(workspace):
    digest, told = train(workspace, "pareto-nbd", quiet), []

    challenge(workspace, digest, told.append)

    assert artifacts.champion(workspace) == digest
    assert "review: PASS" in told


def test_a_candidate_worse_than_the_champion_is_refused(workspace):
    digest, champion = train(workspace, "mbg-cnbd", quiet), artifacts.champion(workspace)

    with pytest.raises(ReviewFailed, match=r"\+1\.6% beside that of seasonal-pareto-nbd, which"):
        challenge(workspace, digest, quiet)

    assert artifacts.champion(workspace) == champion


@pytest.mark.parametrize(
    ("model", "step"), [("bg-nbd", "bg-nbd"), ("seasonal-pareto-nbd x gamma-gamma", "auto")]
)
def test_whoever_was_never_held_is_told_of_a_backtest_there_is(workspace, model, step):
    digest = train(workspace, model, quiet)
    workspace.retract("backtest")

    with pytest.raises(ReviewFailed, match=f"Run `clv backtest --model {step}` first"):
        challenge(workspace, digest, quiet)


@pytest.mark.parametrize("model", ["auto", "nbd"])
def test_whoever_answers_is_among_those_a_backtest_holds(model):
    others = candidates(model)

    assert candidates(model, "bg-nbd") == (*others, "bg-nbd")
    assert candidates(model, others[0]) == others


def test_a_model_asked_for_by_name_has_to_pass_as_it_would_to_be_promoted(
    finished, workspace, two_cuts
):
    before, champion = Service.open(workspace).table, artifacts.champion(workspace)

    with pytest.raises(ReviewFailed, match="beside that of seasonal-pareto-nbd, which answers"):
        run_all(workspace.root, finished.log, model="nbd")
    assert artifacts.champion(workspace) == champion
    assert Service.open(workspace).table.equals(before)

    promote(workspace, train(workspace, "nbd", quiet), quiet)
    _, told = run_all(workspace.root, finished.log, model="pareto-nbd")
    assert champion_kind(workspace) == "pareto-nbd"
    assert any(text.startswith("review: ") for text in told)
    assert Service.open(workspace).terms.model_version == artifacts.champion(workspace)


def test_without_a_champion_the_review_alone_decides(workspace):
    digest = artifacts.champion(workspace)
    workspace.path(artifacts.CHAMPION).unlink()
    assert champion_kind(workspace) is None

    challenge(workspace, digest, quiet)

    assert artifacts.champion(workspace) == digest


def test_a_backtest_of_another_log_speaks_for_nobody(workspace):
    workspace.path("data/processed/refused.parquet").touch()
    assert last_backtest(workspace).records

    workspace.path("data/processed/refused.parquet").unlink()

    assert last_backtest(workspace) is None


def test_a_model_that_is_not_there_is_said_to_be_missing(workspace):
    with pytest.raises(ModelNotFound):
        challenge(workspace, "0" * 16, quiet)

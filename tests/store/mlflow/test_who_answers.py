"""Who may answer, and what MLflow keeps of why."""

from __future__ import annotations

import re

import pytest
from runs import contents, run_all
from typer.testing import CliRunner

from clv import cli
from clv.errors import ReviewFailed
from clv.evaluation.past import WORTH_A_CHANGE
from clv.evaluation.review import Finding
from clv.pipeline import gate
from clv.pipeline.backtest import Tried
from clv.pipeline.contenders import candidates
from clv.pipeline.gate import challenge, champion_kind
from clv.pipeline.train import promote, train
from clv.store import artifacts
from clv.store import workspace as files


def quiet(text):
    """Tell nobody."""


def refusal_of(tracked, digest):
    with pytest.raises(ReviewFailed) as refusal:
        challenge(tracked.workspace, digest, quiet, tracking=tracked.tracking)
    return refusal.value


def tags(client):
    version = client.get_model_version_by_alias("clv", "champion")
    return version.tags["digest"], {k: v for k, v in version.tags.items() if "review" in k}


@pytest.fixture
def other(tracked):
    """Another of the candidates, stored and not promoted."""
    answers = champion_kind(tracked.workspace)
    return train(tracked.workspace, next(n for n in candidates("auto") if n != answers), quiet)


@pytest.fixture
def held(tracked, other, monkeypatch):
    """Let the candidates be as good as one says; and the review of the mean a given word."""
    model = artifacts.manifest(tracked.workspace, other)["model"]
    champion = champion_kind(tracked.workspace)

    def let(ratio, word="PASS"):
        records = [
            {"model": name, "role": role, "target": "net_cash", "metric": "tweedie"}
            | {"cut": "2011-03-09", "horizon_days": 91, "value": value}
            for name, role, value in ((model, "challenger", ratio), (champion, "chosen", 1.0))
        ]
        tried = Tried(records, (champion, model), min((ratio, model), (1.0, champion))[1])
        monkeypatch.setattr(gate, "last_backtest", lambda *_: tried)
        finding = Finding(word, f"It was found to be {word}.")
        monkeypatch.setattr(gate, "_of_rules", lambda *_, **__: [finding])

    return let


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1 + WORTH_A_CHANGE * 0.99])
def test_a_challenger_not_worse_answers_and_mlflow_keeps_why(client, tracked, other, held, ratio):
    held(ratio)

    challenge(tracked.workspace, other, quiet, tracking=tracked.tracking)

    assert artifacts.champion(tracked.workspace) == other
    digest, kept = tags(client)
    assert digest == other
    assert kept["review"] == "PASS"
    assert kept["review.1"] == "PASS: It was found to be PASS."
    assert kept["review.2"].startswith(f"PASS: The deviance of its mean is {ratio - 1:+.1%}")
    assert all(len(value) <= gate.LONGEST_TAG for value in kept.values())


@pytest.mark.parametrize(
    "shown",
    [(1.02, "PASS", r"is \+2.0% beside that of .*, which answers"), (0.5, "FAIL", "be FAIL")],
)
def test_a_worse_one_is_refused_and_the_last_good_one_stays(client, tracked, other, held, shown):
    ratio, word, said = shown
    held(ratio, word)
    before, alias = contents(tracked.workspace.root), tags(client)

    error = refusal_of(tracked, other)

    assert contents(tracked.workspace.root) | {"mlflow.db": None} == before | {"mlflow.db": None}
    assert tags(client) == alias
    (reason,) = error.reasons
    assert re.search(said, reason)
    assert f"clv promote {other} --unreviewed" in str(error)


def test_a_review_may_ask_for_a_look_without_stopping_anything(client, tracked, other, held):
    held(1.0, "REVIEW")

    challenge(tracked.workspace, other, quiet, tracking=tracked.tracking)

    assert tags(client)[1]["review"] == "REVIEW"


def test_a_whole_run_promotes_what_its_backtest_chose_and_keeps_its_review(client, finished):
    review = finished.workspace.read_json(files.REVIEW)

    digest, kept = tags(client)

    assert digest == artifacts.champion(finished.workspace)
    assert kept["review"] == review["word"]
    said = [f"{one['word']}: {one['found']}" for one in review["findings"]]
    assert [kept[f"review.{n}"] for n in range(1, len(said) + 1)] == said


def clv(tracked, *words):
    place = ["--workspace", str(tracked.workspace.root)]
    return CliRunner().invoke(cli.app, [*words, *place])


def test_a_run_with_another_review_of_the_same_model_says_so_in_mlflow(client, tracked, finished):
    digest, reviewed = tags(client)
    promote(tracked.workspace, digest, quiet, tracking=tracked.tracking)
    assert tags(client) == (digest, {"review": "unreviewed"})

    run_all(tracked.workspace.root, finished.log, tracking=tracked.tracking)

    assert tags(client) == (digest, reviewed)


def test_the_command_line_refuses_with_a_code_and_promotes_unreviewed_when_told(
    client, tracked, monkeypatch
):
    monkeypatch.delenv("CLV_MLFLOW_URI")
    digest, first = train(tracked.workspace, "bg-nbd", quiet), tags(client)

    refused = clv(tracked, "promote", digest)

    assert refused.exit_code == 8
    assert f"ReviewFailed: model {digest}: it was not promoted." in refused.stderr
    assert "Run `clv backtest --model bg-nbd` first." in refused.stderr
    assert tags(client) == first
    all_the_same = clv(tracked, "promote", digest, "--unreviewed")
    assert all_the_same.exit_code == 0
    assert f"Model {digest} answers from now on, unreviewed." in all_the_same.stdout
    assert tags(client) == (digest, {"review": "unreviewed"})


def test_no_reason_of_an_earlier_promotion_stays(client, tracked, other, held):
    held(1.0)
    challenge(tracked.workspace, other, quiet, tracking=tracked.tracking)

    promote(tracked.workspace, other, quiet, tracking=tracked.tracking)

    assert tags(client) == (other, {"review": "unreviewed"})

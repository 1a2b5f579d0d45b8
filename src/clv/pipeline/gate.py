"""What a model has to show before it answers instead of the one that does.

A backtest on the log as it is held it against what happened, and there it was worse neither
than the kind of model that answers nor than the best simple rule. Start reading at
:func:`challenge`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from clv.errors import ModelNotFound, ReviewFailed
from clv.evaluation.past import WORTH_A_CHANGE, Record, deviances
from clv.pipeline.backtest import last_backtest
from clv.pipeline.steps import Tell
from clv.pipeline.train import fetched, promote
from clv.store import artifacts
from clv.store import workspace as files
from clv.store.mlflow.recorder import Tracking
from clv.store.workspace import Workspace

if TYPE_CHECKING:
    from clv.evaluation.review import Finding

UNCHECKED = {"review": "unchecked", "review.1": "The log carries no backtest yet."}
LONGEST_TAG = 250


def challenge(
    workspace: Workspace,
    digest: str,
    tell: Tell,
    *,
    tracking: Tracking | None = None,
) -> None:
    """Promote the model stored under ``digest`` where its backtest speaks for it.

    Raises:
        ReviewFailed: it does not, or there is none; the champion stays who it was.
        ClvError: as :func:`clv.pipeline.train.promote`.
    """
    from clv.evaluation.review import Review
    from clv.models.lifetime_value import JOINED

    fetched(workspace, digest, tracking)
    model = artifacts.manifest(workspace, digest)["model"]
    tried, champion = last_backtest(workspace), champion_kind(workspace)
    among = tried.among if tried else ()
    if tried is None or model not in among or champion not in (None, *among):
        beside = "" if model not in among else f" beside {champion}, which answers"
        raise ReviewFailed(
            digest,
            [f"{model} was never held{beside} against what happened on this log."],
            # No setting names a spend model; all candidates together have one that does.
            next_step=f"Run `clv backtest --model {'auto' if JOINED in model else model}` first.",
        )
    chosen = tried.chosen == model
    findings = [*_of_rules(workspace, model, chosen=chosen)]
    if champion is not None:
        findings.append(beside_champion(tried.records, model, champion))
    failed = [one.found for one in findings if one.word == "FAIL"]
    if failed:
        raise ReviewFailed(
            digest, failed, next_step="Keep the model that answers; `clv predict` scores with it."
        )
    reviewed = Review(tuple(findings))
    tell(f"review: {reviewed.word}")
    promote(
        workspace,
        digest,
        tell,
        tracking=tracking,
        records=tried.records if chosen else (),
        review=tags_of(reviewed.to_dict()),
    )


def champion_kind(workspace: Workspace) -> str | None:
    """The kind of model that answers, by its name in the catalog; None where none does."""
    try:
        return artifacts.manifest(workspace, artifacts.champion(workspace)).get("model")
    except ModelNotFound:
        return None


def beside_champion(records: Sequence[Record], model: str, champion: str) -> Finding:
    """A kind of model beside the one that answers, over the cuts where both were held.

    Worse is more than what would have made the backtest prefer the champion.
    """
    from clv.evaluation.review import Finding

    held = deviances(records, {model, champion})
    places = held[model].keys() & held[champion].keys()
    if not places:
        return Finding("FAIL", f"{model} was held at no date at which {champion} was.")
    mean = float(np.mean([np.log(held[model][at] / held[champion][at]) for at in places]))
    said = (
        f"The deviance of its mean is {np.expm1(mean):+.1%} beside that of {champion}, which "
        f"answers, over {len(places)} dates and horizons."
    )
    return Finding("FAIL" if mean > WORTH_A_CHANGE else "PASS", said)


def _of_rules(workspace: Workspace, model: str, *, chosen: bool) -> list[Finding]:
    """The review of the backtest; of a candidate it did not choose, only what judges its mean."""
    from clv.evaluation.review import Finding, compare, of_comparison

    if chosen:
        return [Finding(**one) for one in workspace.read_json(files.REVIEW)["findings"]]
    rows = pq.ParquetFile(workspace.path(files.HOLDOUT)).read()
    found = compare(rows, "tweedie", model)
    return [] if found is None else [of_comparison(found)]


def tags_of(review: dict[str, Any]) -> dict[str, str]:
    """A review as tags of a model version: its word, and each thing that was found."""
    said = [f"{one['word']}: {one['found']}"[:LONGEST_TAG] for one in review["findings"]]
    return {"review": review["word"]} | {f"review.{n}": one for n, one in enumerate(said, 1)}

"""The error tree: every kind has an exit code, and every message the next step."""

from __future__ import annotations

import pytest

from clv import errors
from clv.command import EXIT_CODES, exit_code

EXAMPLES = [
    errors.SourceUnreadable("orders.csv", "there is no such file.", next_step="Check the path."),
    errors.TableMismatch("summary", "column 'age' is missing.", next_step="Add it."),
    errors.RuleBroken("summary", "recency <= age", 14, {"customer_id": "17850"}, next_step="Mend."),
    errors.NotEnoughData("pareto-nbd", "nobody came back.", next_step="Wait."),
    errors.NotConverged("pareto-nbd", "stopped", next_step="Try with the prior."),
    errors.TimeUnitMismatch("pareto-nbd", "week", "day"),
    errors.HorizonOutOfRange(0, longest=3650),
    errors.CustomerNotFound("17850", "2011-12-09"),
    errors.QuestionUnanswerable("as_of", "it is another day.", next_step="Leave it out."),
    errors.NothingStored("summary.parquet", "shop", next_step="Run `clv ingest` first."),
    errors.ModelNotFound("champion", "shop", next_step="Run `clv run`."),
    errors.IncompatibleArtifact("model.json", "it was altered.", next_step="Train again."),
    errors.TrackingUnreachable("sqlite:///mlflow.db", "database is locked."),
    errors.WorkspaceUnwritable("shop", "No space left on device"),
    errors.ServerEnded("dashboard", 1),
    errors.ReviewFailed("b1a5", ["It is worse."], next_step="Keep the other."),
    errors.SettingsError("margin", "it is 2.", next_step="See `clv run --help`."),
]


def kinds(of=errors.ClvError):
    return {of}.union(*(kinds(kind) for kind in of.__subclasses__()))


@pytest.mark.parametrize("kind", sorted(kinds() - {errors.ClvError}, key=lambda k: k.__name__))
def test_every_kind_of_error_has_an_exit_code(kind):
    assert exit_code(kind.__new__(kind)) in set(EXIT_CODES.values())


def test_no_two_kinds_with_a_row_share_a_code_and_none_looks_like_success_or_a_crash():
    codes = list(EXIT_CODES.values())

    assert len(set(codes)) == len(codes)
    assert not {0, 1, 130} & set(codes)


def test_every_leaf_has_an_example_here():
    leaves = {kind for kind in kinds() if not kind.__subclasses__()}

    assert leaves <= {type(example) for example in EXAMPLES}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_a_message_is_one_line_that_ends_with_what_to_do(error):
    message = str(error)

    assert message.endswith(".")
    assert "\n" not in message
    assert ".." not in message


def test_the_docstring_draws_the_whole_tree():
    assert [kind.__name__ for kind in kinds() if kind.__name__ not in errors.__doc__] == []

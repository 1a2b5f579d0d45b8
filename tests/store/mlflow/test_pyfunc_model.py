"""The champion as MLflow loads it: the same answers as every other surface, or a refusal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from clv.store import artifacts, parquet
from clv.store import workspace as files
from clv.store.mlflow.pyfunc_model import ANSWERED, ASKED


@pytest.fixture
def summary(finished):
    return parquet.read_summary(finished.workspace.path(files.SUMMARY))


@pytest.fixture
def asked(summary):
    return pd.DataFrame({name: summary.column(name) for name in ASKED})


@pytest.fixture
def champion(client):
    import mlflow

    return mlflow.pyfunc.load_model("models:/clv@champion")


def test_it_says_what_the_clv_table_says(champion, asked, finished):
    answer = champion.predict(asked)

    table = finished.outcome.predictions.table
    assert list(answer.columns) == list(ANSWERED)
    for name in ANSWERED:
        assert answer[name].to_numpy() == pytest.approx(table[name].to_numpy(), abs=1e-9), name


def test_another_horizon_is_a_parameter(champion, asked, summary, finished):
    answer = champion.predict(asked, params={"horizon_days": 91})

    model = artifacts.load(finished.workspace, artifacts.champion(finished.workspace))
    within = answer["predicted_clv"].to_numpy()
    assert within == pytest.approx(model.expected_value(summary, 91), abs=0.00501)
    assert (within <= champion.predict(asked)["predicted_clv"].to_numpy()).all()


def test_the_signature_takes_doubles_and_a_horizon(champion):
    signature = champion.metadata.signature

    assert {str(column.type) for column in signature.inputs.inputs} == {"DataType.double"}
    assert signature.inputs.input_names() == list(ASKED)
    assert signature.outputs.input_names() == list(ANSWERED)
    (horizon,) = signature.params.params
    assert (horizon.name, horizon.default) == ("horizon_days", 365)


def test_the_input_example_is_answered(champion):
    answer = champion.predict(champion.input_example)

    assert np.isfinite(answer.to_numpy()).all()
    assert answer["p_alive"][0] > answer["p_alive"][1]


@pytest.mark.parametrize(
    ("change", "params", "said"),
    [
        ({"recency": 9e4}, {}, "recency <= age"),
        ({"frequency": 0.5}, {}, "frequency"),
        ({"age": float("nan")}, {}, "age"),
        ({}, {"horizon_days": 0}, "horizon_days=0: it is outside 1 to 3,650"),
    ],
)
def test_what_cannot_be_answered_is_refused_as_the_callers_mistake(
    champion, asked, change, params, said
):
    from mlflow.exceptions import MlflowException

    asked = asked.assign(**change)

    with pytest.raises(MlflowException, match=said) as refusal:
        champion.predict(asked, params=params)

    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"

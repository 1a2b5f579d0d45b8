"""The notebooks run to their end as they are, on any log, and are stored without what they said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from nbmake.nb_run import NotebookRun

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
CHARTS = {"etl_clv": 2, "model_pareto": 2}
PLOTLY = "application/vnd.plotly.v1+json"


def code_of(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


SAYS = {
    "etl_clv": lambda log: f"{log.read_text().count(chr(10)) - 1:,}",  # every line is accounted for
    "model_pareto": lambda log: "count      300.0",
}


def executed(path):
    """The notebook after all its cells ran in a fresh process."""
    result = NotebookRun(path, default_timeout=300).execute()
    assert result.error is None, result.error.summary
    return result.nb


def said(notebook):
    outputs = [output for cell in code_of(notebook) for output in cell["outputs"]]
    return "\n".join(str(output.get("text") or output["data"]) for output in outputs)


def test_both_notebooks_are_there():
    assert {path.stem for path in NOTEBOOKS} == CHARTS.keys()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs_and_counts(path):
    cells = code_of(json.loads(path.read_text(encoding="utf-8")))

    assert cells
    assert [cell["outputs"] for cell in cells] == [[]] * len(cells)
    assert {cell["execution_count"] for cell in cells} == {None}
    assert {json.dumps(cell["metadata"]) for cell in cells} == {"{}"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_log_that_is_named(path, shop_log, monkeypatch):
    monkeypatch.setenv("CLV_SOURCE", str(shop_log))

    notebook = executed(path)

    outputs = [output for cell in code_of(notebook) for output in cell["outputs"]]
    drawn = [output for output in outputs if PLOTLY in output.get("data", {})]
    assert len(drawn) == CHARTS[path.stem]
    assert SAYS[path.stem](shop_log) in said(notebook)
    assert "stderr" not in {output.get("name") for output in outputs}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_a_simulated_shop_where_no_log_is_named(path):
    assert "SIMULATED" in said(executed(path))

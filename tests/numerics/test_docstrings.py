import doctest
import importlib

import pytest

MODULES = [
    *("pareto_nbd", "pareto_nbd_counts", "pareto_nbd_fit"),
    *("bg_nbd", "bg_nbd_fit", "nbd", "gamma_gamma", "tweedie"),
]


@pytest.mark.parametrize("module", MODULES)
def test_every_example_in_a_docstring_runs_as_printed(module):
    results = doctest.testmod(importlib.import_module(f"clv.numerics.{module}"))

    assert results.attempted > 0
    assert results.failed == 0

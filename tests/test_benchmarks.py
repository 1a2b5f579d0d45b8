"""The benchmarks still find what they measure; the peers' side needs `make bench`."""

import dataclasses
import importlib
import re
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark_named(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.mark.parametrize("name", sorted(path.stem for path in BENCHMARKS.glob("bench_*.py")))
def test_a_benchmark_asks_one_question_with_what_there_is(benchmark_named, name):
    assert benchmark_named(name).__doc__.splitlines()[0].endswith("?")


@pytest.mark.parametrize("model", ["Pareto/NBD", "BG/NBD"])
def test_a_fit_is_held_against_the_closed_form(benchmark_named, capsys, model):
    bench = benchmark_named("bench_fit")

    bench.alone(model, bench.simulated(3000))

    printed = capsys.readouterr().out
    of_fit, again = re.search(r"of the fit (\S+), by .* (\S+); these off", printed).groups()
    assert float(of_fit) == pytest.approx(float(again), abs=1e-5)


def test_a_peer_that_fits_better_ends_the_benchmark(benchmark_named, monkeypatch):
    bench = benchmark_named("bench_fit")
    customers = tuple(column[:50] for column in bench.cdnow())
    best, cost = bench.measured(bench.ours, "Pareto/NBD", customers)
    worse = dataclasses.replace(best, parameters=(0.1, 1.0, 0.1, 1.0))
    theirs = {"cost": cost, "parameters": best.parameters}
    monkeypatch.setattr(bench, "ours", lambda *asked: worse)
    monkeypatch.setattr(bench, "ask", lambda *asked, **settings: theirs)

    with pytest.raises(SystemExit, match="a peer fits"):
        bench.against("a peer", "Pareto/NBD", "CDNOW", customers, repeats=1, times=1)

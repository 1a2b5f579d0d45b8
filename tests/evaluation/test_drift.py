"""How far columns moved: from sketches, beside the same from all the values."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import ks_2samp

from clv.evaluation.drift import LEAST_SHARE, compare, ks, psi, sketch, sketches

RNG = np.random.default_rng(7)
COLUMNS = {
    "spread out": RNG.gamma(2.0, 30.0, 4000),
    "counts": RNG.poisson(1.2, 4000).astype(float),
    "mostly zero": RNG.gamma(1.0, 0.2, 4000) * (RNG.random(4000) < 0.15),
    "one value": np.full(900, 5.0),
    "few": np.array([1.0, 2.0, 8.0]),
}
CHANGES = {
    "none": lambda values: values[: len(values) // 2 + 1],
    "a little more": lambda values: values * 1.1 + 0.01,
    "twice": lambda values: 2 * values + 1,
    "less": lambda values: values - 1.0,
}


def psi_of_all(then, now):
    """By the textbook: tenths of all values then, which merge where values are alike."""
    edges = np.unique(np.quantile(then, np.arange(1, 10) / 10, method="inverted_cdf"))
    total = 0.0
    for low, high in zip([-np.inf, *edges], [*edges, np.inf], strict=True):
        p, q = (max(np.mean((low < own) & (own <= high)), LEAST_SHARE) for own in (now, then))
        total += (p - q) * np.log(p / q)
    return total


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("column", COLUMNS)
def test_an_index_from_a_sketch_is_that_of_all_the_values(column, change):
    then, now = COLUMNS[column], CHANGES[change](COLUMNS[column])

    # A tenth of the reference may hold a hundredth more or less between two points of it.
    assert psi(sketch(then), now) == pytest.approx(psi_of_all(then, now), abs=1e-4, rel=0.02)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_distance_from_a_sketch_is_that_of_all_values_to_a_hundredth(column, change):
    then, now = COLUMNS[column], CHANGES[change](COLUMNS[column])

    exact = ks_2samp(then, now, method="asymp").statistic

    assert ks(sketch(then), now) == pytest.approx(exact, abs=0.0101)
    assert ks(sketch(then), now) <= exact + 1e-6


def test_what_all_moved_to_one_side_of_a_single_value_is_seen():
    five = sketch(np.full(10, 5.0))

    assert ks(five, np.full(10, 4.0)) == ks(five, np.full(10, 6.0)) == 1
    assert ks(five, np.full(10, 5.0)) == psi(five, np.full(10, 5.0)) == 0


def test_a_sketch_is_small_and_what_is_unknown_is_no_value():
    values = np.append(COLUMNS["spread out"], np.nan)

    assert len(json.dumps(sketch(values))) < 6000
    assert sketch(values) == sketch(COLUMNS["spread out"])
    assert sketches({"a": values, "nobody": np.full(3, np.nan)}).keys() == {"a"}
    assert psi(sketch(values), values) == 0


@pytest.mark.parametrize(
    ("factor", "word"), [(1.0, "stable"), (1.45, "shifted"), (1.9, "moved"), (0.5, "moved")]
)
def test_words_follow_the_index(factor, word):
    values = COLUMNS["spread out"]
    reference = {"as_of": "2023-01-31", "columns": sketches({"a": values, "gone": values})}

    (row,) = compare({"fit": reference}, {"a": values * factor, "new": values})

    assert (row["column"], row["against"], row["since"]) == ("a", "fit", "2023-01-31")
    assert row["word"] == word
    assert row["psi"] == pytest.approx(psi_of_all(values, values * factor), abs=2e-3)

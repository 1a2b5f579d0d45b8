"""Customers by the thousand, in blocks and on several processors: each as if alone."""

import tracemalloc

import numpy as np
import pytest

from clv.numerics.histories import Histories, distinct_histories
from clv.numerics.pareto_nbd import (
    ParetoNBDParams,
    Unseen,
    conditional_expected_transactions,
    decay_scale,
    log_likelihood,
    p_alive,
)
from clv.numerics.pareto_nbd_total import (
    by_reach,
    log_likelihood_total,
    log_likelihood_value,
    scale_of_nodes,
)
from clv.numerics.quadrature import enough_nodes
from clv.numerics.simulate import history, on_whole_days, purchases

PARAMS = ParetoNBDParams(r=0.55, alpha=74.0, s=0.61, beta=82.0)
RNG = np.random.default_rng(12)
AGE = RNG.integers(0, 730, 40_000).astype(float)
CUSTOMERS = (*history(on_whole_days(purchases(PARAMS, AGE, RNG)), AGE), AGE)
SOME = RNG.choice(AGE.size, 60, replace=False)


@pytest.mark.parametrize(
    "question",
    [
        log_likelihood,
        p_alive,
        lambda *known: conditional_expected_transactions(*known, t=90.0),
    ],
    ids=["log-likelihood", "P(alive)", "expected transactions"],
)
def test_a_customer_alone_has_the_same_bits_as_among_forty_thousand(question):
    crowd = question(PARAMS, *CUSTOMERS)[SOME]
    alone = [question(PARAMS, *(column[i] for column in CUSTOMERS))[0] for i in SOME]

    assert np.array_equal(crowd, alone)


def test_everybodys_own_nodes_answer_like_many_nodes():
    x, t_x, _ = CUSTOMERS
    many = Unseen.of(PARAMS, CUSTOMERS, decay_scale(PARAMS, x, t_x), 128, None)

    assert p_alive(PARAMS, *CUSTOMERS) == pytest.approx(many.p_alive(), abs=1e-13)


POINT = np.log(PARAMS) + np.array([0.1, -0.2, 0.1, 0.3])


def test_the_value_alone_is_that_of_the_total_whatever_the_order_of_rows():
    rows = distinct_histories(*CUSTOMERS)
    scale = scale_of_nodes(POINT, rows)
    ordered = by_reach(rows, scale)
    fine = log_likelihood_value(POINT, rows, scale, nodes=64)
    for some in (rows, ordered):
        of_some = scale_of_nodes(POINT, some)
        value, _, _ = log_likelihood_total(POINT, some, of_some, nodes=16)

        assert value == pytest.approx(fine, rel=1e-14)
        assert log_likelihood_value(POINT, some, of_some, nodes=16) == pytest.approx(
            value, rel=1e-15
        )
    reach = np.log1p((ordered.T - ordered.t_x) / scale_of_nodes(POINT, ordered))
    assert np.all(np.diff(enough_nodes(reach, 128)) >= 0)


def test_memory_for_the_total_does_not_grow_with_the_rows():
    def peak(count):
        none = np.empty((count, 0))
        x, t_x, T = (np.resize(column, count) for column in CUSTOMERS)
        rows = Histories(x, t_x, T, np.ones(count), none, none)
        scale = scale_of_nodes(POINT, rows)
        tracemalloc.start()
        log_likelihood_total(POINT, rows, scale, nodes=8)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest / count

    assert peak(80_000) < 0.7 * peak(40_000)

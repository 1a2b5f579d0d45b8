"""Equal histories become one row: against a count of tuples."""

from collections import Counter

import numpy as np
import pytest

from clv.numerics import bg_nbd_fit, nbd, pareto_nbd_fit
from clv.numerics.histories import distinct_histories

RNG = np.random.default_rng(4)
CUSTOMERS = 2000
X = RNG.integers(0, 4, CUSTOMERS).astype(float)
AGE = RNG.integers(0, 30, CUSTOMERS).astype(float)
LAST = np.floor(AGE * RNG.random(CUSTOMERS))
Z = RNG.integers(0, 3, (CUSTOMERS, 2)) - 1.5

CASES = {
    "whole days": (X, LAST, AGE, None, None),
    "weeks": (X, LAST / 7, AGE / 7, None, None),
    "moments": (X, AGE * RNG.random(CUSTOMERS), AGE, None, None),
    "covariates of both kinds": (X, LAST, AGE, Z, Z[:, :1]),
    "a covariate of dropout": (X, LAST, AGE, None, Z),
    "counts beyond one key": (1e15 * X, 1e5 * LAST, 1e5 * AGE, None, None),
    "counts beyond any integer": (1e30 * X, LAST, AGE, None, None),
    "one customer": (X[:1], LAST[:1], AGE[:1], None, None),
    "nobody": (X[:0], LAST[:0], AGE[:0], None, None),
}


@pytest.mark.parametrize("case", CASES)
def test_every_history_occurs_once_in_order_with_its_number_of_customers(case):
    x, t_x, T, purchase_z, dropout_z = CASES[case]
    none = np.empty((x.size, 0))
    wide = [none if z is None else z for z in (purchase_z, dropout_z)]
    expected = sorted(Counter(zip(x, t_x, T, *wide[0].T, *wide[1].T, strict=True)).items())
    rows = distinct_histories(x, t_x, T, purchase_z=purchase_z, dropout_z=dropout_z)
    found = zip(*rows[:3], *rows.purchase_z.T, *rows.dropout_z.T, strict=True)

    assert list(zip(found, rows.weights, strict=True)) == expected
    assert [z.shape[1] for z in rows[4:]] == [z.shape[1] for z in wide]


@pytest.mark.parametrize("fit", [pareto_nbd_fit.fit, bg_nbd_fit.fit, nbd.fit])
def test_a_fit_says_that_nobody_bought_again(fit):
    rows = distinct_histories([0, 0], [0.0, 0.0], [39.0, 30.0])

    with pytest.raises(ValueError, match="nobody bought again"):
        fit(rows)

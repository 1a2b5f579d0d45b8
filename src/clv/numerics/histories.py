"""Customers with the same history as one row with a weight: the likelihood is the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]


class Histories(NamedTuple):
    """Distinct histories and how many customers share each, all of shape ``(rows,)``.

    Covariates have shape ``(rows, k)``, ``k`` 0 where there are none.
    """

    x: Float
    t_x: Float
    T: Float
    weights: Float
    purchase_z: Float
    dropout_z: Float


def distinct_histories(
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    purchase_z: npt.ArrayLike | None = None,
    dropout_z: npt.ArrayLike | None = None,
) -> Histories:
    """Each different history once, with the number of customers who share it.

    Covariates are one column each, shape ``(n, k)``, and part of the history.
    """
    times = np.asarray([T, t_x, x], dtype=float)
    covariates = [
        np.empty((0, times.shape[1])) if z is None else np.asarray(z, dtype=float).T
        for z in (purchase_z, dropout_z)
    ]
    columns = np.vstack([*covariates, times])
    ordered = columns[:, np.lexsort(columns)]
    is_new = np.ones(ordered.shape[1], dtype=bool)
    is_new[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    first = np.flatnonzero(is_new)
    weights = np.diff(np.append(first, ordered.shape[1])).astype(float)
    z_count = len(covariates[0])
    age, last, count = ordered[-3:, first]
    return Histories(
        count, last, age, weights, ordered[:z_count, first].T, ordered[z_count:-3, first].T
    )

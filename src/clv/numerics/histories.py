"""Customers with the same history as one row with a weight: the likelihood is the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]


class Histories(NamedTuple):
    """Distinct histories and how many customers share each, all of shape ``(rows,)``."""

    x: Float
    t_x: Float
    T: Float
    weights: Float


def distinct_histories(x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> Histories:
    """Each different ``(x, t_x, T)`` once, with the number of customers who share it."""
    columns = np.asarray([T, t_x, x], dtype=float)
    ordered = columns[:, np.lexsort(columns)]
    is_new = np.ones(ordered.shape[1], dtype=bool)
    is_new[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    first = np.flatnonzero(is_new)
    weights = np.diff(np.append(first, ordered.shape[1])).astype(float)
    return Histories(ordered[2, first], ordered[1, first], ordered[0, first], weights)

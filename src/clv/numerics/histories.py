"""Customers with the same history as one row with a weight: the likelihood is the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clv.numerics.required import require_history

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


def require_repeats(rows: Histories) -> None:
    """Raises ValueError where nobody bought again: nothing then says how often customers buy."""
    if not rows.x.any():
        raise ValueError("nobody bought again, so nothing says how often customers buy")


def distinct_histories(
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    purchase_z: npt.ArrayLike | None = None,
    dropout_z: npt.ArrayLike | None = None,
) -> Histories:
    """Each different history once, with the number of customers who share it, in order.

    Covariates are one column each, shape ``(n, k)``, and part of the history.
    """
    require_history(x, t_x, T)
    times = [np.asarray(column, dtype=float) for column in (x, t_x, T)]
    purchase, dropout = (
        np.empty((times[0].size, 0)) if z is None else np.asarray(z, dtype=float)
        for z in (purchase_z, dropout_z)
    )
    columns = [*times, *purchase.T, *dropout.T]
    keys = [_narrow(column) for column in columns]
    order = np.lexsort(keys[::-1])
    is_new = np.arange(order.size) == 0
    for key in keys:
        ordered = key[order]
        is_new[1:] |= ordered[1:] != ordered[:-1]
    first = np.flatnonzero(is_new)
    weights = np.diff(first, append=order.size).astype(float)
    count, last, age, *z = (column[order[first]] for column in columns)
    by_row = np.array(z).reshape(len(z), weights.size).T
    k = purchase.shape[1]
    return Histories(count, last, age, weights, by_row[:, :k], by_row[:, k:])


def _narrow(column: Float) -> Float | npt.NDArray[np.uint16]:
    """Small whole numbers, as counts and days are, in two bytes: so narrow, sorted by radix."""
    lowest, highest = column.min(initial=0), column.max(initial=0)
    is_whole = lowest >= 0 and highest < 2**16 and np.array_equal(column, np.floor(column))
    return column.astype(np.uint16) if is_whole else column

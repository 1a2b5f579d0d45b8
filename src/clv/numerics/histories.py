"""Customers with the same history as one row with a weight: the likelihood is the same."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from clv.numerics.required import require_history

Float = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

MOST_KEYS = 2**63
"""Different histories one integer can stand for."""


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
    codings = [_Coding.of(column) for column in columns]
    fits = math.prod(coding.size for coding in codings) < MOST_KEYS
    columns, weights = _by_key(columns, codings) if fits else _by_row(columns)
    count, last, age, *z = columns
    by_row = np.array(z).reshape(len(z), weights.size).T
    k = purchase.shape[1]
    return Histories(count, last, age, weights, by_row[:, :k], by_row[:, k:])


class _Coding(NamedTuple):
    """A column as whole numbers below ``size``, in order: as it is, or by place in ``known``."""

    size: int
    known: Float | None

    @classmethod
    def of(cls, column: Float) -> Self:
        lowest, highest = column.min(initial=0), column.max(initial=0)
        if lowest >= 0 and highest < MOST_KEYS and np.array_equal(column, np.floor(column)):
            return cls(int(highest) + 1, None)
        known = np.unique(column)
        return cls(known.size, known)

    def encode(self, column: Float) -> Whole:
        if self.known is None:
            return column.astype(np.int64)
        return np.searchsorted(self.known, column)

    def decode(self, codes: Whole) -> Float:
        return codes.astype(float) if self.known is None else self.known[codes]


def _by_key(columns: list[Float], codings: list[_Coding]) -> tuple[list[Float], Float]:
    """The different rows and their number, by one key for each: whole numbers sort fast."""
    keys = np.zeros(columns[0].size, dtype=np.int64)
    for column, coding in zip(columns, codings, strict=True):
        keys *= coding.size
        keys += coding.encode(column)
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    weights = np.diff(first, append=keys.size).astype(float)
    keys = keys[first]
    distinct = []
    for coding in reversed(codings):
        keys, codes = np.divmod(keys, coding.size)
        distinct.append(coding.decode(codes))
    return distinct[::-1], weights


def _by_row(columns: list[Float]) -> tuple[list[Float], Float]:
    """The same for columns with too many values for one key."""
    ordered = np.array(columns)
    ordered = ordered[:, np.lexsort(ordered[::-1])]
    is_new = np.ones(ordered.shape[1], dtype=bool)
    is_new[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    first = np.flatnonzero(is_new)
    weights = np.diff(first, append=ordered.shape[1]).astype(float)
    return list(ordered[:, first]), weights

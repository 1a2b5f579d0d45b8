"""What no customer can have done is refused, with how often it occurs and the first of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]


def require_params(params: NamedTuple) -> None:
    """Raises ValueError where a shape or a rate is not positive, or ticks are not whole."""
    for name, value in params._asdict().items():
        if name in ("eta", "drops_at_once"):
            continue
        given = np.asarray(value, dtype=float)
        _require(f"{name} must be positive and finite", given, (given > 0) & (given < np.inf))
        if name == "k":
            require_counts(name, given)


def require_history(x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> None:
    """Raises ValueError where a count is no count, or a time is not one that was observed."""
    require_counts("x", x)
    last, age = np.asarray(t_x, dtype=float), np.asarray(T, dtype=float)
    is_seen = (last >= 0) & (last <= age) & (age < np.inf)
    _require("t_x must lie between 0 and a finite T", last, is_seen)


def require_counts(name: str, n: npt.ArrayLike) -> None:
    """Raises ValueError where a number of transactions is not a whole one."""
    count = np.asarray(n, dtype=float)
    is_count = (count >= 0) & (count < np.inf) & (np.floor(count) == count)
    _require(f"{name} must be a whole number of transactions", count, is_count)


def require_spend(x: npt.ArrayLike, mean: npt.ArrayLike) -> None:
    """Raises ValueError where nothing was bought, or its mean is no value of a purchase."""
    require_counts("x", x)
    count, value = np.asarray(x, dtype=float), np.asarray(mean, dtype=float)
    if count.shape != value.shape:
        raise ValueError(f"x has shape {count.shape}, but mean has shape {value.shape}")
    is_known = (count > 0) & (value > 0) & (value < np.inf)
    _require("each customer must have bought, at a finite mean > 0", value, is_known)


def require_horizon(t: Float, *, finite: bool = False) -> None:
    """Raises ValueError where ``t`` is no time ahead."""
    _require("the horizon t must be a number and not negative", t, t >= 0)
    if finite:
        _require("the horizon t must be finite", t, t < np.inf)


def require_discount(discount: float) -> None:
    """Raises ValueError where later would count more, or nobody knows how much."""
    if not 0 <= discount < np.inf:
        raise ValueError(f"the discount must be finite and not negative, but it is {discount:g}")


def _require(rule: str, values: Float, is_kept: npt.NDArray[np.bool_]) -> None:
    if not is_kept.all():
        broken = np.broadcast_to(values, is_kept.shape)[~is_kept]
        raise ValueError(
            f"{rule}, but {broken.size:,} of {is_kept.size:,} break that, first {broken[0]:g}"
        )

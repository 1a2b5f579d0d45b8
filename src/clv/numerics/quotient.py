"""Quotients that may have nothing to be divided by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def per(whole: npt.ArrayLike, parts: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """``whole / parts``, NaN where there are no parts."""
    empty = np.full(np.shape(whole), np.nan)
    return np.asarray(np.divide(whole, parts, out=empty, where=np.asarray(parts) > 0))

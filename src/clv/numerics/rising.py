"""Rising factorials in logs: Gamma(z + n) / Gamma(z), without the difference of two log-gammas.

Such a difference loses all digits once ``z`` is large, as it is wherever customers hardly
differ. Nothing here knows a model.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Float = npt.NDArray[np.float64]

LARGE = 100.0
"""Where Stirling's series, to its third term, is as good as a double."""


def rising_factorials(r: float, longest: int) -> tuple[Float, Float, Float]:
    """Logs of Gamma(r+x)/Gamma(r) for x = 0 to ``longest``, and its two derivatives in ``r``.

    As running sums, exact for any ``r`` > 0.
    """
    steps = r + np.arange(longest)
    terms = np.log(steps), 1 / steps, -1 / steps**2
    log_value, first, second = (np.concatenate([[0.0], np.cumsum(term)]) for term in terms)
    return log_value, first, second


def log_rising(z: npt.ArrayLike, n: npt.ArrayLike) -> Float:
    """Log of Gamma(z + n) / Gamma(z), elementwise, for any ``z`` > 0 and real ``n`` >= 0."""
    low, step = np.broadcast_arrays(np.asarray(z, dtype=float), np.asarray(n, dtype=float))
    is_large = low > LARGE
    plain = special.gammaln(low + step) - special.gammaln(low)
    # Both branches are computed; where z is small the series is not looked at.
    a = np.where(is_large, low, LARGE)
    b = a + step
    stirling = (a - 0.5) * np.log1p(step / a) + step * (np.log(b) - 1)
    for power, factor in ((1, 12), (3, -360), (5, 1260)):
        stirling += (b**-power - a**-power) / factor
    return np.asarray(np.where(is_large, stirling, plain))


def log_survival(a: npt.ArrayLike, b: npt.ArrayLike, n: npt.ArrayLike) -> Float:
    """Log of the mean of (1 - p)^n where p is Beta(a, b): log of B(a, b + n) / B(a, b).

    ``n`` is real and >= 0. ``a`` and ``n`` may change places, so the smaller one counts steps.
    """
    few, many = np.minimum(a, n), np.maximum(a, n)
    return np.asarray(log_rising(b, few) - log_rising(np.add(b, many), few))

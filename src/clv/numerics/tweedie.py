"""The Tweedie deviance of power 1.5, between the Poisson's (1) and the gamma's (2).

It suits money of which half is exactly nothing: what a miss costs grows with the forecast's own
size to the power 1.5, so a few large customers do not decide. Nothing here knows whose money.
"""

from __future__ import annotations

import numpy as np

from clv.numerics.quadrature import Float


def unit_deviance(actual: Float, predicted: Float) -> Float:
    """What each forecast costs, shape of the arguments, 0 when perfect; in roots of money.

    Args:
        actual: What happened; below 0 reads as 0.
        predicted: Means, > 0.

    Source:
        Jørgensen (1997), "The Theory of Dispersion Models"; at power 1.5 the unit deviance
        is the square below, which loses no digits near a perfect forecast.

    >>> unit_deviance(np.array([0.0, 4.0, 16.0]), np.array([4.0, 4.0, 4.0]))
    array([8., 0., 8.])
    """
    root = np.sqrt(predicted)
    return np.asarray(4.0 * (np.sqrt(np.maximum(actual, 0.0)) - root) ** 2 / root)

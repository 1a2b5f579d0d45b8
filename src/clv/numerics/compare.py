"""Which of two models explains the same customers better, for the parameters it takes.

Only log-likelihoods of the same histories, in the same unit of time, can be compared; and only
fits without a prior are at the maximum that the theory of these figures speaks of. The number
of observations is the number of customers, as in CLVTools: what differs at random between
them is what the models describe. Start reading at :func:`likelihood_ratio`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from clv.numerics.optimize import Optimum, precision_limit


class LikelihoodRatio(NamedTuple):
    """Twice the gain in log-likelihood, the parameters it took, and how often chance gives it.

    ``p`` is the probability of a ``statistic`` at least as large were the restricted model true.
    """

    statistic: float
    degrees: int
    p: float


def aic(log_likelihood: float, parameters: int) -> float:
    """Akaike's criterion; of two models the one with less is expected to forecast better.

    >>> round(aic(-5821.06269, 8), 4)
    11658.1254
    """
    return 2 * parameters - 2 * log_likelihood


def bic(log_likelihood: float, parameters: int, customers: int) -> float:
    """Schwarz's criterion: a parameter costs the more, the more customers there are.

    >>> round(bic(-5821.0627, 8, 600), 3)
    11693.301
    """
    return float(parameters * np.log(customers) - 2 * log_likelihood)


def likelihood_ratio(restricted: Optimum, full: Optimum) -> LikelihoodRatio:
    """Whether ``full`` explains more than chance would let its further parameters explain.

    Args:
        restricted: A fit of ``full`` with some coefficients held at 0, or at each other.
        full: A fit of the same customers. Neither has a prior.

    Raises:
        ValueError: either is not at its maximum, ``full`` has no more parameters than
            ``restricted``, or explains less, which no model does that holds the other.

    Source:
        Wilks (1938), "The Large-Sample Distribution of the Likelihood Ratio".
    """
    for name, found in (("restricted", restricted), ("full", full)):
        if not found.status.converged:
            raise ValueError(
                f"the {name} model is not at its maximum, its search ended as "
                f"{found.status.value}. {found.status.advice}"
            )
    degrees = len(full.parameters) - len(restricted.parameters)
    if degrees <= 0:
        raise ValueError(
            f"the full model has {len(full.parameters)} parameters and the restricted one "
            f"{len(restricted.parameters)}, but it must have more. Are the two swapped?"
        )
    gain = full.log_likelihood - restricted.log_likelihood
    # Either search may have left as much below its maximum.
    if gain < -10 * precision_limit(full.log_likelihood):
        raise ValueError(
            f"the restricted model explains more than the full one: log-likelihood "
            f"{restricted.log_likelihood:.6f} against {full.log_likelihood:.6f}. Fit both to "
            "the same customers, without a prior, the restricted one a case of the full one."
        )
    statistic = max(2 * gain, 0.0)
    return LikelihoodRatio(statistic, degrees, float(special.chdtrc(degrees, statistic)))

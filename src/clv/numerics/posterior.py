"""Parameters that the data leave possible: draws from the posterior around its mode.

Close to a well-determined mode a posterior is a bell, so draws from a bell with the mode's own
curvature, a little heavier in the tails, need only be weighted by how far the two differ. The
largest of these importance ratios say how well that works: their tail is fitted by a
generalized Pareto, and its shape ``k`` tells whether the weights can be trusted at all. Where
they cannot, as where dropout is hardly identified, a Metropolis sampler goes on from there.

A *point* is what :func:`clv.numerics.optimize.maximize` searches over: logs of positive
parameters, coefficients as they are. The same seed gives the same draws. Nothing here knows a
model. Start reading at :func:`draw`.

Sources: Vehtari, Simpson, Gelman, Yao & Gabry (2024), "Pareto Smoothed Importance Sampling";
Zhang & Stephens (2009), "A New and Efficient Estimation Method for the Generalized Pareto
Distribution"; Haario, Saksman & Tamminen (2001), "An Adaptive Metropolis Algorithm".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from clv.numerics.optimize import Float

PROPOSALS_PER_DRAW = 3

WORST_K = 0.7
"""Above it no number of proposals makes importance weights reliable, and a small number already
from ``1 - 1 / log10(proposals)`` (Vehtari et al.)."""

WIDEST = 3.0
"""Standard deviation, in logs, of a bell around the mode that every draw is held by: a factor of
20 either way. It moves nothing that the data determine, and keeps a flat ridge, where all points
forecast alike, from having no posterior at all."""

TAILS = 5.0
"""Degrees of freedom of the proposals: tails heavy enough for a posterior that is skewed."""


class ParameterDraws(NamedTuple):
    """Equally likely points, shape ``(draws, p)``, and how they were found.

    ``pareto_k`` is that of the importance ratios, also where the sampler replaced them.
    """

    points: Float
    pareto_k: float
    sampled: bool


LogDensity = Callable[[Float], float]

WIDER = 1.5
"""How much wider than the points found before: they may have missed the ends of a banana."""

ROUNDS = 3
"""The first looks where the posterior lies; the others propose from there while k is too high."""


def draw(
    log_posterior: LogDensity,
    mode: Float,
    hessian: Float,
    *,
    count: int,
    seed: int,
    steps: int = 8000,
) -> ParameterDraws:
    """Points from the posterior.

    Args:
        log_posterior: Its log density but for a constant, prior included; may be minus infinity.
        mode: Where it is largest, shape ``(p,)``.
        hessian: Of ``log_posterior`` at the mode, shape ``(p, p)``.
        count: Draws wanted.
        seed: Of the random numbers.
        steps: Evaluations of the sampler, where it is needed; half of them find the way.
    """
    rng = np.random.default_rng(seed)

    def density(point: Float) -> float:
        return log_posterior(point) - float((point - mode) @ (point - mode)) / (2 * WIDEST**2)

    center, root = mode, _root_of_inverse(-hessian)
    worst_k = min(WORST_K, 1 - 1 / np.log10(PROPOSALS_PER_DRAW * count))
    for turn in range(ROUNDS):
        proposed = count * (PROPOSALS_PER_DRAW if turn else 1)
        points, log_proposed = _proposals(center, root, proposed, rng)
        log_ratios = np.array([density(point) for point in points]) - log_proposed
        weights, k = smoothed(np.exp(log_ratios - log_ratios.max()))
        if turn > 0 and k <= worst_k:
            break
        # A skewed posterior has its mean off its mode, and is wider than its peak is curved.
        center = weights @ points / weights.sum()
        root = WIDER * _root(np.cov(points.T, aweights=weights))
    chosen = points[_systematic(weights, count, rng)]
    if k <= worst_k:
        return ParameterDraws(chosen, k, sampled=False)
    walk = _metropolis(density, chosen[0], root, steps, rng)
    kept = np.linspace(0, len(walk) - 1, count).astype(int)
    return ParameterDraws(walk[kept], k, sampled=True)


def _proposals(
    center: Float, root: Float, count: int, rng: np.random.Generator
) -> tuple[Float, Float]:
    """Points of a multivariate t, and their log density but for a constant."""
    size = center.size
    bell = rng.standard_normal((count, size))
    bell /= np.sqrt(rng.chisquare(TAILS, (count, 1)) / TAILS)
    log_density = -(TAILS + size) / 2 * np.log1p((bell**2).sum(axis=1) / TAILS)
    return center + bell @ root.T, log_density


def _root_of_inverse(curvature: Float) -> Float:
    """A root of the inverse, no wider than the bell that holds the draws."""
    values, directions = np.linalg.eigh(curvature)
    return np.asarray(directions / np.sqrt(np.maximum(values, 0) + WIDEST**-2))


def _root(covariance: Float) -> Float:
    """A root of a covariance that may have lost a dimension to rounding or to few points."""
    values, directions = np.linalg.eigh(covariance)
    return np.asarray(directions * np.sqrt(np.maximum(values, 1e-6 * values[-1])))


def _systematic(weights: Float, count: int, rng: np.random.Generator) -> Float:
    """Places drawn in proportion to the weights, as evenly as that can be, in random order."""
    marks = (np.arange(count) + rng.random()) / count
    places = np.searchsorted(np.cumsum(weights) / weights.sum(), marks)
    return rng.permutation(np.minimum(places, weights.size - 1))


def smoothed(ratios: Float) -> tuple[Float, float]:
    """Importance ratios with their largest smoothed, shape ``(n,)``, and the Pareto k.

    The largest are replaced by the expected order statistics of the generalized Pareto
    distribution fitted to them, none above the largest ratio that was seen.
    """
    tail = int(min(0.2 * ratios.size, 3 * np.sqrt(ratios.size)))
    order = np.argsort(ratios)
    largest = order[-tail:]
    cutoff = ratios[order[-tail - 1]]
    exceedances = ratios[largest] - cutoff
    if exceedances[-1] <= 0:
        return ratios, 0.0  # all of them alike: nothing to smooth
    if exceedances[0] <= 0:
        return ratios, np.inf  # a few are everything
    k, scale = generalized_pareto(exceedances)
    quantiles = (np.arange(tail) + 0.5) / tail
    expected = -scale * np.log1p(-quantiles)
    if abs(k) > 1e-9:
        expected = scale * np.expm1(-k * np.log1p(-quantiles)) / k
    weights = ratios.copy()
    weights[largest] = np.minimum(cutoff + expected, ratios[order[-1]])
    return weights, k


def generalized_pareto(exceedances: Float) -> tuple[float, float]:
    """Shape ``k`` and scale of a generalized Pareto, for values in ascending order, > 0.

    Zhang & Stephens' posterior mean, which has no iterations to fail, with ``k`` drawn to 0.5
    by the weight of ten values as Vehtari et al. do.
    """
    n = exceedances.size
    grid = 30 + int(np.sqrt(n))
    quartile = exceedances[max(int(n / 4 + 0.5) - 1, 0)]
    b = 1 / exceedances[-1] + (1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3 * quartile)
    shapes = np.log1p(-b[:, None] * exceedances).mean(axis=1)
    log_profile = n * (np.log(-b / shapes) - shapes - 1)
    weights = np.exp(log_profile - log_profile.max())
    best = float(b @ weights / weights.sum())
    k = float(np.log1p(-best * exceedances).mean())
    return (n * k + 5) / (n + 10), -k / best


def _metropolis(
    density: LogDensity, start: Float, root: Float, steps: int, rng: np.random.Generator
) -> Float:
    """The second half of a walk that learned its stride in the first, ``(steps / 2, p)``."""
    stride = 2.38 / np.sqrt(start.size)
    point, height = start, density(start)
    walk = np.empty((steps, start.size))
    for step in range(steps):
        if step in (steps // 8, steps // 4, steps // 2):
            root = _root(np.cov(walk[step // 2 : step].T))
        # Strides of every length down to a tenth: a banana's ends are narrower than its middle.
        length = stride * 10 ** -rng.random()
        proposal = point + length * (root @ rng.standard_normal(start.size))
        proposed = density(proposal)
        if np.log(rng.random()) < proposed - height:
            point, height = proposal, proposed
        walk[step] = point
    return walk[steps // 2 :]

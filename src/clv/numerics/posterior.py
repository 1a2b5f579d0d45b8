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
Distribution"; Haario, Saksman & Tamminen (2001), "An Adaptive Metropolis Algorithm"; Vehtari,
Gelman, Simpson, Carpenter & Bürkner (2021), "Rank-Normalization, Folding, and Localization".
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from clv.numerics.histories import Histories
from clv.numerics.optimize import Float, LogPrior

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

    ``pareto_k`` is that of the importance ratios, also where walks replaced them. How far
    ``apart`` the walks ended is the largest R-hat of a coordinate, 1 where they agree.
    """

    points: Float
    pareto_k: float
    apart: float | None = None

    @property
    def sampled(self) -> bool:
        return self.apart is not None


LogDensity = Callable[[Float], float]

WALKS = 4
AGREEING = 1.05
"""R-hat from which walks are taken to have forgotten where they began."""
LONGER = 1
"""How often walks that do not agree yet go on, each time twice as far."""

ENOUGH_ROWS = 4000
"""Distinct histories whose part in a posterior's skew stands for that of many more."""

WIDER = 5.0
"""How much more room than the points found before: they may have missed the ends of a banana.
In four dimensions that is half as wide again, in more of them less, or few would hit."""

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
    # Of many parameters a covariance takes more points, or its bell is flat where none fell.
    at_first = max((mode.size - 8) // 4, 1)
    for turn in range(ROUNDS):
        proposed = count * (PROPOSALS_PER_DRAW if turn else at_first)
        points, log_proposed = _proposals(center, root, proposed, rng)
        log_ratios = np.array([density(point) for point in points]) - log_proposed
        weights, k = smoothed(np.exp(log_ratios - log_ratios.max()))
        if turn > 0 and k <= worst_k:
            break
        # A skewed posterior has its mean off its mode, and is wider than its peak is curved.
        center = weights @ points / weights.sum()
        root = WIDER ** (1 / mode.size) * _root(np.cov(points.T, aweights=weights))
    chosen = points[_systematic(weights, count, rng)]
    if k <= worst_k:
        return ParameterDraws(chosen, k)
    walks, apart = _walks(density, chosen[:WALKS], root, steps // WALKS, rng)
    every = walks.reshape(-1, mode.size)
    kept = np.linspace(0, len(every) - 1, count).astype(int)
    return ParameterDraws(every[kept], k, apart)


def draw_of_rows(
    total: Callable[[Float, Histories], tuple[float, Float, Float]],
    rows: Histories,
    mode: Float,
    prior: LogPrior | None,
    *,
    value_of: Callable[[Histories], LogDensity] | None = None,
    count: int,
    seed: int,
) -> ParameterDraws:
    """The same where the density is that of many histories.

    All of them say how the log-likelihood is curved at the mode. How it departs from that bell
    is looked at in a fair sample of the rows, so that a shop of millions takes no longer.

    Args:
        total: Log-likelihood of rows with gradient and Hessian.
        rows: Distinct histories, in order.
        mode: Where the posterior is largest.
        prior: That of the fit, if it had one.
        value_of: Of rows their log-likelihood alone as a function of the point, where there is a
            quicker way to it than ``total``.
        count, seed: As in :func:`draw`.
    """
    _, gradient, hessian = total(mode, rows)
    every = max(rows.x.size // ENOUGH_ROWS, 1)
    sample = Histories(*(column[::every] for column in rows))
    sampled = value_of(sample) if value_of else lambda point: total(point, sample)[0]
    share, at_mode = float(rows.weights.sum() / sample.weights.sum()), sampled(mode)
    if every > 1:
        _, own_gradient, own_hessian = total(mode, sample)
        slope, bend = gradient - share * own_gradient, hessian - share * own_hessian
    else:
        slope, bend = np.zeros_like(gradient), np.zeros_like(hessian)

    def log_posterior(point: Float) -> float:
        step = point - mode
        value = share * (sampled(point) - at_mode) + float(slope @ step + step @ bend @ step / 2)
        if prior is not None:
            value -= float(prior.precision @ (point - prior.mean) ** 2) / 2
        return value if np.isfinite(value) else -np.inf

    if prior is not None:
        hessian = hessian - np.diag(prior.precision)
    return draw(log_posterior, mode, hessian, count=count, seed=seed)


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
    """The symmetric root of the inverse, no wider than the bell that holds the draws.

    Symmetric, because the signs of ``eigh``'s directions, which no other root is without, hang on
    the last bit and on the processor.
    """
    values, directions = np.linalg.eigh(curvature)
    return np.asarray(directions / np.sqrt(np.maximum(values, 0) + WIDEST**-2) @ directions.T)


def _root(covariance: Float) -> Float:
    """The same of a covariance that may have lost a dimension to rounding or to few points."""
    values, directions = np.linalg.eigh(covariance)
    return np.asarray(directions * np.sqrt(np.maximum(values, 1e-6 * values[-1])) @ directions.T)


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


def _walks(
    density: LogDensity, starts: Float, root: Float, steps: int, rng: np.random.Generator
) -> tuple[Float, float]:
    """Walks from several points until they agree, ``(walks, steps, p)``, and their R-hat."""
    own = rng.spawn(len(starts))
    for further in range(LONGER + 1):
        walk = functools.partial(_metropolis, density, root=root, steps=steps)
        walks = np.stack([*map(walk, starts, own)])
        apart = r_hat(walks)
        if apart < AGREEING or further == LONGER:
            break
        starts, steps = walks[:, -1], 2 * steps
        root = _root(np.cov(walks.reshape(-1, walks.shape[2]).T))
    return walks, apart


def r_hat(walks: Float) -> float:
    """How much wider all walks together are than their halves, the largest of a coordinate.

    Args:
        walks: Shape ``(walks, steps, p)``.
    """
    half = walks.shape[1] // 2
    halves = np.concatenate([walks[:, :half], walks[:, half : 2 * half]])
    within = halves.var(axis=1, ddof=1).mean(axis=0)
    between = halves.mean(axis=1).var(axis=0, ddof=1)
    return float(np.sqrt((half - 1) / half + between / np.maximum(within, 1e-300)).max())


def _metropolis(
    density: LogDensity, start: Float, rng: np.random.Generator, *, root: Float, steps: int
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

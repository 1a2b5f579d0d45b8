"""The maximum of a log-likelihood, and in words how the search for it ended.

Parameters are positive, so the search runs over their logs, by SciPy's trust-region Newton
with exact derivatives. It ends when the gain that is left, as Newton's quadratic predicts
it, is below what floating point can tell apart. How it ended is a value, :class:`Status`;
whoever asked decides whether that is good enough.

Nothing here knows a model. Start reading at :func:`maximize`.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize

Float = npt.NDArray[np.float64]

VAGUE = 3.0
"""Standard error of a log parameter (a factor of 20) from which data say nothing about it."""

LONGEST_STEP = 3.0
FARTHEST = 40.0
"""Distance in logs from the start, a factor of 1e17, where a search that climbs a flat ridge
towards infinity ends: what is left to gain has fallen by the same factor."""
RIDGE_SLOPE = 1e-2
"""Log-likelihood per log unit below which such a ridge counts as flat."""
PRECISE_SLOPE = 1e-8
"""Slope as a share of the log-likelihood that rounding alone can leave at an optimum."""

NEGLIGIBLE = 1e-4
"""Share of the precision of a log-likelihood below which another step moves no digit that
counts: a parameter would move by a millionth of its standard error."""

PRIOR_SHARE = 0.2
"""Share of all information in some direction from which the prior is said to govern."""


class Status(enum.Enum):
    """How a fit ended; the value is the name used in files, ``advice`` what to do."""

    OPTIMUM = "optimum"
    PRIOR_GOVERNED = "prior_governed"
    NOT_IDENTIFIED = "not_identified"
    INFINITE_MEAN = "infinite_mean"
    STOPPED_EARLY = "stopped_early"
    NOT_FINITE = "not_finite"
    TOO_FEW_NODES = "too_few_nodes"

    @property
    def advice(self) -> str:
        return _ADVICE[self]

    @property
    def converged(self) -> bool:
        """Whether the parameters are the best there are, however well the data fix each."""
        return self in _CONVERGED


_CONVERGED = {
    Status.OPTIMUM,
    Status.PRIOR_GOVERNED,
    Status.NOT_IDENTIFIED,
    Status.INFINITE_MEAN,
}

_ADVICE = {
    Status.OPTIMUM: "The log-likelihood has one well-determined maximum here.",
    Status.PRIOR_GOVERNED: (
        "The data say little about some parameter and the weak prior decides it. Forecasts "
        "within the span of the log can be used; do not read meaning into single parameters."
    ),
    Status.NOT_IDENTIFIED: (
        "The log-likelihood is flat in some direction, so some parameters are known only in "
        "combination: customers differ too little in that respect, or the log is too short. "
        "Forecasts can be used; do not read meaning into single parameters."
    ),
    Status.INFINITE_MEAN: (
        "A few customers spend so much that the population mean is infinite (q <= 1). "
        "Customers whose own mean is infinite too are given the median; look for wholesale "
        "accounts or wrong amounts among the largest values and fit those apart."
    ),
    Status.STOPPED_EARLY: (
        "The search ran out of evaluations before a maximum. Check the data for customers "
        "unlike all others, or fit with the prior."
    ),
    Status.NOT_FINITE: (
        "The log-likelihood stopped being a number. Look for values that are not finite, "
        "negative or absurdly large."
    ),
    Status.TOO_FEW_NODES: (
        "The integral over the dropout time is still not resolved with the most nodes allowed. "
        "Report it with the summary that caused it."
    ),
}


class LogPrior(NamedTuple):
    """Independent normal priors on log parameters; precision 0 leaves a parameter free."""

    mean: Float
    precision: Float


@dataclasses.dataclass(frozen=True)
class Optimum:
    """Where a search ended, on the natural scale of the parameters.

    ``log_likelihood`` leaves a prior out. ``covariance`` is symmetric, from the curvature at
    the optimum (prior included) by the delta method, and None where it is not identified.
    ``gradient_norm`` is with respect to log parameters.
    """

    parameters: tuple[float, ...]
    log_likelihood: float
    status: Status
    covariance: tuple[tuple[float, ...], ...] | None
    gradient_norm: float
    evaluations: int

    @property
    def standard_errors(self) -> tuple[float, ...] | None:
        if self.covariance is None:
            return None
        return tuple(float(v) for v in np.sqrt(np.diag(self.covariance)))


Objective = Callable[[Float], tuple[float, Float, Float]]
"""Log parameters to the log-likelihood, its gradient and its Hessian in log parameters."""


def precision_limit(log_likelihood: float) -> float:
    """Differences in log-likelihood below this are noise: 1e-9, plus 1e-13 of its size.

    The relative part is the rounding of a sum over many customers; it takes over from the
    absolute part at a log-likelihood of 10,000.
    """
    return 1e-9 + 1e-13 * abs(log_likelihood)


class _Surface:
    """The objective with its prior, turned upside down for a minimizer; remembers its points."""

    def __init__(self, objective: Objective, positive: int, prior: LogPrior | None) -> None:
        self._objective, self.positive, self.prior = objective, positive, prior
        self._seen: dict[bytes, tuple[float, Float, Float]] = {}

    @property
    def evaluations(self) -> int:
        return len(self._seen)

    def at(self, point: Float) -> tuple[float, Float, Float]:
        key = point.tobytes()
        if key not in self._seen:
            value, gradient, hessian = self._objective(point)
            if self.prior is not None:
                distance = point - self.prior.mean
                pull = self.prior.precision * distance
                value -= float(pull @ distance) / 2
                gradient = gradient - pull
                hessian = hessian - np.diag(self.prior.precision)
            seen = -value, -gradient, -hessian
            if not all(np.isfinite(part).all() for part in seen):
                # Infinitely bad: the search steps back instead of computing with NaN.
                seen = np.inf, np.zeros_like(point), np.eye(point.size)
            self._seen[key] = seen
        return self._seen[key]

    def value(self, point: Float) -> float:
        return self.at(point)[0]

    def gradient(self, point: Float) -> Float:
        return self.at(point)[1]

    def hessian(self, point: Float) -> Float:
        return self.at(point)[2]

    def step(self, point: Float) -> tuple[Float, float]:
        """Newton's full step and the gain it promises; infinite where the surface bends up."""
        value, gradient, hessian = self.at(point)
        curvature, directions = np.linalg.eigh(hessian)
        slopes = directions.T @ gradient
        least = precision_limit(value)
        if np.isinf(value) or curvature[0] < -least:
            return np.zeros_like(point), np.inf
        lengths = slopes / np.maximum(curvature, least)
        return -directions @ lengths, float(slopes @ lengths) / 2


def maximize(
    objective: Objective,
    start: Float,
    *,
    prior: LogPrior | None = None,
    coefficients: int = 0,
    max_evaluations: int = 200,
) -> Optimum:
    """The maximum of ``objective`` (plus ``prior``), searched from ``start``.

    Args:
        objective: Function of log parameters, see ``Objective``.
        start: Where to begin, as log parameters, shape ``(k,)``.
        prior: Normal prior on the log parameters and coefficients, if any.
        coefficients: How many of the last parameters may have either sign and so stand for
            themselves, not for their logs.
        max_evaluations: Calls after which the search gives up as ``STOPPED_EARLY``.

    Returns:
        Always an :class:`Optimum`, also for a search that failed: read its ``status``.
    """
    surface = _Surface(objective, start.size - coefficients, prior)
    if np.isinf(surface.value(start)):
        return _optimum(surface, start, start)

    def stop_when_nothing_is_left(xk: Float) -> None:
        _, gain = surface.step(xk)
        is_far = np.abs(xk - start).max() > FARTHEST
        if is_far or gain < precision_limit(surface.at(xk)[0]):
            raise StopIteration

    point, limit = start, precision_limit(surface.at(start)[0])
    if not surface.step(start)[1] < limit:
        found = optimize.minimize(
            surface.value,
            start,
            jac=surface.gradient,
            hess=surface.hessian,
            method="trust-exact",
            callback=stop_when_nothing_is_left,
            options={
                "gtol": 0.0,
                "maxiter": max_evaluations,
                "max_trust_radius": LONGEST_STEP,
            },
        )
        point = np.asarray(found.x)
    step, gain = surface.step(point)
    if NEGLIGIBLE * limit < gain < limit:
        # So close, differences of the objective are mostly rounding, but its derivatives are
        # not: one step more, unguarded, doubles the digits of the parameters.
        finer = point + step
        if surface.step(finer)[1] <= gain:
            point = finer
    return _optimum(surface, point, start)


def _optimum(surface: _Surface, point: Float, start: Float) -> Optimum:
    negative, gradient, hessian = surface.at(point)
    _, gain = surface.step(point)
    norm = float(np.linalg.norm(gradient))
    penalty, prior = 0.0, surface.prior
    if prior is not None:
        penalty = float(prior.precision @ (point - prior.mean) ** 2) / 2
    parameters, scale = point.copy(), np.ones_like(point)
    parameters[: surface.positive] = np.exp(point[: surface.positive])
    scale[: surface.positive] = parameters[: surface.positive]
    status, covariance = Status.STOPPED_EARLY, None
    if np.isinf(negative):
        status = Status.NOT_FINITE
    elif gain < 10 * precision_limit(negative) or norm < PRECISE_SLOPE * abs(negative):
        status = _how_well_determined(hessian, prior)
        if status is not Status.NOT_IDENTIFIED:
            covariance = _covariance(hessian, scale)
    elif np.abs(point - start).max() > FARTHEST and norm < RIDGE_SLOPE:
        status = Status.NOT_IDENTIFIED
    return Optimum(
        parameters=tuple(float(v) for v in parameters),
        log_likelihood=float(penalty - negative),
        status=status,
        covariance=covariance,
        gradient_norm=norm,
        evaluations=surface.evaluations,
    )


def _how_well_determined(hessian: Float, prior: LogPrior | None) -> Status:
    curvature, directions = np.linalg.eigh(hessian)
    precision = np.zeros_like(hessian) if prior is None else np.diag(prior.precision)
    rounding = 1e-13 * curvature[-1]
    for bend, direction in zip(curvature, directions.T, strict=True):
        if bend < VAGUE**-2 and direction @ precision @ direction <= max(bend, rounding) / 2:
            return Status.NOT_IDENTIFIED
    whiten = directions / np.sqrt(np.maximum(curvature, VAGUE**-2 / 1e3))
    share = np.linalg.eigvalsh(whiten.T @ precision @ whiten)[-1]
    return Status.PRIOR_GOVERNED if share > PRIOR_SHARE else Status.OPTIMUM


def _covariance(hessian: Float, scale: Float) -> tuple[tuple[float, ...], ...]:
    """Delta method: the inverse curvature, scaled on both sides by what a log step moves."""
    curvature, directions = np.linalg.eigh(hessian)
    scaled = scale[:, None] * directions / np.sqrt(curvature)
    covariance = scaled @ scaled.T
    symmetric = (covariance + covariance.T) / 2
    return tuple(tuple(float(v) for v in row) for row in symmetric)

"""How good a forecast was, as functions of arrays: one number per customer in, one number out.

A customer's forecast is a mean (to add up) and a median (for the one customer). MAE and
WAPE judge the median, everything else the mean; a baseline passes its one number for both.
Outcomes may be negative (more came back than was bought): error, bias and captured value
take them as they are, the deviance, the log error and Gini read them as 0.

A metric whose denominator is not positive does not exist and is NaN, never a warning:
bias and top shares without a positive total, WAPE without any movement, Gini without
differences among outcomes, Spearman where either side is constant, everything without
customers. Constant forecasts are ordinary for the others: their Gini is 0 and their top
10 % hold 10 %, what picking at random would give.

Six metrics are ratios of sums over customers and take ``counts``, how often each customer
was drawn, which makes the bootstrap the same formulas once more. Start reading at
:func:`score`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from clv.numerics.tweedie import unit_deviance

FloatArray = npt.NDArray[np.float64]

RATIO_METRICS = ("bias", "mae", "wape", "rmse", "tweedie", "msle")
RANK_METRICS = ("spearman", "gini", "top10", "top20")

COUNTS_PER_BLOCK = 2_000_000  # 16 MB of float64: the bootstrap's memory, however many customers


def score(
    actual: FloatArray, mean: FloatArray, median: FloatArray, *, floor: float
) -> dict[str, float]:
    """Every point metric of one forecast, by its name in ``reports/backtest.json``.

    Args:
        actual: What happened, shape ``(n,)``; may be negative.
        mean: Expected values, shape ``(n,)``.
        median: Medians, shape ``(n,)``; a baseline repeats ``mean``.
        floor: What the deviance raises smaller means to, see :func:`tweedie`.

    Returns:
        The names in ``RATIO_METRICS``, then those in ``RANK_METRICS``; NaN where undefined.

    Raises:
        ValueError: the arrays differ in shape, or hold NaN or infinity.
    """
    _require_comparable(actual=actual, mean=mean, median=median)
    ratios = _ratio_metrics(actual, mean, median, floor=floor)
    return {name: float(value) for name, value in ratios.items()} | {
        "spearman": spearman(actual, mean),
        "gini": gini(actual, mean),
        "top10": top_share(actual, mean, 0.1),
        "top20": top_share(actual, mean, 0.2),
    }


def bias(
    actual: FloatArray, predicted: FloatArray, *, counts: FloatArray | None = None
) -> FloatArray:
    """Sum predicted over sum actual, less 1: +0.1 is a total forecast 10 % too high.

    Args:
        actual: Outcomes, shape ``(n,)``.
        predicted: Forecasts, shape ``(n,)``.
        counts: How often each customer counts, shape ``(n,)`` or ``(draws, n)``; once each
            when left out.

    Returns:
        Shape ``()``, or ``(draws,)``; NaN where the actual total is not positive.
    """
    return _ratio(predicted, actual, counts) - 1.0


def mae(
    actual: FloatArray, predicted: FloatArray, *, counts: FloatArray | None = None
) -> FloatArray:
    """Mean absolute error per customer; arguments and shapes as in :func:`bias`."""
    return _average(np.abs(predicted - actual), counts)


def wape(
    actual: FloatArray, predicted: FloatArray, *, counts: FloatArray | None = None
) -> FloatArray:
    """Sum of absolute errors over the sum of absolute outcomes; as in :func:`bias`."""
    return _ratio(np.abs(predicted - actual), np.abs(actual), counts)


def rmse(
    actual: FloatArray, predicted: FloatArray, *, counts: FloatArray | None = None
) -> FloatArray:
    """Root of the mean squared error; arguments and shapes as in :func:`bias`."""
    return np.sqrt(_average((predicted - actual) ** 2, counts))


def tweedie(
    actual: FloatArray,
    predicted: FloatArray,
    *,
    floor: float,
    counts: FloatArray | None = None,
) -> FloatArray:
    """Mean Tweedie deviance of power 1.5, in roots of money; otherwise as in :func:`bias`.

    Outcomes below 0 count as 0. A forecast of 0 would cost infinitely much where something
    was bought, so forecasts are raised to ``floor``: the same for every model, 1e-3 of the
    pooled mean outcome. NaN when the floor is not positive.
    """
    if not floor > 0:
        return _average(np.full(actual.shape, np.nan), counts)
    return _average(unit_deviance(actual, np.maximum(predicted, floor)), counts)


def msle(
    actual: FloatArray, predicted: FloatArray, *, counts: FloatArray | None = None
) -> FloatArray:
    """Mean squared error of log(1 + value), values below 0 read as 0; as in :func:`bias`."""
    logs = np.log1p(np.maximum(predicted, 0.0)) - np.log1p(np.maximum(actual, 0.0))
    return _average(logs**2, counts)


def spearman(actual: FloatArray, predicted: FloatArray) -> float:
    """Correlation of ranks, ties sharing their mean rank; NaN where either side is constant."""
    a, b = _centered_ranks(actual), _centered_ranks(predicted)
    return float(_divide(a @ b, np.sqrt((a @ a) * (b @ b))))


def gini(actual: FloatArray, predicted: FloatArray) -> float:
    """Normalized Gini: 1 orders customers as the outcomes do, 0 is an order at random.

    The area between the diagonal and the curve of value captured by the best customers first,
    over the same area in the true order. Outcomes below 0 count as 0. The area is linear in
    a customer's rank, so mean ranks give exactly the average over all orders of tied forecasts.
    """
    value = np.maximum(actual, 0.0)
    return float(_divide(value @ _centered_ranks(predicted), value @ _centered_ranks(value)))


def top_share(actual: FloatArray, predicted: FloatArray, share: float) -> float:
    """Share of the actual total captured by the ``share`` of customers forecast highest.

    Their number is rounded to the nearest whole customer, half upward, and is at least one.
    Where forecasts tie at the edge, the places left go to the tied customers at random: the
    answer is the expectation. It may exceed 1, when the others sent back more than they bought.
    """
    if not actual.size:
        return float("nan")
    chosen = max(1, int(share * actual.size + 0.5))
    edge = np.partition(predicted, -chosen)[-chosen]
    above = predicted > edge
    places_left = chosen - np.count_nonzero(above)
    captured = actual[above].sum() + places_left * actual[predicted == edge].mean()
    return float(_divide(captured, actual.sum()))


def resampled_counts(customers: int, *, draws: int = 200, seed: int) -> Iterator[FloatArray]:
    """How often each of ``customers`` (at least one) is drawn, as many times with replacement.

    The seed alone decides, so whatever is computed from the same seed over the same customers
    is resampled jointly: several models, or, with ``block[:, rows]`` of each block, several
    cuts that see different parts of the same customers.

    Yields:
        Blocks of draws, shape ``(rows, customers)``, ``draws`` rows in all, at most
        ``COUNTS_PER_BLOCK`` numbers at a time (or one row).
    """
    rng = np.random.default_rng(seed)
    rows = max(1, COUNTS_PER_BLOCK // customers)
    for start in range(0, draws, rows):
        block = np.empty((min(rows, draws - start), customers))
        for row in block:
            row[:] = np.bincount(rng.integers(customers, size=customers), minlength=customers)
        yield block


def resampled_metrics(
    counts: Iterable[FloatArray],
    actual: FloatArray,
    mean: FloatArray,
    median: FloatArray,
    *,
    floor: float,
) -> dict[str, FloatArray]:
    """The ratio metrics of every draw, each shape ``(draws,)``; NaN in draws without one.

    Args:
        counts: Blocks of shape ``(rows, n)``, from :func:`resampled_counts`.
        actual: As in :func:`score`, and so are the others.

    Raises:
        ValueError: as in :func:`score`.
    """
    _require_comparable(actual=actual, mean=mean, median=median)
    blocks = [_ratio_metrics(actual, mean, median, floor=floor, counts=block) for block in counts]
    return {name: np.concatenate([block[name] for block in blocks]) for name in RATIO_METRICS}


def bootstrap_intervals(
    actual: FloatArray,
    mean: FloatArray,
    median: FloatArray,
    *,
    floor: float,
    seed: int,
    level: float = 0.8,
    draws: int = 200,
) -> dict[str, tuple[float, float] | None]:
    """How far each metric would move with other customers: lower and upper end at ``level``.

    The quantiles of the metric over resampled customers. None for the rank metrics, which
    are not resampled; with fewer than two customers, which say nothing about others; and
    where a draw leaves the metric undefined. Arguments and errors as in :func:`score`.
    """
    _require_comparable(actual=actual, mean=mean, median=median)
    intervals: dict[str, tuple[float, float] | None]
    intervals = dict.fromkeys((*RATIO_METRICS, *RANK_METRICS))
    if actual.size < 2:
        return intervals
    counts = resampled_counts(actual.size, draws=draws, seed=seed)
    for name, values in resampled_metrics(counts, actual, mean, median, floor=floor).items():
        if not np.isnan(values).any():
            lower, upper = np.quantile(values, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
            intervals[name] = (float(lower), float(upper))
    return intervals


def _ratio_metrics(
    actual: FloatArray,
    mean: FloatArray,
    median: FloatArray,
    *,
    floor: float,
    counts: FloatArray | None = None,
) -> dict[str, FloatArray]:
    return {
        "bias": bias(actual, mean, counts=counts),
        "mae": mae(actual, median, counts=counts),
        "wape": wape(actual, median, counts=counts),
        "rmse": rmse(actual, mean, counts=counts),
        "tweedie": tweedie(actual, mean, floor=floor, counts=counts),
        "msle": msle(actual, mean, counts=counts),
    }


def _average(values: FloatArray, counts: FloatArray | None) -> FloatArray:
    return _ratio(values, np.ones(values.shape), counts)


def _ratio(part: FloatArray, whole: FloatArray, counts: FloatArray | None) -> FloatArray:
    if counts is None:
        return _divide(part.sum(), whole.sum())
    return _divide(counts @ part, counts @ whole)


def _divide(part: npt.ArrayLike, whole: npt.ArrayLike) -> FloatArray:
    positive = np.asarray(whole) > 0
    quotient = np.full(positive.shape, np.nan)
    np.divide(part, whole, out=quotient, where=positive)
    return quotient


def _centered_ranks(values: FloatArray) -> FloatArray:
    return np.asarray(rankdata(values)) - (values.size + 1) / 2.0


def _require_comparable(**arrays: FloatArray) -> None:
    shape = arrays["actual"].shape
    for name, values in arrays.items():
        if values.ndim != 1 or values.shape != shape:
            raise ValueError(f"{name} has shape {values.shape}, not ({shape[0]},) as actual has")
        broken = np.flatnonzero(~np.isfinite(values))
        if broken.size:
            raise ValueError(f"{name} has {broken.size:,} values not finite, first: [{broken[0]}]")

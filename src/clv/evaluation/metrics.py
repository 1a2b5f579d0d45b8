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

Six metrics are ratios of sums over customers, so the bootstrap is the same formulas once more,
of sums in which each customer counts as often as drawn. Bias is the sum of forecasts over that
of outcomes, less 1; WAPE the sum of absolute errors over that of absolute outcomes; MSLE of
log(1 + value). Start reading at :func:`score`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from clv.evaluation.backtest import LEVEL
from clv.numerics.quotient import per
from clv.numerics.tweedie import unit_deviance

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint8]

RATIO_METRICS = ("bias", "mae", "wape", "rmse", "tweedie", "msle")
RANK_METRICS = ("spearman", "gini", "top10", "top20")

COUNTS_PER_BLOCK = 2_000_000  # 16 MB of float64 at a time, 2 MB kept


def score(
    actual: FloatArray, mean: FloatArray, median: FloatArray, *, floor: float
) -> dict[str, float]:
    """Every point metric of one forecast, by its name in ``reports/backtest.json``.

    Args:
        actual: What happened, shape ``(n,)``; may be negative.
        mean: Expected values, shape ``(n,)``.
        median: Medians, shape ``(n,)``; a baseline repeats ``mean``.
        floor: What the deviance raises smaller means to: the same for every model.

    Returns:
        The names in ``RATIO_METRICS``, then those in ``RANK_METRICS``; NaN where undefined.

    Raises:
        ValueError: the arrays differ in shape, or hold NaN or infinity.
    """
    _require_comparable(actual=actual, mean=mean, median=median)
    ratios = _ratios(_columns(actual, mean, median, floor).sum(axis=0))
    return {name: float(value) for name, value in ratios.items()} | {
        "spearman": spearman(actual, mean),
        "gini": gini(actual, mean),
        "top10": top_share(actual, mean, 0.1),
        "top20": top_share(actual, mean, 0.2),
    }


def spearman(actual: FloatArray, predicted: FloatArray) -> float:
    """Correlation of ranks, ties sharing their mean rank; NaN where either side is constant."""
    a, b = _centered_ranks(actual), _centered_ranks(predicted)
    return float(per(a @ b, np.sqrt((a @ a) * (b @ b))))


def gini(actual: FloatArray, predicted: FloatArray) -> float:
    """Normalized Gini: 1 orders customers as the outcomes do, 0 is an order at random.

    The area between the diagonal and the curve of value captured by the best customers first,
    over the same area in the true order. Outcomes below 0 count as 0. The area is linear in
    a customer's rank, so mean ranks give exactly the average over all orders of tied forecasts.
    """
    value = np.maximum(actual, 0.0)
    return float(per(value @ _centered_ranks(predicted), value @ _centered_ranks(value)))


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
    return float(per(captured, actual.sum()))


def score_ranges(
    actual: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    beyond: FloatArray,
    pit: FloatArray,
) -> dict[str, float]:
    """How well each customer's range held, by its name in ``reports/backtest.json``.

    ``pit80`` is the share of transforms in their central 80 %, where 80 % belong.
    ``above_upper`` is the share of outcomes above their own upper end, beside the share that
    these ends imply. ``interval_score`` is the width plus what misses cost, 2 / (1 - ``LEVEL``) a
    unit (Gneiting and Raftery 2007, equation 43).

    Args:
        actual: As in :func:`score`.
        lower: Ends of each range, shape ``(n,)``, and ``upper`` likewise.
        beyond: Chance of more than ``upper`` that the forecast states, shape ``(n,)``.
        pit: Randomized transform of each outcome, shape ``(n,)``, 0 to 1.
    """
    tail = (1 - LEVEL) / 2
    bought = np.maximum(actual, 0.0)
    missed = np.maximum(lower - bought, 0.0) + np.maximum(bought - upper, 0.0)
    return {
        "pit80": float(per(((pit >= tail) & (pit <= 1 - tail)).sum(), pit.size)),
        "above_upper": float(per((bought > upper).sum(), bought.size)),
        "implied_above_upper": float(per(beyond.sum(), beyond.size)),
        "interval_score": float(per((upper - lower + 2 / (1 - LEVEL) * missed).sum(), bought.size)),
    }


def resampled_counts(customers: int, *, draws: int = 200, seed: int) -> Iterator[Counts]:
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
        block = np.empty((min(rows, draws - start), customers), dtype=np.uint8)
        for row in block:
            row[:] = np.bincount(rng.integers(customers, size=customers), minlength=customers)
        yield block


def resampled_metrics(
    counts: Iterable[Counts],
    actual: FloatArray,
    means: Sequence[FloatArray],
    medians: Sequence[FloatArray],
    *,
    floor: float,
) -> dict[str, FloatArray]:
    """The ratio metrics of every draw, each shape ``(draws, k)``; NaN in draws without one.

    Args:
        counts: Blocks of shape ``(rows, n)``, from :func:`resampled_counts`.
        actual: As in :func:`score`, and so are the others.
        means: Those of ``k`` forecasts, and ``medians`` likewise.

    Raises:
        ValueError: as in :func:`score`.
    """
    each = []
    for mean, median in zip(means, medians, strict=True):
        _require_comparable(actual=actual, mean=mean, median=median)
        each.append(_columns(actual, mean, median, floor))
    columns = np.concatenate(each, axis=1)
    sums = np.concatenate([block.astype(float) @ columns for block in counts])
    return _ratios(sums.reshape(len(sums), len(each), -1))


def bootstrap_interval(draws: FloatArray, *, level: float = LEVEL) -> tuple[float, float] | None:
    """How far a metric would move with other customers: lower and upper end at ``level``.

    The quantiles of its values over resampled customers, shape ``(draws,)``; None where a draw
    leaves it undefined, or nothing was drawn.
    """
    if not draws.size or np.isnan(draws).any():
        return None
    lower, upper = np.quantile(draws, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(lower), float(upper)


def _columns(actual: FloatArray, mean: FloatArray, median: FloatArray, floor: float) -> FloatArray:
    """What the ratio metrics add up over customers, shape ``(n, 8)``.

    A forecast of 0 would cost infinite deviance where something was bought, so forecasts are
    raised to ``floor``; without a positive one there is no deviance.
    """
    bought = np.maximum(actual, 0.0)
    raised = np.maximum(mean, floor) if floor > 0 else np.full_like(mean, np.nan)
    return np.column_stack(
        [
            np.ones_like(actual),
            actual,
            np.abs(actual),
            mean,
            np.abs(median - actual),
            (mean - actual) ** 2,
            unit_deviance(actual, raised),
            (np.log1p(np.maximum(mean, 0.0)) - np.log1p(bought)) ** 2,
        ]
    )


def _ratios(sums: FloatArray) -> dict[str, FloatArray]:
    """The ratio metrics of the sums of :func:`_columns`, over the last axis."""
    customers, total, moved, mean, error, square, deviance, log_error = np.moveaxis(sums, -1, 0)
    return {
        "bias": per(mean, total) - 1.0,
        "mae": per(error, customers),
        "wape": per(error, moved),
        "rmse": np.sqrt(per(square, customers)),
        "tweedie": per(deviance, customers),
        "msle": per(log_error, customers),
    }


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

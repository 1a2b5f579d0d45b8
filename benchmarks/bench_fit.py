"""How long do fits of Pareto/NBD and BG/NBD take, next to lifetimes, and who fits better?

Ours is fitted without a prior and includes the grouping of equal histories, standard errors
and the check of the quadrature. lifetimes gives no standard errors and is called as its
documentation does. Both log-likelihoods are computed by one function that neither fit uses:
the closed form in many digits, per distinct history.

    python benchmarks/bench_fit.py             CDNOW and 100,000 simulated customers
    python benchmarks/bench_fit.py --quick     CDNOW alone
"""

import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from reference.cdnow import CALIBRATION_END, histories
from reference.oracles_numerics import (
    bg_log_likelihood_in_many_digits,
    log_likelihood_in_many_digits,
)

from clv.numerics import bg_nbd_fit, pareto_nbd_fit
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.histories import distinct_histories
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.simulate import history, on_whole_days, purchases

NAMES = {"Pareto/NBD": ("r", "alpha", "s", "beta"), "BG/NBD": ("r", "alpha", "a", "b")}
ORACLES = {
    "Pareto/NBD": log_likelihood_in_many_digits,
    "BG/NBD": bg_log_likelihood_in_many_digits,
}


def simulated(customers):
    """Customers who came on any day of two years, counted in days."""
    rng = np.random.default_rng(20260101)
    T = rng.integers(0, 730, customers).astype(float)
    params = ParetoNBDParams(r=0.55, alpha=74.0, s=0.61, beta=82.0)
    x, t_x = history(on_whole_days(purchases(params, T, rng)), T)
    return x, t_x, T


def cdnow():
    seen = histories(CALIBRATION_END)
    return seen.x, seen.t_x, seen.T


def ours(model, customers):
    rows = distinct_histories(*customers)
    fit = pareto_nbd_fit.fit if model == "Pareto/NBD" else bg_nbd_fit.fit
    return fit(rows).parameters


def lifetimes(model, customers):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes import BetaGeoFitter, ParetoNBDFitter

        # The start of Pareto/NBD is drawn from NumPy's global generator. From an unlucky one,
        # 100,000 customers took it 931 s and ended, without a word, 2,528 below the maximum
        # log-likelihood.
        np.random.seed(1)
        fitter = ParetoNBDFitter if model == "Pareto/NBD" else BetaGeoFitter
        fitted = fitter(penalizer_coef=0.0)
        fitted.fit(*customers)
    return tuple(float(value) for value in fitted.params_[list(NAMES[model])])


def timed(function, model, customers, *, repeats):
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        parameters = function(model, customers)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), parameters


def log_likelihood_by_the_oracle(model, parameters, rows):
    if model == "BG/NBD":
        parameters = BGNBDParams(*parameters)
    values = [
        ORACLES[model](parameters, x, t_x, T)[0]
        for x, t_x, T in zip(rows.x, rows.t_x, rows.T, strict=True)
    ]
    return float(rows.weights @ values)


def compare(model, name, customers, *, repeats, repeats_of_lifetimes):
    rows = distinct_histories(*customers)
    print(f"\n{model}, {name}: {customers[0].size:,} customers, {rows.x.size:,} distinct histories")
    lifetimes(model, tuple(column[:500] for column in cdnow()))  # its import is not timed
    medians = {}
    for function, times in ((ours, repeats), (lifetimes, repeats_of_lifetimes)):
        medians[function], parameters = timed(function, model, customers, repeats=times)
        value = log_likelihood_by_the_oracle(model, parameters, rows)
        shown = " ".join(f"{v:.5g}" for v in parameters)
        print(
            f"  {function.__name__:10} {medians[function]:9.4f} s (median of {times})"
            f"   log-likelihood {value:.6f}   at {shown}"
        )
    print(f"  ratio      {medians[lifetimes] / medians[ours]:9.1f}")


if __name__ == "__main__":
    for model in NAMES:
        compare(model, "CDNOW", cdnow(), repeats=21, repeats_of_lifetimes=5)
        if "--quick" not in sys.argv:
            compare(model, "Simulated", simulated(100_000), repeats=5, repeats_of_lifetimes=1)

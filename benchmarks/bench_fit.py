"""How long do fits of Pareto/NBD and BG/NBD take, next to the peers', and who fits better?

Ours is fitted without a prior and includes the grouping of equal histories, standard errors
and the check of the quadrature. lifetimes gives no standard errors. Both log-likelihoods are
computed by one function that neither fit uses: the closed form in 60 digits, per distinct
history; at 1,000,000 customers on a sample, beside our own with more nodes than the fit takes.

    python benchmarks/bench_fit.py             to 1,000,000 customers
    python benchmarks/bench_fit.py --quick     CDNOW and lifetimes alone
"""

import sys

import numpy as np
from customers import cdnow, simulated
from peers import ask, compare, measured
from reference.oracles_numerics import (
    bg_log_likelihood_in_many_digits,
    log_likelihood_in_many_digits,
)

from clv.numerics import bg_nbd, bg_nbd_fit, pareto_nbd, pareto_nbd_fit
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.histories import Histories, distinct_histories
from clv.numerics.pareto_nbd import ParetoNBDParams

MODELS = {
    "Pareto/NBD": (pareto_nbd_fit.fit, ParetoNBDParams, log_likelihood_in_many_digits),
    "BG/NBD": (bg_nbd_fit.fit, BGNBDParams, bg_log_likelihood_in_many_digits),
}
BY_US = {
    "Pareto/NBD": ("by 64 nodes", pareto_nbd.log_likelihood),
    "BG/NBD": ("by the closed form in 16 digits", bg_nbd.log_likelihood),
}
CLVTOOLS = {2357: 0.31, 10_000: 1.5, 100_000: 5.6}
"""Seconds of CLVTools 0.12.1 (C++) for Pareto/NBD, measured once: the peer is not run here."""
MAP = "pymc-marketing (MAP, flat priors, compilation included)"
WORSE = 1e-6
"""Log-likelihood by which a fit may be below a peer's: rounding of many terms."""


def ours(model, customers):
    fit, *_ = MODELS[model]
    return fit(distinct_histories(*customers))


def by_the_oracle(model, parameters, rows):
    """Log-likelihood of each distinct history."""
    _, params, oracle = MODELS[model]
    each = zip(rows.x, rows.t_x, rows.T, strict=True)
    return np.array([oracle(params(*parameters), *history)[0] for history in each])


def against(peer, model, name, customers, *, repeats, times):
    """A line on time, one on log-likelihood."""
    what = f"{model}, {name}, {customers[0].size:,} customers:"
    found, cost = measured(ours, model, customers, repeats=repeats)
    theirs = ask(peer.split()[0], "fit", customers, model=model, repeats=times)
    compare(f"{what} fit, standard errors included", cost, peer, theirs["cost"])
    rows = distinct_histories(*customers)
    mine, other = (
        float(rows.weights @ by_the_oracle(model, parameters, rows))
        for parameters in (found.parameters, theirs["parameters"])
    )
    print(
        f"{what} log-likelihood, closed form in 60 digits: ours {mine:.6f}, {peer} {other:.6f}, "
        f"ours higher by {mine - other:.2g} (aim: not lower by more than {WORSE:g})"
    )
    if mine < other - WORSE:
        raise SystemExit(f"{peer} fits {what} better than we do")


def beside_clvtools():
    """Its seconds are quoted, so that one line has them beside ours of today."""
    for customers, seconds in CLVTOOLS.items():
        same = cdnow() if customers == 2357 else simulated(customers)
        _, cost = measured(ours, "Pareto/NBD", same, repeats=5)
        print(
            f"Pareto/NBD, {customers:,} customers: fit, standard errors included: ours "
            f"{cost.wall:.4g} s, CLVTools 0.12.1 (C++; quoted, not run) {seconds} s, ratio "
            f"{seconds / cost.wall:.3g}"
        )


def alone(model, customers):
    """Where peers take too long, and the oracle too, but for a sample."""
    what = f"{model}, simulated, {customers[0].size:,} customers:"
    found, cost = measured(ours, model, customers, repeats=3)
    rows = distinct_histories(*customers)
    print(f"{what} fit of {rows.x.size:,} distinct histories: ours {cost}, no peer tried")
    how, log_likelihood = BY_US[model]
    values = log_likelihood(MODELS[model][1](*found.parameters), *rows[:3])
    some = np.sort(np.random.default_rng(1).choice(rows.x.size, 1000, replace=False))
    sample = Histories(*(column[some] for column in rows))
    error = np.abs(values[some] - by_the_oracle(model, found.parameters, sample)).max()
    print(
        f"{what} log-likelihood: of the fit {found.log_likelihood:.6f}, {how} "
        f"{rows.weights @ values:.6f}; these off the closed form in 60 digits by at most "
        f"{error:.1g} a customer, in 1,000 distinct histories (aim: 1e-9)"
    )


def main():
    for model in MODELS:
        against("lifetimes", model, "CDNOW", cdnow(), repeats=21, times=5)
    if "--quick" in sys.argv:
        return
    for model in MODELS:
        few, many = simulated(10_000), simulated(100_000)
        against("lifetimes", model, "simulated", few, repeats=7, times=3)
        against("lifetimes", model, "simulated", many, repeats=5, times=1)
        alone(model, simulated(1_000_000))
    against(MAP, "Pareto/NBD", "CDNOW", cdnow(), repeats=5, times=1)
    beside_clvtools()


if __name__ == "__main__":
    main()

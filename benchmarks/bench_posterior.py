"""Do our draws of the Pareto/NBD parameters have the posterior's quantiles, and at what cost?

Against NUTS, by pymc-marketing, on CDNOW. Ours have no prior but a bell around the logs of the
fitted parameters, of standard deviation 3 (``posterior.WIDEST``): the same lognormal priors are
given to NUTS, so that both draw from one distribution, and both begin at the mode: from starts
of its own NUTS did not end within 25 minutes. Ours are weighted proposals, so their effective
size is what equal draws leave of their number; that of NUTS is ArviZ's, by quantile.

    python benchmarks/bench_posterior.py    2 chains of 400 draws after 400 to tune
"""

import numpy as np
from customers import cdnow
from peers import ask, compare, measured

from clv.numerics import pareto_nbd_draws, pareto_nbd_fit
from clv.numerics.histories import distinct_histories
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.posterior import WIDEST

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
DRAWS, PEER_DRAWS = 2000, 400
FAR = 3.5
"""Standard errors beyond which one of 20 quantiles is not where it should be."""


def ours(customers):
    rows = distinct_histories(*customers)
    mode = np.log(pareto_nbd_fit.fit(rows).parameters)
    return mode, pareto_nbd_draws.draw(rows, mode, None, count=DRAWS, seed=1)


def main():
    (mode, found), cost = measured(ours, cdnow())
    theirs = ask(
        "pymc-marketing",
        "nuts",
        cdnow(),
        log_centers=mode.tolist(),
        log_sd=WIDEST,
        levels=LEVELS,
        draws=PEER_DRAWS,
    )
    _, repeats = np.unique(found.points, axis=0, return_counts=True)
    size = DRAWS**2 / (repeats**2).sum()
    drawn, peer = len(theirs["draws"][0]), "pymc-marketing (NUTS, compilation included)"
    print(
        f"CDNOW posterior draws: ours {DRAWS:,}, worth {size:,.0f}, Pareto k "
        f"{found.pareto_k:.2f}{', by a walk' if found.sampled else ''}; {peer} {drawn:,}, "
        f"worth {np.min(theirs['effective']):,.0f} to {np.max(theirs['effective']):,.0f}"
    )
    scores = []
    columns = zip(ParetoNBDParams._fields, found.points.T, theirs["draws"], strict=True)
    for place, (name, points, draws) in enumerate(columns):
        for level, effective in zip(LEVELS, theirs["effective"][place], strict=True):
            here = float(np.exp(np.quantile(points, level)))
            # In shares of draws below, whose standard error needs no density.
            error = np.sqrt(level * (1 - level) * (1 / size + 1 / effective))
            scores.append((np.mean(np.array(draws) < here) - level) / error)
            print(
                f"CDNOW posterior, quantile {level:.2f} of {name}: ours {here:.5g}, "
                f"{peer} {np.quantile(draws, level):.5g}, {scores[-1]:+.1f} standard errors apart"
            )
    print(
        f"CDNOW posterior, {len(scores)} quantiles: ours and {peer} at most "
        f"{np.abs(scores).max():.1f} standard errors apart (aim: {FAR} or less)"
    )
    compare("CDNOW posterior, fit included", cost, peer, theirs["cost"], aim=100)
    worth = float(np.mean(theirs["effective"]))
    print(
        f"CDNOW posterior, 1,000 effective draws: ours {cost.wall / size * 1e3:.3g} s, {peer} "
        f"{theirs['cost'].wall / worth * 1e3:.3g} s, ratio "
        f"{theirs['cost'].wall / worth * size / cost.wall:.3g}"
    )


if __name__ == "__main__":
    main()

"""How many customers can be scored a second, and what do draws for their ranges cost?

A score is what a new window asks for: the purchases expected in it, and beside peers P(alive) too.

    python benchmarks/bench_score.py             1,000,000 customers
    python benchmarks/bench_score.py --quick     10,000, without pymc-marketing
"""

import sys

import numpy as np
from customers import PARAMS, cdnow, simulated
from peers import ask, compare, measured

from clv.numerics import pareto_nbd, pareto_nbd_draws, predictive
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.histories import distinct_histories
from clv.numerics.predictive import Spend

HORIZON = 91.0
RANGE_DRAWS, POSTERIOR_DRAWS, AT_ONCE = 600, 200, 500


def means(customers):
    return pareto_nbd.conditional_expected_transactions(PARAMS, *customers, HORIZON)


def score(customers):
    return means(customers), pareto_nbd.p_alive(PARAMS, *customers)


def against(peer, customers, *, repeats):
    """Who is faster on the same customers, and whether both say the same."""
    mine, cost = measured(score, customers, repeats=repeats)
    theirs = ask(peer, "score", customers, parameters=list(PARAMS), horizon=HORIZON)
    whom = f"Pareto/NBD, simulated customers: {customers[0].size:,},"
    compare(f"{whom} expected purchases and P(alive)", cost, peer, theirs["cost"])
    for what, own, other in zip(("purchases", "P(alive)"), mine, theirs["means"], strict=True):
        print(f"{whom} mean {what}: ours {own.mean():.9g}, {peer} {other:.9g}")


def draws():
    """Draws as the package makes them for a range, of CDNOW's customers."""
    customers = cdnow()
    count = customers[0].size
    rows = distinct_histories(*customers)
    point = np.log([0.553277, 10.577684, 0.606240, 11.668732])
    found = pareto_nbd_draws.draw(rows, point, None, count=POSTERIOR_DRAWS, seed=1)
    none = np.empty((count, 0))
    buying = pareto_nbd_draws.Ahead(found.points, *customers, none, none, 13.0)
    bought = customers[0] + 1
    spend = Spend(GammaGammaParams(6.25, 3.74, 15.44), bought, 35.0 * bought)
    names = [str(place) for place in range(count)]

    def every():
        for first in range(0, count, AT_ONCE):
            places = np.arange(first, min(first + AT_ONCE, count))
            predictive.draw(buying, spend, names, places, draws=RANGE_DRAWS, seed=1)

    _, cost = measured(every, repeats=3)
    print(
        f"Predictive draws of purchases and spend, {RANGE_DRAWS} a customer, CDNOW: "
        f"ours {cost.wall / count * 1e6:.0f} microseconds a customer; no peer draws them"
    )


if __name__ == "__main__":
    quick = "--quick" in sys.argv
    customers = simulated(10_000 if quick else 1_000_000)
    _, cost = measured(means, customers, repeats=5)
    rate = customers[0].size / cost.wall
    print(
        f"Pareto/NBD, simulated customers: {customers[0].size:,}, expected purchases: ours {cost}, "
        f"{rate / 1e6:.2f} million a second (aim: 5 million), no peer tried"
    )
    against("lifetimes", tuple(column[:100_000] for column in customers), repeats=3)
    if not quick:
        against("pymc-marketing", tuple(column[:1] for column in customers), repeats=101)
    draws()

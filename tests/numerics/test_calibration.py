"""Simulation-based calibration: are draws as uncertain as they ought to be, no more, no less?

Parameters come from the prior, a shop from the parameters, and draws from the shop. Then the
place of the truth among the draws is as likely to be one as another: for the parameters, for
what single customers did later, and for their total. Negative controls must fail.
"""

import functools

import numpy as np
import pytest
from scipy import stats

from clv.numerics import pareto_nbd_draws, simulate
from clv.numerics.histories import distinct_histories
from clv.numerics.optimize import LogPrior, maximize
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.pareto_nbd_total import log_likelihood_total, scale_of_nodes
from clv.numerics.predictive import Customers, draw

PRIOR = LogPrior(np.log([0.8, 10.0, 0.8, 20.0]), np.array([0.4, 0.4, 0.5, 0.5]) ** -2)
SHOPS, CUSTOMERS, ASKED = 80, 100, 8
SEEN, HORIZON = 40.0, 80.0
DRAWS = 99
UNLIKELY = 1e-3


def place(truth, draws, rng):
    """Where the truth lies among draws, 0 to 1, ties broken at random."""
    below = (draws < truth[..., None]).sum(axis=-1)
    ties = (draws == truth[..., None]).sum(axis=-1)
    return (below + rng.random(truth.shape) * (ties + 1)) / (draws.shape[-1] + 1)


def posterior_of(rows, start, seed):
    scale = scale_of_nodes(start, rows)
    total = functools.partial(log_likelihood_total, rows=rows, scale=scale, nodes=16)
    found = maximize(total, start, prior=PRIOR)
    params = ParetoNBDParams(*found.parameters)
    return params, pareto_nbd_draws.draw(rows, np.log(params), PRIOR, count=DRAWS, seed=seed)


@pytest.fixture(scope="module")
def places():
    """Of each shop: the places of its parameters, some customers and the total, by kind of draw."""
    rng = np.random.default_rng(2)
    found = {"parameters": []}
    for shop in range(SHOPS):
        point = rng.normal(PRIOR.mean, PRIOR.precision**-0.5)
        truth = ParetoNBDParams(*np.exp(point))
        age = np.repeat(SEEN * np.array([0.5, 1.0]), CUSTOMERS // 2)
        made = simulate.purchases(truth, age + HORIZON, rng)
        x, t_x = simulate.history(made, age)
        later = simulate.history(made, age + HORIZON)[0] - x
        fitted, draws = posterior_of(distinct_histories(x, t_x, age), point, shop)
        found["parameters"].append(place(point, draws.points.T, rng))

        honest = ParetoNBDParams(*np.exp(draws.points).T)
        fixed = ParetoNBDParams(*(np.array([rate]) for rate in fitted))
        immortal = honest._replace(s=honest.s / 20)
        for kind, params in {"honest": honest, "fixed": fixed, "immortal": immortal}.items():
            known = Customers(x, t_x, age, *np.zeros((2, CUSTOMERS)), *np.ones((2, CUSTOMERS)))
            names = [f"{shop} {i}" for i in range(CUSTOMERS)]
            made_up = draw(known, HORIZON, names, params=params, spend=1.0, draws=DRAWS, seed=1)
            few = slice(None, None, CUSTOMERS // ASKED)
            customers = place(later[few], made_up.purchases[few], rng)
            total = place(later.sum(), made_up.purchases.sum(axis=0), rng)
            found.setdefault(f"{kind} customers", []).append(customers)
            found.setdefault(f"{kind} total", []).append(total)
    return {kind: np.array(values) for kind, values in found.items()}


def p_values(places):
    """That the places are uniform: by their distribution, and by how far out they lie."""
    places = places.reshape(-1)
    scores = stats.norm.ppf(places) ** 2
    spread = stats.chi2.cdf(scores.sum(), places.size)
    return [stats.kstest(places, "uniform").pvalue, 2 * min(spread, 1 - spread)]


@pytest.mark.parametrize("which", range(4), ids=ParetoNBDParams._fields)
def test_true_parameters_lie_anywhere_among_their_draws(places, which):
    assert min(p_values(places["parameters"][:, which])) > UNLIKELY


@pytest.mark.parametrize("whose", ["customers", "total"])
def test_what_happens_lies_anywhere_among_the_draws(places, whose):
    assert min(p_values(places[f"honest {whose}"])) > UNLIKELY


@pytest.mark.parametrize("wrong", ["fixed total", "immortal customers", "immortal total"])
def test_draws_that_ignore_uncertainty_or_dropout_are_found_out(places, wrong):
    assert min(p_values(places[wrong])) < UNLIKELY

"""Simulation-based calibration: are draws as uncertain as they ought to be, no more, no less?

Parameters come from the prior, a shop from the parameters, and draws from the shop. Then the
place of the truth among the draws is as likely to be one as another: for the parameters, for
what single customers did later, and for their total. Negative controls must fail.
"""

import functools

import numpy as np
import pytest
from scipy import stats

from clv.models.yearly_season import harmonics
from clv.numerics import bg_nbd_draws, bg_nbd_fit, pareto_nbd_draws, simulate
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.clock import Calendars
from clv.numerics.histories import distinct_histories
from clv.numerics.optimize import LogPrior, maximize
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.pareto_nbd_total import Season, log_likelihood_total, scale_of_nodes
from clv.numerics.predictive import Spend, draw

CUSTOMERS, ASKED = 100, 8
SHOPS = {"pareto": 80, "regular": 40, "seasonal": 60}
DRAWS = 99
UNLIKELY = 1e-3


def place(truth, draws, rng):
    """Where the truth lies among draws, 0 to 1, ties broken at random."""
    below = (draws < truth[..., None]).sum(axis=-1)
    ties = (draws == truth[..., None]).sum(axis=-1)
    return (below + rng.random(truth.shape) * (ties + 1)) / (draws.shape[-1] + 1)


def mode_of(total, start, prior, coefficients=0):
    found = maximize(total, start, prior=prior, coefficients=coefficients)
    return np.array([*np.log(found.parameters[:4]), *found.parameters[4:]])


def pareto(rng, seed):
    """A plain shop: its true point, what happened later, and draws of it of several kinds."""
    prior = LogPrior(np.log([0.8, 10.0, 0.8, 20.0]), np.array([0.4, 0.4, 0.5, 0.5]) ** -2)
    point = rng.normal(prior.mean, prior.precision**-0.5)
    age, horizon = np.repeat([20.0, 40.0], CUSTOMERS // 2), 80.0
    made = simulate.purchases(ParetoNBDParams(*np.exp(point)), age + horizon, rng)
    x, t_x = simulate.history(made, age)
    later = simulate.history(made, age + horizon)[0] - x
    rows = distinct_histories(x, t_x, age)
    scale = scale_of_nodes(point, rows)
    total = functools.partial(log_likelihood_total, rows=rows, scale=scale, nodes=16)
    mode = mode_of(total, point, prior)
    draws = pareto_nbd_draws.draw(rows, mode, prior, count=DRAWS, seed=seed)
    none = np.empty((CUSTOMERS, 0))
    honest = pareto_nbd_draws.Ahead(draws.points, x, t_x, age, none, none, horizon)
    immortal = honest._replace(points=draws.points - [0, 0, np.log(20), 0])
    kinds = {"honest": honest, "fixed": honest._replace(points=mode[None]), "immortal": immortal}
    return point, draws.points, later, kinds


def regular(rng, seed):
    """The same of customers who buy as regularly as MBG/CNBD-2 has it."""
    prior = LogPrior(np.log([0.8, 4.0, 0.8, 2.5]), np.array([0.4, 0.4, 0.5, 0.5]) ** -2)
    point = rng.normal(prior.mean, prior.precision**-0.5)
    truth = BGNBDParams(*np.exp(point), k=2, drops_at_once=True)
    age, horizon = np.repeat([20.0, 40.0], CUSTOMERS // 2), 40.0
    made = simulate.regular_purchases(truth, age + horizon, rng)
    x, t_x = simulate.history(made, age)
    later = simulate.history(made, age + horizon)[0] - x
    rows = distinct_histories(x, t_x, age)
    total = functools.partial(bg_nbd_fit.log_likelihood_total, rows=rows, k=2, drops_at_once=True)
    mode = mode_of(total, point, prior)
    params = BGNBDParams(*np.exp(mode), k=2, drops_at_once=True)
    draws = bg_nbd_draws.draw(rows, params, prior, count=DRAWS, seed=seed)
    honest = bg_nbd_draws.Ahead(draws.points, x, t_x, age, horizon, 2, drops_at_once=True)
    immortal = honest._replace(points=draws.points - [0, 0, np.log(20), 0])
    kinds = {"honest": honest, "fixed": honest._replace(points=mode[None]), "immortal": immortal}
    return point, draws.points, later, kinds


DAYS, AHEAD = 500, 91
BASIS = harmonics(1 + np.arange(DAYS + AHEAD))


def seasonal(rng, seed):
    """The same of a shop with a season, which is drawn with the rates or held fixed."""
    center = np.concatenate([np.log([0.8, 60.0, 0.8, 300.0]), np.zeros(BASIS.shape[1])])
    spread = np.array([0.4, 0.4, 0.5, 0.5, *[0.3] * BASIS.shape[1]])
    prior = LogPrior(center, spread**-2)
    point = rng.normal(prior.mean, spread)
    age = DAYS - rng.integers(0, DAYS - 50, CUSTOMERS).astype(float)
    speed = np.exp(BASIS @ point[4:])
    r, alpha, s, beta = np.exp(point[:4])
    rate = rng.gamma(r, 1 / alpha, CUSTOMERS)
    gone = rng.exponential(1 / rng.gamma(s, 1 / beta, CUSTOMERS)) + DAYS - age
    day = np.arange(DAYS + AHEAD)
    lived = np.clip(gone[:, None] - day, 0, 1) * (day >= DAYS - age[:, None])
    bought = rng.poisson(rate[:, None] * speed * lived)
    who, when = np.nonzero(bought[:, :DAYS])
    last = when + lived[who, when] * rng.random(who.size) ** (1 / bought[who, when])
    x, later = bought[:, :DAYS].sum(axis=1).astype(float), bought[:, DAYS:].sum(axis=1)
    t_x = np.zeros(CUSTOMERS)
    np.maximum.at(t_x, who, last - (DAYS - age)[who])
    season = Season(BASIS[:DAYS], bought[:, :DAYS].sum(axis=0).astype(float))
    rows = distinct_histories(x, t_x, age)
    scale = scale_of_nodes(point, rows, season)
    total = functools.partial(log_likelihood_total, rows=rows, scale=scale, nodes=16, season=season)
    mode = mode_of(total, point, prior, coefficients=BASIS.shape[1])
    draws = pareto_nbd_draws.draw(rows, mode, prior, count=DRAWS, seed=seed, season=season)

    def ahead(points, shapes):
        calendars = Calendars.of(np.exp(BASIS @ shapes.T), float(DAYS))
        none = np.empty((CUSTOMERS, 0))
        known = x, t_x, age, none, none, float(AHEAD)
        return pareto_nbd_draws.Ahead(points[:, :4], *known, calendars)

    same = np.broadcast_to(mode[4:], draws.points[:, 4:].shape)
    kinds = {
        "honest": ahead(draws.points, draws.points[:, 4:]),
        "fixed season": ahead(draws.points, same),
        "fixed": ahead(mode[None], mode[None, 4:]),
    }
    return point, draws.points, later, kinds


@functools.cache
def places(shop):
    """Of each shop: the places of its parameters, some customers and the total, by kind of draw."""
    rng = np.random.default_rng(3)
    found = {"parameters": []}
    for number in range(SHOPS[shop.__name__]):
        point, points, later, kinds = shop(rng, number)
        found["parameters"].append(place(point, points.T, rng))
        names = [f"{number} {i}" for i in range(CUSTOMERS)]
        spend = Spend(1.0, *np.zeros((2, CUSTOMERS)))
        for kind, ahead in kinds.items():
            made_up = draw(ahead, spend, names, draws=DRAWS, seed=1).purchases
            few = slice(None, None, CUSTOMERS // ASKED)
            customers = place(later[few], made_up[few], rng)
            total = place(later.sum(), made_up.sum(axis=0), rng)
            found.setdefault(f"{kind} customers", []).append(customers)
            found.setdefault(f"{kind} total", []).append(total)
    return {kind: np.array(values) for kind, values in found.items()}


def p_values(places):
    """That the places are uniform: by their distribution, and by how far out they lie."""
    places = places.reshape(-1)
    scores = stats.norm.ppf(places) ** 2
    spread = stats.chi2.cdf(scores.sum(), places.size)
    return [stats.kstest(places, "uniform").pvalue, 2 * min(spread, 1 - spread)]


each_shop = pytest.mark.parametrize("shop", [pareto, regular, seasonal])


@each_shop
def test_true_parameters_lie_anywhere_among_their_draws(shop):
    among = places(shop)["parameters"]

    assert all(min(p_values(column)) > UNLIKELY for column in among.T)


@each_shop
@pytest.mark.parametrize("whose", ["customers", "total"])
def test_what_happens_lies_anywhere_among_the_draws(shop, whose):
    assert min(p_values(places(shop)[f"honest {whose}"])) > UNLIKELY


@pytest.mark.parametrize(
    ("shop", "wrong"),
    [
        (pareto, "fixed total"),
        (pareto, "immortal customers"),
        (pareto, "immortal total"),
        (regular, "immortal total"),
        (seasonal, "fixed total"),
        (seasonal, "fixed season total"),
    ],
)
def test_draws_that_ignore_uncertainty_or_dropout_are_found_out(shop, wrong):
    assert min(p_values(places(shop)[wrong])) < UNLIKELY

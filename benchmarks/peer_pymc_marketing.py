"""pymc-marketing's side of the benchmarks: Pareto/NBD by MAP and by NUTS.

The compilation of the model is counted: nobody fits without it.
"""

import arviz
import numpy as np
import pandas as pd
from peers import answer, measured
from pymc_extras.prior import Prior
from pymc_marketing.clv import ParetoNBDModel

NAMES = ("r", "alpha", "s", "beta")


def table(customers):
    x, t_x, T = customers
    columns = {"customer_id": np.arange(x.size), "frequency": x, "recency": t_x, "T": T}
    return pd.DataFrame(columns)


def fit(customers, *, model, repeats):
    """By MAP, with flat priors, so that it seeks the same maximum as everybody."""
    flat = {name: Prior("HalfFlat") for name in NAMES}
    fitted = {"Pareto/NBD": ParetoNBDModel}[model](data=table(customers), model_config=flat)
    _, cost = measured(lambda: fitted.fit(method="map", progressbar=False), repeats=repeats)
    return {"parameters": [float(fitted.fit_result[name].mean()) for name in NAMES], "cost": cost}


def score(customers, *, parameters, horizon):
    """Purchases expected and P(alive), the parameters given."""
    data = table(customers)
    model = ParetoNBDModel(data=data)
    model.build_model()
    given = {name: np.full((1, 1), value) for name, value in zip(NAMES, parameters, strict=True)}
    model.idata = arviz.from_dict(posterior=given)

    def both():
        ahead = model.expected_purchases(data=data, future_t=horizon)
        return ahead, model.expected_probability_alive(data=data)

    found, cost = measured(both, repeats=3)
    return {"means": [float(one.mean()) for one in found], "cost": cost}


def by_nuts(customers, *, log_centers, log_sd, levels, draws):
    """Draws under lognormal priors, and the effective size of each quantile of each parameter."""
    pairs = zip(NAMES, log_centers, strict=True)
    priors = {name: Prior("LogNormal", mu=mu, sigma=log_sd) for name, mu in pairs}
    model = ParetoNBDModel(data=table(customers), model_config=priors)
    start = dict(zip(NAMES, np.exp(log_centers), strict=True))
    sampling = {"init": "adapt_diag", "initvals": start, "cores": 2, "random_seed": 1}
    sampling |= {"draws": draws, "tune": draws, "chains": 2}
    _, cost = measured(lambda: model.fit(method="mcmc", progressbar=False, **sampling))
    found = model.fit_result[list(NAMES)]
    sizes = [arviz.ess(found, method="quantile", prob=level) for level in levels]
    return {
        "draws": [found[name].values.ravel().tolist() for name in NAMES],
        "effective": [[float(size[name]) for size in sizes] for name in NAMES],
        "cost": cost,
    }


if __name__ == "__main__":
    answer({"fit": fit, "nuts": by_nuts, "score": score})

"""The customers every benchmark of the numerics runs on: repeat purchases, last one, age."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from reference.cdnow import CALIBRATION_END, histories

from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.simulate import history, on_whole_days, purchases

PARAMS = ParetoNBDParams(r=0.55, alpha=74.0, s=0.61, beta=82.0)


def cdnow():
    """Counted in weeks."""
    seen = histories(CALIBRATION_END)
    return seen.x, seen.t_x, seen.T


def simulated(customers):
    """Customers who came on any day of two years, under ``PARAMS``, counted in days."""
    rng = np.random.default_rng(20260101)
    T = rng.integers(0, 730, customers).astype(float)
    x, t_x = history(on_whole_days(purchases(PARAMS, T, rng)), T)
    return x, t_x, T

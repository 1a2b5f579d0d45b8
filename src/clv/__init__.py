"""Customer lifetime value for every customer of a shop, from its raw order log.

>>> import clv
>>> shop = clv.simulate_log(customers=50, seed=7)
>>> shop.truth.num_rows
50

Names are resolved when first used, so that importing the package costs nearly nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clv.checked import CustomerSummary, Predictions
    from clv.errors import ClvError
    from clv.models.gamma_gamma import GammaGamma
    from clv.models.lifetime_value import LifetimeValue
    from clv.models.pareto_nbd import ParetoNBD
    from clv.periods import ObservationWindow, TimeUnit
    from clv.simulated_shop import simulate_log

_HOME = {
    "ClvError": "clv.errors",
    "CustomerSummary": "clv.checked",
    "GammaGamma": "clv.models.gamma_gamma",
    "LifetimeValue": "clv.models.lifetime_value",
    "ObservationWindow": "clv.periods",
    "ParetoNBD": "clv.models.pareto_nbd",
    "Predictions": "clv.checked",
    "TimeUnit": "clv.periods",
    "simulate_log": "clv.simulated_shop",
}

__all__ = [
    "ClvError",
    "CustomerSummary",
    "GammaGamma",
    "LifetimeValue",
    "ObservationWindow",
    "ParetoNBD",
    "Predictions",
    "TimeUnit",
    "simulate_log",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'clv' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)

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
    from clv.checked import CustomerSummary as CustomerSummary
    from clv.checked import Predictions as Predictions
    from clv.errors import ClvError as ClvError
    from clv.models.gamma_gamma import GammaGamma as GammaGamma
    from clv.models.lifetime_value import LifetimeValue as LifetimeValue
    from clv.models.pareto_nbd import ParetoNBD as ParetoNBD
    from clv.overview import Overview as Overview
    from clv.periods import ObservationWindow as ObservationWindow
    from clv.periods import TimeUnit as TimeUnit
    from clv.service import Service as Service
    from clv.simulated_shop import simulate_log as simulate_log
    from clv.simulated_shop import write_log as write_log
    from clv.store.parquet import read_summary as read_summary
    from clv.store.workspace import Workspace as Workspace
    from clv.verbs import ingest as ingest
    from clv.verbs import run as run

_HOME = {
    "ClvError": "clv.errors",
    "CustomerSummary": "clv.checked",
    "GammaGamma": "clv.models.gamma_gamma",
    "LifetimeValue": "clv.models.lifetime_value",
    "ObservationWindow": "clv.periods",
    "Overview": "clv.overview",
    "ParetoNBD": "clv.models.pareto_nbd",
    "Predictions": "clv.checked",
    "Service": "clv.service",
    "TimeUnit": "clv.periods",
    "Workspace": "clv.store.workspace",
    "ingest": "clv.verbs",
    "read_summary": "clv.store.parquet",
    "run": "clv.verbs",
    "simulate_log": "clv.simulated_shop",
    "write_log": "clv.simulated_shop",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'clv' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)

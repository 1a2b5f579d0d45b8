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
    from clv.overview import Overview
    from clv.periods import ObservationWindow, TimeUnit
    from clv.service import Service
    from clv.simulated_shop import simulate_log, write_log
    from clv.store.parquet import read_summary
    from clv.store.workspace import Workspace
    from clv.verbs import ingest, run

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

__all__ = [
    "ClvError",
    "CustomerSummary",
    "GammaGamma",
    "LifetimeValue",
    "ObservationWindow",
    "Overview",
    "ParetoNBD",
    "Predictions",
    "Service",
    "TimeUnit",
    "Workspace",
    "ingest",
    "read_summary",
    "run",
    "simulate_log",
    "write_log",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'clv' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)

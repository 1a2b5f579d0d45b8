"""The kinds of purchase models we know, by name. A new model is one line here."""

from __future__ import annotations

from collections.abc import Mapping

from clv.models.base import PurchaseModel
from clv.models.pareto_nbd import ParetoNBD
from clv.models.seasonal_pareto_nbd import SeasonalParetoNBD

PURCHASE_MODELS: Mapping[str, type[PurchaseModel]] = {
    model.name: model for model in (ParetoNBD, SeasonalParetoNBD)
}

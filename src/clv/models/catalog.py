"""The kinds of purchase and spend models we know, by name. A new model is one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clv.models.base import PurchaseModel
from clv.models.bg_nbd import BGNBD, MBGCNBD, MBGNBD, SteadyMBGCNBD
from clv.models.gamma_gamma import GammaGamma, GammaGammaByFrequency
from clv.models.nbd import NBD
from clv.models.pareto_nbd import ParetoNBD
from clv.models.seasonal_pareto_nbd import DriftingParetoNBD, SeasonalParetoNBD

PURCHASE_MODELS: Mapping[str, type[PurchaseModel[Any]]] = {
    ParetoNBD.name: ParetoNBD,
    SeasonalParetoNBD.name: SeasonalParetoNBD,
    DriftingParetoNBD.name: DriftingParetoNBD,
    BGNBD.name: BGNBD,
    MBGNBD.name: MBGNBD,
    MBGCNBD.name: MBGCNBD,
    SteadyMBGCNBD.name: SteadyMBGCNBD,
    NBD.name: NBD,
}

SPEND_MODELS: Mapping[str, type[GammaGamma]] = {
    GammaGamma.name: GammaGamma,
    GammaGammaByFrequency.name: GammaGammaByFrequency,
}

"""The stored model as MLflow loads and serves it: code, with the plain files beside it.

MLflow copies this file into the model's folder and runs it there; what it copies besides are
``model.json`` and ``manifest.json`` as ``clv.store.artifacts`` wrote them. Nothing is pickled.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from clv.checked import CustomerSummary
from clv.errors import ClvError
from clv.periods import ObservationWindow
from clv.store import artifacts

ASKED = (
    *("frequency", "recency", "age", "mean_day_value", "season_of_days"),
    *("purchase_days", "orders", "gross_value", "returned_value", "log_intervals"),
)
ANSWERED = ("predicted_clv", "predicted_number_of_orders", "p_purchase_in_horizon", "p_alive")
HORIZON_DAYS = 365


class LifetimeValueModel(PythonModel):
    """Customer summaries in, forecasts out; columns mean what ``clv.tables`` says they do."""

    def load_context(self, context: PythonModelContext) -> None:
        folder = Path(context.artifacts["model"])
        self.model = artifacts.read(folder)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        fitted_on = manifest["fitted_on"]
        self.window = ObservationWindow(
            *(dt.date.fromisoformat(fitted_on[f"window_{end}"]) for end in ("start", "end"))
        )

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """One row for each row of ``model_input``, over the next ``horizon_days`` of ``params``.

        Times are in the unit of the fit (days), money in the currency of its log. Unknown is
        NaN, where the summary allows it.
        """
        horizon = (params or {}).get("horizon_days", HORIZON_DAYS)
        columns: dict[str, Any] = {
            name: model_input[name].to_numpy(dtype=np.float64) for name in ASKED
        }
        model, purchases = self.model, self.model.purchases
        try:
            unit = purchases.time_unit
            summary = CustomerSummary.from_arrays(self.window, time_unit=unit, **columns)
            days = purchases.expected_transactions(summary, horizon)
            answers = (
                np.round(model.expected_value(summary, horizon), 2),
                days * model.orders_of_a_day(summary),
                model.p_purchase(summary, horizon),
                purchases.p_alive(summary),
            )
        except ClvError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        return pd.DataFrame(dict(zip(ANSWERED, answers, strict=True)))


mlflow.models.set_model(LifetimeValueModel())

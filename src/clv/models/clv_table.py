"""The CLV table: a fitted lifetime value and a summary turned into one row per customer.

What a field means is declared in ``clv.tables.PREDICTIONS``. What a model cannot fill is null,
never invented: without a posterior, medians and intervals.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clv.checked import CustomerSummary, Predictions, Totals
from clv.models import ranges, segments
from clv.models.base import Float
from clv.models.lifetime_value import LifetimeValue
from clv.models.next_order import next_order_days
from clv.numerics.calibration import AS_STATED, Calibration
from clv.numerics.predictive import Shock
from clv.numerics.quotient import per
from clv.tables import EVERYBODY

LIFETIME_DAYS = 1826
OPENING_DAYS = 30
INTERVAL_LEVEL = 0.8


@dataclasses.dataclass(frozen=True)
class Terms:
    """What is asked of the forecast, and the facts a row carries with it.

    ``margin`` turns revenue into income in every amount. ``discount_rate`` is per year and
    moves ``lifetime_clv`` only. ``shock`` is what may move everybody at once within the horizon;
    it widens intervals, and ``calibration`` says what the chances they state were worth.
    """

    horizon_days: int
    horizon_validated: segments.HorizonValidated
    churn_window_days: int
    discount_rate: float
    margin: float
    currency: str | None
    basis: str
    value_definition: str
    simulated: bool
    model_version: str
    scored_at: dt.datetime
    shock: Shock
    calibration: Calibration = AS_STATED
    interval_level: float = INTERVAL_LEVEL


@dataclasses.dataclass(frozen=True)
class Crowd:
    """The customers a shop has, as far as another customer is placed among them."""

    ranked: Float
    edges: segments.TierEdges
    rfm: segments.RfmThresholds

    @classmethod
    def of(cls, summary: CustomerSummary, predicted: Float) -> Self:
        """The crowd of ``summary``, whose forecasts are ``predicted``."""
        rfm = segments.rfm_thresholds(*_rfm(summary))
        return cls(np.sort(predicted), segments.tier_edges(predicted), rfm)


def predicted_clv(model: LifetimeValue, summary: CustomerSummary, terms: Terms) -> Float:
    """Expected value within the horizon, times the margin, in cents, shape ``(n,)``."""
    return _cents(terms.margin * model.expected_value(summary, terms.horizon_days))


def clv_table(
    model: LifetimeValue,
    summary: CustomerSummary,
    terms: Terms,
    *,
    earlier: pa.Table | None = None,
    crowd: Crowd | None = None,
    names: Sequence[str] | None = None,
) -> Predictions:
    """One row for every customer of ``summary``.

    ``earlier`` is the last run's table, whose tiers this one remembers. Tier, percentile and
    RFM group place a customer among those of ``summary``, or among ``crowd``. ``names`` is who
    the customers are where their ids in ``summary`` are only places.

    Raises:
        TimeUnitMismatch, HorizonOutOfRange: from the model.
        RuleBroken: a forecast is not finite or contradicts another.
    """
    forecast = _forecast(model, summary, terms)
    crowd = crowd or Crowd.of(summary, forecast["predicted_clv"])
    tiers = _tiers(summary, forecast["predicted_clv"], earlier, crowd)
    tier = np.array(tiers["value_tier"].to_pylist(), dtype=np.str_)
    money, totals = _interval(
        model, _under(names, summary), terms, p_zero=forecast["p_zero"], tier=tier
    )
    forecast |= money
    described = _description(summary, terms, forecast, crowd)
    facts = {
        "as_of": pa.scalar(summary.window.end),
        "horizon_days": terms.horizon_days,
        "horizon_validated": terms.horizon_validated,
        "currency": pa.scalar(terms.currency, pa.string()),
        "basis": terms.basis,
        "value_definition": terms.value_definition,
        "churn_window_days": terms.churn_window_days,
        "model_name": model.name,
        "model_version": terms.model_version,
        "scored_at": pa.scalar(terms.scored_at, pa.timestamp("us")),
    }
    count = len(summary)
    columns = {name: summary.table[name] for name in ("customer_id", "cohort", "country")}
    columns |= {"first_product": summary.table["first_product"]}
    columns |= {name: pa.array(values, from_pandas=True) for name, values in forecast.items()}
    columns |= described | tiers
    columns |= _next_order(model, summary, terms, forecast["p_purchase_in_horizon"])
    columns |= {name: pa.repeat(value, count) for name, value in facts.items()}
    return Predictions.from_table(pa.table(columns), totals)


def _forecast(model: LifetimeValue, summary: CustomerSummary, terms: Terms) -> dict[str, Float]:
    margin, purchases = terms.margin, model.purchases
    days = purchases.expected_transactions(summary, terms.horizon_days)
    p_purchase = p_churn = model.p_purchase(summary, terms.horizon_days)
    if terms.churn_window_days != terms.horizon_days:
        p_churn = model.p_purchase(summary, terms.churn_window_days)
    day_value = model.day_value(summary, terms.horizon_days)
    historic = np.nan_to_num(summary.column("historic_clv")) * margin
    orders = np.nan_to_num(summary.column("orders"))
    of_a_day = model.orders_of_a_day(summary)
    recency = summary.in_days("recency")
    lifetime = model.day_value(summary, LIFETIME_DAYS) * purchases.expected_transactions(
        summary, LIFETIME_DAYS, annual_discount=terms.discount_rate
    )
    lifetime = model.corrected(summary, lifetime, LIFETIME_DAYS)
    value = model.corrected(summary, days * day_value, terms.horizon_days)
    predicted = _cents(margin * value)
    return {
        "historic_clv": _cents(historic),
        "historic_number_of_orders": orders.astype(np.int64),
        "average_order_value": _cents(per(historic, orders)),
        "average_days_between_orders": per(recency, np.where(recency > 0, orders - 1, 0)),
        "predicted_clv": predicted,
        "p_zero": 1.0 - p_purchase,
        "predicted_number_of_orders": days * of_a_day,
        "expected_order_value": _cents(day_value * margin / of_a_day),
        "p_purchase_in_horizon": p_purchase,
        "churn_probability": 1.0 - p_churn,
        "p_alive": purchases.p_alive(summary),
        "total_clv": _cents(historic + predicted),
        "lifetime_clv": _cents(historic + margin * lifetime),
    }


def _interval(
    model: LifetimeValue,
    summary: CustomerSummary,
    terms: Terms,
    *,
    p_zero: Float,
    tier: segments.TextArray,
) -> tuple[dict[str, Float], Totals]:
    """Medians and intervals of customers, and of what all and each tier bring together."""
    columns = ("predicted_clv_median", "predicted_clv_lower", "predicted_clv_upper")
    unknown = np.full(len(summary), np.nan)
    if model.posterior is None:
        return dict.fromkeys((*columns, "interval_level"), unknown), {}
    everybody = np.ones(len(summary), dtype=bool)
    own, together = ranges.of_customers_and_groups(
        model,
        summary,
        terms.horizon_days,
        level=terms.interval_level,
        shock=terms.shock,
        calibration=terms.calibration,
        p_zero=p_zero,
        belongs=np.array([everybody, *(tier == name for name in segments.TIERS)]),
    )
    money = {name: _cents(terms.margin * part) for name, part in zip(columns, own, strict=True)}
    money["interval_level"] = np.full(len(summary), terms.interval_level)
    lower, upper = ((terms.margin * part).tolist() for part in together[1:])
    ends = zip(lower, upper, strict=True)
    return money, dict(zip((EVERYBODY, *segments.TIERS), ends, strict=True))


def _under(names: Sequence[str] | None, summary: CustomerSummary) -> CustomerSummary:
    """The same customers under the names by which their random streams are known."""
    if names is None:
        return summary
    place = summary.table.column_names.index("customer_id")
    named = summary.table.set_column(place, "customer_id", pa.array(names, pa.string()))
    return dataclasses.replace(summary, table=named)


def _next_order(
    model: LifetimeValue, summary: CustomerSummary, terms: Terms, within: Float
) -> dict[str, pa.Array]:
    """Quartiles of the date of the next order, for customers who are likely to place one."""
    is_likely, days = next_order_days(model.p_purchase, summary, terms.horizon_days, within)
    dates = np.full((len(days), len(summary)), np.datetime64("NaT", "D"))
    # No date is later than the calendar's last.
    has_one = days[-1] <= (dt.date.max - summary.window.end).days
    is_likely[is_likely] = has_one
    ahead = days[:, has_one].astype("timedelta64[D]")
    dates[:, is_likely] = np.datetime64(summary.window.end) + ahead
    names = ("next_order_from", "expected_date_of_next_order", "next_order_to")
    columns = {name: pa.array(row, pa.date32()) for name, row in zip(names, dates, strict=True)}
    status = np.where(is_likely, "expected", "unlikely")
    return columns | {"next_order_status": pa.array(status.tolist(), pa.string())}


def _rfm(summary: CustomerSummary) -> tuple[Float, Float, Float]:
    """Days since the last purchase, orders, and what was spent on them."""
    orders, value = (np.nan_to_num(summary.column(name)) for name in ("orders", "historic_clv"))
    return summary.inactivity, orders, value


def _description(
    summary: CustomerSummary, terms: Terms, forecast: dict[str, Float], crowd: Crowd
) -> dict[str, pa.Array]:
    """RFM group, confidence and reason codes."""
    orders = np.nan_to_num(summary.column("orders"))
    groups = segments.rfm_groups(*_rfm(summary), crowd.rfm)
    opening = summary.window.start + dt.timedelta(days=OPENING_DAYS)
    flags = segments.reason_flags(
        orders=orders,
        age_days=summary.in_days("age"),
        horizon_days=terms.horizon_days,
        opening_cohort=np.asarray(pc.less(summary.table["first_purchase"], opening)),
        largest_order_share=per(summary.column("largest_order"), summary.column("gross_value")),
        simulated=terms.simulated,
    )
    confidence = segments.confidence(
        flags,
        orders=orders,
        horizon_validated=terms.horizon_validated,
        predicted_clv=forecast["predicted_clv"],
        interval_width=forecast["predicted_clv_upper"] - forecast["predicted_clv_lower"],
    )
    return {
        "rfm_group": pa.array(groups.tolist(), pa.string()),
        "confidence": pa.array(confidence.tolist(), pa.string()),
        "reason_codes": pa.array(segments.reason_codes(flags), pa.list_(pa.string())),
    }


def _tiers(
    summary: CustomerSummary, predicted: Float, earlier: pa.Table | None, crowd: Crowd
) -> dict[str, Any]:
    """Today's tier and the one before it, which the last run's table remembers."""
    as_of, known = summary.window.end, {}
    if earlier is not None:
        rows = earlier.select(["customer_id", "value_tier", "tier_since", "previous_tier"])
        known = {row["customer_id"]: row for row in rows.to_pylist()}
    new = {"value_tier": "", "tier_since": as_of, "previous_tier": None}
    before = [known.get(customer, new) for customer in summary.table["customer_id"].to_pylist()]
    previous = np.array([row["value_tier"] for row in before], dtype=np.str_)
    tiers = segments.value_tiers(predicted, crowd.edges, previous)
    since, earlier_tier = [], []
    for row, tier in zip(before, tiers.tolist(), strict=True):
        stayed = row["value_tier"] == tier
        since.append(row["tier_since"] if stayed else as_of)
        earlier_tier.append(row["previous_tier"] if stayed else row["value_tier"] or None)
    return {
        "value_tier": pa.array(tiers.tolist(), pa.string()),
        "tier_since": pa.array(since, pa.date32()),
        "previous_tier": pa.array(earlier_tier, pa.string()),
        "value_percentile": pa.array(segments.value_percentile(predicted, crowd.ranked)),
    }


def _cents(money: Float) -> Float:
    return np.asarray(np.round(money, 2))

"""Every table of the project, declared once: columns, meaning, key and rules.

A declaration is a frozen value and names no engine. ``clv.checked`` holds a table in memory
against its declaration, ``clv.data.check`` does the same inside the engine with one query.

A rule reads ``left operator right``: two columns, or a column and a number; or, of one column,
``is known`` or ``is finite``. It is judged where both sides are known; null breaks no other rule.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

MONEY = pa.decimal128(18, 4)

TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "money": MONEY,
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
    "codes": pa.list_(pa.string()),
}


@dataclasses.dataclass(frozen=True)
class Column:
    """One column: its type (a name in ``TYPES``), unit and meaning."""

    name: str
    type: str
    meaning: str
    unit: str = ""
    nullable: bool = False


@dataclasses.dataclass(frozen=True)
class Rule:
    """A comparison each row must satisfy, wherever ``when`` (another comparison) holds."""

    text: str
    next_step: str = "Report it: the pipeline made a table that contradicts itself."
    when: str | None = None

    def __str__(self) -> str:
        return self.text if self.when is None else f"{self.text} when {self.when}"

    def broken(self, column: Callable[[str], Any], by: Mapping[str, Callable[..., Any]]) -> Any:
        """Which rows break it; ``by`` says what each of its words does to columns."""

        def holds(text: str) -> Any:
            left, word, right = text.split()
            if word == "is":
                return by[right](column(left))
            return by[word](column(left), column(right) if right.isidentifier() else float(right))

        rows = by["not"](holds(self.text))
        return rows if self.when is None else by["and"](rows, holds(self.when))


@dataclasses.dataclass(frozen=True)
class Table:
    """A declared table; ``key`` columns together identify a row, when there is a key."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    version: int = 1

    @functools.cached_property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @functools.cached_property
    def schema(self) -> pa.Schema:
        return pa.schema(
            [pa.field(c.name, TYPES[c.type], nullable=c.nullable) for c in self.columns]
        )

    @functools.cached_property
    def every_rule(self) -> list[Rule]:
        """The rules, after those that each column sets by itself."""
        known = [
            Rule(f"{c.name} is known", f"Every row needs its {c.name}: {c.meaning}.")
            for c in self.columns
            if not c.nullable
        ]
        numbers = [c.name for c in self.columns if c.type == "number"]
        step = "Write null for what is unknown, never NaN or infinity."
        return [*known, *(Rule(f"{name} is finite", step) for name in numbers), *self.rules]

    @property
    def key_rule(self) -> str:
        return f"one row for each {', '.join(self.key)}"

    def shown(self, rule: Rule) -> list[str]:
        """The columns that say which row breaks ``rule``, and how."""
        words = [*self.key, *str(rule).split()]
        return [name for name in dict.fromkeys(words) if name in self.names]

    def metadata(self, **facts: object) -> dict[str, str]:
        """What a file of this table carries in its footer, so that it explains itself."""
        units = json.dumps({c.name: c.unit for c in self.columns if c.unit})
        said = {"table": self.name, "version": self.version, **facts, "units": units}
        return {f"clv.{name}": str(value) for name, value in said.items() if value is not None}


def _text(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, "text", meaning, nullable=nullable)


def _number(name: str, meaning: str, *, unit: str = "currency") -> Column:
    return Column(name, "number", meaning, unit, nullable=True)


def _count(name: str, meaning: str, unit: str) -> Column:
    return Column(name, "integer", meaning, unit, nullable=True)


_CUSTOMER = _text("customer_id", "the customer, always as text")

ORDER_LINES = Table(
    "order_lines",
    (
        _CUSTOMER,
        _text("invoice", "the order; null where the log has no order id", nullable=True),
        _text("stock_code", "the article; null where the log has none", nullable=True),
        _text("description", "of the article, `Unknown` when empty"),
        Column("quantity", "integer", "pieces bought", "pieces"),
        Column("unit_price", "money", "price of one piece", "currency"),
        Column("sales", "money", "quantity x unit_price", "currency"),
        Column(
            "returned_quantity",
            "integer",
            "pieces undone by credit notes of the whole log; null where only amounts are known",
            "pieces",
            nullable=True,
        ),
        Column("returned_value", "money", "sales undone by credit notes of the whole log"),
        Column("invoice_date", "timestamp", "local time of the order"),
        _text("country", "of the customer", nullable=True),
        Column("is_goods", "boolean", "false for postage, fees, vouchers and test articles"),
    ),
    rules=(
        Rule("quantity > 0"),
        Rule("unit_price > 0"),
        Rule("sales >= 0"),
        Rule("returned_value >= 0"),
        Rule("returned_value <= sales"),
        Rule("returned_quantity <= quantity"),
    ),
)

REFUSED_LINES = Table(
    "refused_lines",
    (
        _text("customer_id", "as in the raw line", nullable=True),
        _text("invoice", "as in the raw line", nullable=True),
        _text("stock_code", "as in the raw line", nullable=True),
        _text("description", "as in the raw line", nullable=True),
        Column("quantity", "integer", "as in the raw line", "pieces"),
        Column("unit_price", "money", "as in the raw line", "currency"),
        Column("sales", "money", "quantity x unit_price, signed", "currency"),
        Column("invoice_date", "timestamp", "as in the raw line", nullable=True),
        _text("country", "as in the raw line", nullable=True),
        _text("rule", "the first rule the line breaks"),
    ),
)

RETURNS = Table(
    "returns",
    (
        _CUSTOMER,
        _text("invoice", "the order that is undone in part or whole", nullable=True),
        _text("stock_code", "the article", nullable=True),
        Column("invoice_date", "timestamp", "when it was bought"),
        Column("quantity", "integer", "pieces undone", "pieces", nullable=True),
        Column("value", "money", "at the purchase line's own price", "currency"),
        _text("credit_note", "the order id of the return", nullable=True),
        Column("returned_at", "timestamp", "when the return was booked"),
    ),
    rules=(
        Rule("value >= 0"),
        Rule("quantity > 0"),
        Rule("invoice_date <= returned_at"),
    ),
)

TRANSACTIONS = Table(
    "transactions",
    (
        _CUSTOMER,
        Column("date", "date", "the purchase day"),
        Column("orders", "integer", "orders of that day that still stand", "orders"),
        Column("gross_value", "money", "bought on that day", "currency"),
        Column("returned_value", "money", "of it undone within the window", "currency"),
    ),
    key=("customer_id", "date"),
    rules=(Rule("returned_value < gross_value"), Rule("orders > 0")),
)

COHORTS = Table(
    "cohorts",
    (
        _text("cohort", "calendar month of first purchase, YYYY-MM"),
        Column("period", "integer", "calendar months since then; 0 is the first", "months"),
        Column("customers", "integer", "customers of the cohort", "customers"),
        Column("active", "integer", "of them, those who bought in that month", "customers"),
        Column("orders", "integer", "their orders of that month", "orders"),
        Column("value", "money", "their purchases of that month, on the basis", "currency"),
    ),
    key=("cohort", "period"),
    rules=(
        Rule("active <= customers"),
        Rule("active <= orders"),
        Rule("value >= 0"),
    ),
)

_LATER_PURCHASE = (
    "A purchase lies after the end of observation; move `observation_end` past the last "
    "transaction or filter later rows."
)
_COUNTING = "Count each repeat purchase day once; a one-time buyer has frequency 0 and recency 0."

CUSTOMER_SUMMARY = Table(
    "customer_summary",
    (
        _CUSTOMER,
        Column("frequency", "integer", "repeat purchase days", "days"),
        Column("recency", "number", "time from first to last purchase", "time unit"),
        Column("age", "number", "time from first purchase to the end of observation", "time unit"),
        _number("log_intervals", "summed logs of the days between purchase days", unit="log days"),
        _number("monetary_value", "mean value of the repeat purchase days, on the basis"),
        _count("purchase_days", "purchase days that still stand", "days"),
        _count("orders", "orders that still stand", "orders"),
        _number("mean_day_value", "mean gross value of all purchase days that still stand"),
        _number(
            "season_of_days",
            "what the spend season made of gross_value; 1.1 is a tenth more",
            unit="factor",
        ),
        _number("gross_value", "gross value of those days"),
        _number("largest_order", "gross value of the largest order that still stands"),
        _number("returned_value", "matched returns on those days"),
        _number("historic_clv", "what was spent, on the basis"),
        Column("first_purchase", "date", "first purchase day", nullable=True),
        Column("last_purchase", "date", "last purchase day that still stands", nullable=True),
        _text("cohort", "calendar month of first purchase, YYYY-MM", nullable=True),
        _text("country", "of the first order", nullable=True),
        _text("first_product", "the article most was spent on that day", nullable=True),
    ),
    key=("customer_id",),
    rules=(
        Rule("frequency >= 0", _COUNTING),
        Rule("recency >= 0", "Recency runs from the first purchase to the last."),
        Rule("recency <= age", _LATER_PURCHASE),
        Rule("recency == 0", _COUNTING, when="frequency == 0"),
        Rule("recency > 0", _COUNTING, when="frequency > 0"),
        Rule("log_intervals >= 0", "Count each purchase day once; days apart are whole."),
        Rule("frequency < purchase_days", _COUNTING, when="purchase_days > 0"),
        Rule("purchase_days <= orders", _COUNTING),
        Rule("mean_day_value > 0", "Leave out days that were returned in full."),
        Rule("season_of_days > 0"),
        Rule("largest_order <= gross_value"),
        Rule("returned_value >= 0"),
        Rule("returned_value <= gross_value"),
        Rule("first_purchase <= last_purchase"),
    ),
)

PREDICTIONS = Table(
    "predictions",
    (
        _CUSTOMER,
        Column("as_of", "date", "last day of the log used"),
        Column("horizon_days", "integer", "how far the forecast reaches", "days"),
        _text("horizon_validated", "checked, checked_once or extrapolated"),
        _text("currency", "of every amount", nullable=True),
        _text("basis", "net of returns, or gross"),
        _text("value_definition", "what an amount counts, in one sentence"),
        Column("historic_clv", "number", "spent up to as_of", "currency"),
        Column("historic_number_of_orders", "integer", "orders up to as_of", "orders"),
        _number("average_order_value", "historic_clv per order"),
        _number("average_days_between_orders", "null where all came on one day", unit="days"),
        Column("predicted_clv", "number", "expected value within the horizon", "currency"),
        _number("predicted_clv_median", "half the chance above, half below"),
        _number("p_zero", "chance of nothing within the horizon", unit="probability"),
        _number("predicted_clv_lower", "lower end of the interval"),
        _number("predicted_clv_upper", "upper end of the interval"),
        _number("interval_level", "chance the interval is meant to hold", unit="probability"),
        Column("predicted_number_of_orders", "number", "expected within the horizon", "orders"),
        Column("expected_order_value", "number", "mean value of one order", "currency"),
        Column("p_purchase_in_horizon", "number", "at least one order", "probability"),
        Column("churn_probability", "number", "no order in the churn window", "probability"),
        Column("churn_window_days", "integer", "that window", "days"),
        Column("p_alive", "number", "the model's belief, for experts", "probability"),
        Column(
            "expected_date_of_next_order",
            "date",
            "median, given one within the horizon",
            nullable=True,
        ),
        Column("next_order_from", "date", "lower quartile of it", nullable=True),
        Column("next_order_to", "date", "upper quartile of it", nullable=True),
        _text("next_order_status", "`expected`, or `unlikely`: less than an even chance of one"),
        Column("total_clv", "number", "historic + predicted; never a ranking", "currency"),
        Column("lifetime_clv", "number", "historic + five discounted years", "currency"),
        _text("value_tier", "A, B or C by share of predicted value"),
        Column("tier_since", "date", "as_of of the run that set the tier"),
        _text("previous_tier", "the tier before that", nullable=True),
        Column("value_percentile", "number", "100 is best"),
        _text("rfm_group", "one of eleven named groups"),
        _text("cohort", "calendar month of first purchase, YYYY-MM"),
        _text("country", "of the first order", nullable=True),
        _text("first_product", "the article most was spent on that day", nullable=True),
        _text("confidence", "high, medium or low by the published rule"),
        Column("reason_codes", "codes", "why to read the row with care"),
        _text("model_name", "the model that answered"),
        _text("model_version", "its digest"),
        Column("scored_at", "timestamp", "when it was scored, UTC"),
    ),
    key=("customer_id",),
    rules=(
        Rule("predicted_clv >= 0"),
        Rule("predicted_number_of_orders >= 0"),
        Rule("expected_order_value >= 0"),
        Rule("predicted_clv_lower >= 0"),
        Rule("predicted_clv_lower <= predicted_clv_median"),
        Rule("predicted_clv_median <= predicted_clv_upper", when="interval_level >= 0.5"),
        Rule("p_alive >= 0"),
        Rule("p_alive <= 1"),
        Rule("churn_probability >= 0"),
        Rule("churn_probability <= 1"),
        Rule("p_purchase_in_horizon >= 0"),
        Rule("p_purchase_in_horizon <= 1"),
        Rule("as_of < next_order_from"),
        Rule("next_order_from <= expected_date_of_next_order"),
        Rule("expected_date_of_next_order <= next_order_to"),
    ),
)

EVERYBODY = "all"

FORECASTS = Table(
    "forecasts",
    (
        Column("as_of", "date", "last day of the log used"),
        Column("horizon_days", "integer", "how far the forecast reaches", "days"),
        _text("value_tier", "A, B or C as they were then; `all` is everybody"),
        Column("customers", "integer", "of them", "customers"),
        Column("expected", "number", "the sum of their predicted_clv", "currency"),
        _number("lower", "lower end of the range of that sum"),
        _number("upper", "upper end of it"),
        Column("margin", "number", "share of revenue that counted as income"),
        _text("model_version", "the digest of the model that answered"),
        Column("scored_at", "timestamp", "when it was scored, UTC"),
    ),
    key=("as_of", "horizon_days", "value_tier"),
    rules=(Rule("customers >= 0"), Rule("lower <= upper")),
)

PAST_PREDICTIONS = Table(
    "past_predictions",
    (
        Column("as_of", "date", "the first of a calendar month that was scored"),
        Column("horizon_days", "integer", "how far the forecast reaches", "days"),
        _CUSTOMER,
        _text("value_tier", "A, B or C as it was then"),
        Column("predicted_clv", "number", "expected value within the horizon", "currency"),
    ),
    key=("as_of", "horizon_days", "customer_id"),
)

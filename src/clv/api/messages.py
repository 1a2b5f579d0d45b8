"""What strangers may send and what they get back: checked shapes, no meaning of their own.

The fields of a result are those of ``clv.tables.PREDICTIONS``, read from there.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    create_model,
)

from clv.histories import Purchase, Tally
from clv.models.base import LONGEST_HORIZON_DAYS
from clv.periods import TimeUnit
from clv.service import Answer, Question, Service, Source
from clv.tables import PREDICTIONS, Column

MOST_ROWS = 10_000
LONGEST_TIME = 36_500
LARGEST_AMOUNT = 1e12
KINDS = ("customer_ids", "transactions", "summaries")


def _whole(value: Any) -> Any:
    """3.0 is a whole number, as in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _day(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("a day is text such as 2011-12-09")
    return dt.date.fromisoformat(value)


def _moment(value: Any) -> Any:
    """The shop's own clock: an offset is dropped, as when a log is ingested."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d|$)", value):
        raise ValueError("a moment is text such as 2011-12-09 or 2011-12-09T12:50:00")
    return dt.datetime.fromisoformat(value.upper()).replace(tzinfo=None)


# Bounds stand inside, for the OpenAPI document loses those of a type that may be null.
Horizon = Annotated[int, Field(ge=1, le=LONGEST_HORIZON_DAYS), BeforeValidator(_whole)]
Count = Annotated[int, Field(ge=0, le=LONGEST_TIME + 1), BeforeValidator(_whole)]
Time = Annotated[float, Field(ge=0, le=LONGEST_TIME)]
Day = Annotated[dt.date, BeforeValidator(_day)]
Moment = Annotated[
    dt.datetime,
    BeforeValidator(_moment),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date"},
                {"type": "string", "format": "date-time"},
            ]
        }
    ),
]
CustomerId = Annotated[str, Field(min_length=1, max_length=256)]
Rows = Field(min_length=1, max_length=MOST_ROWS)


class Message(BaseModel):
    """A shape in which nothing is guessed: unknown fields and other types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Transaction(Message):
    """One order as the shop counts it. Every one sent counts, though it equal another."""

    customer_id: CustomerId
    date: Moment = Field(description="by the shop's own clock; an offset is dropped")
    amount: Annotated[float, Field(ge=-LARGEST_AMOUNT, le=LARGEST_AMOUNT)] = Field(
        description="in the currency of the shop's log; a negative one is a return"
    )
    order_id: CustomerId | None = Field(
        None, description="rows of one order on one day; else rows at one moment are one order"
    )


class Summary(Message):
    """A customer's counts and times, for those who have them and nothing else."""

    customer_id: CustomerId | None = None
    frequency: Count = Field(description="repeat purchase days; 0 for one-time buyers")
    recency: Time = Field(description="time from first to last purchase")
    age: Time = Field(description="time from first purchase to as_of")
    mean_day_value: Annotated[float, Field(gt=0, le=LARGEST_AMOUNT)] | None = Field(
        description="mean value of a purchase day before returns; null when purchase_days is 0"
    )
    purchase_days: Count | None = Field(
        None, description="those that still stand; else frequency + 1"
    )
    return_share: float = Field(0.0, ge=0, le=1, description="share of the value sent back")
    time_unit: Literal["day", "week"] = Field(description="of recency and age")


class _Ask(Message):
    """What every question may say beside whom it is about."""

    horizon_days: Horizon | None = Field(None, description="else that of the table")
    interval_level: Annotated[float, Field(gt=0, le=0.99)] | None = Field(
        None, description="chance the interval is meant to hold; else that of the table"
    )
    as_of: Day | None = Field(None, description="the last day to know about; else the table's")
    discount_rate: Annotated[float, Field(ge=0, le=10)] | None = Field(
        None, description="per year; it moves lifetime_clv only"
    )

    @property
    def question(self) -> Question:
        return Question(self.horizon_days, self.discount_rate, self.as_of, self.interval_level)


class AskOfCustomers(_Ask):
    """Customers the shop's log knows."""

    customer_ids: list[CustomerId] = Rows

    def put_to(self, service: Service) -> list[Answer]:
        return service.customers(self.customer_ids, self.question)


class AskOfTransactions(_Ask):
    """Customers by their orders, in any order; one result for each customer."""

    transactions: list[Transaction] = Rows

    def put_to(self, service: Service) -> list[Answer]:
        purchases = [
            Purchase(one.customer_id, one.date, one.amount, one.order_id)
            for one in self.transactions
        ]
        return service.purchases(purchases, self.question)


class AskOfSummaries(_Ask):
    """Customers by their counts and times; one result for each."""

    summaries: list[Summary] = Rows

    def put_to(self, service: Service) -> list[Answer]:
        tallies = [
            Tally(**{**dict(one), "time_unit": TimeUnit[one.time_unit.upper()]})
            for one in self.summaries
        ]
        return service.tallies(tallies, self.question)


def _kind(body: Any) -> str | None:
    return next((kind for kind in KINDS if isinstance(body, dict) and kind in body), None)


Ask = Annotated[
    Annotated[AskOfCustomers, Tag("customer_ids")]
    | Annotated[AskOfTransactions, Tag("transactions")]
    | Annotated[AskOfSummaries, Tag("summaries")],
    Discriminator(
        _kind,
        custom_error_type="exactly_one",
        custom_error_message=f"Send exactly one of {', '.join(KINDS)}",
    ),
]


class Model(Message):
    """Who answered."""

    name: str
    version: str


class FieldProblem(Message):
    """A field of the request, and what is wrong with it."""

    field: str
    detail: str


class Problem(Message):
    """What went wrong, by RFC 9457; `type` is stable, the texts are for people."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


AsSent = Annotated[str | None, Field(description="as sent")]


class Refusal(Message):
    """What stands in the place of a row."""

    customer_id: AsSent
    error: Problem


TYPES: dict[str, Any] = {
    "text": str,
    "integer": int,
    "number": float,
    "date": dt.date,
    "timestamp": dt.datetime,
    "codes": list[str],
}


def _field(column: Column) -> Any:
    kind = TYPES[column.type]
    meaning = f"{column.meaning} ({column.unit})" if column.unit else column.meaning
    return kind | None if column.nullable else kind, Field(description=meaning)


_FIELDS = {column.name: _field(column) for column in PREDICTIONS.columns}
_FIELDS |= {
    "customer_id": AsSent,
    "source": (Source, Field(description="from the CLV table, or computed")),
}
Prediction = create_model("Prediction", __base__=Message, **_FIELDS)


class Answers(Message):
    """One result per customer, in the order asked: a row of the CLV table, or an ``error``."""

    results: list[Prediction | Refusal]  # type: ignore[valid-type]
    as_of: dt.date
    model: Model
    simulated: bool = Field(description="whether the shop is made up")

"""The online questions: what is this customer worth, whether the shop knows them or not.

A service holds one workspace's champion, summary and CLV table. A question under the terms of
the table is answered from it, any other by the champion, with tiers and percentiles among the
shop's own customers under the same terms. No answer depends on who else is asked about.
Everything that faces users asks here, so that no two of them can disagree.

Start reading at :meth:`Service.customers`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from clv.checked import CustomerSummary
from clv.errors import ClvError, CustomerNotFound, IncompatibleArtifact, QuestionUnanswerable
from clv.evaluation.past import earned
from clv.histories import Purchase, Row, Tally, from_purchases, from_tally
from clv.models.base import Float
from clv.models.clv_table import Crowd, Terms, clv_table, predicted_clv
from clv.models.lifetime_value import LifetimeValue
from clv.models.ranges import of_groups, of_months
from clv.numerics.predictive import Bool, Ranges
from clv.periods import ObservationWindow
from clv.store import artifacts, parquet
from clv.store import workspace as files
from clv.store.workspace import Workspace
from clv.tables import CUSTOMER_SUMMARY, EVERYBODY, PREDICTIONS

Source = Literal["stored", "live"]

HORIZONS_AT_HAND = 8
PREDICT_AGAIN = "Run `clv predict`."


@dataclasses.dataclass(frozen=True)
class Question:
    """What differs from the terms of the CLV table; None where nothing does."""

    horizon_days: int | None = None
    discount_rate: float | None = None
    as_of: dt.date | None = None
    interval_level: float | None = None


@dataclasses.dataclass(frozen=True)
class Answer:
    """One customer's row of the CLV table, or the error that stands in its place."""

    customer_id: str | None
    source: Source
    row: Row | None
    error: ClvError | None = None


class Service:
    """One workspace's champion, ready to answer. A new champion is a new service."""

    def __init__(
        self,
        model: LifetimeValue,
        summary: CustomerSummary,
        table: pa.Table,
        terms: Terms,
        past: Mapping[str, Any],
        *,
        expected_range: tuple[float, float] | None,
    ) -> None:
        self.model, self.summary, self.table = model, summary, table
        self.terms, self.past = terms, past
        self.expected_range = expected_range
        self._places = {name: place for place, name in enumerate(table["customer_id"].to_pylist())}
        self._crowd = functools.lru_cache(HORIZONS_AT_HAND)(self._crowd_at)

    @classmethod
    def open(cls, workspace: Workspace) -> Service:
        """The service of what the workspace holds now.

        Raises:
            NothingStored: nothing was trained or scored yet.
            IncompatibleArtifact: a file cannot be read, or they do not belong together.
        """
        digest = artifacts.champion(workspace)
        path = files.require(workspace, files.PREDICTIONS, "clv predict")
        table, facts = parquet.read(path, PREDICTIONS), parquet.facts_of(path)
        where = files.require(workspace, files.SUMMARY, "clv ingest")
        summary = parquet.read_summary(where)
        if (facts.get("model"), facts.get("summary")) != (digest, files.data_digest(where)):
            raise _unfit(path, f"it is not what model {digest} says of the summary beside it.")
        if not table["customer_id"].equals(summary.table["customer_id"]):
            raise _unfit(path, "its customers are not those of the summary beside it.")
        terms = _terms_of(path, table, facts, summary.window.days)
        model, past = artifacts.load(workspace, digest), json.loads(facts["earlier"])
        total = parquet.totals_of(facts).get(EVERYBODY)
        return cls(model, summary, table, terms, past, expected_range=total)

    @property
    def as_of(self) -> dt.date:
        return self.summary.window.end

    def trial(self) -> None:
        """Forecast one customer anew, and refuse a model that says otherwise than the table."""
        again = self._known(pa.array([0]), self.terms)
        found, said = (table["predicted_clv"][0].as_py() for table in (again, self.table))
        if found != said:
            problem = f"the model forecasts {found:g}, but the table says {said:g}."
            raise _unfit(f"customer {self.table['customer_id'][0].as_py()!r}", problem)

    def customers(self, ids: Iterable[str], question: Question = Question()) -> list[Answer]:
        """Rows of customers the shop knows, in the order asked.

        An e-mail address finds its customer also where the log was ingested with digests.
        """
        if question.as_of not in (None, self.as_of):
            elsewhen = QuestionUnanswerable(
                "as_of",
                f"known customers are forecast as of {self.as_of}, not {question.as_of}.",
                next_step="Leave it out, or send the customers' orders as transactions.",
            )
            return [Answer(customer, "stored", None, elsewhen) for customer in ids]
        asked = [(customer, self.place(customer)) for customer in ids]
        wanted = dict.fromkeys(place for _, place in asked if place is not None)
        places = pa.array(wanted, pa.int64())
        terms = self._asked(question)
        source: Source = "stored" if terms == self.terms else "live"
        rows = self.table.take(places) if source == "stored" else self._known(places, terms)
        found = dict(zip(wanted, rows.to_pylist(), strict=True))
        return [
            Answer(customer, source, None, CustomerNotFound(customer, self.as_of))
            if place is None
            else Answer(customer, source, found[place] | {"customer_id": customer})
            for customer, place in asked
        ]

    def chance_of_order(self, customer: str, horizons: Sequence[int]) -> list[float]:
        """The chance that a known customer orders at least once within each of the horizons."""
        alone = self._alone(customer)
        return [float(self.model.p_purchase(alone, days)[0]) for days in horizons]

    def contributions(self, customer: str) -> Float | None:
        """What each of ``FEATURES`` did to the log of a known customer's forecast.

        None where nothing corrects forecasts.
        """
        boosted = self.model.boosted
        if boosted is None or not self.model.is_corrected:
            return None
        return np.asarray(boosted.correction.contributions(self._alone(customer))[0])

    def predicted_clv(self, horizon_days: int) -> Float:
        """What each customer is expected to bring within a horizon, in the order of the table."""
        return predicted_clv(self.model, self.summary, self._asked(Question(horizon_days)))

    def ranges(self, belongs: Bool) -> Ranges | None:
        """Median and interval of what the customers of each group bring within the horizon.

        ``belongs`` says which of the table's are in each, shape ``(groups, n)``. None where the
        model has no posterior.
        """
        terms = self.terms
        found = of_groups(
            self.model,
            self.summary,
            terms.horizon_days,
            belongs,
            level=terms.interval_level,
            shock=terms.shock,
        )
        return found and Ranges(*(terms.margin * part for part in found))

    def months(self) -> tuple[Float, Ranges | None]:
        """What all customers bring in each calendar month of the horizon: expected, and ranges.

        What is expected adds up to the sum of the table. No ranges where the model has no
        posterior.
        """
        terms = self.terms
        asked = self.model, self.summary, terms.horizon_days
        shares = self.model.shares_by_month(*asked[1:])
        expected = self.table["predicted_clv"].to_numpy() @ shares
        found = of_months(*asked, level=terms.interval_level, shock=terms.shock)
        return expected, found and Ranges(*(terms.margin * part for part in found))

    def place(self, customer: str) -> int | None:
        """The row of a customer in table and summary, by id or e-mail."""
        if "@" not in customer or customer in self._places:
            return self._places.get(customer)
        email = customer.strip().lower()
        digest = hashlib.sha256(email.encode(errors="replace")).hexdigest()
        return self._places.get(email, self._places.get(digest))

    def _name(self, customer: str | None) -> str:
        place = None if customer is None else self.place(customer)
        return customer or "" if place is None else self.table["customer_id"][place].as_py()

    def _alone(self, customer: str) -> CustomerSummary:
        place = self.place(customer)
        if place is None:
            raise CustomerNotFound(customer, self.as_of)
        return self._summary_of(pa.array([place]))

    def _summary_of(self, places: pa.Array) -> CustomerSummary:
        return dataclasses.replace(
            self.summary, table=self.summary.table.take(places), purchases_by_day=None
        )

    def _known(self, places: pa.Array, terms: Terms) -> pa.Table:
        """Rows of the stored summary under other terms than those of the table."""
        same_forecast = terms.horizon_days == self.terms.horizon_days
        earlier = self.table.take(places) if same_forecast else None
        crowd, summary = self._crowd(terms.horizon_days), self._summary_of(places)
        return clv_table(self.model, summary, terms, earlier=earlier, crowd=crowd).table

    def purchases(
        self, purchases: Iterable[Purchase], question: Question = Question()
    ) -> list[Answer]:
        """Rows of customers known by the orders given, in the order of each one's first."""
        by_customer: defaultdict[str, list[Purchase]] = defaultdict(list)
        for purchase in purchases:
            by_customer[purchase.customer_id].append(purchase)
        summarized = functools.partial(from_purchases, spend_season=self.summary.spend_season)
        return self._live(by_customer.items(), summarized, question)

    def tallies(self, tallies: Iterable[Tally], question: Question = Question()) -> list[Answer]:
        """Rows of customers known by their counts and times, in the order given."""
        return self._live([(tally.customer_id, tally) for tally in tallies], from_tally, question)

    def _live(
        self,
        customers: Iterable[tuple[str | None, Any]],
        summarized: Callable[..., Row | ClvError],
        question: Question,
    ) -> list[Answer]:
        as_of, terms = question.as_of or self.as_of, self._asked(question)
        net = terms.basis == "net"
        found = [(name, summarized(known, as_of, net=net)) for name, known in customers]
        sound = [(name, row) for name, row in found if not isinstance(row, ClvError)]
        # Two of them may bear one name or none, so rows are told apart by their place. Whom the
        # shop knows is drawn under the shop's own name for them.
        names = [self._name(name) for name, _ in sound]
        rows = [row | {"customer_id": str(place)} for place, (_, row) in enumerate(sound)]
        window = ObservationWindow(min(self.summary.window.start, as_of), as_of)
        table = pa.Table.from_pylist(rows, CUSTOMER_SUMMARY.schema)
        summary = CustomerSummary.from_table(table, window)
        crowd = self._crowd(terms.horizon_days)
        answers = clv_table(self.model, summary, terms, crowd=crowd, names=names)
        scored = iter(answers.table.to_pylist())
        return [
            Answer(name, "live", None, row)
            if isinstance(row, ClvError)
            else Answer(name, "live", next(scored) | {"customer_id": name})
            for name, row in found
        ]

    def _asked(self, question: Question) -> Terms:
        """The terms of the table, but for what the question wants otherwise."""
        own = self.terms
        horizon_days = question.horizon_days or own.horizon_days
        follows = own.churn_window_days == own.horizon_days
        rate = question.discount_rate
        return dataclasses.replace(
            own,
            horizon_days=horizon_days,
            **earned(self.past, horizon_days, history_days=self.summary.window.days),
            interval_level=question.interval_level or own.interval_level,
            churn_window_days=horizon_days if follows else own.churn_window_days,
            discount_rate=own.discount_rate if rate is None else rate,
        )

    def _crowd_at(self, horizon_days: int) -> Crowd:
        if horizon_days == self.terms.horizon_days:
            return Crowd.of(self.summary, self.table["predicted_clv"].to_numpy())
        terms = self._asked(Question(horizon_days))
        return Crowd.of(self.summary, predicted_clv(self.model, self.summary, terms))


def _unfit(path: Any, problem: str) -> IncompatibleArtifact:
    return IncompatibleArtifact(path, problem, next_step=PREDICT_AGAIN)


def _terms_of(path: Any, table: pa.Table, facts: Mapping[str, str], history_days: int) -> Terms:
    """The terms a stored CLV table was asked under."""
    told = {"discount_rate", "margin", "earlier", "expected_ranges"}
    if not table.num_rows or not told <= facts.keys():
        raise _unfit(path, "it does not say under which terms it was scored.")
    first = table.slice(0, 1).to_pylist()[0]
    names = {field.name for field in dataclasses.fields(Terms)} & first.keys()
    names -= {"interval_level"}  # null where the model has no intervals
    stated = {name: first[name] for name in names}
    past, days = json.loads(facts["earlier"]), first["horizon_days"]
    return Terms(
        **(stated | earned(past, days, history_days=history_days)),
        discount_rate=float(facts["discount_rate"]),
        margin=float(facts["margin"]),
        simulated=facts.get("simulated") == "true",
    )

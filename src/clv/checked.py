"""Tables in memory held against their declaration; whoever holds one need not check again.

:func:`check` is the door; :class:`CustomerSummary` and :class:`Predictions` go through it when
they are made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clv.errors import RuleBroken, TableMismatch
from clv.periods import Event, ObservationWindow, TimeUnit
from clv.tables import CUSTOMER_SUMMARY, EVERYBODY, PREDICTIONS, Column, Table

Totals = Mapping[str, tuple[float, float]]

_BY = {
    "==": pc.equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
    "known": pc.is_valid,
    "finite": pc.is_finite,
    "not": pc.invert,
    "and": pc.and_kleene,
}


def check(table: pa.Table, declared: Table) -> pa.Table:
    """``table`` in the declared columns, order and types, once it keeps every rule.

    Missing nullable columns are filled with null; other columns are left out.

    Raises:
        TableMismatch: a required column is missing, or a column holds another type.
        RuleBroken: rows contradict a rule, the key, or a column that must be known and finite.
    """
    columns = [_column(table, column, declared) for column in declared.columns]
    typed = pa.Table.from_arrays(columns, schema=declared.schema)
    for rule in declared.every_rule:
        broken = rule.broken(typed.column, _BY)
        if pc.any(broken, min_count=0).as_py():
            rows = typed.filter(broken).select(declared.shown(rule))
            _refuse(declared, str(rule), rows, rule.next_step)
    if declared.key:
        # In one thread: to wake others takes longer than to count the customers of a request.
        keyed = typed.select(declared.key).group_by(list(declared.key), use_threads=False)
        counts = keyed.aggregate([([], "count_all")])
        twice = counts.filter(pc.greater(counts["count_all"], 1)).select(declared.key)
        if twice.num_rows:
            step = "Merge the rows of one key before handing the table over."
            _refuse(declared, declared.key_rule, twice, step)
    return typed


def _refuse(declared: Table, rule: str, rows: pa.Table, step: str) -> None:
    first = rows.slice(0, 1).to_pylist()[0]
    raise RuleBroken(declared.name, rule, rows.num_rows, first, next_step=step)


def _column(table: pa.Table, column: Column, declared: Table) -> Any:
    wanted = declared.schema.field(column.name).type
    if column.name not in table.column_names:
        if column.nullable:
            return pa.nulls(table.num_rows, wanted)
        raise TableMismatch(
            declared.name,
            f"column '{column.name}' is missing; there are: {', '.join(table.column_names)}.",
            next_step="Name the column as declared in clv.tables.",
        )
    values = table[column.name]
    try:
        return values.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as cause:
        raise TableMismatch(
            declared.name,
            f"column '{column.name}' is {values.type}, not {column.type}: {cause}.",
            next_step=f"It holds {column.meaning}.",
        ) from cause


@dataclasses.dataclass(frozen=True)
class CustomerSummary:
    """A checked customer summary, the days it looks at and the unit of its times.

    Build it with :meth:`from_table`, or from bare arrays with :meth:`from_arrays`.
    """

    table: pa.Table
    window: ObservationWindow
    time_unit: TimeUnit
    purchases_by_day: tuple[int, ...] | None = None
    """Repeat purchase days of all customers on each day after the window's first."""
    spend_season: tuple[float, ...] | None = None
    """How much more than usual a purchase day is worth in each month, from January on."""
    calendar: tuple[Event, ...] | None = None
    """Days unlike others by the shop's own table, past and planned, whenever they were known."""

    @classmethod
    def from_table(
        cls,
        table: pa.Table,
        window: ObservationWindow,
        time_unit: TimeUnit = TimeUnit.DAY,
        **known: Any,
    ) -> Self:
        """A summary around ``table``, checked against ``CUSTOMER_SUMMARY``."""
        return cls(check(table, CUSTOMER_SUMMARY), window, time_unit, **known)

    @classmethod
    def from_arrays(
        cls,
        window: ObservationWindow,
        *,
        time_unit: TimeUnit = TimeUnit.DAY,
        purchases_by_day: tuple[int, ...] | None = None,
        **columns: npt.ArrayLike | pa.Array,
    ) -> Self:
        """A summary of ``frequency``, ``recency``, ``age`` and whatever else is known.

        Customers are numbered when ``customer_id`` is not among the columns. NaN reads as null.
        """
        arrays = {
            name: pa.array(np.asarray(values), from_pandas=True) for name, values in columns.items()
        }
        count = len(next(iter(arrays.values()), pa.array([])))
        arrays.setdefault("customer_id", pa.array([str(i + 1) for i in range(count)]))
        table = pa.table(arrays)
        return cls.from_table(table, window, time_unit, purchases_by_day=purchases_by_day)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """A column of numbers as floats, shape ``(n,)``; null becomes NaN."""
        return np.asarray(self.table[name].cast(pa.float64()).to_numpy())

    def in_days(self, name: str) -> npt.NDArray[np.float64]:
        """A column of times, in days whatever their unit."""
        return self.column(name) * self.time_unit.days

    @property
    def inactivity(self) -> npt.NDArray[np.float64]:
        """Days since each customer's last purchase, shape ``(n,)``."""
        return (self.column("age") - self.column("recency")) * self.time_unit.days


@dataclasses.dataclass(frozen=True)
class Predictions:
    """A checked CLV table: one row for every customer who ever bought.

    ``totals`` is between which amounts what the customers of each tier bring together will lie,
    and what ``EVERYBODY`` does; empty where the model has no intervals.
    """

    table: pa.Table
    totals: Totals = dataclasses.field(default_factory=dict)

    @classmethod
    def from_table(cls, table: pa.Table, totals: Totals) -> Self:
        return cls(check(table, PREDICTIONS), totals)

    @property
    def total(self) -> tuple[float, float] | None:
        return self.totals.get(EVERYBODY)

    def __len__(self) -> int:
        return int(self.table.num_rows)

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from clv import checked, tables
from clv.checked import CustomerSummary
from clv.errors import RuleBroken, TableMismatch
from clv.periods import ObservationWindow, TimeUnit
from clv.tables import Rule, Table

WINDOW = ObservationWindow(dt.date(2010, 1, 1), dt.date(2010, 12, 31))
DECLARED = [value for value in vars(tables).values() if isinstance(value, Table)]


@pytest.mark.parametrize("declared", DECLARED, ids=lambda table: table.name)
def test_a_declaration_names_only_columns_it_has(declared):
    assert len(set(declared.names)) == len(declared.names)
    assert set(declared.key) <= set(declared.names)
    compared = {word for rule in declared.rules for word in str(rule).split()}
    assert {word for word in compared - {"when"} if word.isidentifier()} <= set(declared.names)
    assert all(column.meaning and column.type in tables.TYPES for column in declared.columns)


@pytest.mark.parametrize("declared", DECLARED, ids=lambda table: table.name)
def test_an_empty_table_of_every_declaration_passes(declared):
    assert checked.check(declared.schema.empty_table(), declared).schema == declared.schema


def test_a_summary_can_be_made_of_bare_arrays():
    summary = CustomerSummary.from_arrays(
        WINDOW, frequency=[1, 0], recency=[3.0, 0.0], age=[9.0, 8.0], gross_value=[np.nan, 2.0]
    )

    assert summary.table["customer_id"].to_pylist() == ["1", "2"]
    assert summary.table["gross_value"].to_pylist() == [None, 2.0]
    assert np.isnan(summary.column("gross_value")[0])
    assert (len(summary), summary.time_unit) == (2, TimeUnit.DAY)


def test_a_missing_column_is_named_beside_those_there_are():
    with pytest.raises(TableMismatch, match="column 'age' is missing; there are: frequency, rec"):
        CustomerSummary.from_arrays(WINDOW, frequency=[0], recency=[0.0])


def test_a_column_of_another_type_says_what_it_should_hold():
    with pytest.raises(TableMismatch, match=r"column 'frequency' is .*, not integer"):
        CustomerSummary.from_arrays(WINDOW, frequency=["one"], recency=[0.0], age=[1.0])


def test_a_broken_rule_says_how_many_which_first_and_what_next():
    with pytest.raises(RuleBroken) as refusal:
        CustomerSummary.from_arrays(
            WINDOW, customer_id=["x", "y"], frequency=[1, 1], recency=[9.0, 1.0], age=[5.0, 5.0]
        )

    assert str(refusal.value).startswith(
        "customer_summary: 1 row breaks 'recency <= age', first: "
        "customer_id='x' recency=9.0 age=5.0. A purchase lies after the end of observation"
    )


def test_null_breaks_no_rule_but_the_columns_own():
    rule = Rule("a < b", "Mend it.")
    declared = Table(
        "t",
        (
            tables.Column("a", "number", "a", nullable=True),
            tables.Column("b", "number", "b", nullable=True),
        ),
        rules=(rule,),
    )
    table = pa.table({"a": pa.array([None, 1.0]), "b": pa.array([1.0, None])})

    assert checked.check(table, declared).num_rows == 2


def test_the_footer_carries_what_is_known_and_leaves_out_what_is_not():
    footer = tables.CUSTOMER_SUMMARY.metadata(currency="GBP", simulated=None)

    assert footer["clv.table"] == "customer_summary"
    assert footer["clv.currency"] == "GBP"
    assert "clv.simulated" not in footer
    assert '"frequency": "days"' in footer["clv.units"]

"""A declaration's rules as one query; the first offender as a second, only when one breaks."""

from __future__ import annotations

import operator
from typing import Any

import ibis

from clv.data.engine import first_row
from clv.errors import RuleBroken
from clv.tables import Rule, Table

_COMPARE = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def check(table: ibis.Table, declared: Table) -> None:
    """Hold ``table`` against the rules, the key and the known columns of ``declared``.

    Raises:
        RuleBroken: with the rule, how many rows break it and the first of them.
    """
    broken = _broken_rows(table, declared)
    counts = {f"rule_{i}": rows.fill_null(False).sum() for i, (_, rows) in enumerate(broken)}
    if declared.key:
        key = ibis.struct({name: table[name] for name in declared.key})
        counts["repeated"] = table.count() - key.nunique()
    found = first_row(table.aggregate(**counts))
    for i, (rule, rows) in enumerate(broken):
        if found[f"rule_{i}"]:
            columns = [name for name in rule.columns if name in declared.names]
            shown = list(dict.fromkeys([*declared.key, *columns]))
            first = first_row(table.filter(rows).select(shown))
            raise RuleBroken(
                declared.name, str(rule), found[f"rule_{i}"], first, next_step=rule.next_step
            )
    if found.get("repeated"):
        _refuse_repeated(table, declared, found["repeated"])


def _broken_rows(table: ibis.Table, declared: Table) -> list[tuple[Rule, Any]]:
    known = []
    for column in declared.columns:
        values = table[column.name]
        if not column.nullable:
            step = f"Every row needs its {column.name}: {column.meaning}."
            known.append((Rule(f"{column.name} is known", step), values.isnull()))
        if column.type == "number":
            step = "Write null for what is unknown, never NaN or infinity."
            rows = values.isnan() | values.isinf()
            known.append((Rule(f"{column.name} is finite", step), rows))
    ruled = []
    for rule in declared.rules:
        rows = ~_comparison(rule.text, table)
        if rule.when is not None:
            rows &= _comparison(rule.when, table)
        ruled.append((rule, rows))
    return known + ruled


def _comparison(text: str, table: ibis.Table) -> Any:
    left, compare, right = text.split()
    other = table[right] if right in table.columns else float(right)
    return _COMPARE[compare](table[left], other)


def _refuse_repeated(table: ibis.Table, declared: Table, count: int) -> None:
    key = list(declared.key)
    twice = table.group_by(key).agg(rows_=table.count()).filter(lambda row: row.rows_ > 1)
    first = first_row(twice.select(key).order_by(key))
    raise RuleBroken(
        declared.name,
        f"one row for each {', '.join(key)}",
        count,
        first,
        next_step="Report it: the pipeline counted a row twice.",
    )

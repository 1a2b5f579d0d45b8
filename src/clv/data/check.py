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
    rules = {f"rule_{i}": rule for i, rule in enumerate(declared.every_rule)}
    broken = {name: _broken(rule, table) for name, rule in rules.items()}
    counts = {name: rows.fill_null(False).sum() for name, rows in broken.items()}
    if declared.key:
        key = ibis.struct({name: table[name] for name in declared.key})
        counts["repeated"] = table.count() - key.nunique()
    found = first_row(table.aggregate(**counts))
    for name, rule in rules.items():
        if count := found[name]:
            first = first_row(table.filter(broken[name]).select(declared.shown(rule)))
            raise RuleBroken(declared.name, str(rule), count, first, next_step=rule.next_step)
    if found.get("repeated"):
        _refuse_repeated(table, declared, found["repeated"])


def _broken(rule: Rule, table: ibis.Table) -> Any:
    rows = ~_holds(rule.text, table)
    return rows if rule.when is None else rows & _holds(rule.when, table)


def _holds(text: str, table: ibis.Table) -> Any:
    left, compare, right = text.split()
    values = table[left]
    if compare == "is":
        return values.notnull() if right == "known" else ~(values.isnan() | values.isinf())
    other = table[right] if right in table.columns else float(right)
    return _COMPARE[compare](values, other)


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

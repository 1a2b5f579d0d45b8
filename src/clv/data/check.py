"""A declaration's rules as one query; the first offender as a second, only when one breaks."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import ibis

from clv.data.engine import first_row
from clv.errors import RuleBroken
from clv.tables import Table

_BY: dict[str, Callable[..., Any]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "known": lambda values: values.notnull(),
    "finite": lambda values: ~(values.isnan() | values.isinf()),
    "not": operator.invert,
    "and": operator.and_,
}


def check(table: ibis.Table, declared: Table) -> None:
    """Hold ``table`` against the rules, the key and the known columns of ``declared``.

    Raises:
        RuleBroken: with the rule, how many rows break it and the first of them.
    """
    rules = declared.every_rule
    broken = [rule.broken(table.__getitem__, _BY) for rule in rules]
    counts = {f"rule_{i}": rows.fill_null(False).sum() for i, rows in enumerate(broken)}
    if declared.key:
        key = ibis.struct({name: table[name] for name in declared.key})
        counts["repeated"] = table.count() - key.nunique()
    found = first_row(table.aggregate(**counts))
    for i, rule in enumerate(rules):
        if count := found[f"rule_{i}"]:
            first = first_row(table.filter(broken[i]).select(declared.shown(rule)))
            raise RuleBroken(declared.name, str(rule), count, first, next_step=rule.next_step)
    if found.get("repeated"):
        names = list(declared.key)
        twice = table.group_by(names).having(table.count() > 1).agg().order_by(names)
        step = "Report it: the pipeline counted a row twice."
        raise RuleBroken(
            declared.name, declared.key_rule, found["repeated"], first_row(twice), next_step=step
        )

"""The three lists against a second reading of their rules, customer by customer."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from clv.checked import CustomerSummary
from clv.lists import call_lists, control_group, second_order_window, seed_of
from clv.periods import ObservationWindow

WINDOW = ObservationWindow(dt.date(2024, 1, 1), dt.date(2025, 12, 31))

# orders, days since the last, mean gap, tier, p_alive
CUSTOMERS = {
    "late": (4, 151, 100.0, "A", 0.99),
    "just in time": (4, 150, 100.0, "A", 0.99),
    "late but small": (4, 400, 100.0, "C", 0.99),
    "late and fading": (4, 400, 100.0, "A", 0.6),
    "fading but middling": (4, 90, 100.0, "B", 0.6),
    "two orders": (2, 400, 20.0, "A", 0.99),
    "second due": (1, 45, None, "C", 0.9),
    "second early": (1, 2, None, "A", 0.5),
    "second forgone": (1, 300, None, "C", 0.2),
    "sent everything back": (0, 60, None, "C", 0.9),
}


def shop():
    """Those customers, and 30 who bought on exactly two days, 31 to 60 days apart."""
    rows = [
        {"customer_id": name, "orders": n, "silent": silent, "pace": pace, "tier": tier, "alive": a}
        for name, (n, silent, pace, tier, a) in CUSTOMERS.items()
    ]
    rows += [
        {
            "customer_id": f"twice {gap}",
            "orders": 2,
            "silent": 5,
            "pace": gap,
            "tier": "C",
            "alive": 1,
        }
        for gap in range(31, 61)
    ]
    recency = [float(r["pace"]) * max(r["orders"] - 1, 0) if r["pace"] else 0.0 for r in rows]
    summary = CustomerSummary.from_table(
        pa.table(
            {
                "customer_id": [r["customer_id"] for r in rows],
                "frequency": pa.array([max(r["orders"] - 1, 0) for r in rows], pa.int64()),
                "recency": recency,
                "age": [a + r["silent"] for a, r in zip(recency, rows, strict=True)],
            }
        ),
        WINDOW,
    )
    predictions = pa.table(
        {
            "customer_id": [r["customer_id"] for r in rows],
            "historic_number_of_orders": pa.array([r["orders"] for r in rows], pa.int64()),
            "average_days_between_orders": pa.array([r["pace"] for r in rows], pa.float64()),
            "value_tier": [r["tier"] for r in rows],
            "p_alive": pa.array([r["alive"] for r in rows], pa.float64()),
        }
    )
    return predictions, summary


def members():
    predictions, summary = shop()
    ids = np.asarray(predictions["customer_id"].to_pylist())
    return {found.name: set(ids[found.members]) for found in call_lists(predictions, summary)}


def test_each_list_holds_whom_its_rule_names():
    assert members() == {
        "overdue": {"late"},
        "second_order": {"second due"},
        "protect": {"late and fading"},
    }


def test_nobody_is_on_two_lists_and_everybody_else_is_left_out_for_one_reason():
    predictions, summary = shop()
    found = call_lists(predictions, summary)

    assert (sum(one.members.astype(int) for one in found) <= 1).all()
    for one in found:
        assert one.members.sum() + sum(one.left_out.values()) == predictions.num_rows


def test_the_second_order_is_due_when_half_of_the_others_came_back():
    _, summary = shop()
    gaps = [*range(31, 61), 20]  # one of the named customers bought twice too

    earliest, latest = second_order_window(summary)

    assert sum(gap < earliest for gap in gaps) == pytest.approx(len(gaps) / 4, abs=1)
    assert sum(gap > latest for gap in gaps) == pytest.approx(len(gaps) / 4, abs=1)


def test_where_too_few_came_back_no_second_order_is_due():
    predictions, summary = shop()
    few = slice(0, len(CUSTOMERS))
    summary = CustomerSummary(summary.table[few], summary.window, summary.time_unit)
    found = {one.name: one for one in call_lists(predictions[few], summary)}

    assert second_order_window(summary) is None
    assert not found["second_order"].members.any()
    assert found["overdue"].members.any()


def test_a_control_group_is_a_fifth_and_the_same_for_the_same_people_in_any_order():
    people = [f"c{number}" for number in range(101)]
    drawn = set(np.asarray(people)[control_group(people, 7)])
    again = set(np.asarray(people[::-1])[control_group(people[::-1], 7)])

    assert len(drawn) == 20
    assert drawn == again
    assert drawn != set(np.asarray(people)[control_group(people, 8)])


def test_a_control_group_favors_nobody():
    people = [f"c{number}" for number in range(50)]
    drawn = sum(control_group(people, seed).astype(int) for seed in range(2000))

    # 400 expected, standard deviation 18: five of them either way.
    assert drawn.min() > 310
    assert drawn.max() < 490


@pytest.mark.parametrize("people", [[], ["a"], ["a", "b", "c", "d"]])
def test_nobody_of_a_list_too_small_to_learn_from_is_left_alone(people):
    assert not control_group(people, 1).any()
    assert seed_of(dt.date(2011, 12, 9)) == 20111209

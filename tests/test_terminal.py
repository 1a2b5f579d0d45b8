"""What people are shown: money in words, a ledger worst first, a box that hides no bias."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from clv import terminal
from clv.data.preprocess import RULES, RULES_OF_SOME
from clv.evaluation.past import averages
from clv.store.workspace import Workspace

ETL = {
    "read": 1000,
    "kept": 800,
    "refused": {"duplicate": 20, "no_customer": 100, "return": 80, "non_positive_price": 0},
    "money": {
        "read": "10000.00",
        "kept": "9000.00",
        "refused": {
            "duplicate": "200",
            "no_customer": "1500",
            "return": "-700",
            "non_positive_price": "0",
        },
    },
    "returns": {
        "matched": {"lines": 70, "value": "600.00"},
        "unmatched": {"lines": 10, "value": "100.00"},
    },
    "value": 8400.0,
    "first_day": "2024-01-01",
    "last_day": "2024-03-01",
    "currency": "GBP",
    "basis": "net",
    "simulated": False,
    "without_orders": [],
}


def text_of(*shown, width=200):
    console = Console(file=io.StringIO(), width=width)
    for item in shown:
        console.print(item, highlight=False)
    return console.file.getvalue()


def test_the_ledger_is_worst_first_and_leaves_out_rules_nothing_broke():
    lines = text_of(*terminal.ledger(ETL)).splitlines()

    order = [
        i
        for word in ("no customer", "is a return", "repeats")
        for i, line in enumerate(lines)
        if word in line
    ]
    assert order == sorted(order)
    assert len(order) == 3
    assert not any("has no price" in line for line in lines)
    assert any("Net sales we see: £8,400, 2024-01-01 to 2024-03-01" in line for line in lines)


@pytest.mark.parametrize(
    ("alone", "slip"),
    [
        (None, ""),
        (
            "1970-01-01",
            "If 1970-01-01, the log's first day, is a slip, correct or remove its lines. ",
        ),
        (
            "2024-03-01",
            "If 2024-03-01, the log's last day, is a slip, leave it out with "
            "--observation-end 2024-01-02. ",
        ),
    ],
)
def test_days_without_orders_are_warned_of_with_what_to_do(alone, slip):
    days = {"first_day": "2024-01-03", "last_day": "2024-02-29", "days": 58, "next_longest": 2}
    etl = ETL | {"without_orders": [days | {"alone": alone}]}

    assert text_of(*terminal.ledger(etl), width=400).splitlines()[-1] == (
        "Warning: no order that counts is dated 2024-01-03 to 2024-02-29 (58 days; else at most 2 "
        "pass without one), and the forecast takes these days for ordinary ones. "
        f"{slip}If the shop was closed, name these days in --calendar."
    )
    assert "Warning" not in text_of(*terminal.ledger(ETL))


def test_every_rule_has_its_words():
    assert set(terminal.WHY_REFUSED) == {*RULES, *RULES_OF_SOME}


def test_a_simulated_shop_is_said_first():
    assert text_of(*terminal.ledger(ETL | {"simulated": True})).startswith("SIMULATED")


def bias(horizon_days, value, cut, role="chosen"):
    return {
        "role": role,
        "target": "net_cash",
        "metric": "bias",
        "value": value,
        "horizon_days": horizon_days,
        "cut": cut,
    }


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            [bias(365, 0.37, "2023-01-01")],
            [
                "The same forecast over 365 days was off by +37% on 2023-01-01.",
                "A log of 60 days cannot check 91, 182 days yet.",
            ],
        ),
        (
            [bias(182, 9, "c"), bias(91, -0.2, "b"), bias(91, 0.1, "a"), bias(365, None, "d")],
            [
                "The same forecast over 91 days was off by -20% on b and +10% on a.",
                "The same forecast over 182 days was off by +900% on c.",
                "The same forecast over 365 days met no sales to compare it with.",
            ],
        ),
        (
            [bias(365, 0.1, "x", role="baseline")],
            [
                "It was not held against what happened, which takes a log that reaches "
                "2024-07-01 or later."
            ],
        ),
    ],
)
def test_how_far_off_the_forecast_was_is_said_of_every_horizon(records, said):
    assert terminal.how_far_off(records, ETL) == [*said, terminal.NO_SEASON]


def test_of_a_log_long_enough_no_later_day_is_promised():
    long = ETL | {"last_day": "2025-01-01"}

    assert terminal.how_far_off([], long) == ["It was not held against what happened."]


def box_of(finished, days, records):
    facts = terminal.forecast_facts(finished.outcome.predictions) | {"horizon_days": days}
    place = Workspace(finished.root)
    shown = text_of(*terminal.whole_run(place, finished.outcome.etl, records, facts), width=400)
    return shown.split("Next:")[1]


@pytest.mark.parametrize(("days", "flag"), [(365, ""), (400, " --horizon-days 400")])
def test_the_box_suggests_commands_that_keep_to_the_horizon_asked_for(finished, days, flag):
    following = box_of(finished, days, finished.outcome.backtest)

    assert f"backtest --workspace {finished.root}{flag}    how good" in following
    assert f"--amount total{flag} " in following
    assert "--horizon-days 91    the next quarter" in following


def test_the_box_suggests_neither_a_backtest_that_cannot_be_nor_the_forecast_just_made(finished):
    following = box_of(finished, 91, [])

    assert "serve" in following
    assert "backtest --workspace" not in following
    assert "the next quarter" not in following


def test_the_best_of_each_metric_stands_out():
    rows = [
        {
            "model": m,
            "role": role,
            "cut": cut,
            "horizon_days": 91,
            "target": "net_cash",
            "metric": k,
            "value": v,
        }
        for m, role, cut, values in (
            ("fine", "chosen", "2023-01-01", (0.1, 5000, 2000, 0.6)),
            ("other", "chosen", "2023-02-01", (-0.2, 7000, 2000, 0.6)),
            ("poor", "baseline", "2023-01-01", (-0.4, 9000, None, 0.2)),
            ("untold", "challenger", "2023-01-01", (0.0, 1, 1, 0.9)),
        )
        for k, v in zip(("bias", "mae", "tweedie", "spearman"), values, strict=True)
    ]

    shown = text_of(*terminal.backtest(rows), width=80)

    assert "after 2 dates, 2023-01-01 to 2023-02-01. Chosen there: fine, other." in " ".join(
        shown.split()
    )
    lines = [line.split() for line in shown.splitlines()]
    assert ["91", "2", "chosen", "-20%", "to", "+10%", "6,000.0", "2,000.0", "0.600"] in lines
    assert ["91", "1", "poor", "-40%", "9,000.0", "-", "0.200"] in lines
    assert "untold" not in shown
    cells = list(terminal._rows({m: own for (_, m), own in averages(rows, "net_cash").items()}))
    assert [cell.startswith("[bold]") for cell in cells[0]] == [False] * 3 + [True] * 3
    assert "…" not in shown


def test_where_nothing_was_sold_a_bias_is_a_dash():
    place = {"model": "fine", "role": "chosen", "cut": "2023-01-01", "horizon_days": 91}
    row = place | {"target": "net_cash"}
    rows = [row | {"metric": "bias", "value": None}, row | {"metric": "mae", "value": 50.0}]

    shown = text_of(*terminal.backtest(rows), width=80)

    assert ["91", "1", "chosen", "-", "50.0", "-", "-"] in [s.split() for s in shown.splitlines()]


def test_a_fit_is_told_with_its_criteria():
    facts = {
        "digest": "abc",
        "nbd": {
            "params": {"r": 0.385, "alpha": 12.07},
            "standard_errors": {"r": 0.011},
            "log_likelihood": -9763.65768,
            "aic": 19531.31536,
            "bic": 19542.84589,
            "status": "optimum",
            "advice": "One well-determined maximum.",
        },
    }
    told = text_of(*terminal.fit(facts), width=200)

    assert "r 0.385 (s.e. 0.011), alpha 12.07" in told
    assert "log-likelihood -9,763.658, AIC 19,531.3, BIC 19,542.8; optimum" in told

"""Customers: the table with its filters, and one customer, found by the address too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from clv.charts import customer as charts
from clv.charts.messages import rfm_name, tier_name
from clv.dashboard import export
from clv.dashboard.visit import Visit, figures, plain
from clv.errors import CustomerNotFound
from clv.lists import days_since_last_order

MOST_SHOWN = 500
HORIZONS = (7, 14, 30, 61, 91, 122, 182, 273, 365)
FILTERS = ("value_tier", "rfm_group", "country", "cohort")
SORTS = {
    "predicted_clv": "descending",
    "historic_clv": "descending",
    "p_purchase_in_horizon": "ascending",
    "customer_id": "ascending",
}
COLUMNS = (
    "customer_id",
    "value_tier",
    "rfm_group",
    "historic_number_of_orders",
    "historic_clv",
    "predicted_clv",
    "p_purchase_in_horizon",
    "cohort",
    "country",
)


def show(visit: Visit) -> None:
    """One customer where one is named, and below it everybody the filters let through."""
    asked = st.text_input(
        visit.label("customer_id"),
        key="customer",
        bind="query-params",
        placeholder=visit.say("customer_hint"),
    )
    if asked and asked.strip():
        _customer(visit, asked.strip())
        st.divider()
    _everybody(visit)


def _customer(visit: Visit, asked: str) -> None:
    speech, service = visit.speech, visit.overview.service
    answer = service.customers([asked])[0]
    if answer.row is None:
        if not isinstance(answer.error, CustomerNotFound):
            raise answer.error or AssertionError(asked)
        date = speech.date(service.as_of)
        st.info(visit.say("unknown_customer", customer=plain(asked), date=date))
        return
    row = answer.row
    st.header(plain(visit.say("one_customer", customer=row["customer_id"])))
    _history(visit, row)
    st.subheader(visit.say("outlook"))
    for said in _outlook(visit, row):
        st.markdown(plain(said))
    chances = dict(zip(HORIZONS, service.chance_of_order(asked, HORIZONS), strict=True))
    visit.chart(charts.chance_over_time(chances, speech), "chance", visit.say("chance_note"))


def _history(visit: Visit, row: dict[str, Any]) -> None:
    speech, service = visit.speech, visit.overview.service
    place = pc.index(service.table["customer_id"], row["customer_id"]).as_py()
    summary = service.summary
    silent = float(days_since_last_order(summary)[place])
    first, last = (
        summary.table[name][place].as_py() for name in ("first_purchase", "last_purchase")
    )
    figures(
        [
            (visit.label("orders"), speech.number(row["historic_number_of_orders"])),
            (visit.label("spent"), speech.money(row["historic_clv"])),
            (visit.label("first_purchase"), speech.date(first, short=True)),
            (visit.label("last_purchase"), speech.date(last, short=True)),
            (visit.label("silent_days"), speech.number(silent)),
            (visit.label("usual_gap"), speech.number(row["average_days_between_orders"])),
        ]
    )
    facts = {
        "tier": tier_name(row["value_tier"], speech),
        "rfm_group": rfm_name(row["rfm_group"], speech),
        "country": row["country"] or visit.say("not_known"),
        "first_product": row["first_product"] or visit.say("not_known"),
    }
    st.markdown(
        " · ".join(f"{visit.label(name)}: **{plain(said)}**" for name, said in facts.items())
    )


def _outlook(visit: Visit, row: dict[str, Any]) -> list[str]:
    """The forecast of one customer in sentences, and how far to trust it."""
    speech = visit.speech
    days = speech.number(row["horizon_days"])
    said = [
        visit.say(
            "outlook_value",
            money=speech.rough(row["predicted_clv"]),
            orders=speech.number(row["predicted_number_of_orders"], 1),
            days=days,
        ),
        visit.say(
            "outlook_chance",
            some=speech.chance(row["p_purchase_in_horizon"]),
            none=speech.chance(row["p_zero"]),
            days=days,
        ),
        _range(visit, row),
        visit.say("outlook_rank", share=speech.number(row["value_percentile"])),
    ]
    if row["next_order_status"] == "expected":
        names = ("next_order_from", "expected_date_of_next_order", "next_order_to")
        start, middle, end = (speech.date(row[name]) for name in names)
        said.append(visit.say("next_order", start=start, middle=middle, end=end))
    reasons = [visit.say(code) for code in row["reason_codes"]]
    because = visit.say("because", reasons=speech.listing(reasons)) if reasons else ""
    said.append(visit.say(f"confidence_{row['confidence']}") + because + ".")
    return said


def _range(visit: Visit, row: dict[str, Any]) -> str:
    """The interval of one customer in words; a median of nothing is said, not shown as 0."""
    level, speech = row["interval_level"], visit.speech
    if level is None:
        return visit.say("no_customer_range")
    lower, median, upper = (row[f"predicted_clv_{name}"] for name in ("lower", "median", "upper"))
    said = "between" if lower > 0 else "from_zero"
    if median == 0:
        said = "likely_nothing" if upper > 0 else "nothing"
    return visit.say(
        f"range_{said}",
        lower=speech.rough(lower),
        median=speech.rough(median),
        upper=speech.rough(upper),
        level=speech.percent(level),
        above=speech.percent(1 - level),
    )


def _everybody(visit: Visit) -> None:
    speech = visit.speech
    st.header(visit.say("everybody"))
    found = _filtered(visit)
    order = st.selectbox(
        visit.say("sort_by"),
        list(SORTS),
        format_func=visit.label,
        key="sort",
        bind="query-params",
        width=320,
    )
    found = found.take(pc.sort_indices(found, [(order, SORTS[order])]))
    said = visit.say(
        "found",
        customers=speech.number(found.num_rows),
        money=speech.rough(float(pc.sum(found["predicted_clv"]).as_py() or 0.0)),
    )
    shown = visit.say("first_shown", shown=speech.number(MOST_SHOWN))
    st.markdown(plain(f"{said} {shown}" if found.num_rows > MOST_SHOWN else said))
    ids = found["customer_id"].slice(0, MOST_SHOWN).to_pylist()
    st.dataframe(
        _styled(visit, found.slice(0, MOST_SHOWN)),
        hide_index=True,
        alt=said,
        key="picked",
        selection_mode="single-row",
        on_select=lambda: _pick(ids),
    )
    st.caption(visit.say("pick_hint"))
    as_of = visit.overview.service.as_of
    export.button(found, f"customers_{as_of}.csv", visit.say("export_customers"), key="export_all")


def _filtered(visit: Visit) -> pa.Table:
    found = visit.overview.table
    called: dict[str, Callable[[str], str]] = {
        "value_tier": lambda tier: tier_name(tier, visit.speech),
        "rfm_group": lambda group: rfm_name(group, visit.speech),
        "country": str,
        "cohort": visit.speech.month,
    }
    for name, column in zip(FILTERS, st.columns(len(FILTERS)), strict=True):
        options = sorted(pc.unique(visit.overview.table[name].drop_null()).to_pylist())
        with column:
            chosen = st.multiselect(
                visit.label(name),
                options,
                format_func=called[name],
                key=name,
                bind="query-params",
                placeholder=visit.say("all"),
            )
        if chosen:
            found = found.filter(pc.is_in(found[name], pa.array(chosen)))
    return found


def _styled(visit: Visit, rows: pa.Table) -> Any:
    """Rows said in the visitor's language that still sort by their values."""
    speech = visit.speech
    frame = pd.DataFrame(rows.select(list(COLUMNS)).to_pydict())
    says: dict[str, Callable[..., str]] = {
        "value_tier": lambda tier: tier_name(tier, speech),
        "rfm_group": lambda group: rfm_name(group, speech),
        "historic_number_of_orders": speech.number,
        "historic_clv": speech.money,
        "predicted_clv": speech.money,
        "p_purchase_in_horizon": speech.chance,
        "cohort": speech.month,
    }
    heads = {name: visit.label(name) for name in COLUMNS}
    formats: dict[Any, Any] = {heads[name]: say for name, say in says.items()}
    return frame.rename(columns=heads).style.format(formats)


def _pick(ids: list[str]) -> None:
    """Name the customer of the row that was clicked, in the address too."""
    rows = st.session_state["picked"]["selection"]["rows"]
    if rows:
        st.session_state["customer"] = ids[rows[0]]

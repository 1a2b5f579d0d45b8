"""Customers: the table with its filters, and one customer, found by the address too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from clv.charts import forecasts
from clv.dashboard.show import chart, export, figures, plain
from clv.narrative import Narrative, drivers, rests_on
from clv.speech import Speech

MOST_SHOWN = 500
HORIZONS = (7, 14, 30, 61, 91, 122, 182, 273, 365)
FILTERS = ("value_tier", "rfm_group", "country", "cohort")
SORTS = {
    "predicted_clv": "descending",
    "historic_clv": "descending",
    "p_purchase_in_horizon": "ascending",
    "customer_id": "ascending",
}


def show(told: Narrative) -> None:
    """One customer where one is named, and below it everybody the filters let through."""
    asked = st.text_input(
        told.speech.label("customer_id"),
        key="customer",
        bind="query-params",
        placeholder=told.speech("customer_hint"),
    )
    if asked and asked.strip():
        _customer(told, asked.strip())
        st.divider()
    _everybody(told)


def _says(say: Speech) -> dict[str, Callable[[Any], str]]:
    """The columns of the table, each with how its values are said."""
    return {
        "customer_id": str,
        "value_tier": lambda tier: say(f"tier_{tier}"),
        "rfm_group": lambda group: say(f"rfm_{group}"),
        "historic_number_of_orders": say.number,
        "historic_clv": say.money,
        "predicted_clv": say.money,
        "p_purchase_in_horizon": say.chance,
        "cohort": say.month,
        "country": lambda country: country or say("not_known"),
    }


def _customer(told: Narrative, asked: str) -> None:
    say, service = told.speech, told.overview.service
    answer = service.customers([asked])[0]
    place = service.place(asked)
    if answer.row is None or place is None:
        date = say.date(service.as_of)
        st.info(say("unknown_customer", customer=plain(asked), date=date))
        return
    st.header(plain(say("one_customer", customer=answer.row["customer_id"])))
    silent = float(service.summary.inactivity[place])
    _history(told, answer.row, place, silent)
    st.subheader(say("outlook"))
    for sentence in _outlook(answer.row, say):
        st.markdown(plain(sentence))
    _drivers(told, answer.row, silent)
    chances = dict(zip(HORIZONS, service.chance_of_order(asked, HORIZONS), strict=True))
    drawn = forecasts.chance_over_time(chances, say)
    chart(drawn, say, say("chance_note"), key="chance")


def _history(told: Narrative, row: dict[str, Any], place: int, silent: float) -> None:
    say, service = told.speech, told.overview.service
    bought = service.summary.table.slice(place, 1).to_pylist()[0]
    said = {
        "historic_number_of_orders": say.number(row["historic_number_of_orders"]),
        "historic_clv": say.money(row["historic_clv"]),
        "first_purchase": say.date(bought["first_purchase"], short=True),
        "last_purchase": say.date(bought["last_purchase"], short=True),
        "silent_days": say.number(silent),
        "usual_gap": say.number(row["average_days_between_orders"]),
    }
    figures({say.label(name): figure for name, figure in said.items()})
    facts = {name: _says(say)[name](row[name]) for name in ("value_tier", "rfm_group", "country")}
    facts["first_product"] = row["first_product"] or say("not_known")
    st.markdown(" · ".join(f"{say.label(name)}: **{plain(is_)}**" for name, is_ in facts.items()))


def _drivers(told: Narrative, row: dict[str, Any], silent: float) -> None:
    """What trees made of this customer; where they made nothing of it, what there is to go by."""
    say, service = told.speech, told.overview.service
    moved = service.contributions(row["customer_id"])
    if moved is None or not (said := drivers(say, moved)):
        st.markdown(plain(rests_on(say, row, silent)))
        return
    st.markdown("\n".join([say("drivers"), "", *(f"- {plain(sentence)}" for sentence in said)]))
    st.caption(say("drivers_note"))


def _outlook(row: dict[str, Any], say: Speech) -> list[str]:
    """The forecast of one customer in sentences, and how far to trust it."""
    days = say.number(row["horizon_days"])
    money, orders = say.rough(row["predicted_clv"]), row["predicted_number_of_orders"]
    some, none = say.chance(row["p_purchase_in_horizon"]), say.chance(row["p_zero"])
    trust = say(f"confidence_{row['confidence']}")
    if reasons := [say(f"reason_{code}") for code in row["reason_codes"]]:
        trust += f": {say.listing(reasons)}"
    sentences = [
        say("outlook_value", money=money, orders=say.number(orders, 1), days=days),
        say("outlook_chance", some=some, none=none, days=days),
        _range(row, say),
        say("outlook_rank", share=say.number(row["value_percentile"])),
    ]
    if row["next_order_status"] == "expected":
        names = ("next_order_from", "expected_date_of_next_order", "next_order_to")
        start, middle, end = (say.date(row[name]) for name in names)
        sentences.append(say("next_order", start=start, middle=middle, end=end))
    return [*sentences, f"{trust}."]


def _range(row: dict[str, Any], say: Speech) -> str:
    """The interval of one customer in words; a median of nothing is said, not shown as 0."""
    level = row["interval_level"]
    if level is None:
        return say("no_customer_range")
    lower, median, upper = (row[f"predicted_clv_{end}"] for end in ("lower", "median", "upper"))
    kind = "between" if lower > 0 else "from_zero"
    if median == 0:
        kind = "likely_nothing" if upper > 0 else "nothing"
    ends = {"lower": say.rough(lower), "median": say.rough(median), "upper": say.rough(upper)}
    return say(f"range_{kind}", **ends, level=say.percent(level), above=say.percent(1 - level))


def _everybody(told: Narrative) -> None:
    say, as_of = told.speech, told.overview.service.as_of
    st.header(say("everybody"))
    found = _filtered(told.overview.table, say)
    order = st.selectbox(
        say("sort_by"),
        list(SORTS),
        format_func=say.label,
        key="sort",
        bind="query-params",
        width=320,
    )
    found = found.sort_by([(order, SORTS[order])])
    money = say.rough(pc.sum(found["predicted_clv"]).as_py() or 0.0)
    said = say("found", customers=say.number(found.num_rows), money=money)
    if found.num_rows > MOST_SHOWN:
        said += " " + say("first_shown", shown=say.number(MOST_SHOWN))
    st.markdown(plain(said))
    shown = found.slice(0, MOST_SHOWN)
    ids = shown["customer_id"].to_pylist()
    st.dataframe(
        _styled(shown, say),
        hide_index=True,
        alt=said,
        key="picked",
        selection_mode="single-row",
        on_select=lambda: _pick(ids),
    )
    st.caption(say("pick_hint"))
    export(found, f"customers_{as_of}.csv", say("export_customers"), key="export_all")


def _filtered(customers: pa.Table, say: Speech) -> pa.Table:
    found = customers
    for name, column in zip(FILTERS, st.columns(len(FILTERS)), strict=True):
        chosen = column.multiselect(
            say.label(name),
            sorted(pc.unique(customers[name].drop_null()).to_pylist()),
            format_func=_says(say)[name],
            key=name,
            bind="query-params",
            placeholder=say("all"),
        )
        if chosen:
            found = found.filter(pc.is_in(found[name], pa.array(chosen)))
    return found


def _styled(rows: pa.Table, say: Speech) -> Any:
    """Rows said in the visitor's language that still sort by their values."""
    says = {say.label(name): how for name, how in _says(say).items()}
    frame = rows.select(list(_says(say))).to_pandas()
    return frame.set_axis(list(says), axis=1).style.format(says)


def _pick(ids: list[str]) -> None:
    """Name the customer of the row that was clicked, in the address too."""
    rows = st.session_state["picked"]["selection"]["rows"]
    if rows:
        st.session_state["customer"] = ids[rows[0]]

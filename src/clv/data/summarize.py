"""Transactions, and from them the customer summary at the end of a window.

Every function looks at nothing after the window's end: neither purchases nor returns.
"""

from __future__ import annotations

import datetime as dt

import ibis

from clv.data import engine
from clv.periods import ObservationWindow


def transactions(
    lines: ibis.Table, returns: ibis.Table, end: dt.date, *, net: bool = True
) -> ibis.Table:
    """Purchase days up to ``end`` that still stand: what each customer bought, less returns.

    A day whose orders were all undone by then is no purchase. Without an order id, rows of a
    customer at one moment are one order.
    """
    key = ["customer_id", "date", "order_id"]
    bought = _by_order(lines.filter(lines.invoice_date < _after(end)))
    orders = bought.group_by(key).agg(gross_value=bought.sales.sum())
    undone = _by_order(returns.filter(returns.returned_at < _after(end)))
    undone = undone.group_by(key).agg(undone_value=undone.value.sum())
    orders = orders.left_join(undone, key)
    returned = orders.undone_value.fill_null(0) if net else ibis.literal(0)
    orders = orders.mutate(returned_value=returned.cast(orders.gross_value.type()))
    days = orders.group_by("customer_id", "date").agg(
        orders=(orders.gross_value > orders.returned_value).sum(),
        gross_value=orders.gross_value.sum(),
        returned_value=orders.returned_value.sum(),
    )
    return days.filter(days.gross_value > days.returned_value)


def repeat_purchases_by_day(days: ibis.Table, window: ObservationWindow) -> tuple[int, ...]:
    """How many customers bought again on each day after the window's first."""
    days = days.mutate(first=days.date.min().over(group_by="customer_id"))
    again = days.filter(days.date > days.first)
    counted = engine.fetch(again.group_by("date").agg(customers=again.count())).to_pylist()
    by_day = [0] * window.days
    for row in counted:
        by_day[(row["date"] - window.start).days - 1] = row["customers"]
    return tuple(by_day)


def _by_order(table: ibis.Table) -> ibis.Table:
    moment = table.invoice_date.strftime("%Y-%m-%d %H:%M:%S")
    return table.mutate(
        date=table.invoice_date.date(), order_id=ibis.coalesce(table.invoice, moment)
    )


def _after(end: dt.date) -> dt.datetime:
    return dt.datetime.combine(end + dt.timedelta(days=1), dt.time())


def customer_summary(lines: ibis.Table, days: ibis.Table, window: ObservationWindow) -> ibis.Table:
    """One row per customer who bought up to the window's end, in the declared columns.

    Args:
        lines: Kept lines.
        days: :func:`transactions` up to the same end.
        window: Its end is the end of observation; recency and age count days.
    """
    known = lines.filter(lines.invoice_date < _after(window.end))
    firsts = _first_days(known)
    days = days.mutate(net_value=days.gross_value - days.returned_value)
    days = days.mutate(first=days.date.min().over(group_by="customer_id"))
    repeat = days.date > days.first
    days = days.mutate(log_interval=_log_interval(days))
    standing = days.group_by("customer_id").agg(
        purchase_days=days.count(),
        first_standing=days.date.min(),
        last_purchase=days.date.max(),
        repeat_value=days.net_value.sum(where=repeat),
        log_intervals=days.log_interval.sum(),
        orders=days.orders.sum(),
        gross_value=days.gross_value.sum(),
        returned_value=days.returned_value.sum(),
    )
    all_ = firsts.left_join(standing, "customer_id").drop("customer_id_right")
    return _described(all_, window)


def _log_interval(days: ibis.Table) -> ibis.Value:
    """Log of the days since the customer's purchase day before; null at the first."""
    own = ibis.window(group_by="customer_id", order_by="date")
    interval = days.date.delta(days.date.lag().over(own), unit="day")
    # As a decimal, so that the sum does not depend on the order in which threads finish.
    return interval.ln().cast("decimal(18, 12)")


def _first_days(known: ibis.Table) -> ibis.Table:
    """First day, and the country and dearest goods line of that day, per customer."""
    first_day = known.invoice_date.min().over(group_by="customer_id").date()
    known = known.mutate(first_day=first_day)
    known = known.filter(known.invoice_date.date() == known.first_day)
    is_named = known.is_goods & (known.description != "Unknown")
    product = ibis.ifelse(is_named, known.description, None)
    order = [known.is_goods.desc(), known.sales.desc(), known.description, known.country]
    return known.group_by("customer_id").agg(
        first_day=known.first_day.min(),
        country=known.country.first(order_by=order, include_null=True),
        first_product=product.first(order_by=order, include_null=True),
    )


def _described(all_: ibis.Table, window: ObservationWindow) -> ibis.Table:
    first = ibis.coalesce(all_.first_standing, all_.first_day)
    last = ibis.coalesce(all_.last_purchase, first)
    end = ibis.literal(window.end)
    days = all_.purchase_days.fill_null(0)
    frequency = ibis.greatest(days - 1, 0)
    gross, returned = (all_[name].cast("float64") for name in ("gross_value", "returned_value"))
    return all_.select(
        customer_id=all_.customer_id,
        frequency=frequency,
        recency=last.delta(first, unit="day").cast("float64"),
        age=end.delta(first, unit="day").cast("float64"),
        log_intervals=ibis.ifelse(frequency > 0, all_.log_intervals.cast("float64"), None),
        monetary_value=all_.repeat_value.cast("float64") / frequency.nullif(0),
        purchase_days=days,
        orders=all_.orders.fill_null(0),
        mean_day_value=gross / all_.purchase_days,
        gross_value=gross.fill_null(0.0),
        returned_value=returned.fill_null(0.0),
        historic_clv=(all_.gross_value - all_.returned_value).cast("float64").fill_null(0.0),
        first_purchase=first,
        last_purchase=all_.last_purchase,
        cohort=first.strftime("%Y-%m"),
        country=all_.country,
        first_product=all_.first_product,
    ).order_by("customer_id")

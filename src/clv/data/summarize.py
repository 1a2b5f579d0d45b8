"""Transactions, and from them the customer summary at the end of a window.

Every function looks at nothing after the window's end: neither purchases nor returns. Sums are
of decimals, so that they do not depend on the order in which threads finish.
"""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np

from clv.checked import CustomerSummary
from clv.data import engine
from clv.periods import ObservationWindow, TimeUnit

LEAST_DAYS = 3
"""Purchase days of a customer whose spend says what a month adds to it."""
SHORTEST_LOG_DAYS = 364
"""A season is not looked for in a log that has not seen the whole year."""
YEARS_SHARE = 0.25
"""Variance of what one year does and the next does not, over that of the season itself."""


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
    stands = orders.gross_value > orders.returned_value
    days = orders.group_by("customer_id", "date").agg(
        orders=stands.sum(),
        largest_order=orders.gross_value.max(where=stands),
        gross_value=orders.gross_value.sum(),
        returned_value=orders.returned_value.sum(),
    )
    return days.filter(days.gross_value > days.returned_value)


def repeat_purchases_by_day(again: ibis.Table, window: ObservationWindow) -> tuple[int, ...]:
    """How many customers bought ``again`` on each day after the window's first."""
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


def spend_season(days: ibis.Table, window: ObservationWindow) -> tuple[float, ...] | None:
    """How much more than usual a purchase day is worth in each month, from January on.

    Drawn to 1 by chance and by how few years have shown a month; None where the log is too
    short, or where its months differ little more than they would without a season.
    """
    if window.days < SHORTEST_LOG_DAYS:
        return None
    found = engine.fetch(_by_month(days))
    place, count, years, own, usual, own_2, product, usual_2 = (
        np.array(column.to_numpy(), dtype=float) for column in found.columns
    )
    others, freedom = place.size - 1, count.sum() - place.size
    if others < 1 or freedom < 1:
        return None
    ratio = own / usual
    missed = (own_2 / ratio**2 - 2 * product / ratio + usual_2).sum() / freedom
    # Variance of a ratio's log; of all months together, for one with few days cannot say its own.
    chance = missed * count.sum() / usual_2.sum() * usual_2 / usual**2
    if not missed > 1e-9:
        return None
    weight = 1 / chance
    off = np.log(ratio) - np.average(np.log(ratio), weights=weight)
    excess = (weight * off**2).sum() - others
    if excess <= others:  # by Akaike's criterion the months are not worth their numbers
        return None
    spread = excess / (weight.sum() - (weight**2).sum() / weight.sum())
    kept = spread / (spread + chance) * years / (years + YEARS_SHARE)
    season = np.ones(12)
    season[place.astype(int) - 1] = np.exp(kept * off)
    return tuple(season.round(6).tolist())


def _by_month(days: ibis.Table) -> ibis.Table:
    """Sums over the days of each month of their value and of what is usual, and of squares.

    Usual is the mean of the customer's other days. Both are cut at the value that one day in a
    hundred exceeds, which is 1 here, so that no single order makes a month.
    """
    most = days.gross_value.cast("float64").quantile(0.99).as_scalar()
    of_customer = ibis.window(group_by="customer_id")
    count, total = days.count().over(of_customer), days.gross_value.sum().over(of_customer)
    days = days.mutate(
        count=count, others=(total - days.gross_value).cast("float64") / (count - 1), most=most
    )
    days = days.filter(days["count"] >= LEAST_DAYS)
    own, usual = (
        ibis.least(value.cast("float64") / days.most, 1.0).cast("decimal(12, 10)")
        for value in (days.gross_value, days.others)
    )
    days = days.mutate(own=own, usual=usual, month=days.date.month(), year=days.date.year())
    summed = days.group_by("month").agg(
        days=days.count(),
        years=days.year.nunique(),
        own=days.own.sum(),
        usual=days.usual.sum(),
        own_2=(days.own * days.own).sum(),
        product=(days.own * days.usual).sum(),
        usual_2=(days.usual * days.usual).sum(),
    )
    return summed.filter(summed.own > 0, summed.usual > 0).order_by("month")


def customer_summary(
    lines: ibis.Table, days: ibis.Table, window: ObservationWindow
) -> CustomerSummary:
    """One row per customer who bought up to the window's end, and what they did together.

    ``days`` are :func:`transactions` up to the same end.
    """
    known = lines.filter(lines.invoice_date < _after(window.end))
    firsts, season = _first_days(known), spend_season(days, window)
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
        largest_order=days.largest_order.max(),
        **{name: days[name].sum() for name in ("orders", "gross_value", "returned_value")},
        level_value=_without_season(days, season).sum(),
    )
    all_ = firsts.left_join(standing, "customer_id").drop("customer_id_right")
    table = engine.fetch(_described(all_, window))
    by_day = repeat_purchases_by_day(days.filter(repeat), window)
    known = {"purchases_by_day": by_day, "spend_season": season}
    return CustomerSummary.from_table(table, window, TimeUnit.DAY, **known)


def _without_season(days: ibis.Table, season: tuple[float, ...] | None) -> ibis.Value:
    if season is None:
        return days.gross_value
    factor = ibis.array(season)[days.date.month() - 1]
    return (days.gross_value.cast("float64") / factor).cast("decimal(28, 8)")


def _log_interval(days: ibis.Table) -> ibis.Value:
    """Log of the days since the customer's purchase day before; null at the first."""
    own = ibis.window(group_by="customer_id", order_by="date")
    interval = days.date.delta(days.date.lag().over(own), unit="day")
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
        *("customer_id", "last_purchase", "country", "first_product"),
        frequency=frequency,
        recency=last.delta(first, unit="day").cast("float64"),
        age=end.delta(first, unit="day").cast("float64"),
        log_intervals=ibis.ifelse(frequency > 0, all_.log_intervals.cast("float64"), None),
        monetary_value=all_.repeat_value.cast("float64") / frequency.nullif(0),
        purchase_days=days,
        orders=all_.orders.fill_null(0),
        mean_day_value=gross / all_.purchase_days,
        season_of_days=gross / all_.level_value.cast("float64"),
        gross_value=gross.fill_null(0.0),
        largest_order=all_.largest_order.cast("float64"),
        returned_value=returned.fill_null(0.0),
        historic_clv=(all_.gross_value - all_.returned_value).cast("float64").fill_null(0.0),
        first_purchase=first,
        cohort=first.strftime("%Y-%m"),
    ).order_by("customer_id")

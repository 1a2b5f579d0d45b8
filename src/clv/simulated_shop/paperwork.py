"""The shop's daily life: purchases become invoices and lines, and much else is written down.

No purchase day is added or taken away here for a customer whose truth is known. A credit
note undoes what an earlier invoice sold; all else concerns nobody in particular.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np

from clv.simulated_shop.articles import (
    ABROAD,
    ARTICLES,
    EXTRAS,
    PACKS,
    PRICES,
    REMARKS,
    Articles,
    Extra,
)
from clv.simulated_shop.truth import MEAN_SPEND, Calendar, Customers, Floats, Ints, lognormal

MINUTES_PER_DAY = 24 * 60
OPENING_HOURS = 7 * 60 + 30, 20 * 60
BUSIEST_MINUTE, MINUTE_SPREAD = 12 * 60 + 50, 130
PREFIXES = ("", "C", "A")

ABROAD_SHARE = 0.09
SECOND_INVOICE = 0.09
ORDER_SPREAD = 0.56
# Lines of an order: a mean, how they grow with its value, their own spread.
MEAN_LINES, VALUE_TO_LINES, LINES_SPREAD, MOST_LINES = 20.5, 0.6, 0.72, 540
LINE_SPREAD, SET_PARTNER = 0.9, 0.2
BULK_PIECES, RETAIL_STEPS = 36, 3  # one price lower in bulk, some prices higher for anybody
FREE_LINES = 9e-5

ANONYMOUS_ORDERS, WEB_SHARE = 0.084, 0.5  # of identified orders; of anonymous ones
WEB_LINES, WEB_SPREAD, MOST_WEB_LINES, WEB_LINE_VALUE = 145.0, 0.75, 1_100, 8.0

STOCK_CHANGES, LOSSES, WORDLESS = 0.143, 0.66, 0.82  # of identified orders; of changes, twice
STOCK_PIECES, STOCK_SPREAD = 90.0, 1.6

RETURN_BETA = (0.6, 2.1)  # a customer's chance that an order is credited
WHOLLY_CREDITED, CREDITED_LINES, UNMATCHED = 0.04, 1.65, 0.17
FULLY_RETURNED, DAYS_TO_CREDIT, CREDIT_SPREAD = 0.15, 32.0, 1.6
ENORMOUS_PIECES, ENORMOUS_PRICE, ENORMOUS_AT = 13, 10, (0.55, 1.0)


class Orders(NamedTuple):
    """One entry for each invoice; ``customer`` is -1 where nobody knows."""

    customer: Ints
    country: Ints
    minute: Ints  # since the midnight in which the log begins
    prefix: Ints  # of PREFIXES


class Lines(NamedTuple):
    """One entry for each line.

    ``item`` indexes the codes; ``words`` the descriptions followed by REMARKS, -1 for none.
    """

    order: Ints
    item: Ints
    words: Ints
    quantity: Ints
    price: Floats


Batch = tuple[Orders, Lines]  # lines count within the orders of their batch
Parts = TypeVar("Parts", Orders, Lines)


def draw(
    rng: np.random.Generator,
    people: Customers,
    buyer: Ints,
    day: Ints,
    *,
    calendar: Calendar,
    articles: Articles,
) -> Batch:
    """Every invoice of the shop and its lines; the first ones are the customers' purchases."""
    orders = _identified(rng, len(people.rate), buyer, day)
    size = len(orders.customer)
    value = people.spend[orders.customer] * lognormal(rng, ORDER_SPREAD, size)
    goods = _goods(rng, _line_counts(rng, value), value, articles, retail=False)
    enormous = _make_enormous(goods, orders, pieces=ENORMOUS_PIECES * len(people.rate))
    strangers = _anonymous(rng, round(ANONYMOUS_ORDERS * size), calendar)
    changes = _anonymous(rng, round(STOCK_CHANGES * size), calendar)
    others = [
        _cancelled(rng, orders, goods, enormous),
        _credit_notes(rng, orders, goods, enormous, calendar=calendar, articles=articles),
        (changes, _stock_lines(rng, len(changes.customer), len(articles.code))),
    ]
    sold, carried = [goods], [_web_goods(rng, len(strangers.customer), articles)]
    for item, extra in enumerate(EXTRAS, start=ARTICLES):
        hosts, lines = (strangers, carried) if extra.host == "anonymous" else (orders, sold)
        own, line = _extra(rng, hosts, extra, item)
        if extra.prefix:
            others.append((own, line))
        else:
            lines.append(line)
    return _bound([(orders, _joined(sold)), (strangers, _joined(carried)), *others])


def _bound(batches: list[Batch]) -> Batch:
    starts = np.cumsum([0, *(len(orders.customer) for orders, _ in batches)])
    lines = [
        lines._replace(order=lines.order + start)
        for (_, lines), start in zip(batches, starts, strict=False)
    ]
    return _joined([orders for orders, _ in batches]), _joined(lines)


def _joined(parts: list[Parts]) -> Parts:
    return type(parts[0])(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _taken(part: Parts, rows: Ints) -> Parts:
    columns: list[Any] = [values[rows] for values in part]
    return type(part)(*columns)


def _moment(rng: np.random.Generator, day: Ints) -> Ints:
    of_day = rng.normal(BUSIEST_MINUTE, MINUTE_SPREAD, len(day))
    return day * MINUTES_PER_DAY + np.clip(of_day, *OPENING_HOURS).astype(np.int64)


def _countries(rng: np.random.Generator, size: int, abroad: float) -> Ints:
    weight = np.array(list(ABROAD.values()), dtype=np.float64)
    other = 1 + rng.choice(len(weight), size, p=weight / weight.sum())
    return np.where(rng.random(size) < abroad, other, 0)


def _identified(rng: np.random.Generator, customers: int, buyer: Ints, day: Ints) -> Orders:
    """One invoice for each purchase, now and then a second one on the same day."""
    invoices = 1 + (rng.random(len(buyer)) < SECOND_INVOICE)
    buyer, day = np.repeat(buyer, invoices), np.repeat(day, invoices)
    country = _countries(rng, customers, ABROAD_SHARE)[buyer]
    return Orders(buyer, country, _moment(rng, day), np.zeros_like(buyer))


def _anonymous(rng: np.random.Generator, size: int, calendar: Calendar) -> Orders:
    day = calendar.at(rng.random(size) * calendar.total[-1])
    country = _countries(rng, size, ABROAD_SHARE / 4)
    return Orders(np.full(size, -1), country, _moment(rng, day), np.zeros(size, dtype=np.int64))


def _line_counts(rng: np.random.Generator, value: Floats) -> Ints:
    mean = MEAN_LINES * (value / MEAN_SPEND) ** VALUE_TO_LINES
    count = mean * lognormal(rng, LINES_SPREAD, len(value))
    return np.clip(count, 1, MOST_LINES).astype(np.int64)


def _goods(
    rng: np.random.Generator, count: Ints, value: Floats, articles: Articles, *, retail: bool
) -> Lines:
    """``count`` articles for each order, in packs that come to about ``value`` in all."""
    order = np.repeat(np.arange(len(count)), count)
    item = _popular(rng, len(order), articles)
    paired = rng.random(len(order)) < SET_PARTNER
    follows = np.flatnonzero(paired[1:] & (order[1:] == order[:-1]))
    item[follows + 1] = item[follows] ^ 1  # the other one of the set
    step = np.minimum(articles.price[item] + RETAIL_STEPS * retail, len(PRICES) - 1)
    wanted = (value / count)[order] * lognormal(rng, LINE_SPREAD, len(order))
    price = PRICES[step - (wanted >= BULK_PIECES * PRICES[step])]
    quantity = PACKS[np.searchsorted(np.sqrt(PACKS[1:] * PACKS[:-1]), wanted / price)]
    free = rng.random(len(order)) < FREE_LINES
    price[1:][free[1:] & (order[1:] == order[:-1])] = 0.0  # never all there is to an order
    return Lines(order, item, item, quantity, price)


def _popular(rng: np.random.Generator, size: int, articles: Articles) -> Ints:
    item: Ints = np.searchsorted(articles.popularity, rng.random(size), side="right")
    return item


def _web_goods(rng: np.random.Generator, size: int, articles: Articles) -> Lines:
    """Baskets of the web shop booked as one long invoice, or a few lines over the counter."""
    long = WEB_LINES * lognormal(rng, WEB_SPREAD, size)
    count = np.where(rng.random(size) < WEB_SHARE, long, rng.geometric(0.3, size))
    count = np.clip(count, 1, MOST_WEB_LINES).astype(np.int64)
    return _goods(rng, count, count * WEB_LINE_VALUE, articles, retail=True)


def _make_enormous(goods: Lines, orders: Orders, *, pieces: int) -> Ints:
    """Two small orders, one amid the log and its last, get a line that was a slip of the hand.

    Changes ``goods`` in place and returns those lines.
    """
    count = np.bincount(goods.order)
    minute = np.sort(orders.minute)
    chosen = [
        np.lexsort((np.abs(orders.minute - minute[int(at * (len(minute) - 1))]), count))[0]
        for at in ENORMOUS_AT
    ]
    lines: Ints = (np.cumsum(count) - 1)[np.unique(chosen)]
    goods.quantity[lines] = pieces
    goods.price[lines] = PRICES[ENORMOUS_PRICE]
    return lines


def _cancelled(rng: np.random.Generator, orders: Orders, goods: Lines, lines: Ints) -> Batch:
    """Credit notes over whole lines, some minutes after the order."""
    undone = _taken(goods, lines)
    hosts = _taken(orders, undone.order)
    minute = hosts.minute + rng.integers(10, 20, len(lines))
    notes = hosts._replace(minute=minute, prefix=np.ones_like(minute))
    return notes, undone._replace(order=np.arange(len(lines)), quantity=-undone.quantity)


def _credit_notes(
    rng: np.random.Generator,
    orders: Orders,
    goods: Lines,
    spared: Ints,
    *,
    calendar: Calendar,
    articles: Articles,
) -> Batch:
    """Some lines of some orders given back days or weeks later, in part or whole.

    A few name an article the customer never bought, as if the order were older than the log.
    """
    count = np.bincount(goods.order)
    chance = rng.beta(*RETURN_BETA, 1 + orders.customer.max())[orders.customer]
    chance[goods.order[spared]] = 0.0
    day = _days_of_credit(rng, orders.minute // MINUTES_PER_DAY, calendar)
    hosts = np.flatnonzero((rng.random(len(count)) < chance) & (day < len(calendar.level)))
    notes = _taken(orders, hosts)
    notes = notes._replace(minute=_moment(rng, day[hosts]), prefix=np.ones_like(hosts))

    entire = rng.random(len(hosts)) < WHOLLY_CREDITED
    size = np.minimum(rng.geometric(1 / CREDITED_LINES, len(hosts)), count[hosts])
    size = np.where(entire, count[hosts], size)
    begin = (np.cumsum(count) - count)[hosts] + rng.integers(0, count[hosts] - size + 1)
    note = np.repeat(np.arange(len(hosts)), size)
    undone = _taken(goods, begin[note] + np.arange(len(note)) - (np.cumsum(size) - size)[note])

    whole = entire[note] | (rng.random(len(note)) < FULLY_RETURNED)
    part = np.ceil(undone.quantity * rng.random(len(note)) ** 3).astype(np.int64)
    stray = ~entire[note] & (rng.random(len(note)) < UNMATCHED)
    item = np.where(stray, _popular(rng, len(note), articles), undone.item)
    return notes, Lines(note, item, item, -np.where(whole, undone.quantity, part), undone.price)


def _days_of_credit(rng: np.random.Generator, day: Ints, calendar: Calendar) -> Ints:
    """The first open day after each wait; the day after the log where that is not in it."""
    days = len(calendar.level)
    wait = np.ceil(DAYS_TO_CREDIT * lognormal(rng, CREDIT_SPREAD, len(day))).astype(np.int64)
    opened = np.append(np.where(calendar.level > 0, np.arange(days), days), days)
    next_open = np.minimum.accumulate(opened[::-1])[::-1]
    back: Ints = next_open[np.minimum(day + wait, days)]
    return back


def _extra(rng: np.random.Generator, hosts: Orders, extra: Extra, item: int) -> Batch:
    """One line on a share of the orders of a kind; or, with a prefix, beside them."""
    eligible = (hosts.country > 0) | (extra.host != "abroad")
    chosen = np.flatnonzero(eligible & (rng.random(len(eligible)) < extra.share))
    size = len(chosen)
    price = np.round(extra.median_price * np.exp(extra.spread * rng.standard_normal(size)), 2)
    items = np.full(size, item)
    sign = np.full(size, -1 if extra.prefix == "C" else 1)
    own = _taken(hosts, chosen)
    own = own._replace(prefix=np.full(size, PREFIXES.index(extra.prefix)))
    order = np.arange(size) if extra.prefix else chosen
    return own, Lines(order, items, items, sign, -price if extra.prefix == "A" else price)


def _stock_lines(rng: np.random.Generator, size: int, first_remark: int) -> Lines:
    """Pieces lost or found: one line each, at price 0, mostly without a word."""
    item = rng.integers(0, ARTICLES, size)
    pieces = np.ceil(STOCK_PIECES * lognormal(rng, STOCK_SPREAD, size)).astype(np.int64)
    remark = first_remark + rng.integers(0, len(REMARKS), size)
    words = np.where(rng.random(size) < WORDLESS, -1, remark)
    quantity = np.where(rng.random(size) < LOSSES, -pieces, pieces)
    return Lines(np.arange(size), item, words, quantity, np.zeros(size))

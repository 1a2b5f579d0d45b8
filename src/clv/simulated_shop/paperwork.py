"""The shop's daily life: purchases become invoices and lines, and much else is written down.

No purchase day is added or taken away here for a customer whose truth is known. A credit
note undoes what an earlier invoice sold; all else concerns nobody in particular.

An invoice is a line that names no article yet; whatever is written on it starts as a copy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from clv.simulated_shop import truth
from clv.simulated_shop.articles import (
    ARTICLES,
    COUNTRIES,
    EXTRAS,
    PACKS,
    PRICES,
    REMARKS,
    Articles,
    Extra,
)
from clv.simulated_shop.truth import Customers, Floats, Ints, lognormal

MINUTES_PER_DAY = 24 * 60
OPENING_HOURS = 7 * 60 + 30, 20 * 60
BUSIEST_MINUTE, MINUTE_SPREAD = 12 * 60 + 50, 130
PREFIXES = ("", "C", "A")

ABROAD_SHARE = 0.09
SECOND_INVOICE = 0.09
ORDER_SPREAD = 0.45
# Lines of an order: a mean, how they grow with its value, their own spread.
MEAN_LINES, VALUE_TO_LINES, LINES_SPREAD, MOST_LINES = 20.5, 0.6, 0.72, 1_100
LINE_SPREAD = 0.85

# Of identified orders; many are baskets of the web shop, booked as one long invoice.
ANONYMOUS_ORDERS, ANONYMOUS_LINES, ANONYMOUS_SPREAD, ANONYMOUS_VALUE = 0.084, 85.0, 1.6, 8.0

STOCK_CHANGES, LOSSES, WORDLESS = 0.143, 0.66, 0.82  # of identified orders; of changes, twice
STOCK_PIECES, STOCK_SPREAD = 90.0, 1.6

RETURN_BETA = (0.6, 1.3)  # a customer's chance that an order is credited
WHOLLY_CREDITED, CREDITED_LINES, UNMATCHED = 0.025, 1.15, 0.17
FULLY_RETURNED, DAYS_TO_CREDIT, CREDIT_SPREAD = 0.15, 32.0, 1.6
ENORMOUS_PIECES, ENORMOUS_AT = 13, (0.55, 1.0)  # for each customer; place in the log

Lines = npt.NDArray[np.void]
LINE = np.dtype(
    [
        ("invoice", np.int64),
        ("prefix", np.int64),  # of PREFIXES
        ("customer", np.int64),  # -1 where nobody knows
        ("country", np.int64),
        ("minute", np.int64),  # since the midnight in which the log begins
        ("item", np.int64),  # of the codes
        ("words", np.int64),  # of the descriptions followed by REMARKS, -1 for none
        ("quantity", np.int64),
        ("price", np.float64),
    ]
)


def draw(
    rng: np.random.Generator, people: Customers, buyer: Ints, day: Ints, articles: Articles
) -> Lines:
    """Every line the shop wrote, in no order; an invoice has a number of its own."""
    orders = _identified(rng, len(people.rate), buyer, day)
    value = people.spend[orders["customer"]] * lognormal(rng, ORDER_SPREAD, len(orders))
    mean = MEAN_LINES * (value / truth.MEAN_SPEND) ** VALUE_TO_LINES
    goods = _goods(rng, orders, _line_counts(rng, mean, LINES_SPREAD), value, articles)
    notes = _credit_notes(rng, orders, goods, articles)
    slips = _slips_of_the_hand(rng, orders, goods, ENORMOUS_PIECES * len(people.rate))
    strangers = _anonymous(rng, round(ANONYMOUS_ORDERS * len(orders)))
    changes = _anonymous(rng, round(STOCK_CHANGES * len(orders)))
    count = _line_counts(rng, np.full(len(strangers), ANONYMOUS_LINES), ANONYMOUS_SPREAD)
    sold = [goods]
    carried = [_goods(rng, strangers, count, count * ANONYMOUS_VALUE, articles)]
    apart = [notes, slips, _stock_changes(rng, changes, len(articles.code))]
    for item, extra in enumerate(EXTRAS, start=ARTICLES):
        hosts, lines = (strangers, carried) if extra.host == "anonymous" else (orders, sold)
        (apart if extra.prefix else lines).append(_extra(rng, hosts, extra, item))
    return _numbered([np.concatenate(sold), np.concatenate(carried), *apart])


def _numbered(batches: list[Lines]) -> Lines:
    """All lines in one, with numbers of invoices that differ between batches."""
    start = 0
    for batch in batches:
        batch["invoice"] += start
        start = batch["invoice"].max(initial=start) + 1
    return np.concatenate(batches)


def _invoices(rng: np.random.Generator, customer: Ints, country: Ints, day: Ints) -> Lines:
    invoices = np.zeros(len(day), LINE)
    invoices["invoice"] = np.arange(len(day))
    invoices["customer"], invoices["country"] = customer, country
    invoices["minute"] = _moment(rng, day)
    return invoices


def _moment(rng: np.random.Generator, day: Ints) -> Ints:
    of_day = rng.normal(BUSIEST_MINUTE, MINUTE_SPREAD, len(day))
    return day * MINUTES_PER_DAY + np.clip(of_day, *OPENING_HOURS).astype(np.int64)


def _countries(rng: np.random.Generator, size: int, abroad: float) -> Ints:
    weight = 1 / np.arange(1, len(COUNTRIES))
    other = 1 + rng.choice(len(weight), size, p=weight / weight.sum())
    return np.where(rng.random(size) < abroad, other, 0)


def _identified(rng: np.random.Generator, customers: int, buyer: Ints, day: Ints) -> Lines:
    """One invoice for each purchase, now and then a second one on the same day."""
    invoices = 1 + (rng.random(len(buyer)) < SECOND_INVOICE)
    buyer, day = np.repeat(buyer, invoices), np.repeat(day, invoices)
    return _invoices(rng, buyer, _countries(rng, customers, ABROAD_SHARE)[buyer], day)


def _anonymous(rng: np.random.Generator, size: int) -> Lines:
    day = truth.day_at(rng.random(size) * truth.TOTAL[-1])
    return _invoices(rng, np.full(size, -1), _countries(rng, size, ABROAD_SHARE / 4), day)


def _line_counts(rng: np.random.Generator, mean: Floats, spread: float) -> Ints:
    count = mean * lognormal(rng, spread, len(mean))
    return np.clip(count, 1, MOST_LINES).astype(np.int64)


def _goods(
    rng: np.random.Generator, orders: Lines, count: Ints, value: npt.ArrayLike, articles: Articles
) -> Lines:
    """``count`` articles for each order, in packs that come to about ``value`` in all."""
    lines = np.repeat(orders, count)
    lines["item"] = lines["words"] = _popular(rng, len(lines), articles)
    lines["price"] = PRICES[articles.price[lines["item"]]]
    wanted = np.repeat(np.divide(value, count), count) * lognormal(rng, LINE_SPREAD, len(lines))
    pack = np.searchsorted(np.sqrt(PACKS[1:] * PACKS[:-1]), wanted / lines["price"])
    lines["quantity"] = PACKS[pack]
    return lines


def _popular(rng: np.random.Generator, size: int, articles: Articles) -> Ints:
    item: Ints = np.searchsorted(articles.popularity, rng.random(size), side="right")
    return item


def _credit_notes(
    rng: np.random.Generator, orders: Lines, goods: Lines, articles: Articles
) -> Lines:
    """Some lines of some orders given back days or weeks later, in part or whole.

    A few name an article the customer never bought, as if the order were older than the log.
    """
    day = orders["minute"] // MINUTES_PER_DAY
    wait = np.ceil(DAYS_TO_CREDIT * lognormal(rng, CREDIT_SPREAD, len(day))).astype(np.int64)
    back = truth.day_at(truth.TOTAL[np.minimum(day + wait, truth.DAYS)])
    chance = rng.beta(*RETURN_BETA, 1 + orders["customer"].max())[orders["customer"]]
    credited = (rng.random(len(day)) < chance) & (day + wait <= back)
    entire = rng.random(len(day)) < WHOLLY_CREDITED
    share = np.where(entire, 1.0, CREDITED_LINES / np.bincount(goods["invoice"])) * credited
    undone: Lines = goods[rng.random(len(goods)) < share[goods["invoice"]]]

    invoice, size = undone["invoice"], len(undone)
    whole = entire[invoice] | (rng.random(size) < FULLY_RETURNED)
    part = np.ceil(undone["quantity"] * rng.random(size) ** 3).astype(np.int64)
    stray = ~entire[invoice] & (rng.random(size) < UNMATCHED)
    item = np.where(stray, _popular(rng, size, articles), undone["item"])
    undone["minute"], undone["prefix"] = _moment(rng, back)[invoice], PREFIXES.index("C")
    undone["item"] = undone["words"] = item
    undone["quantity"] = -np.where(whole, undone["quantity"], part)
    return undone


def _slips_of_the_hand(rng: np.random.Generator, orders: Lines, goods: Lines, pieces: int) -> Lines:
    """Cancellations, some minutes later, of two first lines that ``goods`` has enormous then."""
    places = (np.array(ENORMOUS_AT) * (len(orders) - 1)).astype(np.int64)
    chosen = np.unique(np.argsort(orders["minute"])[places])
    lines = np.searchsorted(goods["invoice"], chosen)
    goods["quantity"][lines] = pieces
    undone: Lines = goods[lines]
    undone["minute"] += rng.integers(10, 20, len(undone))
    undone["prefix"], undone["quantity"] = PREFIXES.index("C"), -pieces
    return undone


def _extra(rng: np.random.Generator, hosts: Lines, extra: Extra, item: int) -> Lines:
    """One line on a share of the orders of a kind; or, with a prefix, beside them."""
    eligible = (hosts["country"] > 0) | (extra.host != "abroad")
    lines: Lines = hosts[eligible & (rng.random(len(hosts)) < extra.share)]
    factor = np.exp(extra.spread * rng.standard_normal(len(lines)))
    lines["prefix"] = PREFIXES.index(extra.prefix)
    lines["item"] = lines["words"] = item
    lines["quantity"] = -1 if extra.prefix == "C" else 1
    lines["price"] = np.round(extra.median_price * factor, 2)
    return lines


def _stock_changes(rng: np.random.Generator, lines: Lines, first_remark: int) -> Lines:
    """Pieces lost or found: one line each, at price 0, mostly without a word."""
    size = len(lines)
    pieces = np.ceil(STOCK_PIECES * lognormal(rng, STOCK_SPREAD, size)).astype(np.int64)
    remark = first_remark + rng.integers(0, len(REMARKS), size)
    lines["item"] = rng.integers(0, ARTICLES, size)
    lines["words"] = np.where(rng.random(size) < WORDLESS, -1, remark)
    lines["quantity"] = np.where(rng.random(size) < LOSSES, -pieces, pieces)
    return lines

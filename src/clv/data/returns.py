"""Credit notes matched to the purchases they undo.

A credit note undoes the latest earlier purchase of the same customer and article that has
quantity left, in part or whole, one after the other: a stack. Seen as levels, a purchase of
three pieces on a stock of five fills the levels 5 to 8, a return of two empties 8 to 6, and
whatever filled a level last is what a return takes from it. Returns below level 0 undo
nothing we know of; they stay unmatched. No later line changes an earlier match, so one
matching of the whole log, cut at a date, is the matching as of that date.

A log without articles knows amounts only: there the levels are money, per customer.
"""

from __future__ import annotations

import ibis

from clv.data.engine import hold
from clv.data.preprocess import CONTENT, DECIMAL

STACK = ["customer_id", "article"]


def match(lines: ibis.Table, credits: ibis.Table, *, has_articles: bool) -> ibis.Table:
    """Pairs of a purchase line and the credit note that undoes it, with quantity and value.

    These are the columns of ``clv.tables.RETURNS``, with ``line`` and ``credit_line``, the
    numbers of both; ``quantity`` is null where money is matched by customer, not by article.
    """
    # Held, for the levels are read three times.
    levels = hold(lines.get_backend(), _levels(_moves(lines, credits, has_articles=has_articles)))
    pairs = _pairs(levels)
    bought = pairs.join(lines, pairs.line == lines.line)
    credit = credits.select(credit_line="line", credit_note="invoice", returned_at="invoice_date")
    joined = bought.join(credit, "credit_line")
    value = joined.units * joined.unit_price if has_articles else joined.units
    return joined.select(
        *("line", "credit_line", "customer_id", "invoice", "stock_code", "invoice_date"),
        *("credit_note", "returned_at"),
        quantity=joined.units.cast("int64") if has_articles else ibis.null("int64"),
        value=value.cast(DECIMAL),
    )


def match_orders(lines: ibis.Table, credits: ibis.Table) -> ibis.Table:
    """As :func:`match`, where a credit note may name the order it undoes.

    One that names an order of the same customer undoes that order, and no more than is left of
    it; any other is matched by value to the customer's latest earlier purchases.
    """
    key = ["customer_id", "invoice"]
    orders = lines.select(*key, order_line="line", ordered_at="invoice_date")
    named = credits.join(orders, key)
    own = named.select(
        *key,
        "stock_code",
        line="order_line",
        credit_line="line",
        invoice_date="ordered_at",
        quantity=ibis.null("int64"),
        value=-named.sales,
        credit_note="invoice",
        returned_at=ibis.greatest(named.ordered_at, named.invoice_date),
    )
    loose = match(lines, credits.anti_join(orders, key), has_articles=False)
    return _within_purchases(own.union(loose.select(own.columns)), lines)


def _within_purchases(pairs: ibis.Table, lines: ibis.Table) -> ibis.Table:
    """The pairs of each purchase cut, in the order of their days, to what is left of it."""
    bought = lines.select(bought_line="line", sales="sales")
    both = pairs.join(bought, pairs.line == bought.bought_line)
    order = ["returned_at", "credit_note", "value", "credit_line"]
    so_far = ibis.window(group_by="line", order_by=order, following=0)
    walked = both.mutate(after=both.value.sum().over(so_far))
    left = ibis.least(walked.after, walked.sales) - ibis.least(
        walked.after - walked.value, walked.sales
    )
    cut = walked.mutate(value=left.cast(DECIMAL)).select(pairs.columns)
    return cut.filter(cut.value > 0)


def undo(lines: ibis.Table, pairs: ibis.Table) -> ibis.Table:
    """Each kept line with what the whole log's credit notes undo of it."""
    undone = pairs.group_by("line").agg(pieces=pairs.quantity.sum(), undone=pairs.value.sum())
    both = lines.left_join(undone, "line")
    without_pieces = both.undone.notnull() & both.pieces.isnull()
    return both.mutate(
        returned_quantity=ibis.ifelse(without_pieces, None, both.pieces.fill_null(0)),
        returned_value=both.undone.fill_null(0).cast(DECIMAL),
    ).drop("pieces", "undone", "line_right")


def unmatched(credits: ibis.Table, pairs: ibis.Table, *, has_articles: bool) -> ibis.Table:
    """Credit notes that undo nothing we know of, in whole or part, with their ``value``."""
    used = pairs.group_by("credit_line").agg(pieces=pairs.quantity.sum(), undone=pairs.value.sum())
    both = credits.left_join(used, credits.line == used.credit_line)
    if has_articles:
        left = -(both.quantity + both.pieces.fill_null(0)) * both.unit_price
    else:
        left = -both.sales - both.undone.fill_null(0)
    return both.mutate(value=left.cast(DECIMAL)).filter(lambda credit: credit.value > 0)


def _moves(lines: ibis.Table, credits: ibis.Table, *, has_articles: bool) -> ibis.Table:
    """Purchases and returns of every stack that has a return, signed, in order of ``place``.

    At one moment purchases come before returns, then invoices and the rest of the content
    decide, so that the order of the raw lines never does.
    """

    def side(table: ibis.Table, kind: int) -> ibis.Table:
        return table.select(
            *CONTENT,
            article=table.stock_code.fill_null("") if has_articles else ibis.literal(""),
            kind=ibis.literal(kind),
            line=table.line,
            units=table.quantity.cast(DECIMAL) if has_articles else table.sales,
        )

    returned = side(credits, 1)
    bought = side(lines, 0)
    moves = bought.semi_join(returned, STACK).union(returned)
    order = ["invoice_date", "kind", *CONTENT, "line"]
    place = ibis.row_number().over(order_by=order)
    return moves.select(*STACK, "kind", "line", "units", place=place)


def _levels(moves: ibis.Table) -> ibis.Table:
    """Each move with the levels ``low`` to ``high`` it fills or empties."""
    stack = ibis.window(group_by=STACK, order_by="place", following=0)
    walked = moves.mutate(walk=moves.units.sum().over(stack))
    walked = walked.mutate(lowest=walked.walk.min().over(stack))
    stocked = walked.mutate(stock=walked.walk - ibis.least(walked.lowest, ibis.literal(0)))
    before = stocked.stock.lag().over(ibis.window(group_by=STACK, order_by="place"))
    stepped = stocked.mutate(before=before.fill_null(0))
    return stepped.mutate(
        low=ibis.least(stepped.stock, stepped.before),
        high=ibis.greatest(stepped.stock, stepped.before),
    ).filter(lambda move: move.high > move.low)


def _pairs(moves: ibis.Table) -> ibis.Table:
    """Which purchase each return takes each level from.

    Levels are cut at every edge of a stack; within such a slice each move either covers all
    of it or nothing, and a return takes it from the move just before, a purchase.
    """
    edges = moves.select(*STACK, edge="low").union(moves.select(*STACK, edge="high"), distinct=True)
    top = edges.edge.lead().over(ibis.window(group_by=STACK, order_by="edge"))
    slices = edges.mutate(top=top).filter(lambda edge: edge.top.notnull())
    slices = slices.select(
        slice_customer="customer_id", slice_article="article", edge="edge", top="top"
    )
    covered = moves.join(
        slices,
        [
            moves.customer_id == slices.slice_customer,
            moves.article == slices.slice_article,
            moves.low <= slices.edge,
            moves.high >= slices.top,
        ],
    )
    order = ibis.window(group_by=[*STACK, "edge"], order_by="place")
    followed = covered.mutate(
        next_kind=covered.kind.lead().over(order), credit_line=covered.line.lead().over(order)
    )
    undone = followed.filter((followed.kind == 0) & (followed.next_kind == 1))
    return undone.group_by("line", "credit_line").agg(units=(undone.top - undone.edge).sum())

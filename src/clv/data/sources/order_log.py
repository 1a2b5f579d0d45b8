"""A plain order log: a customer, a date and an amount in each row, whatever their headers."""

from __future__ import annotations

from clv.data.sources import Source

COLUMNS = {
    "customer_id": "customer_id",
    "date": "invoice_date",
    "amount": "amount",
    "order_id": "invoice",
    "country": "country",
    "currency_column": "currency",
}
"""Raw names by what the user calls them."""


def order_log(**named: str | None) -> Source:
    """The source whose headers the user ``named`` by ``COLUMNS``, the first three at least.

    A negative amount is a return.
    """
    headers = {COLUMNS[name]: (header,) for name, header in named.items() if header is not None}
    return Source(
        name="order-log",
        headers=headers,
        required=tuple(headers),
        has_articles=False,
        value_definition=f"the column `{named['amount']}` as the log states it",
    )

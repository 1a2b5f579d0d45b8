"""A plain order log: a customer, a date and an amount in each row, whatever their headers."""

from __future__ import annotations

from clv.data.sources import Source


def order_log(
    *,
    customer_id: str,
    date: str,
    amount: str,
    order_id: str | None = None,
    country: str | None = None,
    currency_column: str | None = None,
) -> Source:
    """The source whose headers the user named; a negative amount is a return."""
    named = {
        "customer_id": customer_id,
        "invoice_date": date,
        "amount": amount,
        "invoice": order_id,
        "country": country,
        "currency": currency_column,
    }
    headers = {raw: (header,) for raw, header in named.items() if header is not None}
    return Source(
        name="order-log",
        headers=headers,
        required=tuple(headers),
        has_articles=False,
        identity=True,
        value_definition=f"the column `{amount}` as the log states it",
    )

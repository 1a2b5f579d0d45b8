"""Shopify: the CSV of *Orders › Export*, one row for each line item.

Status, total and refund stand on the first row of an order only, and refunds carry no date.
Moments are written on the shop's own clock with its offset, which changes in summer. The
total holds shipping and taxes. An order made from a draft keeps the source
``shopify_draft_order`` and is a sale; a draft itself is named ``#D…``.
"""

from __future__ import annotations

from clv.data.sources import Export, Verdict

SHOPIFY = Export(
    name="shopify",
    title="Shopify orders export",
    spellings={
        "invoice": ("Name",),
        "customer_id": ("Email",),
        "invoice_date": ("Created at",),
        "amount": ("Total",),
        "tax": ("Taxes",),
        "shipping": ("Shipping",),
        "refunded": ("Refunded Amount",),
        "status": ("Financial Status",),
        "cancelled_at": ("Cancelled at",),
        "payment_method": ("Payment Method",),
        "tags": ("Tags",),
        "currency": ("Currency",),
        "country": ("Shipping Country", "Billing Country"),
    },
    recognized_by=("invoice", "customer_id", "invoice_date", "amount", "status"),
    verdicts=(
        Verdict("draft", "invoice", r"^#?d\d+$"),
        Verdict("draft", "status", "^draft$"),
        Verdict("test_order", "payment_method", r"\bbogus\b"),
        Verdict("test_order", "tags", r"(^|,)\s*test( order)?\s*(,|$)"),
        Verdict("cancelled", "cancelled_at", r"\S"),
        Verdict("cancelled", "status", "^(voided|cancell?ed)$"),
        Verdict("not_paid", "status", "^(pending|authorized|expired|unpaid)$"),
    ),
    refunded="^refunded$",
    differs="it counts orders not yet paid; it books a refund on the day it was made, while the "
    "export has no such day; where prices include tax, shipping holds some of it",
)

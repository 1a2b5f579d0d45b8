"""Stripe: the CSV of *Payments › Export*, one row for each payment, tried ones included.

Moments are in UTC. Amounts are what was charged, tax and shipping inside, and nothing in the
file tells them apart. Where the account converts what it takes, the converted amounts count.
"""

from __future__ import annotations

from clv.data.sources import Export, Verdict

STRIPE = Export(
    name="stripe",
    title="Stripe payments export",
    spellings={
        "invoice": ("id",),
        "customer_id": ("Customer Email", "Customer ID"),
        "invoice_date": ("Created date (UTC)", "Created (UTC)", "Created date", "Created"),
        "amount": ("Converted Amount", "Amount"),
        "refunded": ("Converted Amount Refunded", "Amount Refunded"),
        "refunded_at": ("Refunded date (UTC)", "Refunded (UTC)", "Refunded date"),
        "status": ("Status",),
        "captured": ("Captured",),
        "mode": ("Mode",),
        "currency": ("Converted Currency", "Currency"),
        "country": ("Card Address Country", "Card Issue Country"),
    },
    recognized_by=("invoice", "customer_id", "invoice_date", "amount", "refunded", "status"),
    verdicts=(
        Verdict("test_order", "mode", "^(test|test mode)$"),
        Verdict("cancelled", "status", "^(cancell?ed|void(ed)?)$"),
        Verdict(
            "not_paid",
            "status",
            "^(failed|pending|processing|uncaptured|incomplete|blocked|expired|requires[_ ].*)$",
        ),
        Verdict("not_paid", "captured", "^false$"),
    ),
    refunded="^refunded$",
    differs="its days may be those of another clock than UTC; it takes off fees and lost "
    "disputes, which the export does not book as refunds",
)

"""WooCommerce: the order exports of its common plugins, whose headers differ in spelling.

An order with several articles comes as one row, or as several with its fields on the first
alone or repeated on all of them. Refunds stand as an amount on the order, without a date, or
as rows of their own with a negative total. The total holds shipping and taxes. A guest is
customer 0 and known by e-mail. A status counts as a sale where WooCommerce's own reports
count it: ``on-hold`` does, ``pending`` and ``failed`` do not.
"""

from __future__ import annotations

from clv.data.sources import Export, Verdict

WOOCOMMERCE = Export(
    name="woocommerce",
    title="WooCommerce order export",
    spellings={
        "invoice": ("Order Number", "Order ID", "Order #"),
        "customer_id": (
            "Email (Billing)",
            "Billing Email",
            "Billing Email Address",
            "Customer Email",
            "Customer Account Email Address",
            "Customer User ID",
            "Customer User",
            "Customer ID",
        ),
        "invoice_date": ("Order Date", "Date Created", "Created Date"),
        "amount": ("Order Total Amount", "Order Total", "Total Amount"),
        "tax": ("Order Total Tax Amount", "Order Total Tax", "Total Tax", "Tax Total"),
        "shipping": ("Order Shipping Amount", "Order Shipping", "Shipping Total"),
        "refunded": (
            "Order Refund Amount",
            "Order Total Refunded",
            "Refund Amount",
            "Refunded Total",
            "Total Refunded",
        ),
        "refunded_at": ("Refund Date", "Order Refund Date"),
        "status": ("Order Status", "Status"),
        "payment_method": ("Payment Method Title", "Payment Method"),
        "currency": ("Order Currency", "Currency"),
        "country": (
            "Country Code (Billing)",
            "Billing Country",
            "Country Name (Billing)",
            "Shipping Country",
        ),
    },
    recognized_by=("invoice", "customer_id", "invoice_date", "amount", "status"),
    verdicts=(
        Verdict("draft", "status", r"^(wc-)?((checkout|auto)[- ])?draft$"),
        Verdict("test_order", "payment_method", r"\b(test|bogus)\b"),
        Verdict("cancelled", "status", "^(wc-)?(cancell?ed|trash|void(ed)?)$"),
        Verdict("not_paid", "status", "^(wc-)?(pending( payment)?|failed)$"),
    ),
    refunded="^(wc-)?refunded$",
    differs="it books a refund on the day it was made, where the export gives none; fees on an "
    "order count as sales here",
)

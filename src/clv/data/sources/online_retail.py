"""UCI *Online Retail* and *Online Retail II*, and any log in their columns."""

from __future__ import annotations

from clv.data.sources import Source

ONLINE_RETAIL = Source(
    name="online-retail",
    headers={
        "invoice": ("Invoice", "InvoiceNo"),
        "stock_code": ("StockCode",),
        "description": ("Description",),
        "quantity": ("Quantity",),
        "invoice_date": ("InvoiceDate",),
        "unit_price": ("Price", "UnitPrice"),
        "customer_id": ("Customer ID", "CustomerID", "Customer_ID"),
        "country": ("Country",),
    },
    required=("invoice", "stock_code", "quantity", "invoice_date", "unit_price", "customer_id"),
    has_articles=True,
    value_definition="sales as invoiced, postage and manual entries included",
    currency="GBP",
    # By their descriptions: postage, carriage, manual entries, discounts, samples, fees, bad
    # debt, vouchers and tests. Letter codes that name an article (DCGS…, SP1002) are goods.
    not_goods="^(POST|DOT|M|D|S|B|C2|C3|BANK CHARGES|ADJUST2?|AMAZONFEE|CRUK|PADS|TEST[0-9]+"
    "|GIFT(_.*)?)$",
)

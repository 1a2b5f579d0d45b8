"""Small exports of shop systems, row by row, as their systems write them."""

from __future__ import annotations

SHOPIFY_HEADER = [
    "Name",
    "Email",
    "Financial Status",
    "Paid at",
    "Fulfillment Status",
    "Fulfilled at",
    "Accepts Marketing",
    "Currency",
    "Subtotal",
    "Shipping",
    "Taxes",
    "Total",
    "Discount Code",
    "Discount Amount",
    "Shipping Method",
    "Created at",
    "Lineitem quantity",
    "Lineitem name",
    "Lineitem price",
    "Lineitem sku",
    "Billing Name",
    "Billing Country",
    "Shipping Country",
    "Notes",
    "Cancelled at",
    "Payment Method",
    "Refunded Amount",
    "Id",
    "Tags",
    "Source",
]
WOOCOMMERCE_HEADER = [
    "Order Number",
    "Order Status",
    "Order Date",
    "Email (Billing)",
    "Country Code (Billing)",
    "Payment Method Title",
    "Order Shipping Amount",
    "Order Refund Amount",
    "Order Total Amount",
    "Order Total Tax Amount",
    "SKU",
    "Item Name",
]
STRIPE_HEADER = [
    "id",
    "Created date (UTC)",
    "Amount",
    "Amount Refunded",
    "Currency",
    "Captured",
    "Converted Amount",
    "Converted Amount Refunded",
    "Converted Currency",
    "Mode",
    "Status",
    "Customer ID",
    "Customer Email",
    "Refunded date (UTC)",
]


def _row(header, values):
    unknown = values.keys() - set(header)
    assert not unknown, unknown
    return dict.fromkeys(header, "") | values


def shopify(name, total="100.00", **others):
    """The first row of an order: paid, by Ann, without tax and shipping unless told."""
    return _row(
        SHOPIFY_HEADER,
        {
            "Name": name,
            "Email": "ann@example.com",
            "Financial Status": "paid",
            "Currency": "EUR",
            "Shipping": "0.00",
            "Taxes": "0.00",
            "Total": total,
            "Created at": "2024-01-10 10:11:12 +0100",
            "Lineitem name": "Lamp",
            "Payment Method": "Shopify Payments",
            "Refunded Amount": "0.00",
            "Source": "web",
        }
        | {key.replace("_", " "): value for key, value in others.items()},
    )


def shopify_item(name, **others):
    """A further row of an order: a line item, and nothing of the order but who and when."""
    return _row(
        SHOPIFY_HEADER,
        {
            "Name": name,
            "Email": "ann@example.com",
            "Created at": "2024-01-10 10:11:12 +0100",
            "Lineitem name": "Bulb",
            "Lineitem price": "5.00",
        }
        | {key.replace("_", " "): value for key, value in others.items()},
    )


def woocommerce(number, total="100.00", **others):
    return _row(
        WOOCOMMERCE_HEADER,
        {
            "Order Number": number,
            "Order Status": "Completed",
            "Order Date": "2024-01-10 10:11",
            "Email (Billing)": "ann@example.com",
            "Country Code (Billing)": "DE",
            "Payment Method Title": "Credit card",
            "Order Shipping Amount": "0.00",
            "Order Refund Amount": "0",
            "Order Total Amount": total,
            "Order Total Tax Amount": "0",
            "Item Name": "Lamp",
        }
        | {_woo(key): value for key, value in others.items()},
    )


def _woo(key):
    return {"email": "Email (Billing)"}.get(key, key.replace("_", " "))


def stripe(number, amount="100.00", **others):
    renamed = {
        "created": "Created date (UTC)",
        "refunded": "Amount Refunded",
        "refunded_at": "Refunded date (UTC)",
    }
    return _row(
        STRIPE_HEADER,
        {
            "id": number,
            "Created date (UTC)": "2024-01-10 10:11:12",
            "Amount": amount,
            "Amount Refunded": "0.00",
            "Currency": "eur",
            "Captured": "true",
            "Mode": "Live",
            "Status": "Paid",
            "Customer ID": "cus_1",
            "Customer Email": "ann@example.com",
        }
        | {renamed.get(key, key.replace("_", " ")): value for key, value in others.items()},
    )

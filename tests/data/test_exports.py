"""Exports of shop systems: every trap they set, with the orders to expect worked out by hand."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from decimal import Decimal

import pytest
from data.small_exports import shopify, shopify_item, stripe, woocommerce
from data.small_logs import ingested, log_of, write
from hypothesis import given, settings
from hypothesis import strategies as st

from clv.data import engine, load, orders, preprocess
from clv.data.preprocess import Cleaning
from clv.data.sources.online_retail import ONLINE_RETAIL
from clv.data.sources.recognize import kind_of, recognize, source_of
from clv.errors import SourceUnreadable
from clv.pipeline import ingest as ingesting

ANN = hashlib.sha256(b"ann@example.com").hexdigest()
OTHER = {"Email": "bob@example.com"}


def etl_of(folder, *files, with_tax_and_shipping=False, **how):
    """What the ingest makes of files, each a list of rows, recognized by their headers."""
    folder.mkdir(exist_ok=True)
    paths = [write(folder / f"export-{i}.csv", rows) for i, rows in enumerate(files)]
    parts = load.header_rows(paths, "utf-8")
    kind = recognize(parts)
    source = source_of(kind, parts, with_tax_and_shipping=with_tax_and_shipping)
    return ingested(folder / "shop", *paths, source=source, **how)


def orders_of(etl):
    """Order id to (gross value, value undone), as a person would list them."""
    return {
        row["invoice"]: (float(row["sales"]), float(row["returned_value"]))
        for row in etl.rows("clv")
    }


def rules_of(etl):
    return {rule: lines for rule, lines in etl.report["refused"].items() if lines}


KEPT = ("#1", (100.0, 0.0))
TRAPS = {
    # one order over several rows, its facts on the first alone
    "shopify, three rows": (
        [shopify("#1", Refunded_Amount="30.00"), shopify_item("#1"), shopify_item("#1")],
        {"#1": (100.0, 30.0)},
        {"continuation": 2, "return": 1},
    ),
    "shopify, rows of orders mixed": (
        [shopify("#1"), shopify("#2", "7.00"), shopify_item("#1"), shopify_item("#2")],
        {"#1": (100.0, 0.0), "#2": (7.0, 0.0)},
        {"continuation": 2},
    ),
    "shopify, first row cut off": (
        [shopify_item("#0"), shopify("#1")],
        {"#1": (100.0, 0.0)},
        {"no_total": 1},
    ),
    "woocommerce, facts on each row": (
        [woocommerce("1", Order_Refund_Amount="30") | {"SKU": sku} for sku in "abc"],
        {"1": (100.0, 30.0)},
        {"continuation": 2, "return": 1},
    ),
    "woocommerce, facts on the first row": (
        [woocommerce("1"), woocommerce("1", "", Order_Date="", Order_Status="", email="")],
        {"1": (100.0, 0.0)},
        {"continuation": 1},
    ),
    # tax and shipping inside the total; of a refund the same share
    "shopify, tax and shipping": (
        [shopify("#1", "124.00", Taxes="19.00", Shipping="5.00", Refunded_Amount="62.00")],
        {"#1": (100.0, 50.0)},
        {"return": 1},
    ),
    "woocommerce, tax and shipping": (
        [woocommerce("1", "124.00", Order_Total_Tax_Amount="19", Order_Shipping_Amount="5")],
        {"1": (100.0, 0.0)},
        {},
    ),
    "shopify, nothing but shipping": (
        [shopify("#1"), shopify("#2", "5.00", Taxes="0.80", Shipping="5.00")],
        {"#1": (100.0, 0.0)},
        {"non_positive_price": 1},
    ),
    # refunds
    "shopify, refunded in full by its status": (
        [shopify("#1"), shopify("#2", "40.00", Financial_Status="refunded", Refunded_Amount="")],
        {"#1": (100.0, 0.0), "#2": (40.0, 40.0)},
        {"return": 1},
    ),
    "shopify, refunded more than it cost": (
        [shopify("#1", "10.00", Refunded_Amount="12.00"), shopify("#2", "10.00")],
        {"#1": (10.0, 10.0), "#2": (10.0, 0.0)},
        {"return": 1},
    ),
    "woocommerce, a refund as a row of its own": (
        [woocommerce("1"), woocommerce("1", "-30", Order_Date="2024-02-01 09:00")],
        {"1": (100.0, 30.0)},
        {"return": 1},
    ),
    "woocommerce, the same refund noted twice": (
        [
            woocommerce("1", Order_Refund_Amount="100"),
            woocommerce("1", "-100", email=""),
            woocommerce("2", "50"),
        ],
        {"1": (100.0, 100.0), "2": (50.0, 0.0)},
        {"return": 2},
    ),
    "woocommerce, a negative total of no known order": (
        [woocommerce("1"), woocommerce("9", "-30", Order_Date="2024-02-01 09:00")],
        {"1": (100.0, 30.0)},
        {"return": 1},
    ),
    "stripe, a dated refund of the order before last": (
        [
            stripe("ch_1", refunded="40.00", refunded_at="2024-03-01 10:00:00"),
            stripe("ch_2", "50.00", created="2024-02-01 10:00:00"),
        ],
        {"ch_1": (100.0, 40.0), "ch_2": (50.0, 0.0)},
        {"return": 1},
    ),
    # orders that are none
    "shopify, cancelled": (
        [shopify("#1"), shopify("#2", Cancelled_at="2024-01-11 10:00:00 +0100")],
        dict([KEPT]),
        {"cancelled": 1},
    ),
    "shopify, cancelled and paid back": (
        [shopify("#1"), shopify("#2", Cancelled_at="2024-01-11", Refunded_Amount="100.00")],
        dict([KEPT]),
        {"cancelled": 2},
    ),
    "shopify, voided": (
        [shopify("#1"), shopify("#2", Financial_Status="voided")],
        dict([KEPT]),
        {"cancelled": 1},
    ),
    "shopify, drafts": (
        [
            shopify("#1", Source="shopify_draft_order"),
            shopify("#D2"),
            shopify("#3", Financial_Status="draft"),
        ],
        dict([KEPT]),
        {"draft": 2},
    ),
    "shopify, tests": (
        [
            shopify("#1", Tags="contest, tested"),
            shopify("#2", Payment_Method="(for testing) Bogus Gateway"),
            shopify("#3", Tags="vip, TEST"),
        ],
        dict([KEPT]),
        {"test_order": 2},
    ),
    "shopify, not paid": (
        [
            shopify("#1", Financial_Status="partially_paid"),
            shopify("#2", Financial_Status="pending"),
            shopify("#3", Financial_Status="authorized"),
        ],
        dict([KEPT]),
        {"not_paid": 2},
    ),
    "shopify, gifts": (
        [shopify("#1"), shopify("#2", "0.00")],
        dict([KEPT]),
        {"non_positive_price": 1},
    ),
    "woocommerce, states": (
        [
            woocommerce("1", Order_Status="wc-on-hold"),
            woocommerce("2", Order_Status="Cancelled"),
            woocommerce("3", Order_Status="pending payment"),
            woocommerce("4", Order_Status="failed"),
            woocommerce("5", Order_Status="checkout-draft"),
            woocommerce("6", Order_Status="trash"),
            woocommerce("7", Payment_Method_Title="Test payment"),
        ],
        {"1": (100.0, 0.0)},
        {"cancelled": 2, "not_paid": 2, "draft": 1, "test_order": 1},
    ),
    "stripe, states": (
        [
            stripe("ch_1"),
            stripe("ch_2", Status="Failed"),
            stripe("ch_3", Status="requires_payment_method"),
            stripe("ch_4", Captured="false"),
            stripe("ch_5", Status="canceled"),
            stripe("ch_6", Mode="Test"),
            stripe("ch_7", "80.00", Status="Refunded", refunded="80.00"),
        ],
        {"ch_1": (100.0, 0.0), "ch_7": (80.0, 80.0)},
        {"not_paid": 3, "cancelled": 1, "test_order": 1, "return": 1},
    ),
    "stripe, converted amounts": (
        [
            stripe("ch_1", "110.00", Currency="usd", Converted_Currency="eur")
            | {"Converted Amount": "100.00", "Converted Amount Refunded": "10.00"},
            stripe("ch_2", "20.00"),
            stripe("ch_3", "9.00", Currency="jpy", Status="Failed"),
        ],
        {"ch_1": (100.0, 10.0), "ch_2": (20.0, 0.0)},
        {"return": 1, "not_paid": 1},
    ),
    "shopify, nobody": (
        [shopify("#1"), shopify("#2", Email="", Refunded_Amount="5.00")],
        dict([KEPT]),
        {"no_customer": 2},
    ),
}


SYSTEMS = ("shopify", "woocommerce", "stripe")


def traps_of(system):
    """The traps of one system, each with a number of its own."""
    return {name: i for i, name in enumerate(TRAPS, start=10) if name.startswith(system)}


def marked(row, number):
    """A row whose order and customer belong to the trap of that number alone."""
    name = next(iter(row.keys() & {"Name", "Order Number", "id"}))
    mail = next(iter(row.keys() & {"Email", "Email (Billing)", "Customer Email"}))
    return row | {name: f"{row[name]}{number}", mail: row[mail].replace("@", f"{number}@")}


@pytest.fixture(scope="module", params=SYSTEMS)
def trapped(request, tmp_path_factory):
    """All traps of a system in one export, to be told apart by their numbers."""
    rows = [
        marked(row, number)
        for name, number in traps_of(request.param).items()
        for row in TRAPS[name][0]
    ]
    return request.param, rows, etl_of(tmp_path_factory.mktemp(request.param), rows)


def test_an_export_gives_the_orders_a_person_would_list(trapped):
    system, rows, etl = trapped
    listed, refused = orders_of(etl), etl.rows("refused")

    for name, number in traps_of(system).items():
        _, orders, rules = TRAPS[name]
        own = Counter(r["rule"] for r in refused if r["invoice"].endswith(str(number)))
        of_trap = {
            order[:-2]: worth for order, worth in listed.items() if order.endswith(str(number))
        }
        assert of_trap == orders, name
        assert own == rules, name
    assert etl.report["value"] == sum(gross - undone for gross, undone in listed.values())
    assert etl.report["rows"] == len(rows)


def test_an_item_without_a_name_continues_some_order(tmp_path):
    item = shopify_item("") | {"Email": "", "Created at": ""}

    etl = etl_of(tmp_path, [shopify("#1"), item])

    assert orders_of(etl) == dict([KEPT])
    assert rules_of(etl) == {"continuation": 1}


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2024-01-31 23:30:00 +0100", dt.date(2024, 1, 31)),
        ("2024-07-01 00:30:00 +0200", dt.date(2024, 7, 1)),
        ("2024-06-30 22:30:00 -0400", dt.date(2024, 6, 30)),
    ],
)
def test_the_day_is_that_of_the_shops_own_clock(written, day, tmp_path):
    etl = etl_of(tmp_path, [shopify("#1", Created_at=written)])

    assert etl.rows("clv")[0]["invoice_date"].date() == day


@pytest.mark.parametrize(
    ("row", "returned"),
    [
        (shopify("#1", Refunded_Amount="10.00"), dt.datetime(2024, 1, 10, 10, 11, 12)),
        (
            stripe("ch_1", refunded="10.00", refunded_at="2024-03-01 10:00:00"),
            dt.datetime(2024, 3, 1, 10),
        ),
    ],
)
def test_a_refund_has_its_own_day_or_else_that_of_its_order(row, returned, tmp_path):
    assert etl_of(tmp_path, [row]).rows("returns")[0]["returned_at"] == returned


@pytest.mark.parametrize("row", [shopify, woocommerce, stripe])
def test_addresses_that_differ_in_case_are_one_customer_nobody_can_read(row, tmp_path):
    name = {"shopify": "Email", "woocommerce": "email", "stripe": "Customer_Email"}[row.__name__]

    etl = etl_of(tmp_path, [row("1"), row("2", **{name: "ANN@Example.com "})])

    assert {line["customer_id"] for line in etl.rows("clv")} == {ANN}


def test_a_guest_of_stripe_without_address_is_known_by_number(tmp_path):
    etl = etl_of(tmp_path, [stripe("ch_1", Customer_Email="", Customer_ID="cus_9")])

    assert etl.rows("clv")[0]["customer_id"] == "cus_9"


def test_a_later_refund_of_an_order_changes_no_earlier_match(tmp_path):
    back = stripe("ch_9", "-60.00", created="2024-02-01 10:00:00")
    later = {"refunded": "100.00", "refunded_at": "2024-03-01 10:00:00"}

    before = etl_of(tmp_path / "before", [stripe("ch_1"), back]).rows("returns")
    after = etl_of(tmp_path / "after", [stripe("ch_1", **later), back]).rows("returns")

    assert [row["value"] for row in before] == [60]
    assert sorted((row["returned_at"].month, row["value"]) for row in after) == [(2, 60), (3, 40)]


EARLIER = [shopify("#1"), shopify_item("#1"), shopify("#2", Financial_Status="pending")]
LATER = [shopify("#1", Refunded_Amount="25.00"), shopify_item("#1"), shopify("#2"), shopify("#3")]


@pytest.mark.parametrize("files", [(EARLIER, LATER), (LATER, EARLIER)], ids=["in order", "not"])
def test_of_an_order_in_two_files_the_state_it_reached_counts(files, tmp_path):
    etl = etl_of(tmp_path, *files)

    assert orders_of(etl) == {"#1": (100.0, 25.0), "#2": (100.0, 0.0), "#3": (100.0, 0.0)}
    assert rules_of(etl) == {"duplicate": 2, "continuation": 2, "return": 1}


def test_the_same_file_twice_counts_once(tmp_path):
    once = etl_of(tmp_path / "once", LATER)
    twice = etl_of(tmp_path / "twice", LATER, LATER)

    for name in ("clv", "returns", "summary", "cohorts"):
        assert twice.rows(name) == once.rows(name), name


def test_the_order_of_the_rows_does_not_matter(tmp_path):
    rows = TRAPS["stripe, states"][0]

    assert orders_of(etl_of(tmp_path / "a", rows)) == orders_of(etl_of(tmp_path / "b", rows[::-1]))


def test_each_state_counts_where_it_is_told_to(tmp_path):
    rows = TRAPS["woocommerce, states"][0]

    told = etl_of(tmp_path, rows, cleaning=Cleaning(also_count=("cancelled", "draft")))

    assert rules_of(told) == {"not_paid": 2, "test_order": 1}
    assert set(orders_of(told)) == {"1", "2", "5", "6"}


def test_tax_and_shipping_stay_inside_where_told_and_the_definition_says_so(tmp_path):
    row = shopify("#1", "124.00", Taxes="19.00", Shipping="5.00", Refunded_Amount="62.00")

    without = etl_of(tmp_path / "without", [row])
    inside = etl_of(tmp_path / "inside", [row], with_tax_and_shipping=True)

    assert (without.report["value"], inside.report["value"]) == (50.0, 62.0)
    assert without.report["money"]["refused"]["tax_and_shipping"] == "12.0000"
    assert without.report["charged_less_refunded"] == "62.0000"
    assert "without tax and shipping" in without.report["value_definition"]
    assert "tax and shipping included" in inside.report["value_definition"]


def test_what_stripe_charges_is_said_to_hold_tax_and_shipping(tmp_path):
    etl = etl_of(tmp_path, [stripe("ch_1")])

    assert "tax and shipping included" in etl.report["value_definition"]
    assert etl.report["currency"] == "EUR"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (shopify("#1", "a lot"), r"1 row has no readable amount in column 'Total'; first: row 2"),
        (shopify("#1", Created_at="soon"), "no readable date in column 'Created at'"),
        (shopify("#1", Created_at=""), "no readable date in column 'Created at'.*empty"),
        (shopify("#1", Refunded_Amount="some"), "no readable amount in column 'Refunded Amount'"),
    ],
)
def test_a_value_that_cannot_be_read_is_named_with_its_row(row, said, tmp_path):
    with pytest.raises(SourceUnreadable, match=said):
        etl_of(tmp_path, [shopify("#0"), row])


SPELLINGS = {
    "shopify": [list(shopify("#1"))],
    "woocommerce": [
        list(woocommerce("1")),
        ["order_id", "order_number", "order_date", "status", "order_total", "billing_email"],
        ["Order ID", "Order Date", "Order Status", "Order Total", "Billing Email Address"],
    ],
    "stripe": [
        list(stripe("ch_1")),
        ["id", "Created (UTC)", "Amount", "Amount Refunded", "Status", "Customer ID"],
    ],
    "online-retail": [[names[0] for names in ONLINE_RETAIL.headers.values()]],
    None: [["email", "created_at", "total"], ["id", "Amount", "Status"], []],
}


@pytest.mark.parametrize(
    ("kind", "header"), [(kind, header) for kind, all_ in SPELLINGS.items() for header in all_]
)
def test_a_kind_is_told_by_its_headers(kind, header):
    assert kind_of(header) == kind


def test_files_of_different_kinds_are_not_added_up(tmp_path):
    with pytest.raises(SourceUnreadable, match=r"different kinds: .* Run them apart"):
        etl_of(tmp_path, [shopify("#1")], [stripe("ch_1")])


def test_a_kind_that_is_named_but_is_not_there_is_refused(tmp_path):
    path = write(tmp_path / "log.csv", [stripe("ch_1")])

    with pytest.raises(SourceUnreadable, match="no Shopify orders export: there is no column Name"):
        source_of("shopify", load.header_rows([path], "utf-8"))


AMOUNTS = st.decimals(0, 500, places=2).map(str)
ROWS = st.builds(
    shopify,
    st.sampled_from(["#1", "#2", "#3", "#D4"]),
    AMOUNTS | st.just(""),
    Refunded_Amount=AMOUNTS | st.just(""),
    Taxes=st.sampled_from(["", "1.00", "9.99"]),
    Email=st.sampled_from(["", "ann@example.com", "Bob@example.com"]),
    Financial_Status=st.sampled_from(["paid", "refunded", "pending", "voided", "whatever"]),
)


def ledger_of(folder, files):
    """The ledger of an export and how many refunds stand on its rows, without the rest."""
    paths = [write(folder / f"export-{i}.csv", rows) for i, rows in enumerate(files)]
    source = source_of("shopify", load.header_rows(paths, "utf-8"))
    with engine.connect(folder) as connection:
        parts = load.load(connection, paths, source, folder)
        lines = orders.order_lines(parts, source, Cleaning())
        judged = engine.hold(connection, preprocess.judge(lines, source, Cleaning()))
        return ingesting.ledger(judged), engine.count(judged.filter(judged.is_refund))


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(ROWS, min_size=1, max_size=5), min_size=1, max_size=2))
def test_the_ledger_adds_up_in_lines_and_in_money(tmp_path_factory, files):
    report, refunds = ledger_of(tmp_path_factory.mktemp("export"), files)

    assert report["read"] == report["kept"] + sum(report["refused"].values())
    assert report["read"] == sum(map(len, files)) + refunds
    money = report["money"]
    refused = sum(map(Decimal, money["refused"].values()))
    assert Decimal(money["read"]) == Decimal(money["kept"]) + refused
    assert Decimal(money["read"]) == charged(files)


def charged(files):
    """Totals less refunds of each order, once for each file, by a plain loop over the rows.

    Of several rows of an order in a file the one refunded most counts, then the one furthest.
    """
    total = Decimal(0)
    for rows in files:
        for name in {row["Name"] for row in rows}:
            own = [row for row in rows if row["Name"] == name and row["Total"]]
            if own:
                amount, back = max(map(paid_and_refunded, own), key=lambda pair: pair[2])[:2]
                total += amount - back
    return total


def paid_and_refunded(row):
    paid, back = Decimal(row["Total"]), Decimal(row["Refunded Amount"] or 0)
    if row["Financial Status"] == "refunded" and back == 0:
        back = paid
    draft = row["Name"].startswith("#D")
    reached = 0 if draft or row["Financial Status"] == "pending" else 1
    if row["Financial Status"] == "voided" and not draft:
        reached = 2
    return paid, back, (back, reached, paid)


def test_a_log_that_is_no_export_says_nothing_of_rows_and_refunds(tmp_path, shop_log):
    log = log_of(shop_log)

    report = ingesting.ingest(ingesting.Workspace(tmp_path), log, lambda text: None)

    assert not {"rows", "refunds_on_orders", "charged_less_refunded"} & set(report)
    assert list(report["refused"]) == ["duplicate", "no_customer", "return", "non_positive_price"]

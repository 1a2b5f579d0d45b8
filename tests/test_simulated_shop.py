"""The simulated shop keeps its schema, its truth, and the proportions of the real log.

Figures called real were counted in UCI Online Retail II (CC BY 4.0) with the same queries.
"""

from __future__ import annotations

import collections
import csv
import datetime as dt
import math

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from scipy import stats

from clv.errors import WorkspaceUnwritable
from clv.simulated_shop import simulate_log, truth, write_log

HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"


@pytest.fixture(scope="module")
def shop():
    return simulate_log(customers=300)


@pytest.fixture(scope="module")
def database():
    """The default log beside the small one, with repeated lines taken once in ``lines``."""
    shop = simulate_log()
    with duckdb.connect() as connection:
        connection.register("arrow", shop.log)
        connection.execute("create table log as select * from arrow")
        connection.execute("create table lines as select distinct * from log")
        connection.execute(
            "create table kept as select * from lines "
            'where Quantity > 0 and Price > 0 and "Customer ID" is not null'
        )
        yield connection


# ---------------------------------------------------------------- the file


def test_the_same_arguments_give_the_same_bytes(tmp_path, shop):
    one = write_log(tmp_path / "one.csv", shop.log)
    other = write_log(tmp_path / "other.csv", simulate_log(customers=300).log)

    assert one.read_bytes() == other.read_bytes()


def test_another_seed_gives_another_shop(shop):
    other = simulate_log(customers=300, seed=2)

    assert not shop.log.equals(other.log)
    assert not shop.truth.equals(other.truth)


def test_the_csv_reads_back_as_the_log_by_another_reader(tmp_path, shop):
    path = write_log(tmp_path / "log.csv", shop.log)

    with path.open(encoding="utf-8", newline="") as file:
        assert file.readline() == HEADER + "\n"
        rows = list(csv.reader(file))

    expected = [
        [
            line["Invoice"],
            line["StockCode"],
            line["Description"] or "",
            str(line["Quantity"]),
            f"{line['InvoiceDate']:%Y-%m-%d %H:%M:%S}",
            line["Price"],
            line["Customer ID"] or "",
            line["Country"],
        ]
        for line in shop.log.to_pylist()
    ]
    assert [[*row[:5], float(row[5]), *row[6:]] for row in rows] == expected


def test_descriptions_hold_commas_and_quotes_so_that_readers_are_tried(shop):
    text = "".join(word or "" for word in shop.log["Description"].to_pylist())

    assert "," in text
    assert '"' in text


@pytest.mark.parametrize("fault", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_earlier_file_alone(tmp_path, shop, monkeypatch, fault):
    path = write_log(tmp_path / "log.csv", shop.log.slice(0, 10))
    before = path.read_bytes()

    def write_half(table, file, options):
        file.write(b"half a li")
        raise fault

    monkeypatch.setattr(pa.csv, "write_csv", write_half)
    with pytest.raises((WorkspaceUnwritable, KeyboardInterrupt)):
        write_log(path, shop.log)

    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["log.csv"]


# ---------------------------------------------------------------- size and span


@pytest.mark.parametrize("customers", [1, 40, 300])
def test_as_many_customers_buy_as_were_asked_for(customers):
    log = simulate_log(customers=customers).log.to_pylist()

    buyers = {line["Customer ID"] for line in log if line["Quantity"] > 0 and line["Price"] > 0}

    assert len(buyers - {None}) == customers


def test_a_shop_without_customers_is_refused():
    with pytest.raises(ValueError, match="at least one customer"):
        simulate_log(customers=0)


def test_nothing_is_written_on_closed_days(shop):
    days = {moment.date() for moment in shop.log["InvoiceDate"].to_pylist()}

    assert {day.weekday() for day in days} == {0, 1, 2, 3, 4, 6}
    assert not [day for day in days if (day.month, day.day) >= (12, 24)]
    assert not [day for day in days if (day.month, day.day) <= (1, 3)]


def test_nine_days_occur_twice_line_by_line(shop):
    lines = [tuple(line.values()) for line in shop.log.to_pylist()]
    days = [line[4].date() for line in lines]
    second = next(i for i in range(1, len(days)) if days[i] < days[i - 1])  # the second sheet
    shared = [dt.date(2010, 12, 1) + dt.timedelta(days=i) for i in range(9)]

    in_first = collections.Counter(lines[i] for i in range(second) if days[i] in shared)
    in_second = collections.Counter(
        lines[i] for i in range(second, len(lines)) if days[i] in shared
    )

    assert in_first
    assert in_first == in_second
    assert days[:second] == sorted(days[:second])
    assert days[second:] == sorted(days[second:])
    assert days[second - 1] == dt.date(2010, 12, 9)


# ---------------------------------------------------------------- the truth


def test_the_truth_names_each_buyer_once(shop):
    ids = shop.truth["customer_id"].to_pylist()
    in_log = set(shop.log["Customer ID"].to_pylist()) - {None}

    assert len(ids) == len(set(ids)) == 300
    assert {f"{name}.0" for name in ids} == in_log


def purchases_outside(shop, truth_rows):
    """Purchase days before a customer began or after the dropout, by a plain loop."""
    by_id = {f"{row['customer_id']}.0": row for row in truth_rows}
    outside = 0
    for line in shop.log.to_pylist():
        if line["Customer ID"] is None or line["Quantity"] < 0:
            continue
        row, day = by_id[line["Customer ID"]], line["InvoiceDate"].date()
        outside += not row["customer_since"].date() <= day <= row["dropout_at"].date()
    return outside


def test_nobody_buys_before_being_a_customer_or_after_dropping_out(shop):
    assert purchases_outside(shop, shop.truth.to_pylist()) == 0


def test_the_check_of_dropouts_notices_exchanged_customers(shop):
    rows = shop.truth.to_pylist()
    exchanged = [
        row | {"dropout_at": other["dropout_at"], "customer_since": other["customer_since"]}
        for row, other in zip(rows, reversed(rows), strict=True)
    ]

    assert purchases_outside(shop, exchanged) > 100


def test_the_opening_cohort_began_before_the_log_and_newcomers_buy_on_their_first_day(shop):
    first_purchase = {}
    for line in shop.log.to_pylist():
        if line["Customer ID"] and line["Quantity"] > 0:
            day = line["InvoiceDate"].date()
            name = line["Customer ID"].removesuffix(".0")
            first_purchase[name] = min(day, first_purchase.get(name, day))

    for row in shop.truth.to_pylist():
        assert row["opening"] == (row["customer_since"].date() < truth.FIRST)
        if not row["opening"]:
            assert first_purchase[row["customer_id"]] == row["customer_since"].date()


def levels_by_loop(since, until):
    """What a customer lives through, day by day."""
    return sum(
        level * max(0.0, min(until, day + 1) - max(since, day))
        for day, level in enumerate(truth.LEVEL.tolist())
    )


@pytest.fixture(scope="module")
def drawn():
    people, buyer, _ = truth.draw_purchases(np.random.default_rng(5), 1_500)
    fresh = np.flatnonzero(people.since >= 0)
    repeats = np.bincount(buyer, minlength=1_500)[fresh] - 1
    people = truth.Customers(*(values[fresh] for values in people))
    return people, repeats


def z_of_repeats(drawn, until):
    people, repeats = drawn
    spans = zip(people.since, until, strict=True)
    exposure = np.array([levels_by_loop(*span) for span in spans])
    expected = (people.rate * exposure).sum()
    return (repeats.sum() - expected) / math.sqrt(expected)


def test_newcomers_repeat_at_their_rate_until_they_drop_out(drawn):
    assert abs(z_of_repeats(drawn, drawn[0].until)) < 4


def test_the_check_of_rates_notices_a_missing_dropout(drawn):
    assert abs(z_of_repeats(drawn, np.full(len(drawn[0].until), np.inf))) > 20


def rate_p_value(people, alpha):
    return stats.kstest(people.rate[~people.wholesale], stats.gamma(truth.R, scale=1 / alpha).cdf)


def test_rates_and_stays_have_the_stated_distributions(drawn):
    people = drawn[0]
    stay = (people.until - people.since) * people.dropout_rate
    seen = stay[people.dropout_rate > 1e-3]  # the others may reach the longest stay

    assert rate_p_value(people, truth.ALPHA).pvalue > 1e-3
    assert stats.kstest(seen, stats.expon.cdf).pvalue > 1e-3


def test_the_check_of_distributions_notices_another_scale(drawn):
    assert rate_p_value(drawn[0], 1.4 * truth.ALPHA).pvalue < 1e-6


def test_the_calendar_has_mean_one_over_whole_years_and_an_autumn_peak():
    level = truth.LEVEL[: 2 * 365]
    by_month = collections.defaultdict(list)
    for day, value in enumerate(level.tolist()):
        by_month[(truth.FIRST + dt.timedelta(days=day)).month].append(value)
    mean = {month: sum(values) / len(values) for month, values in by_month.items()}

    assert level.mean() == pytest.approx(1.0)
    assert max(mean, key=mean.get) == 11
    assert min(mean, key=mean.get) == 1


# ---------------------------------------------------------------- likeness to the real log

LIKENESS = {
    "lines": ("select count(*) from log", 1_067_371, 0.1),
    "customers who bought": ('select count(distinct "Customer ID") from kept', 5_878, 0.01),
    "invoices of customers": ("select count(distinct Invoice) from kept", 36_969, 0.05),
    "purchase days": (
        'select count(distinct ("Customer ID", InvoiceDate::date)) from kept',
        33_107,
        0.05,
    ),
    "gross of customers": ("select sum(Quantity * Price) from kept", 17_374_804, 0.1),
    "share without customer": ('select avg(("Customer ID" is null)::int) from log', 0.228, 0.08),
    "exact duplicates": (
        "select (select count(*) from log) - (select count(*) from lines)",
        34_335,
        0.1,
    ),
    "duplicates by overlap": (
        "select count(*) / 2 from log "
        "where InvoiceDate::date between '2010-12-01' and '2010-12-09'",
        22_523,
        0.25,  # nine days of one shop vary much from seed to seed
    ),
    "cancellation lines": ("select count(*) from log where Invoice like 'C%'", 19_494, 0.1),
    "credit notes": (
        "select count(distinct Invoice) from lines where Invoice like 'C%'",
        8_292,
        0.1,
    ),
    "lines at price 0": ("select count(*) from log where Price = 0", 6_202, 0.2),
    "lines without words": ("select count(*) from log where Description is null", 4_382, 0.1),
    "stock codes": ("select count(distinct StockCode) from log", 5_305, 0.1),
    "countries": ("select count(distinct Country) from log", 43, 0.2),
    "share of the United Kingdom": (
        "select avg((Country = 'United Kingdom')::int) from log",
        0.919,
        0.05,
    ),
    "median lines of an order": (
        "select median(n) from (select count(*) n from kept group by Invoice)",
        15,
        0.15,
    ),
    "median value of an order": (
        "select median(v) from (select sum(Quantity * Price) v from kept group by Invoice)",
        303,
        0.2,
    ),
    "95th percentile of order values": (
        "select quantile_cont(v, .95) "
        "from (select sum(Quantity * Price) v from kept group by Invoice)",
        1_231,
        0.2,
    ),
    "one-time buyers": (
        "select avg((n = 1)::int) from (select count(distinct InvoiceDate::date) n from kept "
        'group by "Customer ID")',
        0.287,
        0.15,
    ),
    "99th percentile of purchase days": (
        "select quantile_cont(n, .99) from (select count(distinct InvoiceDate::date) n from kept "
        'group by "Customer ID")',
        39,
        0.2,
    ),
    "autumn over spring": (
        "select count(distinct Invoice) filter (month(InvoiceDate) in (10, 11)) / "
        "count(distinct Invoice) filter (month(InvoiceDate) in (4, 5)) from kept",
        1.72,
        0.15,
    ),
    "newcomers of the first month": (
        'select count(*) from (select min(InvoiceDate) f from kept group by "Customer ID") '
        "where f < '2010-01-01'",
        955,
        0.15,
    ),
}


@pytest.mark.parametrize("what", LIKENESS)
def test_the_default_log_resembles_the_real_one_in(database, what):
    query, real, tolerance = LIKENESS[what]

    assert database.execute(query).fetchone()[0] == pytest.approx(real, rel=tolerance)


def test_most_credit_notes_of_customers_undo_an_earlier_purchase(database):
    share, above, longest = database.execute("""
        with credit as (
            select * from lines where Invoice like 'C%' and "Customer ID" is not null
                and regexp_matches(StockCode, '^[0-9]{5}')
        ), matched as (
            select -any_value(credit.Quantity) as undone, max(kept.Quantity) as bought,
                   min(date_diff('day', kept.InvoiceDate, credit.InvoiceDate)) as wait
            from credit left join kept on kept."Customer ID" = credit."Customer ID"
                and kept.StockCode = credit.StockCode and kept.InvoiceDate < credit.InvoiceDate
            group by credit.Invoice, credit.StockCode, credit.Quantity, credit.Price
        ) select avg((bought is not null)::int), count(*) filter (undone > bought), max(wait)
        from matched""").fetchone()

    assert share == pytest.approx(0.888, rel=0.05)  # as counted in the real log
    assert above <= 0.01 * 18_400  # strays naming something else the customer had bought
    assert longest > 90


def test_an_enormous_order_is_cancelled_within_minutes(database):
    rows = database.execute("""
        select sold.Quantity, note.Quantity, date_diff('minute', sold.InvoiceDate, note.InvoiceDate)
        from kept sold join lines note on note.Invoice like 'C%' and note.Quantity = -sold.Quantity
            and note."Customer ID" = sold."Customer ID" and note.StockCode = sold.StockCode
        where sold.Quantity > 20_000""").fetchall()

    assert len(rows) == 2
    assert all(0 < minutes <= 20 for _, _, minutes in rows)


@pytest.mark.parametrize(
    "code", ["POST", "DOT", "M", "D", "C2", "S", "BANK CHARGES", "AMAZONFEE", "TEST001", "B"]
)
def test_lines_that_are_no_goods_occur(database, code):
    found = database.execute("select count(*) from log where StockCode = ?", [code]).fetchone()[0]

    assert found > 0


def test_orders_are_worth_the_spend_level_of_their_customer(shop):
    level = {f"{r['customer_id']}.0": r["spend_level"] for r in shop.truth.to_pylist()}
    value = collections.Counter()
    for line in {tuple(line.values()): line for line in shop.log.to_pylist()}.values():
        goods = line["StockCode"][:5].isdigit() and 0 < line["Quantity"] < 3_900
        if line["Customer ID"] and goods:
            value[line["Invoice"], line["Customer ID"]] += line["Quantity"] * line["Price"]
    expected = sum(level[name] for _, name in value)

    assert sum(value.values()) == pytest.approx(expected, rel=0.1)

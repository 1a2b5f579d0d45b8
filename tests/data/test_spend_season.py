"""What months add to the value of a purchase day, against pandas; and where they add nothing."""

from __future__ import annotations

import datetime as dt
import random

import pyarrow as pa
import pytest
from data.small_logs import dear_autumn, ingested
from reference import oracles_data

from clv.simulated_shop import simulate_log, write_log
from clv.store import parquet


@pytest.fixture(scope="module")
def log(shop):
    return dear_autumn(shop.log)


@pytest.fixture(scope="module")
def dear(log, tmp_path_factory):
    return of_log(tmp_path_factory.mktemp("dear"), log)


def of_log(folder, log):
    return ingested(folder, write_log(folder / "log.csv", log))


def season_of(etl):
    return parquet.read_summary(etl.path("summary")).spend_season


def up_to(log, day):
    at = pa.array([at.date() <= day for at in log["InvoiceDate"].to_pylist()])
    return log.filter(at)


def test_the_season_is_what_pandas_finds(dear):
    end = parquet.read_summary(dear.path("summary")).window.end
    excess, expected = oracles_data.spend_season(dear.rows("clv"), dear.rows("returns"), end)

    assert excess > 2
    assert season_of(dear) == pytest.approx(expected, abs=2e-6)
    assert min(expected[8:11]) > 1.3 * max(expected[:8] + expected[11:])


def test_each_customer_has_the_season_of_their_own_days(dear):
    end = parquet.read_summary(dear.path("summary")).window.end
    clean, pairs = dear.rows("clv"), dear.rows("returns")

    expected = oracles_data.season_of_days(clean, pairs, end, season_of(dear))

    found = {row["customer_id"]: row["season_of_days"] for row in dear.rows("summary")}
    assert {who: own for who, own in found.items() if own is not None} == pytest.approx(expected)
    assert max(expected.values()) > 1.2
    assert min(expected.values()) < 0.9


def test_the_plain_shop_shows_no_season_and_its_factors_are_exactly_one(shop_log, tmp_path):
    etl = ingested(tmp_path, shop_log)

    excess, _ = oracles_data.spend_season(
        etl.rows("clv"), etl.rows("returns"), dt.date(2011, 12, 9)
    )
    assert excess < 2
    assert season_of(etl) is None
    assert {row["season_of_days"] for row in etl.rows("summary")} <= {1.0, None}


def test_a_log_shorter_than_a_year_shows_none(log, tmp_path):
    assert season_of(of_log(tmp_path, up_to(log, dt.date(2010, 11, 28)))) is None


def test_nor_do_a_few_repeat_buyers(tmp_path):
    few = simulate_log(customers=12, seed=7).log

    assert season_of(of_log(tmp_path, few)) is None


def test_the_same_lines_in_another_order_give_the_same_bits(dear, log, tmp_path):
    order = list(range(log.num_rows))
    random.Random(1).shuffle(order)

    other = of_log(tmp_path, log.take(order))

    assert season_of(other) == season_of(dear)
    assert other.table("summary") == dear.table("summary")


def test_one_order_of_ten_thousand_times_its_value_makes_no_month(dear, log, tmp_path):
    dearest = max(
        (at, place) for place, at in enumerate(log["InvoiceDate"].to_pylist()) if at.month == 5
    )[1]
    price = log["Price"].to_pylist()
    price[dearest] *= 10_000
    place = log.column_names.index("Price")

    found = season_of(of_log(tmp_path, log.set_column(place, "Price", pa.array(price))))

    assert found == pytest.approx(season_of(dear), abs=0.08)

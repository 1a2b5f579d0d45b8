"""The files the ETL leaves: the same lines give the same bytes."""

from __future__ import annotations

import itertools
import random

import pyarrow.parquet as pq
import pytest
from data.small_logs import ingested, line, write
from reference import oracles_data

from clv.data import engine
from clv.simulated_shop import write_log
from clv.store.parquet import facts_of
from clv.tables import COHORTS, CUSTOMER_SUMMARY, ORDER_LINES, REFUSED_LINES, RETURNS

DECLARED = {
    "clv": ORDER_LINES,
    "refused": REFUSED_LINES,
    "returns": RETURNS,
    "summary": CUSTOMER_SUMMARY,
    "cohorts": COHORTS,
}


@pytest.fixture(scope="module")
def etl(shop_log, tmp_path_factory):
    return ingested(tmp_path_factory.mktemp("shop"), shop_log, currency="GBP")


@pytest.mark.parametrize("name", DECLARED)
def test_a_file_is_snappy_parquet_in_its_declared_columns_and_explains_itself(name, etl):
    declared, file = DECLARED[name], pq.ParquetFile(etl.path(name))

    columns = [file.metadata.row_group(0).column(i) for i in range(file.metadata.num_columns)]
    facts = facts_of(etl.path(name))

    assert {column.compression for column in columns} == {"SNAPPY"}
    assert file.schema_arrow.names == declared.names
    assert file.schema_arrow.types == declared.schema.types
    assert (facts["table"], facts["version"]) == (declared.name, str(declared.version))
    assert (facts["currency"], facts["basis"]) == ("GBP", "net")


def test_clean_lines_are_sorted_by_content(etl):
    keys = [oracles_data.content(row) for row in etl.rows("clv")]

    assert all(before <= after for before, after in itertools.pairwise(keys))


@pytest.mark.parametrize("name", DECLARED)
def test_a_shuffled_log_gives_the_same_bytes(name, etl, shuffled):
    assert shuffled.path(name).read_bytes() == etl.path(name).read_bytes()


@pytest.fixture(scope="module", params=[1, 2], ids=["one thread", "two threads"])
def shuffled(request, shop, tmp_path_factory):
    """The shop's log in another order, by one thread and by two."""
    folder = tmp_path_factory.mktemp("shuffled")
    order = list(range(shop.log.num_rows))
    random.Random(request.param).shuffle(order)
    path = write_log(folder / "other.csv", shop.log.take(order))
    connect = engine.ibis.duckdb.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            engine.ibis.duckdb,
            "connect",
            lambda **how: connect(threads=request.param, **how),
        )
        return ingested(folder, path, currency="GBP")


def test_another_line_gives_other_bytes(etl, shop, tmp_path):
    path = write_log(tmp_path / "less.csv", shop.log.slice(1))

    assert ingested(tmp_path, path).path("clv").read_bytes() != etl.path("clv").read_bytes()


@pytest.mark.parametrize("text", ["", "  ", " \t"])
def test_an_empty_description_is_unknown(text, tmp_path):
    path = write(tmp_path / "log.csv", [line(Description=text), line(Description=" LIGHTS ")])

    assert [r["description"] for r in ingested(tmp_path, path).rows("clv")] == ["LIGHTS", "Unknown"]

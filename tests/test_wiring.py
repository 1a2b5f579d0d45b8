"""Which log is read when: named, on disk, downloaded, simulated."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from clv import wiring
from clv.data import download
from clv.data.sources.online_retail import ONLINE_RETAIL
from clv.errors import SettingsError, SourceUnreadable
from clv.settings import read_settings
from clv.simulated_shop import simulate_log, write_log

TODAY = dt.date(2026, 11, 1)


@pytest.fixture(autouse=True)
def network(monkeypatch):
    """What was asked of the network, which is never there; nor is a large shop."""
    asked = []

    def fetch(url, target, **kwargs):
        asked.append((url, target, kwargs))
        raise SourceUnreadable(target, "there is no network.", next_step="Wait.")

    monkeypatch.setattr(download, "fetch", fetch)
    monkeypatch.setattr(wiring, "simulate_log", lambda: simulate_log(customers=20, seed=1))
    return asked


def log_of(tmp_path, told=None, **settings):
    said = told.append if told is not None else lambda text: None
    chosen = read_settings(workspace=tmp_path, **settings)
    return wiring.log(chosen, TODAY, said, lambda done, total: None)


def put(tmp_path, *names):
    raw = tmp_path / "data/raw"
    raw.mkdir(parents=True)
    for name in names:
        (raw / name).write_text("something")


def test_a_named_log_comes_before_everything(tmp_path, monkeypatch, network):
    put(tmp_path, "online_retail_II.csv")
    monkeypatch.chdir(tmp_path)
    for name in ("named.csv", "argument.csv"):
        Path(name).write_text("a,b\n1,2\n")
    monkeypatch.setenv("CLV_SOURCE", "named.csv")

    assert log_of(tmp_path).paths == (Path("named.csv"),)
    assert log_of(tmp_path, source=("argument.csv",)).paths == (Path("argument.csv"),)
    assert network == []


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".zip", ".xlsx"])
def test_a_log_on_disk_comes_before_the_network(tmp_path, network, suffix):
    put(tmp_path, f"online_retail_II{suffix}", "online_retail_II.zip.part", "other.csv")

    assert log_of(tmp_path).paths == (tmp_path / f"data/raw/online_retail_II{suffix}",)
    assert network == []


def test_of_several_on_disk_the_one_read_fastest_is_taken(tmp_path):
    put(tmp_path, "online_retail_II.xlsx", "online_retail_II.csv.gz")

    assert log_of(tmp_path).paths[0].name == "online_retail_II.csv.gz"


def test_with_a_network_the_original_is_fetched_and_held_to_its_digest(tmp_path, monkeypatch):
    asked = []

    def fetch(url, target, *, sha256, size, progress):
        asked.append((url, sha256, size))
        progress(1, 2)
        return target

    monkeypatch.setattr(download, "fetch", fetch)

    log = log_of(tmp_path)

    assert log.paths == (tmp_path / "data/raw/online_retail_II.zip",)
    assert asked == [(download.URL, download.SHA256, download.SIZE)]
    assert not log.simulated


def test_without_a_network_a_shop_is_simulated_and_said_to_be(tmp_path, network):
    told = []

    log = log_of(tmp_path, told)

    assert len(network) == 1
    assert log.paths == (tmp_path / "data/raw/simulated_shop.csv",)
    assert log.paths[0].is_file()
    assert log.simulated
    assert any("no network" in text for text in told)
    assert any("SIMULATED" in text for text in told)


def test_a_simulated_shop_is_known_by_the_truth_beside_it_under_any_name(tmp_path):
    path = write_log(tmp_path / "demo.csv", simulate_log(customers=20, seed=1).log)
    assert not log_of(tmp_path, source=(path,)).simulated

    path.with_suffix(".truth.csv").touch()

    assert log_of(tmp_path, source=(path,)).simulated


def test_a_simulated_shop_is_not_simulated_twice(tmp_path):
    path = log_of(tmp_path).paths[0]
    path.write_text("untouched")

    assert log_of(tmp_path).paths[0].read_text() == "untouched"


def test_without_columns_a_log_is_read_as_online_retail(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    log = log_of(tmp_path, source=(tmp_path / "a.csv",))

    assert (log.source.name, log.currency, log.net) == (ONLINE_RETAIL.name, "GBP", True)


def test_with_columns_a_log_is_read_as_a_plain_order_log(tmp_path):
    (tmp_path / "a.csv").write_text("email,at,total,id,land\nann,2020-01-01,5,1,DE\n")
    log = log_of(
        tmp_path,
        source=(tmp_path / "a.csv",),
        customer_id="email",
        date="at",
        amount="total",
        order_id="id",
        country="land",
        decimal_mark=",",
        basis="gross",
        currency="EUR",
    )

    assert log.source.headers["invoice"] == ("id",)
    assert log.source.headers["country"] == ("land",)
    assert (log.source.decimal_mark, log.currency, log.net) == (",", "EUR", False)


@pytest.mark.parametrize(
    "given",
    [
        {"customer_id": "email"},
        {"customer_id": "email", "amount": "total"},
        {"order_id": "id"},
        {"country": "land"},
        {"currency_column": "currency"},
    ],
)
def test_an_order_log_named_in_part_is_refused(tmp_path, given):
    with pytest.raises(SettingsError, match="--customer-id, --date and --amount"):
        log_of(tmp_path, source=("a.csv",), **given)


def test_every_setting_of_the_forecast_arrives(tmp_path):
    chosen = read_settings(
        workspace=tmp_path, horizon_days=91, churn_window_days=60, discount_rate=0.2, margin=0.3
    )

    ask = wiring.ask(chosen)

    assert (ask.horizon_days, ask.churn_window_days) == (91, 60)
    assert (ask.discount_rate, ask.margin) == (0.2, 0.3)

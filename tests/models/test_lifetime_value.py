"""Lifetime value as the product of its three parts, each checked by a loop over customers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

from clv.checked import CustomerSummary
from clv.errors import HorizonOutOfRange, NotEnoughData, SettingsError
from clv.models.correction import Correction, Trial
from clv.models.features import Shop
from clv.models.gamma_gamma import GammaGamma
from clv.models.lifetime_value import POOLED_DAYS, LifetimeValue, MeanSpend, ReturnShare
from clv.models.xgb_survival import XGBSurvival
from clv.periods import ObservationWindow

WINDOW = ObservationWindow(dt.date(2022, 1, 1), dt.date(2024, 1, 1))


def summary_of(**columns):
    return CustomerSummary.from_arrays(WINDOW, **columns)


def draw(*, customers=300, seed=5, same_price=False):
    rng = np.random.default_rng(seed)
    age = rng.integers(100, 700, size=customers).astype(float)
    frequency = rng.poisson(rng.gamma(0.6, 0.01, size=customers) * age)
    mean = np.full(customers, 9.99) if same_price else rng.gamma(6, 5, size=customers)
    days = frequency + 1
    return {
        "frequency": frequency,
        "recency": np.where(frequency > 0, np.ceil(age * rng.uniform(0.1, 1, customers)), 0),
        "age": age,
        "purchase_days": days,
        "orders": days + rng.integers(0, 2, customers),
        "mean_day_value": mean,
        "gross_value": mean * days,
        "returned_value": mean * days * rng.choice([0, 0, 0.3], customers),
    }


@pytest.fixture(scope="module")
def columns():
    return draw()


@pytest.fixture(scope="module")
def summary(columns):
    return summary_of(**columns)


@pytest.fixture(scope="module")
def model(summary):
    return LifetimeValue.fit(summary, "pareto-nbd")


def test_the_return_share_is_drawn_to_everybodys_by_six_mean_days(summary, columns):
    gross, returned = columns["gross_value"], columns["returned_value"]
    pooled = sum(returned) / sum(gross)
    weight = 6 * sum(gross) / sum(columns["purchase_days"])

    shares = ReturnShare.fit(summary).of(summary)

    by_hand = [
        (back + weight * pooled) / (bought + weight)
        for back, bought in zip(returned, gross, strict=True)
    ]
    assert POOLED_DAYS == 6
    assert shares == pytest.approx(by_hand)


def test_a_return_share_means_the_same_in_another_currency(summary, columns):
    money = ("mean_day_value", "gross_value", "returned_value")
    yen = summary_of(**columns | {name: 150 * columns[name] for name in money})

    assert ReturnShare.fit(yen).of(yen) == pytest.approx(ReturnShare.fit(summary).of(summary))


def test_without_money_nothing_is_said_to_come_back():
    bare = summary_of(frequency=[0, 1], recency=[0, 5], age=[9, 9])

    assert ReturnShare.fit(bare).of(bare).tolist() == [0, 0]


def test_expected_value_is_days_times_value_less_what_comes_back(model, summary):
    days = model.purchases.expected_transactions(summary, 91)
    worth = model.spend.expected_day_value(summary)
    share = model.return_share.of(summary)

    by_hand = [d * w * (1 - s) for d, w, s in zip(days, worth, share, strict=True)]
    assert model.expected_value(summary, 91) == pytest.approx(by_hand)


def test_expected_value_grows_with_the_horizon(model, summary):
    values = [model.expected_value(summary, horizon_days) for horizon_days in (1, 91, 365, 3650)]

    assert all((later > sooner).all() for sooner, later in itertools.pairwise(values))


def test_orders_of_a_day_are_a_customers_own_drawn_to_the_shops(model, summary):
    days, orders = (np.nan_to_num(summary.column(n)) for n in ("purchase_days", "orders"))
    drawn = model.orders_of_a_day(summary)

    for found, own_days, own_orders in zip(drawn, days, orders, strict=True):
        own = own_orders / own_days if own_days else model.orders_per_day
        low, high = sorted((own, model.orders_per_day))
        assert low - 1e-12 <= found <= high + 1e-12
    assert drawn[np.argmin(days)] == pytest.approx(model.orders_per_day, rel=0.25)


def test_orders_per_day_is_all_orders_over_all_days(model, columns):
    assert model.orders_per_day == pytest.approx(
        sum(columns["orders"]) / sum(columns["purchase_days"])
    )


def test_a_shop_of_one_price_is_worth_that_price_a_day():
    columns = draw(same_price=True)
    summary = summary_of(**columns)

    model = LifetimeValue.fit(summary, "pareto-nbd")

    assert isinstance(model.spend, MeanSpend)
    assert model.spend.expected_day_value(summary) == pytest.approx(9.99)
    assert model.name == "pareto-nbd x mean-spend"
    assert "spend exactly 9.99" in model.spend.why


def test_prices_that_differ_are_left_to_gamma_gamma(model):
    assert isinstance(model.spend, GammaGamma)


def test_without_any_value_there_is_no_lifetime_value(columns):
    times = {
        name: columns[name] for name in ("frequency", "recency", "age", "purchase_days", "orders")
    }

    with pytest.raises(NotEnoughData, match="gamma-gamma"):
        LifetimeValue.fit(summary_of(**times), "pareto-nbd")


@pytest.mark.parametrize(
    ("name", "known"), [("magic", "pareto-nbd"), ("pareto-nbd x magic", "gamma-gamma")]
)
def test_a_model_the_catalog_lacks_is_named_with_those_it_has(summary, name, known):
    with pytest.raises(SettingsError, match=rf"no 'magic'\. Known: {known}"):
        LifetimeValue.fit(summary, name)


def test_a_horizon_out_of_range_is_refused(model, summary):
    with pytest.raises(HorizonOutOfRange):
        model.expected_value(summary, 0)


@pytest.mark.parametrize("same_price", [False, True])
def test_a_model_written_as_json_and_read_back_is_equal(same_price):
    model = LifetimeValue.fit(summary_of(**draw(same_price=same_price)), "pareto-nbd")

    again = LifetimeValue.from_dict(json.loads(json.dumps(model.to_dict(), allow_nan=False)))

    assert again == model


def test_where_no_trees_were_kept_chances_are_the_purchase_models_to_the_last_bit(model, summary):
    trial = Trial(0.5, 0.01, 0.02, 2)
    lost = XGBSurvival(Correction(Shop.of(summary, 91), 0.0, (trial,), None))
    own = model.purchases.p_purchase(summary, 91)

    for survival in (None, lost):
        found = dataclasses.replace(model, survival=survival).p_purchase(summary, 91)
        assert found.tobytes() == own.tobytes()


WITHOUT_TREES = """
import json, sys
from clv.models.lifetime_value import LifetimeValue
LifetimeValue.from_dict(json.load(sys.stdin))
print("xgboost" in sys.modules)
"""


def test_xgboost_is_not_loaded_by_who_answers_without_trees(model):
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_TREES],
        input=json.dumps(model.to_dict()),
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.strip() == "False"

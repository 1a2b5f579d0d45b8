"""Defects seen in other systems, shown absent here where no other test of theirs shows it.

The rest of the museum stands where it belongs: a search that stopped early
(`numerics/test_optimize`, `models/test_pareto_nbd`), s or a of one, heavy buyers, one-time
buyers who stay quiet (`numerics/test_pareto_nbd`, `test_bg_nbd`), repeated fits and customers
alone or in a crowd (`contract/test_models`), discounts per year (`models/test_pareto_nbd`), the
last calibration day (`data/test_summarize`), holdout spend and who is scored
(`pipeline/test_backtest`), later days that leak (`leaks/test_cut`).
"""

import datetime as dt

import numpy as np
import pytest
from reference.cdnow import CALIBRATION_END, histories

from clv.checked import CustomerSummary
from clv.errors import NotEnoughData
from clv.models.catalog import PURCHASE_MODELS
from clv.numerics import gamma_gamma, predictive
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.pareto_nbd_draws import Ahead
from clv.numerics.predictive import Spend
from clv.numerics.simulate import history, log_intervals, on_whole_days, purchases
from clv.periods import ObservationWindow, TimeUnit

WINDOW = ObservationWindow(dt.date(2020, 1, 1), dt.date(2021, 12, 31))


def shop(customers=600, *, copies=1):
    """Customers of a simulated shop, each there ``copies`` times."""
    rng = np.random.default_rng(3)
    T = rng.integers(1, WINDOW.days, customers).astype(float)
    params = ParetoNBDParams(r=0.55, alpha=74.0, s=1.6, beta=182.0)
    made = on_whole_days(purchases(params, T, rng))
    x, t_x = history(made, T)
    born = (WINDOW.days - T)[made.customer]
    by_day = np.bincount((born + made.time).astype(int) - 1, minlength=WINDOW.days)
    columns = {"frequency": x, "recency": t_x, "age": T, "log_intervals": log_intervals(made)}
    return CustomerSummary.from_arrays(
        WINDOW,
        purchases_by_day=tuple((by_day * copies).tolist()),
        **{name: np.tile(values, copies) for name, values in columns.items()},
    )


SHOP = shop()


@pytest.mark.parametrize("name", PURCHASE_MODELS)
def test_a_covariance_is_symmetric_and_has_the_standard_errors_on_its_diagonal(name):
    # lifetimes scales column j by the square of parameter j.
    report = PURCHASE_MODELS[name].fit(SHOP).report
    covariance = np.array(report.covariance)

    assert np.array_equal(covariance, covariance.T)
    assert np.sqrt(np.diag(covariance)) == pytest.approx(list(report.standard_errors.values()))


@pytest.mark.parametrize(
    "name", ["pareto-nbd", "bg-nbd", "mbg-nbd", "mbg-cnbd", "steady-mbg-cnbd", "nbd"]
)
def test_customers_with_the_same_history_count_as_often_as_they_are(name):
    # Databricks' reference notebook fits distinct rows without their counts.
    once, thrice = (
        PURCHASE_MODELS[name].fit(summary, prior=False).report for summary in (SHOP, shop(copies=3))
    )

    assert thrice.distinct_rows == once.distinct_rows < thrice.customers
    assert list(thrice.standard_errors.values()) == pytest.approx(
        np.array(list(once.standard_errors.values())) / np.sqrt(3), rel=1e-4
    )


@pytest.mark.parametrize("name", PURCHASE_MODELS)
def test_one_time_buyers_are_part_of_every_fit_and_are_answered(name):
    # Databricks' reference notebook drops them, Google's pipeline all who were silent for long.
    model = PURCHASE_MODELS[name].fit(SHOP)
    again = SHOP.column("frequency") > 0
    repeaters = CustomerSummary.from_table(
        SHOP.table.filter(again), WINDOW, purchases_by_day=SHOP.purchases_by_day
    )
    answers = model.expected_transactions(SHOP, 365)

    assert model.report.customers == SHOP.column("frequency").size
    assert np.all(answers[~again] > 0)
    assert PURCHASE_MODELS[name].fit(repeaters).params != pytest.approx(model.params, rel=0.1)


@pytest.mark.parametrize("name", PURCHASE_MODELS)
def test_the_callers_table_is_as_it_was(name):
    # pymc-marketing rewrites it.
    asked = shop()
    model = PURCHASE_MODELS[name].fit(asked)
    model.p_alive(asked), model.expected_transactions(asked, 365), model.p_purchase(asked, 365)

    assert asked == SHOP


@pytest.mark.parametrize("name", PURCHASE_MODELS)
@pytest.mark.parametrize(
    ("rows", "said"), [(slice(0, 1), "1 customer cannot"), ("one-time", "none of")]
)
def test_what_no_model_can_learn_from_is_refused_in_words(name, rows, said):
    if rows == "one-time":
        kept = SHOP.table.filter(SHOP.column("frequency") == 0)
    else:
        kept = SHOP.table.slice(0, 1)
    few = CustomerSummary.from_table(kept, WINDOW, purchases_by_day=SHOP.purchases_by_day)

    with pytest.raises(NotEnoughData, match=said):
        PURCHASE_MODELS[name].fit(few)


def test_a_year_of_the_first_customer_of_cdnow_is_worth_what_weeks_make_of_it():
    # 140.10 in the documentation of lifetimes, which reads the weeks of the data as days.
    seen = histories(CALIBRATION_END)
    weeks = CustomerSummary.from_arrays(
        ObservationWindow(dt.date(1997, 1, 1), CALIBRATION_END),
        time_unit=TimeUnit.WEEK,
        frequency=seen.x,
        recency=seen.t_x,
        age=seen.T,
    )
    model = PURCHASE_MODELS["bg-nbd"].fit(weeks, prior=False)
    spend = gamma_gamma.expected_spend(
        GammaGammaParams(6.25, 3.74, 15.44), seen.x[:1], seen.repeat_mean[:1]
    )
    months = np.arange(1, 13)
    made = [model.expected_transactions(weeks, month * 365.25 / 12)[0] for month in months]
    at_their_end = np.diff(made, prepend=0) @ 1.01**-months
    continuous = model.expected_transactions(weeks, 365.25, annual_discount=1.01**12 - 1)[0]

    assert at_their_end * spend == pytest.approx(36.3, abs=0.05)
    assert continuous * spend == pytest.approx(36.3 * 1.01**0.5, abs=0.05)


def test_what_is_not_known_about_a_customers_spend_is_in_the_range_of_their_value():
    # pymc-marketing takes its mean before it multiplies.
    x, t_x, age, bought, spent = (np.array([v]) for v in (0.0, 0.0, 10.0, 1.0, 30.0))
    none = np.empty((1, 0))
    buying = Ahead(np.log([[50.0, 700.0, 0.5, 1e5]]), x, t_x, age, none, none, 365.0)
    per_purchase = GammaGammaParams(6.25, 3.74, 15.44)
    mean = float(gamma_gamma.expected_spend(per_purchase, 1, 30.0))

    drawn, of_mean = (
        predictive.draw(buying, Spend(worth, bought, spent), ["1"], draws=20_000, seed=1).value[0]
        for worth in (per_purchase, mean)
    )

    assert drawn.mean() == pytest.approx(of_mean.mean(), rel=0.05)
    assert np.quantile(drawn, 0.95) > 1.2 * np.quantile(of_mean, 0.95)

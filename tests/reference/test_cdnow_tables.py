"""The tables of CDNOW by model: cumulative purchases by week, holdout by frequency, accuracy.

Fitted as every shop is, through a customer summary, but without the prior. BTYD prints the
tracking of Pareto/NBD and BG/NBD to week 25 and the holdout by frequency; the other figures
were computed apart, in many digits.
"""

import datetime as dt
import functools

import numpy as np
import pytest
from reference.cdnow import CALIBRATION_END, DATA_END, histories, purchase_days

from clv.checked import CustomerSummary
from clv.evaluation import metrics
from clv.models.catalog import PURCHASE_MODELS
from clv.models.tracking import tracking
from clv.numerics import gamma_gamma
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.periods import ObservationWindow, TimeUnit

DATA_START = dt.date(1997, 1, 1)
CALIBRATION = histories(CALIBRATION_END)
HOLDOUT_DAYS = 39 * 7


def summary(end):
    window, seen = ObservationWindow(DATA_START, end), histories(end)
    again = [(day - DATA_START).days - 1 for own in purchase_days() for day in list(own)[1:]]
    by_day = np.bincount(again, minlength=window.days)[: window.days]
    return CustomerSummary.from_arrays(
        window,
        time_unit=TimeUnit.WEEK,
        purchases_by_day=tuple(by_day.tolist()),
        frequency=seen.x,
        recency=seen.t_x,
        age=seen.T,
    )


KNOWN = summary(CALIBRATION_END)


@functools.cache
def fitted(name):
    return PURCHASE_MODELS[name].fit(KNOWN, prior=False)


@functools.cache
def ahead(name):
    return fitted(name).expected_transactions(KNOWN, HOLDOUT_DAYS)


WEEKS = (20, 21, 22, 23, 24, 25, 39, 52, 78)
TRACKED = {
    "pareto-nbd": (
        *(1308.912, 1385.334, 1459.985, 1532.970, 1604.386, 1674.321),
        *(2532.782, 3191.138, 4275.389),
    ),
    "bg-nbd": (
        *(1312.459, 1387.347, 1460.393, 1531.715, 1601.419, 1669.602),
        *(2501.526, 3134.104, 4165.664),
    ),
    "mbg-nbd": (
        *(1315.052, 1389.601, 1462.203, 1532.979, 1602.040, 1669.484),
        *(2482.955, 3089.146, 4054.616),
    ),
}
TRACKED_BY_BTYD = {
    "pareto-nbd": (1308.856, 1385.275, 1459.923, 1532.906, 1604.32, 1674.253),
    "bg-nbd": (1312.458, 1387.346, 1460.392, 1531.713, 1601.418, 1669.600),
}


@pytest.mark.parametrize("name", TRACKED)
def test_purchases_by_week_are_those_published(name):
    curve = tracking(fitted(name), summary(DATA_END + dt.timedelta(days=1)))
    expected, actual = np.cumsum(curve.expected), np.cumsum(curve.actual)

    # An age counts to the evening of a week's last day, purchases to the evening before.
    assert [actual[7 * week - 2] for week in WEEKS] == [
        *(1359, 1414, 1484, 1517, 1573, 1672),
        *(2457, 3183, 4339),
    ]
    assert [expected[7 * week - 1] for week in WEEKS] == pytest.approx(TRACKED[name], abs=2e-3)


@pytest.mark.parametrize(("name", "within"), [("pareto-nbd", 0.08), ("bg-nbd", 3e-3)])
def test_purchases_by_week_are_those_of_btyd_as_far_as_its_optimum_goes(name, within):
    expected = np.cumsum(tracking(fitted(name), KNOWN).expected)

    assert [expected[7 * week - 1] for week in WEEKS[:6]] == pytest.approx(
        TRACKED_BY_BTYD[name], abs=within
    )


def by_frequency(values):
    bins = np.minimum(CALIBRATION.x, 7)
    return [values[bins == k].mean() for k in range(8)]


def test_actual_purchases_of_the_holdout_by_calibration_frequency():
    sizes = np.bincount(np.minimum(CALIBRATION.x, 7).astype(int))

    assert sizes.tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert by_frequency(CALIBRATION.later_count) == pytest.approx(
        [0.237, 0.697, 1.393, 1.560, 2.532, 2.947, 3.862, 6.359], abs=6e-4
    )


@pytest.mark.parametrize(
    ("name", "means", "within"),
    [
        ("pareto-nbd", (0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403), 1e-3),
        ("bg-nbd", (0.2251, 0.5231, 1.0441, 1.5203, 2.1638, 2.6538, 3.5040, 6.1570), 3e-4),
        ("mbg-nbd", (0.1852, 0.5514, 1.0490, 1.4929, 2.1043, 2.5636, 3.3608, 5.8485), 6e-5),
    ],
)
def test_expected_purchases_of_the_holdout_by_calibration_frequency(name, means, within):
    assert by_frequency(ahead(name)) == pytest.approx(means, abs=within)


@pytest.mark.parametrize(
    ("name", "total", "bias", "mae_rmse_msle", "alive"),
    [
        ("nbd", 2929.82, 0.557, (1.0410, 1.8595, 0.3622), 1.0),
        ("pareto-nbd", 1665.51, -0.115, (0.7545, 1.6028, 0.2377), 0.4463),
        ("bg-nbd", 1653.41, -0.121, (0.7855, 1.6080, 0.2343), 0.8134),
        ("mbg-nbd", 1576.73, -0.162, (0.7648, 1.6072, 0.2314), 0.4487),
    ],
)
def test_accuracy_of_purchases_in_the_holdout(name, total, bias, mae_rmse_msle, alive):
    expected = ahead(name)
    found = metrics.score(CALIBRATION.later_count, expected, expected, floor=1e-3)

    assert expected.sum() == pytest.approx(total, abs=6e-3)
    assert found["bias"] == pytest.approx(bias, abs=6e-4)
    assert [found[metric] for metric in ("mae", "rmse", "msle")] == pytest.approx(
        mae_rmse_msle, abs=6e-5
    )
    assert fitted(name).p_alive(KNOWN).mean() == pytest.approx(alive, abs=6e-5)


def decile_error(actual, predicted):
    """Mean relative error of the totals of tenths, by forecast, the later of equals first."""
    tenths = np.array_split(np.argsort(predicted, kind="stable")[::-1], 10)
    return np.mean([abs(predicted[t].sum() / actual[t].sum() - 1) for t in tenths])


@functools.cache
def spend_ahead():
    repeated = CALIBRATION.x > 0
    found = gamma_gamma.fit(CALIBRATION.x[repeated], CALIBRATION.repeat_mean[repeated])
    params = GammaGammaParams(*found.parameters)
    spend = gamma_gamma.expected_spend(params, CALIBRATION.x, CALIBRATION.repeat_mean)
    return ahead("pareto-nbd") * spend


def test_accuracy_of_spend_in_the_holdout():
    money = spend_ahead()
    found = metrics.score(CALIBRATION.later_spend, money, money, floor=1e-3)

    assert money.sum() == pytest.approx(60_449, abs=1)
    assert [found["mae"], found["rmse"]] == pytest.approx([29.454, 72.182], abs=1e-3)


@pytest.mark.parametrize(
    ("of", "spearman", "gini", "decile"),
    [("money", 0.4451, 0.6595, 0.374), ("purchases", 0.4597, 0.6727, 0.346)],
)
def test_ranks_in_the_holdout(of, spearman, gini, decile):
    actual, expected = {
        "money": (CALIBRATION.later_spend, spend_ahead()),
        "purchases": (CALIBRATION.later_count, ahead("pareto-nbd")),
    }[of]

    assert metrics.spearman(actual, expected) == pytest.approx(spearman, abs=6e-5)
    # Ours is the mean over the orders of customers with equal forecasts, that was one of them.
    assert metrics.gini(actual, expected) == pytest.approx(gini, abs=5e-4)
    assert decile_error(actual, expected) == pytest.approx(decile, abs=6e-4)

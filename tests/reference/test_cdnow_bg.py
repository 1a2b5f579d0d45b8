"""Published figures of CDNOW for the models with dropout at purchases, and for NBD.

FHL: Fader, Hardie & Lee (2005). BTYD, BTYDplus, CLVTools, lifetimes, pymc-marketing: their
walkthroughs and tests. Where none is named the figure was computed apart, in many digits.
"""

import functools
import itertools

import numpy as np
import pytest
from reference.cdnow import CALIBRATION_END, histories, purchase_days
from scipy import special

from clv.numerics import bg_nbd, bg_nbd_fit, nbd
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.histories import distinct_histories
from clv.numerics.optimize import Status

CALIBRATION = histories(CALIBRATION_END)
HISTORY = CALIBRATION.x, CALIBRATION.t_x, CALIBRATION.T
ROWS = distinct_histories(*HISTORY)
FHL = BGNBDParams(r=0.243, alpha=4.414, a=0.793, b=2.426)

fit = functools.cache(functools.partial(bg_nbd_fit.fit, ROWS))


def params(*, drops_at_once):
    found = fit(drops_at_once=drops_at_once)
    return BGNBDParams(*found.parameters, drops_at_once=drops_at_once)


BG, MBG = params(drops_at_once=False), params(drops_at_once=True)
NBD_FIT = nbd.fit(ROWS)


def log_intervals():
    seen = [[day for day in own if day <= CALIBRATION_END] for own in purchase_days()]
    weeks = [(b - a).days / 7 for own in seen for a, b in itertools.pairwise(own)]
    return float(np.log(weeks).sum())


@pytest.mark.parametrize(
    ("drops_at_once", "parameters", "errors", "likely"),
    [
        (  # FHL, CLVTools, lifetimes
            False,
            (0.2425945, 4.4136021, 0.7929219, 2.4259067),
            (0.012557, 0.378224, 0.185734, 0.705414),
            -9582.42921,
        ),
        (  # BTYDplus: .525, 6.183, .891, 1.614
            True,
            (0.5248432, 6.1830854, 0.8913595, 1.6140024),
            (0.08327, 0.69562, 0.15479, 0.53750),
            -9582.13572,
        ),
    ],
    ids=["BG/NBD", "MBG/NBD"],
)
def test_fits_have_the_published_optimum(drops_at_once, parameters, errors, likely):
    found = fit(drops_at_once=drops_at_once)

    assert found.status is Status.OPTIMUM
    assert found.parameters == pytest.approx(parameters, rel=1e-6)
    assert found.standard_errors == pytest.approx(errors, rel=5e-5)
    assert found.log_likelihood == pytest.approx(likely, abs=1e-5)


@pytest.mark.parametrize(
    ("drops_at_once", "likely", "at_two"),
    [
        (
            False,
            [-9582.4292, -9855.3270, -10393.5651],
            (0.226917, 1.462920, 0.944002, 2.074329),
        ),
        (
            True,
            [-9582.1357, -9853.2531, -10394.3627],
            (0.579896, 2.288149, 1.134453, 1.584974),
        ),
    ],
    ids=["BG/CNBD-k", "MBG/CNBD-k"],
)
def test_the_customers_of_cdnow_buy_without_regularity(drops_at_once, likely, at_two):
    found = [fit(k=k, drops_at_once=drops_at_once) for k in (1, 2, 3)]
    purchases, logs = CALIBRATION.x.sum(), log_intervals()
    timed = [
        f.log_likelihood + bg_nbd_fit.timing(purchases, logs, k=k)
        for k, f in enumerate(found, start=1)
    ]

    assert timed == pytest.approx(likely, abs=6e-5)
    assert found[1].parameters == pytest.approx(at_two, abs=6e-7)
    assert max(timed) == timed[0]  # BTYDplus: "no regularity detected"


def test_nbd_has_its_optimum():
    whole = NBD_FIT.log_likelihood + np.sum(
        CALIBRATION.x * np.log(np.where(CALIBRATION.T > 0, CALIBRATION.T, 1))
        - special.gammaln(CALIBRATION.x + 1)
    )

    assert NBD_FIT.parameters == pytest.approx((0.3847661, 12.0720232), rel=1e-6)
    assert NBD_FIT.log_likelihood == pytest.approx(-9763.6577, abs=1e-4)
    assert whole == pytest.approx(-3193.0587, abs=6e-5)


def test_expectations_of_a_new_customer():
    times = np.array([0.1429, 1, 3, 31.8571, 32, 78])
    spreadsheet = [0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576]

    # Hardie's, by way of lifetimes: its 2F1 is cut short, which at week 78 shows.
    assert bg_nbd.expected_transactions(BG, times) == pytest.approx(spreadsheet, abs=4e-4)
    assert bg_nbd.expected_transactions(FHL, [39.0, 78.0]) == pytest.approx(
        [1.196723, 1.860519], abs=5e-7
    )
    # BTYD walkthrough for BG/NBD
    assert bg_nbd.expected_transactions(BG, 52.0) == pytest.approx(1.444004, abs=1e-5)
    assert bg_nbd.expected_transactions(MBG, 52.0) == pytest.approx(1.418885, abs=5e-7)


@pytest.mark.parametrize(
    ("fitted", "expected", "alive", "within"),
    [(BG, 25.7566, 0.9688523, 1e-3), (MBG, 23.998, 0.96548, 5e-4)],
    ids=["BG/NBD of BTYD", "MBG/NBD"],
)
def test_customer_1516(fitted, expected, alive, within):
    (i,) = np.flatnonzero((CALIBRATION.x == 26) & (np.abs(CALIBRATION.t_x - 30.857) < 1e-3))
    customer = CALIBRATION.x[i], CALIBRATION.t_x[i], CALIBRATION.T[i]

    assert bg_nbd.conditional_expected_transactions(fitted, *customer, 52.0) == pytest.approx(
        expected, abs=within
    )
    assert bg_nbd.p_alive(fitted, *customer) == pytest.approx(alive, abs=5e-6)


def test_the_increasing_frequency_paradox_of_the_btyd_walkthrough():
    x = np.array([10.0, 15.0, 20.0, 25.0])
    expected = bg_nbd.conditional_expected_transactions(BG, x, 20.0, 39.0, 52.0)

    assert expected == pytest.approx([0.3474606, 0.04283391, 0.004158973, 0.0003583685], rel=2e-4)


def test_a_customer_of_hardies_spreadsheet():
    expected = bg_nbd.conditional_expected_transactions(FHL, 2, 30.43, 38.86, 39.0)

    assert expected == pytest.approx(1.226, abs=5e-4)


def test_log_likelihoods_at_the_points_of_pymc_marketing():
    point = BGNBDParams(r=0.25, alpha=4.0, a=0.8, b=2.5)
    bg, mbg = (
        bg_nbd.log_likelihood(point._replace(drops_at_once=flag), [0, 200], [0, 38], 40.0)
        for flag in (False, True)
    )

    assert bg == pytest.approx([-0.599474, 100.795693], abs=5e-7)
    assert mbg == pytest.approx([-0.41792826, 100.7869], abs=5e-5)


def test_probabilities_of_counts_of_the_btyd_walkthrough():
    assert bg_nbd.probability_of_count(FHL, 39.0, 0) == pytest.approx(0.5737864, abs=5e-8)
    assert bg_nbd.probability_of_count(FHL, 2.0, 10) == pytest.approx(1.07869e-07, rel=5e-6)
    assert bg_nbd.probability_of_count(FHL, 30.0, np.arange(11, 21)) == pytest.approx(
        [
            *(0.0019995214, 0.0015170236, 0.0011633150, 0.0009003148, 0.0007023638),
            *(0.0005517902, 0.0004361913, 0.0003467171, 0.0002769613, 0.0002222260),
        ],
        abs=5e-11,
    )

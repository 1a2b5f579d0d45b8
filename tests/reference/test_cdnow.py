"""Published figures of CDNOW and of the papers, each with where it is printed.

FHL: Fader, Hardie & Lee (2005). BTYD, CLVTools, lifetimes: their walkthroughs and tests.
"""

import numpy as np
import pytest
from reference.cdnow import CALIBRATION_END, DATA_END, histories, purchase_days

from clv.numerics import gamma_gamma, pareto_nbd, pareto_nbd_counts
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.histories import distinct_histories
from clv.numerics.optimize import Status
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.pareto_nbd_fit import fit

CALIBRATION = histories(CALIBRATION_END)
FULL = histories(DATA_END)
HISTORY = CALIBRATION.x, CALIBRATION.t_x, CALIBRATION.T
FIT = fit(distinct_histories(*HISTORY))
PARAMS = ParetoNBDParams(*FIT.parameters)
REPEATERS = CALIBRATION.x > 0
SPEND_FIT = gamma_gamma.fit(CALIBRATION.x[REPEATERS], CALIBRATION.repeat_mean[REPEATERS])
SPEND = GammaGammaParams(*SPEND_FIT.parameters)

# The parameters of BTYD's DERT example, by all signs its fit to all 78 weeks.
BTYD_78_WEEKS = ParetoNBDParams(r=0.5629966, alpha=12.5590370, s=0.4081095, beta=10.5148048)


def test_the_data_are_the_data_of_the_papers():
    assert CALIBRATION.x.size == 2357
    assert sum(len(own) for own in purchase_days()) == 6696
    assert CALIBRATION.x.sum() == 2457
    assert REPEATERS.sum() == 946
    assert CALIBRATION.later_count.sum() == 1882
    assert CALIBRATION.later_spend.sum() == pytest.approx(70976.39)
    assert distinct_histories(*HISTORY).x.size == 1016


def test_pareto_nbd_has_the_published_optimum():
    # FHL print .553, 10.578, .606, 11.669 and LL -9595.0; the digits are a refit's.
    assert FIT.status is Status.OPTIMUM
    assert FIT.parameters == pytest.approx((0.553277, 10.577684, 0.606240, 11.668732), abs=1e-5)
    assert FIT.log_likelihood == pytest.approx(-9594.97618, abs=1e-5)


def test_pareto_nbd_has_the_standard_errors_of_clvtools():
    assert FIT.standard_errors == pytest.approx((0.04763, 0.84272, 0.18728, 6.21114), rel=5e-5)
    assert FIT.standard_errors == pytest.approx(
        (0.0476264, 0.8427222, 0.1872594, 6.2105448), rel=2e-4
    )


def test_the_fit_to_all_78_weeks_is_the_one_behind_the_dert_example():
    found = fit(distinct_histories(FULL.x, FULL.t_x, FULL.T))

    assert found.parameters == pytest.approx((0.563004, 12.559169, 0.408107, 10.514540), abs=1e-5)
    assert found.log_likelihood == pytest.approx(-17135.83589, abs=1e-5)
    assert found.standard_errors == pytest.approx((0.0439, 0.894, 0.0740, 4.230), rel=2e-3)


def test_gamma_gamma_has_the_published_optimum():
    # Fader & Hardie (2013) print 6.25, 3.74, 15.44; the log-likelihood is from CLVTools.
    assert SPEND_FIT.parameters == pytest.approx((6.2495728, 3.7442243, 15.4435179), rel=1e-6)
    assert SPEND_FIT.log_likelihood == pytest.approx(-4055.91769, abs=1e-5)
    assert SPEND_FIT.standard_errors == pytest.approx((1.190, 0.2901, 4.159), rel=5e-4)
    assert gamma_gamma.expected_spend(SPEND, [0], [0]) == pytest.approx(35.170, abs=5e-4)


def test_gamma_gamma_with_a_power_gains_sixteen_units_on_what_the_papers_call_uncorrelated():
    """Fader & Hardie take r = .1139 for nothing; the other figures are our own refit."""
    x, mean = CALIBRATION.x[REPEATERS], CALIBRATION.repeat_mean[REPEATERS]
    found = gamma_gamma.fit(x, mean, power=True)

    assert np.corrcoef(x, mean)[0, 1] == pytest.approx(0.113888, abs=5e-7)
    assert found.parameters[3] == pytest.approx(0.1690, abs=1e-3)
    assert found.standard_errors[3] == pytest.approx(0.02943, rel=1e-2)
    assert found.log_likelihood - SPEND_FIT.log_likelihood == pytest.approx(16.2461, abs=1e-2)


def test_gamma_gamma_on_78_weeks():
    bought = FULL.x > 0
    found = gamma_gamma.fit(FULL.x[bought], FULL.repeat_mean[bought])

    assert bought.sum() == 1139
    assert found.parameters == pytest.approx((4.683, 4.190, 24.391), abs=5e-4)
    assert found.log_likelihood == pytest.approx(-4884.566, abs=5e-4)


def test_expected_spend_of_the_first_ten_customers_in_hardies_spreadsheet():
    params = GammaGammaParams(p=6.25, q=3.74, gamma=15.44)
    spend = gamma_gamma.expected_spend(params, CALIBRATION.x[:10], CALIBRATION.repeat_mean[:10])

    assert spend == pytest.approx(
        [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17], rel=2e-3
    )


def test_expectations_of_a_new_customer():
    rounded = ParetoNBDParams(r=0.55, alpha=10.56, s=0.61, beta=11.64)

    # lifetimes' test, quoting BTYD
    assert pareto_nbd.expected_transactions(rounded, np.arange(10.0)) == pytest.approx(
        [
            *(0, 0.05077821, 0.09916088, 0.14542507, 0.18979930),
            *(0.23247466, 0.27361274, 0.31335159, 0.35181024, 0.38909211),
        ],
        abs=5e-9,
    )
    # BTYD walkthrough
    assert pareto_nbd.expected_transactions(PARAMS, 52.0) == pytest.approx(1.473434, abs=5e-6)


def test_probabilities_of_counts_of_a_new_customer():
    # Computed apart, by adaptive quadrature in 40 digits.
    rounded = ParetoNBDParams(r=0.55, alpha=10.56, s=0.61, beta=11.64)
    chances = pareto_nbd_counts.probability_of_count(rounded, 30.0, np.arange(11, 21))

    assert pareto_nbd_counts.probability_of_count(rounded, 2.0, 10) == pytest.approx(
        1.893708e-09, rel=5e-7
    )
    assert pareto_nbd_counts.probability_of_count(rounded, 39.0, 0) == pytest.approx(
        0.5959381, abs=5e-8
    )
    assert chances == pytest.approx(
        [
            *(0.00188994, 0.00133228, 0.000943244, 0.000670250, 0.000477746),
            *(0.000341443, 0.000244594, 0.000175574, 0.000126256, 0.0000909373),
        ],
        rel=5e-6,  # six digits are known
    )


def test_customer_1516_of_the_btyd_walkthrough():
    (i,) = np.flatnonzero((CALIBRATION.x == 26) & (np.abs(CALIBRATION.t_x - 30.857) < 1e-3))
    customer = CALIBRATION.x[i], CALIBRATION.t_x[i], CALIBRATION.T[i]
    expected = pareto_nbd.conditional_expected_transactions(PARAMS, *customer, 52.0)

    assert customer[2] == 31
    assert expected == pytest.approx(25.4552, abs=5e-5)
    assert expected == pytest.approx(25.4565, abs=2e-3)
    assert pareto_nbd.p_alive(PARAMS, *customer) == pytest.approx(0.997874, abs=1e-5)


def test_the_increasing_frequency_paradox_of_the_btyd_walkthrough():
    x = np.array([10.0, 15.0, 20.0, 25.0])
    expected = pareto_nbd.conditional_expected_transactions(PARAMS, x, 20.0, 39.0, 52.0)

    assert expected == pytest.approx([0.7062289, 0.1442396, 0.02250658, 0.00309267], rel=1e-3)


def test_p_alive_of_a_customer_never_seen_again():
    assert pareto_nbd.p_alive(PARAMS, 0, 0, 39.0) == pytest.approx(0.2942763, abs=5e-7)


def test_numeric_stability_pairs_of_lifetimes():
    params = ParetoNBDParams(r=0.55, alpha=10.58, s=0.61, beta=11.67)
    x = np.array([132.0, 133.0])
    expected = pareto_nbd.conditional_expected_transactions(params, x, 200.0, 200.0, 10.0)

    assert expected == pytest.approx([6.20605, 6.25287], abs=5e-6)


@pytest.mark.parametrize(
    "customer",
    [
        (221, 103.42857, 103.57143),
        (254, 97.14286, 97.28571),
        (161, 94.71429, 98),
        (204, 98.57143, 99.42857),
    ],
)
def test_customers_clvtools_requires_to_be_stable(customer):
    params = ParetoNBDParams(r=0.5143, alpha=2.8845, s=0.2856, beta=14.1087)

    assert 0 < pareto_nbd.p_alive(params, *customer)[0] < 1


def test_endless_discounted_transactions_of_the_btyd_example():
    def dert(x, t_x):
        return pareto_nbd.conditional_expected_transactions(
            BTYD_78_WEEKS, x, t_x, 77.86, np.inf, discount=0.0027
        )

    assert dert(7, 35.0) == pytest.approx(1.86418333, abs=5e-9)
    assert dert(np.arange(1.0, 11.0), 30.0) == pytest.approx(
        [
            *(2.1991554, 2.8435344, 2.8671284, 2.4454101, 1.8405019),
            *(1.2624165, 0.80961812, 0.49480362, 0.29202470, 0.16792751),
        ],
        rel=5e-7,
    )


def test_endless_discounted_transactions_of_all_customers():
    full = pareto_nbd.conditional_expected_transactions(
        BTYD_78_WEEKS, FULL.x, FULL.t_x, FULL.T, np.inf, discount=0.0027
    )

    assert full.sum() == pytest.approx(9428.30, abs=5e-3)
    assert full[FULL.x == 0].sum() == pytest.approx(497.08, abs=5e-3)
    assert np.sum(FULL.x == 0) == 1218
    for annual, total, first in ((0.10, 9009.04, 8.1563), (0.15, 7205.55, 6.5004)):
        dert = pareto_nbd.conditional_expected_transactions(
            PARAMS, *HISTORY, np.inf, discount=np.log1p(annual) / 52
        )
        assert dert.sum() == pytest.approx(total, abs=0.01)
        assert dert[0] == pytest.approx(first, abs=1e-4)
        if annual == 0.10:
            assert dert.max() == pytest.approx(109.325, abs=1e-3)

import dataclasses

import pytest

from clv.numerics.compare import aic, bic, likelihood_ratio
from clv.numerics.optimize import Optimum, Status

# CLVTools on apparelTrans, 600 customers: Pareto/NBD with two static covariates on both
# processes, and the same with one coefficient of Gender for both.
FULL = Optimum(
    parameters=(1.8378, 92.9123, 0.5920, 49.6227, -0.6430, 0.7907, 0.2859, 0.6241),
    log_likelihood=-5821.0627,
    status=Status.OPTIMUM,
    covariance=None,
    gradient_norm=0.0,
    evaluations=1,
)
RESTRICTED = dataclasses.replace(
    FULL,
    parameters=(1.7939, 94.7223, 0.4287, 59.0743, 1.0228, 0.6384, 0.3283),
    log_likelihood=-5826.5342,
)


def test_criteria_have_the_published_values():
    assert aic(FULL.log_likelihood, 8) == pytest.approx(11658.1254, abs=1e-4)
    assert bic(FULL.log_likelihood, 8, 600) == pytest.approx(11693.3009, abs=2e-4)


def test_the_likelihood_ratio_has_the_published_value():
    statistic, degrees, p = likelihood_ratio(RESTRICTED, FULL)

    assert statistic == pytest.approx(10.943, abs=5e-4)
    assert degrees == 1
    assert p == pytest.approx(0.00094, abs=5e-6)


def test_two_models_as_likely_as_each_other_are_no_evidence():
    noise = dataclasses.replace(RESTRICTED, log_likelihood=FULL.log_likelihood + 1e-9)

    assert likelihood_ratio(noise, FULL) == (0, 1, 1)


@pytest.mark.parametrize(
    ("restricted", "full", "complaint"),
    [
        (dataclasses.replace(RESTRICTED, log_likelihood=-5821.0626), FULL, "explains more"),
        (RESTRICTED, RESTRICTED, "must have more"),
        (FULL, RESTRICTED, "swapped"),
        (RESTRICTED, dataclasses.replace(FULL, status=Status.STOPPED_EARLY), "the full model is"),
        (dataclasses.replace(RESTRICTED, status=Status.NOT_FINITE), FULL, "the restricted model"),
    ],
    ids=["fits better", "no fewer parameters", "swapped", "full unfinished", "not a number"],
)
def test_a_comparison_that_means_nothing_is_refused(restricted, full, complaint):
    with pytest.raises(ValueError, match=complaint):
        likelihood_ratio(restricted, full)

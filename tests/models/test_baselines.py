"""What anybody can guess, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from clv.models.baselines import BASELINES, Past

PAST = Past(
    last_period=np.array([0.0, 30.0]),
    last_year=np.array([73.0, 30.0]),
    whole=np.array([100.0, 30.0]),
    age=np.array([400.0, 10.0]),
    year_days=365,
    horizon_days=91,
)


@pytest.mark.parametrize(
    ("baseline", "by_hand"),
    [
        ("last-period-repeated", [0, 30]),
        ("last-365-days-scaled", [73 / 365 * 91, 30 / 365 * 91]),
        ("historical-rate", [100 / 400 * 91, 30 / 10 * 91]),
    ],
)
def test_a_baseline_agrees_with_a_sum_by_hand(baseline, by_hand):
    assert BASELINES[baseline](PAST) == pytest.approx(by_hand)


def test_somebody_first_seen_on_the_last_day_has_a_finite_rate():
    today = Past(*(np.array([5.0]),) * 3, age=np.array([1.0]), year_days=365, horizon_days=91)

    assert [float(forecast(today)[0]) for forecast in BASELINES.values()] == pytest.approx(
        [5, 5 / 365 * 91, 5 * 91]
    )

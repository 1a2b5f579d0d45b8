"""A whole forecast held against what happened, beside the ranges everybody is shown."""

import numpy as np
import pytest
from models.shops import of_each
from models.test_ranges import shop

from clv.models import ranges
from clv.models.lifetime_value import LifetimeValue
from clv.models.spread import SEED, held_against
from clv.numerics import predictive
from clv.numerics.calibration import AS_STATED, Calibration
from clv.numerics.predictive import Shock

SHOCK, HORIZON, LEVEL = Shock(0.2, 5.0), 91, 0.8
BENT = Calibration(tuple(np.linspace(0, 1, 21) ** 1.3))


@pytest.fixture(scope="module")
def summary():
    return shop()


@pytest.fixture(scope="module")
def model(summary):
    return LifetimeValue.fit(summary, "pareto-nbd").with_posterior(summary)


@pytest.fixture(scope="module")
def drawn(model, summary):
    """Draws of everybody's days and value, in their order."""
    days, value = np.empty((2, len(summary), ranges.DRAWS))
    for places, own in ranges.each_block(model, summary, HORIZON, lambda places, own: own):
        days[places], value[places] = own[:2]
    return days, value


@pytest.fixture(scope="module")
def outcome(drawn):
    """One draw taken for what happened, with somebody who only sent things back."""
    days, value = (draws[:, 17].copy() for draws in drawn)
    value[np.flatnonzero(value == 0)[0]] = -40.0
    return {"purchase_days": days, "value": value}


def held(model, summary, outcome, calibration=AS_STATED):
    return held_against(
        model,
        summary,
        HORIZON,
        **outcome,
        level=LEVEL,
        shock=SHOCK,
        calibrations=[AS_STATED, calibration],
    )


@pytest.mark.parametrize("calibration", [AS_STATED, BENT], ids=["as stated", "calibrated"])
def test_what_is_scored_are_the_ranges_that_are_shown(model, summary, outcome, calibration):
    _, found = held(model, summary, outcome, calibration)

    shown = of_each(model, summary, HORIZON, level=LEVEL, shock=SHOCK, calibration=calibration)
    everybody = np.ones((1, len(summary)), dtype=bool)
    total = ranges.of_groups(model, summary, HORIZON, everybody, level=LEVEL, shock=SHOCK)
    for name, own in shown._asdict().items():
        assert np.array_equal(getattr(found, name), own)
    assert found.total == pytest.approx((*total.lower, *total.upper))
    assert np.array_equal(found.pit, calibration.of(found.stated))


def test_where_an_outcome_fell_is_counted_among_the_draws(model, summary, drawn, outcome):
    of_days, of_value = held(model, summary, outcome)
    p_zero = 1 - model.purchases.p_purchase(summary, HORIZON)
    value = drawn[1] * SHOCK.draw(ranges.DRAWS, seed=ranges.SEED)
    share = np.random.default_rng(SEED).random(len(summary))

    for place in range(0, len(summary), 7):
        for found, draws, actual in (
            (of_days, drawn[0][place], outcome["purchase_days"][place]),
            (of_value, value[place], max(outcome["value"][place], 0.0)),
        ):
            some = draws[draws > 0]
            rest = (1 - p_zero[place]) / max(some.size, 1)
            below = p_zero[place] + rest * np.sum(some < actual) if actual > 0 else 0.0
            up_to = p_zero[place] + rest * np.sum(some <= actual)
            stated = below + share[place] * (up_to - below)
            assert found.stated[place] == pytest.approx(stated)


def test_the_crps_is_about_that_of_the_draws(model, summary, drawn, outcome):
    _, found = held(model, summary, outcome)
    value = drawn[1] * SHOCK.draw(ranges.DRAWS, seed=ranges.SEED)
    bought = np.maximum(outcome["value"], 0.0)

    # E |X - y| - E |X - X'| / 2, from the draws themselves.
    ordered = np.sort(value, axis=1)
    count = ranges.DRAWS
    between = 2 * (ordered @ (2 * np.arange(count) - count + 1)) / count**2
    direct = np.abs(value - bought[:, None]).mean(axis=1) - between / 2

    assert found.crps.mean() == pytest.approx(direct.mean(), rel=0.03)


def test_the_chance_left_above_a_range_is_that_of_its_rule(model, summary, outcome):
    _, found = held(model, summary, outcome, BENT)
    p_zero = 1 - model.purchases.p_purchase(summary, HORIZON)

    from_zero = predictive.runs_from_zero(p_zero, LEVEL, BENT)
    assert found.beyond == pytest.approx(np.where(from_zero, 0.2, 0.1))
    assert np.array_equal(from_zero, BENT.of(p_zero) > 0.1)
    assert np.all(found.lower[from_zero] == 0)
    assert 0 < from_zero.sum() < len(summary)


def test_a_model_without_a_posterior_is_not_held(summary, outcome):
    assert held(LifetimeValue.fit(summary, "pareto-nbd"), summary, outcome) is None

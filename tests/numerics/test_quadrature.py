import numpy as np
import pytest

from clv.numerics.quadrature import blocks, dropout_nodes, enough_nodes, log_sum_exp


def power_law(nodes, start, end, steepness):
    """Log of the integral of (1 + t)^-steepness, and its closed form."""
    scale = (1 + start) / steepness
    times, log_weights = dropout_nodes(start, end, scale, nodes=nodes)
    computed, _ = log_sum_exp(log_weights - steepness * np.log1p(times))
    below, above = ((1 + v) ** (1 - steepness) / (steepness - 1) for v in (start, end))
    return computed, np.log(below - above)


STARTS, ENDS = np.array([0.0, 0.0, 30.0, 99.9]), np.array([0.5, 1e4, 39.0, 100.0])


@pytest.mark.parametrize("steepness", [1.05, 2.0, 30.0])
def test_an_integral_of_a_power_agrees_with_its_closed_form(steepness):
    computed, exact = power_law(48, STARTS, ENDS, steepness)

    assert computed == pytest.approx(exact, rel=1e-9, abs=1e-9)


def test_too_few_nodes_are_noticed_by_the_same_comparison():
    computed, exact = power_law(3, STARTS, ENDS, 30.0)

    assert computed != pytest.approx(exact, rel=1e-9, abs=1e-9)


def test_an_empty_interval_weighs_nothing_and_warns_of_nothing():
    _, log_weights = dropout_nodes(np.array([5.0]), np.array([5.0]), np.array([1.0]), nodes=8)

    assert np.all(log_weights == -np.inf)


def test_a_customer_alone_has_the_same_bits_as_in_a_crowd():
    terms = np.random.default_rng(1).normal(size=(17, 5))
    crowd, shares = log_sum_exp(terms)
    alone, own = log_sum_exp(terms[:, 2:3])

    assert alone[0] == crowd[2]
    assert np.array_equal(own[:, 0], shares[:, 2])


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 1000])
def test_blocks_cover_every_customer_once_and_in_order(count):
    covered = [i for part in blocks(count, nodes=64) for i in range(count)[part]]

    assert covered == list(range(count))


@pytest.mark.parametrize("reach", [0.1, 1.0, 2.0, 4.0, 8.0, 12.0])
def test_an_integral_is_resolved_by_as_many_nodes_as_its_length_takes(reach):
    for steepness in (1.05, 2.0, 30.0, 1000.0):
        start, end = np.array([0.0]), np.array([np.expm1(reach) / steepness])
        needed = int(enough_nodes(np.float64(reach), 16))
        computed, exact = power_law(needed, start, end, steepness)

        assert computed == pytest.approx(exact, abs=3e-11)


def test_half_as_many_nodes_leave_an_error():
    needed = int(enough_nodes(np.float64(4.0), 8))
    computed, exact = power_law(needed, np.array([0.0]), np.array([np.expm1(4.0) / 30]), 30.0)

    assert abs(computed - exact) > 1e-8

"""What no customer can have done is refused, and the message says what, how often and where."""

import functools
import re

import numpy as np
import pytest

from clv.numerics import bg_nbd, gamma_gamma, nbd, pareto_nbd, pareto_nbd_counts
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.histories import distinct_histories
from clv.numerics.nbd import NBDParams
from clv.numerics.pareto_nbd import ParetoNBDParams

PARETO = ParetoNBDParams(r=0.55, alpha=10.6, s=0.61, beta=11.7)
BG = BGNBDParams(r=0.243, alpha=4.414, a=0.793, b=2.426)
GAMMA = GammaGammaParams(p=6.25, q=3.74, gamma=15.44)
POISSON = NBDParams(r=0.385, alpha=12.07)


def of_nbd(question):
    return lambda x, t_x, T: question(POISSON, x, t_x, T, 52.0)


ASKED_OF_A_HISTORY = {
    "the rows of a fit": distinct_histories,
    "likelihood, Pareto/NBD": functools.partial(pareto_nbd.log_likelihood, PARETO),
    "alive, Pareto/NBD": functools.partial(pareto_nbd.p_alive, PARETO),
    "likelihood, BG/NBD": functools.partial(bg_nbd.log_likelihood, BG),
    "alive, BG/NBD": functools.partial(bg_nbd.p_alive, BG),
    "expected, NBD": of_nbd(nbd.conditional_expected_transactions),
    "nothing, NBD": of_nbd(nbd.probability_of_no_transaction),
    "likelihood, NBD": lambda x, t_x, T: nbd.log_likelihood(POISSON, x, T),
}
IMPOSSIBLE = {
    "a negative count": ([2, -1], [30, 30], [39, 39], "x must be a whole .* 1 of 2 .* -1"),
    "a fraction": ([2, 0.5], [30, 30], [39, 39], "x must be a whole .* 1 of 2 .* 0.5"),
    "no number": ([np.nan, 2], [30, 30], [39, 39], "x must be a whole .* 1 of 2 .* nan"),
    "an endless age": ([2, 2], [30, 30], [39, np.inf], "finite T.* 1 of 2"),
}


@pytest.mark.parametrize("asked", ASKED_OF_A_HISTORY)
@pytest.mark.parametrize("fault", IMPOSSIBLE)
def test_a_history_nobody_can_have_is_refused(asked, fault):
    *history, said = IMPOSSIBLE[fault]

    with pytest.raises(ValueError, match=said):
        ASKED_OF_A_HISTORY[asked](*(np.array(column, dtype=float) for column in history))


@pytest.mark.parametrize("asked", [name for name in ASKED_OF_A_HISTORY if ", NBD" not in name])
@pytest.mark.parametrize("when", [40.0, -1.0])
def test_a_last_purchase_outside_what_was_observed_is_refused(asked, when):
    with pytest.raises(ValueError, match=f"between 0 and .* 1 of 2 .* {when:g}"):
        ASKED_OF_A_HISTORY[asked](np.ones(2), np.array([30.0, when]), np.full(2, 39.0))


@pytest.mark.parametrize(
    ("x", "mean"), [([0], [20.0]), ([2], [0.0]), ([2], [np.nan]), ([1.5], [20.0])]
)
def test_a_mean_of_no_purchases_and_of_no_money_is_refused(x, mean):
    for asked in (functools.partial(gamma_gamma.log_likelihood, GAMMA), gamma_gamma.fit):
        with pytest.raises(ValueError, match="1 of 1"):
            asked(x, mean)


WRONG = [
    (functools.partial(pareto_nbd.p_alive, x=2, t_x=30, T=39), PARETO, {"alpha": -1.0}, "alpha"),
    (functools.partial(pareto_nbd.expected_transactions, t=9.0), PARETO, {"s": np.nan}, "s"),
    (functools.partial(pareto_nbd_counts.probability_of_count, t=9, n=1), PARETO, {"r": 0.0}, "r"),
    (functools.partial(bg_nbd.p_alive, x=2, t_x=30, T=39), BG, {"b": np.inf}, "b"),
    (functools.partial(bg_nbd.probability_of_count, t=9, n=1), BG, {"k": 1.5}, "k"),
    (functools.partial(nbd.log_likelihood, x=2, T=39), POISSON, {"r": -1.0}, "r"),
    (functools.partial(gamma_gamma.expected_spend, x=[2], mean=[9.0]), GAMMA, {"p": -1.0}, "p"),
]


@pytest.mark.parametrize(("asked", "params", "wrong", "name"), WRONG)
def test_parameters_that_no_fit_ends_at_are_refused(asked, params, wrong, name):
    with pytest.raises(ValueError, match=f"{name} must be .* 1 of 1"):
        asked(params._replace(**wrong))


@pytest.mark.parametrize("mean", [-5.0, np.nan, np.inf])
def test_a_spend_is_expected_of_nobody_whose_purchases_have_no_value(mean):
    with pytest.raises(ValueError, match="1 of 1"):
        gamma_gamma.expected_spend(GAMMA, [2, 0], [mean, np.nan])


def test_a_mean_for_each_count_is_asked_for():
    with pytest.raises(ValueError, match="shape"):
        gamma_gamma.fit([1, 2], [20.0])


@pytest.mark.parametrize("n", [-1, 0.5, np.nan])
def test_a_number_of_purchases_that_is_none_has_no_chance(n):
    for chances, params in (
        (pareto_nbd_counts.probability_of_count, PARETO),
        (bg_nbd.probability_of_count, BG),
    ):
        with pytest.raises(ValueError, match=re.escape("n must be a whole number")):
            chances(params, 39.0, n)


@pytest.mark.parametrize("t", [-1.0, np.nan])
def test_a_horizon_that_is_no_time_ahead_is_refused(t):
    for module, params in ((pareto_nbd, PARETO), (bg_nbd, BG), (nbd, POISSON)):
        for question in ("conditional_expected_transactions", "probability_of_no_transaction"):
            with pytest.raises(ValueError, match="horizon"):
                getattr(module, question)(params, [2.0], [30.0], [39.0], t)


@pytest.mark.parametrize(("module", "params"), [(pareto_nbd, PARETO), (bg_nbd, BG)])
def test_nothing_forever_is_no_question(module, params):
    with pytest.raises(ValueError, match="finite"):
        module.probability_of_no_transaction(params, [2.0], [30.0], [39.0], np.inf)


@pytest.mark.parametrize(("module", "params"), [(pareto_nbd, PARETO), (bg_nbd, BG), (nbd, POISSON)])
@pytest.mark.parametrize("discount", [-0.1, np.nan, np.inf])
def test_a_discount_that_is_none_is_refused(module, params, discount):
    with pytest.raises(ValueError, match="discount"):
        module.conditional_expected_transactions(
            params, [2.0], [30.0], [39.0], 26.0, discount=discount
        )

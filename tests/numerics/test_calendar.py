"""Models on a clock: against brute force, against customers with known truth."""

import numpy as np
import pytest
from reference.oracles_numerics import stress_grid

from clv.numerics import bg_nbd, bg_nbd_fit, pareto_nbd
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.clock import Clock
from clv.numerics.histories import distinct_histories
from clv.numerics.pareto_nbd import (
    ParetoNBDParams,
    conditional_expected_transactions,
    expected_transactions,
    log_likelihood,
    p_alive,
    probability_of_no_transaction,
)
from clv.numerics.pareto_nbd_fit import fit
from clv.numerics.pareto_nbd_total import Season, log_likelihood_total, scale_of_nodes

LONGEST = 1400
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def harmonics(time, count=2):
    angle = 2 * np.pi * np.asarray(time, dtype=float)[..., None] / 365.2425
    orders = np.arange(1, count + 1)
    return np.concatenate([np.sin(angle * orders), np.cos(angle * orders)], axis=-1)


SHAPE = np.array([0.3, -0.2, -0.25, 0.15])


def busy(time):
    return np.exp(harmonics(time) @ SHAPE)


def paneled(function, edges):
    """The integral of a smooth function, 40 points between each two edges."""
    edges = np.asarray(edges, dtype=float)
    width = np.diff(edges)[:, None] / 2
    return (function(edges[:-1, None] + width * (NODES + 1)) * WEIGHTS * width).sum()


GAINS = np.array([paneled(busy, [day, day + 1]) for day in range(LONGEST)])
STEPPED = np.repeat(np.tile([1.6, 0.4, 1.0, 1.3], 4), LONGEST // 16 + 1)[:LONGEST]
STEPS = tuple(range(LONGEST // 16 + 1, LONGEST, LONGEST // 16 + 1))
# Twenty campaigns of three days a year, by turns 1.7 and 0.6 times as busy.
CAMPAIGNS = np.zeros(LONGEST, dtype=int)
CAMPAIGNS[np.add.outer(np.arange(5, LONGEST - 3, 18), range(3)).reshape(-1)] = 1
LIFTED = np.where(CAMPAIGNS, np.where(np.arange(LONGEST) % 36 < 18, 1.7, 0.6), 1.0)
AMOUNTS = {"smooth": GAINS, "stepped": STEPPED, "campaigns": LIFTED}
SPEEDS = {
    "smooth": busy,
    "stepped": lambda time: STEPPED[np.asarray(time).astype(int)],
    "campaigns": lambda time: LIFTED[np.asarray(time).astype(int)],
}
STEPS_OF = {
    "smooth": (),
    "stepped": STEPS,
    "campaigns": tuple((np.flatnonzero(np.diff(CAMPAIGNS)) + 1).tolist()),
}


def clock_of(kind, today):
    return Clock(AMOUNTS[kind], float(today), STEPS_OF[kind])


def clock_time(kind, start, times):
    """Time on the clock from midnight ``start``, by brute force within the last day."""
    gained = np.append(0, np.cumsum(AMOUNTS[kind][int(start) :]))
    day = np.minimum((times - start).astype(int), gained.size - 2)
    within = (times - start - day)[..., None] / 2
    rest = SPEEDS[kind](start + day[..., None] + within * (NODES + 1) * (1 - 1e-15))
    return gained[day] + (rest * WEIGHTS * within).sum(axis=-1)


def brute_force(params, customer, kind, today):
    """Log-likelihood and P(alive), by panels that halve towards the last purchase."""
    (r, alpha, s, beta), (x, t_x, T) = params, customer
    start = today - T
    edges = t_x + (T - t_x) * np.concatenate([[0], 2.0 ** np.arange(-80, 1)])
    inner = [step - start for step in STEPS_OF[kind] if t_x < step - start < T]
    edges = np.unique(np.concatenate([edges, inner]))
    half = np.diff(edges)[:, None] / 2
    times = np.append((edges[:-1, None] + half * (NODES + 1)).reshape(-1), T)
    active = clock_time(kind, start, start + times)
    logs = -(r + x) * np.log1p(active / alpha) - s * np.log1p(times / beta)
    logs[:-1] += np.log(s / beta) - np.log1p(times[:-1] / beta)
    with np.errstate(divide="ignore"):
        logs[:-1] += np.log((WEIGHTS * half).reshape(-1))
    total = np.logaddexp.reduce(logs)
    purchases = np.log(r + np.arange(x)).sum() - x * np.log(alpha)
    return purchases + total, np.exp(logs[-1] - total)


@pytest.mark.parametrize("kind", SPEEDS)
def test_likelihood_and_p_alive_on_the_stress_grid_agree_with_brute_force(kind):
    worst_value = worst_alive = 0.0
    for params, x, t_x, T in stress_grid(120, seed=31):
        today = T + 200
        customer = x, np.floor(t_x), T
        value, alive = brute_force(params, customer, kind, today)
        asked = ParetoNBDParams(*params), *customer
        clock = clock_of(kind, today)
        worst_value = max(worst_value, abs(log_likelihood(*asked, clock=clock)[0] - value))
        worst_alive = max(worst_alive, abs(p_alive(*asked, clock=clock)[0] - alive))

    assert worst_value < 1e-8
    assert worst_alive < 1e-9


def test_campaigns_within_a_season_need_no_more_nodes(monkeypatch):
    grid = [
        (ParetoNBDParams(*p), x, np.floor(t_x), T) for p, x, t_x, T in stress_grid(120, seed=31)
    ]

    def values():
        clocks = (Clock(GAINS * LIFTED, T + 200, STEPS_OF["campaigns"]) for *_, T in grid)
        return [
            log_likelihood(*one, clock=clock)[0] for one, clock in zip(grid, clocks, strict=True)
        ]

    found = values()
    monkeypatch.setattr(pareto_nbd, "NODES_OF_A_SEASON", 3 * pareto_nbd.NODES_OF_A_SEASON)

    assert found == pytest.approx(values(), abs=1e-8)


def test_a_customer_alone_has_the_bits_of_the_crowd_among_campaigns():
    x, t_x, T = (np.tile(column, 5) for column in CUSTOMERS)
    T[4:] += np.arange(16)
    clock, horizon = clock_of("campaigns", 600.0), np.arange(20) * 9.0
    together = probability_of_no_transaction(PARAMS, x, t_x, T, horizon, clock=clock)
    alive = p_alive(PARAMS, x, t_x, T, clock=clock)

    for i in range(20):
        alone = x[i], t_x[i], T[i]
        assert p_alive(PARAMS, *alone, clock=clock)[0] == alive[i]
        quiet = probability_of_no_transaction(PARAMS, *alone, horizon[i], clock=clock)
        assert quiet[0] == together[i]


PARAMS = ParetoNBDParams(r=0.8, alpha=60.0, s=0.7, beta=200.0)
CUSTOMERS = np.array([(0, 0.0, 400.0), (3, 350.0, 400.0), (3, 100.0, 400.0), (1, 7.0, 7.0)]).T


@pytest.mark.parametrize("kind", SPEEDS)
@pytest.mark.parametrize("discount", [0.0, 0.0003])
def test_expectations_agree_with_brute_force(kind, discount):
    today, horizon, clock = 600.0, 500, clock_of(kind, 600.0)
    alive = p_alive(PARAMS, *CUSTOMERS, clock=clock)
    x, _, T = CUSTOMERS
    rate = (PARAMS.r + x) / (PARAMS.alpha + clock.age(T, T))
    lasting = [
        paneled(
            lambda v, age=age: (
                SPEEDS[kind](today + v)
                * np.exp(-discount * v)
                * (1 + v / (PARAMS.beta + age)) ** -PARAMS.s
            ),
            np.arange(horizon + 1),
        )
        for age in T
    ]

    assert conditional_expected_transactions(
        PARAMS, *CUSTOMERS, float(horizon), discount=discount, clock=clock
    ) == pytest.approx(alive * rate * lasting, rel=1e-8)


def test_a_new_customer_is_expected_to_buy_as_the_clock_of_their_own_days_says():
    clock, horizon = clock_of("smooth", 30.0), 300
    later = clock.age(np.array([0.0]), np.arange(1.0, horizon + 1))
    survival = (1 + (np.arange(horizon) + 0.5) / PARAMS.beta) ** -PARAMS.s
    by_day = PARAMS.r / PARAMS.alpha * (np.diff(later, prepend=0) * survival).sum()

    assert expected_transactions(PARAMS, float(horizon), clock=clock) == pytest.approx(
        by_day, rel=1e-4
    )


@pytest.mark.parametrize("horizon", [0.0, 1.0, 90.0, 700.0])
def test_a_clock_at_constant_speed_is_another_unit_of_purchase_time(horizon):
    double = Clock(np.full(LONGEST, 2.0), 500.0)
    halved = PARAMS._replace(alpha=PARAMS.alpha / 2)
    for question in (conditional_expected_transactions, probability_of_no_transaction):
        assert question(PARAMS, *CUSTOMERS, horizon, clock=double) == pytest.approx(
            question(halved, *CUSTOMERS, horizon), rel=1e-9
        )
    assert p_alive(PARAMS, *CUSTOMERS, clock=double) == pytest.approx(
        p_alive(halved, *CUSTOMERS), rel=1e-11
    )


def simulated(customers, seed):
    """Purchase days of customers who begin on any of the first 500 days, to day 900."""
    rng = np.random.default_rng(seed)
    born = rng.integers(0, 500, customers).astype(float)
    opening = np.exp(-born / 40)
    rate = rng.gamma(PARAMS.r, np.exp(0.9 * opening) / PARAMS.alpha)
    dropout = rng.gamma(PARAMS.s, 1 / PARAMS.beta, customers)
    lifetime = rng.exponential(1 / dropout)
    days = np.arange(900)
    present = np.clip(born[:, None] + lifetime[:, None] - days, 0, 1) * (days >= born[:, None])
    return born, opening, rng.poisson(rate[:, None] * GAINS[:900] * present) > 0


BORN, OPENING, BOUGHT = simulated(12_000, seed=8)
TODAY = 600


def histories_at(today):
    known = BOUGHT[:, :today]
    x = known.sum(axis=1).astype(float)
    last = np.where(x > 0, today - np.argmax(known[:, ::-1], axis=1), BORN)
    return x, last - BORN, today - BORN


def season(today):
    return Season(harmonics(np.arange(today) + 0.5), BOUGHT[:, :today].sum(axis=0).astype(float))


@pytest.fixture(scope="module")
def found():
    rows = distinct_histories(*histories_at(TODAY), purchase_z=OPENING[:, None])
    return fit(rows, season=season(TODAY))


def test_season_and_opening_cohort_are_recovered(found):
    assert found.status.value == "optimum"
    truth = np.array([*PARAMS, 0.9, *SHAPE])
    # One purchase a day at most is counted, so rates are slightly below the truth.
    assert np.abs((found.parameters - truth) / found.standard_errors).max() < 4
    assert np.abs(found.parameters[5:] - SHAPE).max() < 0.05


@pytest.mark.parametrize("known", [True, False])
def test_what_follows_is_foreseen_with_the_season_and_missed_without(found, known):
    x, t_x, T = histories_at(TODAY)
    r, alpha, s, beta, opening, *shape = found.parameters
    own = ParetoNBDParams(r, alpha * np.exp(-opening * OPENING), s, beta)
    clock = Clock(np.exp(harmonics(np.arange(900) + 0.5) @ shape), float(TODAY))
    if not known:
        own, clock = ParetoNBDParams(*fit(distinct_histories(x, t_x, T)).parameters), None
    actual = BOUGHT[:, TODAY : TODAY + 60].sum(axis=1)
    expected = conditional_expected_transactions(own, x, t_x, T, 60.0, clock=clock)
    misses = [
        (actual[group].sum() - expected[group].sum()) / np.sqrt(actual[group].sum())
        for group in (x == 0, (x > 0) & (x < 5), x >= 5)
    ]

    assert (np.abs(misses).max() < 3) == known


@pytest.mark.parametrize("steps", [(), (100, 101, 350)])
def test_gradient_and_hessian_agree_with_finite_differences(steps):
    rng = np.random.default_rng(6)
    chosen = slice(0, 300)
    x, t_x, T = (column[chosen] for column in histories_at(TODAY))
    z = rng.normal(size=(300, 2))
    rows = distinct_histories(x, t_x, T, purchase_z=z, dropout_z=OPENING[chosen, None])
    shaped = season(TODAY)._replace(steps=steps)
    point = np.array([*np.log(PARAMS), 0.2, -0.1, 0.3, *SHAPE])
    scale = scale_of_nodes(point, rows, shaped)

    def total(at):
        return log_likelihood_total(at, rows, scale, nodes=48, season=shaped)

    _, gradient, hessian = total(point)
    sides = [(total(point + step), total(point - step)) for step in 1e-5 * np.eye(point.size)]
    slope = np.array([(up[0] - down[0]) / 2e-5 for up, down in sides])
    bend = np.array([(up[1] - down[1]) / 2e-5 for up, down in sides])

    assert gradient == pytest.approx(slope, abs=1e-8 * np.abs(gradient).max())
    assert hessian == pytest.approx(bend, abs=1e-8 * np.abs(hessian).max())


def test_the_total_is_the_sum_over_customers_and_their_days():
    x, t_x, T = histories_at(TODAY)
    rows = distinct_histories(x, t_x, T, purchase_z=OPENING[:, None])
    shaped, point = season(TODAY), np.array([*np.log(PARAMS), 0.9, *SHAPE])
    own = PARAMS._replace(alpha=PARAMS.alpha * np.exp(-0.9 * OPENING))
    clock = shaped.clock(SHAPE)
    by_customer = log_likelihood(own, x, t_x, T, clock=clock).sum()
    of_days = shaped.purchases @ np.log(clock.multiplier)

    value, _, _ = log_likelihood_total(
        point, rows, scale_of_nodes(point, rows, shaped), nodes=64, season=shaped
    )
    assert value == pytest.approx(by_customer + of_days, rel=1e-12)


def thinned(params, born, end, rng):
    """Purchases to the end by customers who drop out at some: at the busiest rate, then thinned."""
    busiest = busy(np.arange(366)).max()
    rate = rng.gamma(params.r, 1 / params.alpha, born.size)
    leaves = rng.beta(params.a, params.b, born.size)
    now, active, made = born.copy(), np.arange(born.size), []
    while active.size:
        now[active] += rng.exponential(1 / (rate[active] * busiest))
        active = active[now[active] <= end]
        buys = rng.random(active.size) < busy(now[active]) / busiest
        made.append((active[buys], now[active][buys]))
        gone = buys & (rng.random(active.size) < leaves[active])
        active = active[~gone]
    return (np.concatenate(column) for column in zip(*made, strict=True))


def test_with_dropout_at_purchases_a_calendar_is_a_change_of_clock():
    rng = np.random.default_rng(4)
    truth, today, ahead = BGNBDParams(0.8, 40.0, 0.9, 2.5), 600.0, 120.0
    born = rng.uniform(0, today, 30_000)
    customer, day = thinned(truth, born, today + ahead, rng)
    seen = day <= today
    x = np.bincount(customer[seen], minlength=born.size).astype(float)
    last = born.copy()
    np.maximum.at(last, customer[seen], day[seen])
    t_x, T = last - born, today - born
    clock = Clock(GAINS, today)
    on_clock = x, clock.age(T, t_x), clock.age(T, T)

    found, plain = (bg_nbd_fit.fit(distinct_histories(*h)) for h in (on_clock, (x, t_x, T)))
    off, plain_off = (
        (np.array(one.parameters) - truth[:4]) / one.standard_errors for one in (found, plain)
    )
    later = clock.age(T, T + ahead) - on_clock[2]
    expected = bg_nbd.conditional_expected_transactions(truth, *on_clock, later)
    came = np.bincount(customer[~seen], minlength=born.size)

    assert np.all(np.abs(off) < 4)
    assert np.any(np.abs(plain_off) > 6)
    assert expected.sum() == pytest.approx(came.sum(), abs=4 * np.sqrt((came**2).sum()))

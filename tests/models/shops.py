"""Simulated shops that break what the models assume, each with the truth behind it.

A customer joins on some day, maybe long before the log, and buys at a personal rate times the
level of the day until dropping out. The log shows its own days only: who joined before is
first seen when they next buy. Start reading at :func:`shop`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np

from clv.checked import CustomerSummary
from clv.models import ranges
from clv.numerics.bg_nbd import BGNBDParams
from clv.numerics.calibration import AS_STATED
from clv.numerics.gamma_gamma import GammaGammaParams
from clv.numerics.pareto_nbd import ParetoNBDParams
from clv.numerics.simulate import (
    Purchases,
    history,
    log_intervals,
    on_whole_days,
    purchases,
    regular_purchases,
    spend,
)
from clv.periods import ObservationWindow

START = dt.date(2020, 1, 1)
RATES = ParetoNBDParams(r=0.7, alpha=70.0, s=1.5, beta=500.0)
SPEND = GammaGammaParams(p=4.0, q=5.0, gamma=60.0)


def evenly(day):
    return np.ones(np.shape(day))


def autumn(day):
    """Five times as busy in November as in May."""
    return np.exp(0.8 * np.cos(2 * np.pi * (day - 320) / 365.25))


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known of a shop on a day, and of the same customers what nobody can know.

    ``later`` and ``later_value`` are purchase days within the horizon and their value,
    ``mean_value`` what a purchase is worth on average.
    """

    summary: CustomerSummary
    later: np.ndarray
    later_value: np.ndarray
    mean_value: np.ndarray
    is_wholesale: np.ndarray


@dataclasses.dataclass(frozen=True)
class Log:
    """Every purchase day, ordered by customer and day from the log's first, 0, on."""

    customer: np.ndarray
    day: np.ndarray
    value: np.ndarray
    mean_value: np.ndarray
    is_wholesale: np.ndarray

    def at(self, today, horizon=365):
        """What is known at the end of a day."""
        everybody = np.zeros(self.mean_value.size)
        first = np.full(everybody.size, today + 1)
        np.minimum.at(first, self.customer, self.day)
        here = first <= today
        ages = (self.day - first[self.customer]).astype(float)
        seen = self.day <= today
        again = seen & (ages > 0)
        made = Purchases(self.customer[again], ages[again], everybody, everybody)
        x, t_x = history(made, np.maximum(today - first, 0))
        ahead = ~seen & (self.day <= today + horizon)

        def total(of, weights=None):
            return np.bincount(self.customer[of], weights, minlength=everybody.size)[here]

        gross, days = total(seen, self.value[seen]), x[here] + 1
        summary = CustomerSummary.from_arrays(
            ObservationWindow(START, START + dt.timedelta(days=today)),
            purchases_by_day=tuple(np.bincount(self.day[again] - 1, minlength=today).tolist()),
            frequency=x[here],
            recency=t_x[here],
            age=(today - first)[here].astype(float),
            log_intervals=np.where(x > 0, log_intervals(made), np.nan)[here],
            purchase_days=days,
            orders=days,
            gross_value=gross,
            returned_value=np.zeros(gross.size),
            mean_day_value=gross / days,
        )
        later = total(ahead), total(ahead, self.value[ahead])
        return Known(summary, *later, self.mean_value[here], self.is_wholesale[here])


def shop(
    seed, *, customers=3000, days=730, past=0, followed=365, level=evenly, yearly=0.0, wholesale=0.0
):
    """A log of ``days`` days and what followed, under the assumptions but for what is named.

    Args:
        seed: The same customers for the same seed.
        customers: How many join.
        days: Of the log, over which customers join.
        past: Days before it over which they joined too.
        followed: Days after it.
        level: Of the purchase rate on each day.
        yearly: Standard deviation of the log of a factor that each year has for itself.
        wholesale: Share of customers with 20 times the spend at 3 times the rate.
    """
    rng = np.random.default_rng(seed)
    since = rng.integers(-past, days, customers)
    is_wholesale = rng.random(customers) < wholesale
    end = days + followed
    calendar = np.arange(-past, end + 1)
    years = np.exp(yearly * rng.standard_normal((past + end) // 365 + 1))
    levels = level(calendar) * years[(calendar + past) // 365]
    # At the level of the busiest day, then thinned to that of each.
    alpha = RATES.alpha / np.where(is_wholesale, 3.0, 1.0) / levels.max()
    made = on_whole_days(purchases(RATES._replace(alpha=alpha), end - since, rng))
    day = (since[made.customer] + made.time).astype(int)
    kept = rng.random(day.size) < levels[day + past] / levels.max()
    return _logged(since, made.customer[kept], day[kept], is_wholesale, rng)


def shop_of_regular_buyers(seed, *, k, leaving, customers=3000, days=730, followed=365):
    """Times between purchases are Erlang-k; customers leave ``at a purchase`` or ``in between``."""
    rng = np.random.default_rng(seed)
    since = rng.integers(0, days, customers)
    chances = {"at a purchase": (0.9, 1.6), "in between": (1e-9, 1.0)}[leaving]
    params = BGNBDParams(RATES.r, RATES.alpha / k, *chances, k=k, drops_at_once=True)
    made = regular_purchases(params, (days + followed - since).astype(float), rng)
    lifetime = rng.exponential(1 / rng.gamma(RATES.s, 1 / RATES.beta, customers))
    kept = (leaving == "at a purchase") | (made.time <= lifetime[made.customer])
    made = on_whole_days(made._replace(customer=made.customer[kept], time=made.time[kept]))
    day = (since[made.customer] + made.time).astype(int)
    return _logged(since, made.customer, day, np.zeros(customers, dtype=bool), rng)


def shop_of_boxes(seed, *, skipped, customers=3000, days=730, followed=365):
    """A box every thirty days or so; a share is ``skipped``, and each may be the last."""
    rng = np.random.default_rng(seed)
    since = rng.integers(0, days, customers)
    boxes = np.minimum(rng.geometric(rng.beta(1.0, 10.0, customers)) - 1, days)
    customer = np.repeat(np.arange(customers), boxes)
    months = rng.geometric(1 - skipped, customer.size)
    day = np.cumsum(np.rint(30 * months + np.clip(rng.normal(0, 2, customer.size), -9, 9)))
    begun = np.append(0.0, day)[np.cumsum(boxes) - boxes]
    day = since[customer] + (day - begun[customer]).astype(int)
    kept = day <= days + followed
    return _logged(since, customer[kept], day[kept], np.zeros(customers, dtype=bool), rng)


def _logged(since, customer, day, is_wholesale, rng):
    """The purchases, the day of joining among them, from the log's first day on."""
    customer = np.concatenate([np.arange(since.size), customer])
    day = np.concatenate([since, day])
    order = np.lexsort([day, customer])
    customer, day = customer[order], day[order]
    factor = np.where(is_wholesale, 20.0, 1.0)
    value, mean_value = spend(SPEND, customer, rng, customers=since.size)
    shown = day >= 0
    return Log(
        customer[shown],
        day[shown],
        (value * factor[customer])[shown],
        mean_value * factor,
        is_wholesale,
    )


def of_each(model, summary, horizon_days, *, level, shock, calibration=AS_STATED):
    """The ranges of customers alone."""
    own, _ = ranges.of_customers_and_groups(
        model,
        summary,
        horizon_days,
        level=level,
        shock=shock,
        calibration=calibration,
        p_zero=1.0 - model.p_purchase(summary, horizon_days),
        belongs=np.empty((0, len(summary)), dtype=bool),
    )
    return own

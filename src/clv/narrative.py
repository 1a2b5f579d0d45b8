"""What the dashboard and the report say about a shop in the same words."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from clv.charts.forecasts import PastForecast
from clv.evaluation import drift, review
from clv.lists import CONTROL_SHARE, ORDERS_FOR_A_PACE, PATIENCE, second_order_window, seed_of
from clv.models.features import FEATURES
from clv.models.gamma_gamma import GammaGamma
from clv.models.seasonal_pareto_nbd import SeasonalParetoNBD
from clv.overview import SOON_DAYS, Overview, ReadyList
from clv.pipeline import matured
from clv.pipeline.backtest import checkable_from
from clv.speech import TEXTS, Speech

Columns = dict[str, list[str]]

SHOWN_ONE_BY_ONE = 2
SURELY = 0.05
"""The p-value below which spend is said to go with the number of purchase days."""
LEAST_SEASON = 0.02
"""How much more than usual a purchase day is worth in a month that is named."""
MOST_DRIVERS = 3
LEAST_DRIVER = 0.01
"""A share of the forecast below which what moved it is not worth a line."""


@dataclasses.dataclass(frozen=True)
class Narrative:
    """A shop as it is now, told in the reader's language."""

    overview: Overview
    speech: Speech

    @property
    def horizon(self) -> str:
        return self.speech.number(self.overview.service.terms.horizon_days)

    @property
    def soon(self) -> str:
        """The shorter reach every list is valued at."""
        return self.speech.number(SOON_DAYS)

    @property
    def expected(self) -> str:
        money = self.speech.rough(self.overview.expected)
        date = self.speech.date(self.overview.service.as_of)
        return self.speech("expected", money=money, days=self.horizon, date=date)

    @property
    def how_far_off(self) -> list[str]:
        """How the same forecast did at earlier dates, and what that is worth."""
        return [*self._held_back, *matured.told(self.overview.matured, self.speech)]

    @property
    def _held_back(self) -> list[str]:
        """How it would have done at earlier dates, by the backtest."""
        past, speech = self.overview.past, self.speech
        if not past:
            return [self.unchecked]
        few = len(past) <= SHOWN_ONE_BY_ONE
        said = [self._miss(one) for one in past] if few else self._misses(past)
        if past[0].horizon_days != self.overview.service.terms.horizon_days:
            said.append(speech("other_horizon", days=speech.number(past[0].horizon_days)))
        if len(past) == 1:
            said.append(speech("held_once"))
        if few and self.overview.oftener:
            said += self._misses(self.overview.oftener)
        return said

    @property
    def unchecked(self) -> str:
        """That nothing is known of how far off it was, and why where the log says why."""
        window = self.overview.service.summary.window
        is_long = window.end >= checkable_from(window.start)
        return self.speech("never_held" if is_long else "log_too_short")

    def _miss(self, one: PastForecast) -> str:
        return self.speech(
            "too_high" if one.bias > 0 else "too_low",
            date=self.speech.date(one.cut),
            days=self.speech.number(one.horizon_days),
            share=self.speech.percent(abs(one.bias)),
            expected=self.speech.rough(one.expected),
            actual=self.speech.rough(one.actual),
        )

    def _misses(self, past: Sequence[PastForecast]) -> list[str]:
        """How far totals were off at many dates, and how often ranges held."""
        speech = self.speech
        biases = [one.bias for one in past]
        many = {"dates": speech.number(len(past)), "days": speech.number(past[0].horizon_days)}
        low, high = (speech.change(bias) for bias in (min(biases), max(biases)))
        said = [speech("off_at_dates", low=low, high=high, **many)]
        if way := review.one_way(biases):
            said.append(speech("each_high" if way == "high" else "each_low"))
        shares = [one.held for one in past if one.held is not None]
        if shares:
            least, most = (speech.percent(share) for share in (min(shares), max(shares)))
            within = speech.number(sum(one.is_within for one in past))
            said.append(speech("ranges_held", least=least, most=most, within=within, **many))
        return said

    @property
    def half(self) -> str:
        """On how few customers what is expected rests."""
        count, largest = self.overview.carried_by
        customers = self.speech.number(self.overview.table.num_rows)
        few, share = self.speech.number(count), self.speech.percent(largest)
        return self.speech("first_half", count=few, customers=customers, share=share)

    @property
    def how_wide(self) -> str:
        """Between which amounts what is expected may come out."""
        service = self.overview.service
        if service.expected_range is None:
            return self.speech("no_range")
        lower, upper = map(self.speech.rough, service.expected_range)
        level = self.speech.percent(service.terms.interval_level)
        is_checked = service.terms.horizon_validated != "extrapolated"
        text = "total_range" if is_checked else "total_range_unchecked"
        return self.speech(text, lower=lower, upper=upper, level=level)

    @property
    def value_definition(self) -> str:
        """What an amount counts; in the words of the table where we have none in this language."""
        sales, comma, rest = self.overview.service.terms.value_definition.rpartition(", ")
        said = [self.speech(part) if part in TEXTS else part for part in (sales, rest)]
        return self.speech("definition", definition=comma.join(said))

    @property
    def spend_by_frequency(self) -> str | None:
        """Whether who buys more often spends more on a day, and what the forecast makes of it."""
        spend, speech = self.overview.service.model.spend, self.speech
        if not isinstance(spend, GammaGamma) or spend.dependence is None:
            return None
        found = spend.dependence
        rank, p = speech.number(found.rank_correlation, 2), speech.chance(found.p_value)
        if found.p_value >= SURELY:
            return speech("spend_alike", rank=rank, p=p)
        share = speech.percent(abs(found.of_twice_the_days), 1)
        rises = speech("spend_rises" if found.eta > 0 else "spend_falls", share=share)
        told = speech("spend_followed" if spend.has_power else "spend_left_out", rank=rank, p=p)
        return f"{rises} {told}"

    @property
    def spend_season(self) -> str | None:
        """In which months a purchase day is worth more, where any stand out."""
        season, speech = self.overview.service.model.spend.season, self.speech
        above = [
            f"{speech.month_of_year(month)} ({speech.change(factor - 1)})"
            for month, factor in enumerate(season or (), start=1)
            if factor - 1 >= LEAST_SEASON
        ]
        return speech("spend_season", months=speech.listing(above)) if above else None

    @property
    def trees(self) -> str | None:
        """Whether trees correct the chance of an order, and what that was worth out of time."""
        survival, speech = self.overview.service.model.survival, self.speech
        if survival is None:
            return None
        dates, worth = survival.correction.trials[0].origins, self.overview.trees
        if worth is not None and (survival.correction.strength or survival.correction.is_kept_off):
            held = "trees_held" if survival.correction.strength else "trees_kept_off"
            share = speech.change(worth[1], 1)
            return speech(held, dates=speech.number(worth[0]), share=share)
        kept = "trees_unjudged" if survival.correction.strength else "trees_lost"
        return speech(kept, dates=speech.number(dates))

    @property
    def events(self) -> str | None:
        """How busy the days of the shop's own calendar were, where a model goes by it."""
        model, speech = self.overview.service.model, self.speech
        if not isinstance(model.purchases, SeasonalParetoNBD) or model.posterior is None:
            return None
        events, level = model.purchases.season.events, self.overview.service.terms.interval_level
        if not events.effects:
            return None
        drawn = model.posterior.purchases.array[:, -len(events.effects) :]
        found = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
        said = [
            speech(
                "event_days",
                event=name,
                level=speech.percent(level),
                **{what: speech.number(value, 1) for what, value in times.items()},
            )
            for name, *logs in zip(events.names, events.effects, *found, strict=True)
            for times in [dict(zip(("times", "low", "high"), np.exp(logs), strict=True))]
        ]
        return " ".join([*said, speech("events_note")])

    @property
    def level(self) -> str:
        """Whether the level of the whole shop rises or falls, and what is made of it ahead."""
        model, speech = self.overview.service.model.purchases, self.speech
        drifts = model.season.drift if isinstance(model, SeasonalParetoNBD) else 0.0
        share, date = float(np.expm1(drifts)), speech.date(self.overview.service.as_of)
        if not drifts:
            return speech("level_stays")
        text = "level_rises" if share > 0 else "level_falls"
        return speech(text, share=speech.percent(abs(share), 1), date=date)

    @property
    def who_answers(self) -> str:
        service, champion, speech = self.overview.service, self.overview.champion, self.speech
        own = {"model": service.model.name, "version": service.terms.model_version}
        since, fitted = map(speech.date, (champion.since, champion.fitted_to))
        return speech("who_answers", since=since, fitted=fitted, **own)

    @property
    def findings(self) -> list[str]:
        """What the last backtest was found to show, the gravest first; none without one."""
        found = self.overview.champion.review
        return [review.told(one, self.speech) for one in found["findings"]] if found else []

    @property
    def moved(self) -> str:
        """How far customers moved since the model learned from them, or last scored them."""
        rows = self.overview.champion.drift
        return " ".join(drift.told(rows, self.speech)) or self.speech("moved_nowhere")

    def totals(self, by: str) -> Columns:
        """What the customers of each tier, or of each cohort, are expected to bring together."""
        say, rows = self.speech, self.overview.totals[by]
        names = [say.month(r.name) if by == "cohort" else say(f"tier_{r.name}") for r in rows]
        ends = [say.between(row.range) for row in rows]
        return {
            say(by): names,
            say("customers"): [say.number(row.customers) for row in rows],
            say("expected_in", days=self.horizon): [say.rough(row.expected) for row in rows],
            say("said_range"): ends,
        }

    def list_rule(self, ready: ReadyList) -> str:
        name, number = ready.list.name, self.speech.number
        if name != "second_order":
            patience = number(PATIENCE, 1)
            return self.speech(f"{name}_rule", orders=ORDERS_FOR_A_PACE, patience=patience)
        window = second_order_window(self.overview.service.summary)
        if window is None:
            return self.speech("second_order_unknown")
        earliest, latest = window
        return self.speech("second_order_rule", earliest=number(earliest), latest=number(latest))

    @property
    def lists(self) -> Columns:
        """Every list with its money and whom it holds."""
        say, ready = self.speech, self.overview.ready_lists
        return {
            say("list"): [say(one.list.name) for one in ready],
            say("customers"): [say.number(one.customers) for one in ready],
            say("expected_in", days=self.soon): [say.rough(one.expected_soon) for one in ready],
            say("at_stake", days=self.horizon): [say.rough(one.at_stake) for one in ready],
            say("who"): [self.list_rule(one) for one in ready],
        }

    def left_out(self, ready: ReadyList) -> Columns:
        """Why customers are not on a list, each counted at the first reason."""
        say, counts = self.speech, ready.list.left_out
        return {
            say("reason"): [say(f"left_out_{why}") for why in counts],
            say("customers"): [say.number(count) for count in counts.values()],
        }

    @property
    def control(self) -> str:
        seed = seed_of(self.overview.service.as_of)
        return self.speech("control", share=self.speech.percent(CONTROL_SHARE), seed=seed)

    @property
    def sales_name(self) -> str:
        """What the sum at the end of the ladder is called."""
        return self.speech("net" if "returned" in self.overview.ladder.steps else "gross")

    @property
    def ladder_title(self) -> str:
        first, last = map(self.speech.date, (self.overview.ladder.first, self.overview.ladder.last))
        return self.speech("ladder", sales=self.sales_name, first=first, last=last)

    @property
    def ladder(self) -> Columns:
        """Every step from the log to net sales, in money to the cent."""
        say, ladder = self.speech, self.overview.ladder
        steps = {"read": ladder.read, **ladder.steps}
        return {
            say("step"): [*(say(f"ladder_{name}") for name in steps), self.sales_name],
            say("amount"): [say.money(float(value), 2) for value in (*steps.values(), ladder.net)],
        }


def drivers(speech: Speech, contributions: npt.NDArray[np.float64]) -> list[str]:
    """What moved one customer's forecast most, against that of a mean customer, in words.

    ``contributions`` is the customer's row of ``Correction.contributions``. No lines where
    nothing was corrected, or only by shares too small to name.
    """
    shares = np.expm1(contributions)
    strongest = np.argsort(-np.abs(contributions), kind="stable")[:MOST_DRIVERS]
    return [
        speech.label(
            "driver_raises" if shares[place] > 0 else "driver_lowers",
            what=speech(f"driver_{FEATURES[place]}"),
            share=speech.percent(abs(shares[place])),
        )
        for place in strongest
        if abs(shares[place]) >= LEAST_DRIVER
    ]


def rests_on(speech: Speech, row: Mapping[str, Any], silent_days: float) -> str:
    """How often, how lately and on what a customer bought, of whose forecast no more is known."""
    known = {"silent": speech.number(silent_days), "spent": speech.money(row["historic_clv"])}
    gap, orders = row["average_days_between_orders"], row["historic_number_of_orders"]
    if gap is None:
        return speech("rests_on_one_day", **known)
    return speech("rests_on", orders=speech.number(orders), gap=speech.number(gap), **known)

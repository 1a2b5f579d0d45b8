"""What the scores of earlier cuts say: who answers, how surely, and what they add up to.

Records are those of :mod:`clv.evaluation.backtest`. Whatever is chosen at a cut, a model or how
wide a range has to be, is chosen by the cuts whose outcome was known by then. Start reading at
:func:`choose`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from clv.models.segments import HorizonValidated
    from clv.numerics.predictive import Shock

Role = Literal["chosen", "challenger", "baseline"]
Record = dict[str, Any]
Place = tuple[str, int]
"""A cut and a horizon."""

NEXT_ORDER = "next_order"
"""The target of records that judge chances of an order, not an expectation."""
WITH_TREES = " + xgb-survival"
"""How the name of a model ends in those of them that trees corrected."""

WORTH_A_CHANGE = 0.01
"""By how much, in the log of the deviance, a challenger has to be better than the default."""

ENOUGH_CUTS = 2
"""That do not overlap, before another than the default may answer."""

PRIOR_CUTS = 3
OLD_DAYS = 548
SCALE_OF_YOUNG, SCALE_OF_OLD = 0.25, 0.15


def known_by(records: Iterable[Record], day: dt.date) -> list[Record]:
    """The records of cuts whose outcome was known on ``day``."""
    return [record for record in records if _end(record) <= day]


def _end(record: Mapping[str, Any]) -> dt.date:
    cut = dt.date.fromisoformat(record["cut"])
    return cut + dt.timedelta(days=int(record["horizon_days"]))


def choose(records: Iterable[Record], candidates: Sequence[str]) -> str:
    """The candidate that forecast net cash best: the first, unless another is clearly better.

    Better is by the Tweedie deviance of the mean, as the mean over cuts and horizons of the log
    of its ratio to the first's, which would have answered before the log was long enough for
    another. One that failed after that is out. Dates whose outcomes overlap count as one, and
    one is not enough.
    """
    deviance = deviances(records, candidates)
    first, *others = candidates
    places = deviance[first]
    if max((_apart_at(days, places) for _, days in places), default=0) < ENOUGH_CUTS:
        return first
    gains = {name: _gain(deviance[name], places) for name in others}
    best = max(gains, key=lambda name: gains[name], default=first)
    return best if gains.get(best, 0.0) > WORTH_A_CHANGE else first


def _apart_at(horizon_days: int, places: Iterable[Place]) -> int:
    days = (dt.date.fromisoformat(cut) for cut, own in places if own == horizon_days)
    return _apart(sorted(days), horizon_days)


def _gain(own: Mapping[Place, float], first: Mapping[Place, float]) -> float:
    common = own.keys() & first.keys()
    if not common:
        return 0.0
    begun = min(cut for cut, _ in common)
    if any(cut >= begun for cut, _ in first.keys() - common):
        return -np.inf
    return float(sum(np.log(first[at] / own[at]) for at in common) / len(first))


def deviances(
    records: Iterable[Record], candidates: Iterable[str]
) -> dict[str, dict[Place, float]]:
    """By candidate, cut and horizon: the Tweedie deviance of its mean of net cash."""
    found: dict[str, dict[Place, float]] = {name: {} for name in candidates}
    for record in records:
        if (record["target"], record["metric"]) == ("net_cash", "tweedie"):
            place = record["cut"], record["horizon_days"]
            if record["model"] in found and record["value"] and record["role"] != "baseline":
                found[record["model"]][place] = record["value"]
    return found


def of_chosen(records: Iterable[Record], metric: str) -> list[Record]:
    """One metric of whichever model was chosen, of its forecast of net cash."""
    wanted = ("chosen", "net_cash", metric)
    return [r for r in records if (r["role"], r["target"], r["metric"]) == wanted]


def worth_of_trees(records: Iterable[Record]) -> tuple[int, float] | None:
    """At how many cuts trees were held against what came, and the change of the chances' error.

    The change is that of the integrated Brier score, as the mean of logs; None without a cut.
    Trees count where they answered and where they were kept off alike.
    """
    scores: dict[bool, dict[Place, float]] = {True: {}, False: {}}
    for record in records:
        if (record["target"], record["metric"]) == (NEXT_ORDER, "integrated_brier"):
            at = record["cut"], record["horizon_days"]
            scores[record["model"].endswith(WITH_TREES)][at] = record["value"]
    with_trees, alone = scores[True], scores[False]
    if not with_trees:
        return None
    logs = [np.log(with_trees[at] / alone[at]) for at in with_trees]
    return len({cut for cut, _ in with_trees}), float(np.expm1(np.mean(logs)))


def trees_hurt(records: Iterable[Record]) -> bool:
    """Whether trees made the chances of an order worse, on average of where they were held."""
    worth = worth_of_trees(records)
    return worth is not None and worth[1] > 0


def horizon_validated(records: Iterable[Record], horizon_days: int) -> HorizonValidated:
    """How often a horizon was held against what happened, by cuts that do not overlap."""
    words: tuple[HorizonValidated, ...] = ("extrapolated", "checked_once", "checked")
    return words[min(_apart(_held(records, horizon_days), horizon_days), 2)]


def _held(records: Iterable[Record], horizon_days: int) -> list[dt.date]:
    own = (r for r in records if (r["role"], r["horizon_days"]) == ("chosen", horizon_days))
    return sorted({dt.date.fromisoformat(record["cut"]) for record in own})


def _apart(days: Iterable[dt.date], span: int) -> int:
    """How many of the days lie at least ``span`` apart."""
    count, last = 0, dt.date.min
    for day in days:
        if count == 0 or (day - last).days >= span:
            count, last = count + 1, day
    return count


def common_shock(records: Iterable[Record], horizon_days: int, *, history_days: int) -> Shock:
    """What may move everybody at once, by how far totals were off at earlier cuts.

    Few cuts say little, so the scale begins at one that shops have shown, larger where the log
    has not seen a year and a half, and counts as ``PRIOR_CUTS`` cuts. Cuts that overlap count
    as many as would not.
    """
    from clv.numerics.predictive import Shock

    records = list(records)
    start = SCALE_OF_YOUNG if history_days < OLD_DAYS else SCALE_OF_OLD
    errors = [
        np.log1p(record["value"])
        for record in of_chosen(records, "bias")
        if record["horizon_days"] == horizon_days
        and record["value"] is not None
        and record["value"] > -1
    ]
    count = min(_apart(_held(records, horizon_days), horizon_days), len(errors))
    degrees = PRIOR_CUTS + count
    spread = float(np.mean(np.square(errors))) if errors else 0.0
    variance = (PRIOR_CUTS * start**2 + count * spread) / degrees
    return Shock(float(np.sqrt(variance)), float(degrees))


def earned(earlier: Mapping[str, Any], horizon_days: int, *, history_days: int) -> dict[str, Any]:
    """What a horizon earned at ``earlier`` dates: how often it was held, what may move everybody
    and what stated chances were worth; fields of ``Terms``.
    """
    from clv.numerics.calibration import AS_STATED, Calibration

    records = earlier["records"]
    worth = earlier["calibrations"].get(str(horizon_days))
    return {
        "horizon_validated": horizon_validated(records, horizon_days),
        "shock": common_shock(records, horizon_days, history_days=history_days),
        "calibration": Calibration(tuple(worth)) if worth else AS_STATED,
    }


class Average(NamedTuple):
    """A model's metrics at one horizon, as means over ``cuts``; ``biases`` are those of each."""

    cuts: int
    biases: tuple[float, ...]
    metrics: Mapping[str, float]


def averages(records: Iterable[Record], target: str) -> dict[tuple[int, str], Average]:
    """By horizon and model: the chosen one, whoever it was, as ``chosen``, and every baseline."""
    found: dict[tuple[int, str], dict[str, list[float]]] = {}
    for record in records:
        if record["target"] == target and record["role"] != "challenger":
            own = record["role"] == "chosen"
            place = record["horizon_days"], "chosen" if own else record["model"]
            if record["value"] is not None:
                found.setdefault(place, {}).setdefault(record["metric"], []).append(record["value"])
    return {
        place: Average(
            max(map(len, values.values())),
            tuple(values.get("bias", ())),
            {metric: float(np.mean(own)) for metric, own in values.items()},
        )
        for place, values in sorted(found.items(), key=lambda item: item[0][0])
    }

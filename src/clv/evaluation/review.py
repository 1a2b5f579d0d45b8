"""Whether a forecast may be relied on, by its backtest: PASS, REVIEW or FAIL, and why.

FAIL is a forecast worse than a simple rule, REVIEW one that somebody should look at before
money follows it. Start reading at :func:`review`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clv.evaluation.backtest import FLOOR_SHARE, LEVEL, SEED
from clv.evaluation.metrics import resampled_counts, resampled_metrics
from clv.evaluation.past import Record, of_chosen
from clv.speech import TEXTS, Speech

if TYPE_CHECKING:
    import pandas as pd

Float = npt.NDArray[np.float64]
Word = Literal["PASS", "REVIEW", "FAIL"]
WORDS: tuple[Word, ...] = ("PASS", "REVIEW", "FAIL")

PRIMARY = ("tweedie", "mae")
"""The score that judges a mean, and the one that judges a median."""
WORSE = 0.02
"""Share by which a baseline has to be better to count as better."""
TIE = 0.005
"""Share by which it may be better and still count as a tie."""
FAR_OFF = 0.25
"""Mean absolute bias of totals from which somebody should ask why."""
HELD = (0.75, 0.85)
"""Share of customers within a range of 80 %, as far as it may be off."""
TOTALS_HELD = 0.65
"""Share of totals within their range of 80 %, at least."""
ENOUGH_ALIKE = 3
"""Totals that were all too high, or all too low, from which the next one is expected so too."""
CHOSEN = "chosen"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A forecast beside the best baseline, in logs of the ratio of scores: below 0 is better.

    ``mean`` over cuts lies between ``lower`` and ``upper`` at 80 %, with other customers.
    ``worst`` is the largest of one cut, by which ``at`` names it: cut and horizon.
    """

    score: str
    baseline: str
    mean: float
    lower: float
    upper: float
    worst: float
    at: tuple[str, int]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing looked at: its word, the sentence with its numbers, and what to do.

    ``texts`` name both sentences, and ``figures`` fill them in, for :func:`told`.
    """

    word: Word
    found: str
    advice: str = ""
    texts: Sequence[str] = ()
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, word: Word, text: str, advice: str = "", **figures: Any) -> Self:
        texts = tuple(f"finding_{name}" for name in (text, advice) if name)
        found, *then = _sentences(texts, figures, Speech("en"))
        return cls(word, found, " ".join(then), texts, figures)


@dataclasses.dataclass(frozen=True)
class Review:
    """What was found, the gravest first; its word is the gravest."""

    findings: tuple[Finding, ...]

    @property
    def word(self) -> Word:
        return max((one.word for one in self.findings), key=WORDS.index, default="PASS")

    def to_dict(self) -> dict[str, Any]:
        return {"word": self.word, "findings": [dataclasses.asdict(one) for one in self.findings]}


def told(finding: Mapping[str, Any], speech: Speech) -> str:
    """A stored finding with its advice; as it was written where its words are not known."""
    texts = finding.get("texts", ())
    known = set(texts) <= TEXTS.keys()
    said = _sentences(texts, finding["figures"], speech) if texts and known else ()
    return " ".join(said or filter(None, (finding["found"], finding["advice"])))


def _sentences(texts: Sequence[str], figures: Mapping[str, Any], speech: Speech) -> list[str]:
    says: dict[type, Any] = {float: speech.percent, int: speech.number, str: str}
    said = {name: says[type(value)](value) for name, value in figures.items()}
    for name in {"mean", "lower", "upper", "worst"} & said.keys():
        said[name] = speech.change(figures[name], 1)
    if "date" in said:
        said["date"] = speech.date(dt.date.fromisoformat(said["date"]), short=True)
    return [speech(text, **said) for text in texts]


def review(records: Sequence[Record], rows: pa.Table) -> Review:
    """What a backtest says of the forecast it chose.

    Args:
        records: As in ``reports/backtest.json``.
        rows: As in ``reports/holdout.parquet``.
    """
    compared = (compare(rows, score) for score in PRIMARY)
    findings = [of_comparison(one) for one in compared if one is not None]
    findings += [_of_totals(records), *_of_ranges(records)]
    return Review(tuple(sorted(findings, key=lambda one: -WORDS.index(one.word))))


def compare(rows: pa.Table, score: str, model: str | None = None) -> Comparison | None:
    """A forecast of net cash beside the baseline that is best over all cuts.

    Customers are resampled jointly: one drawn twice counts twice at every cut. Where nothing was
    bought after a cut no score exists, so such cuts are left out, and so are such draws.

    Args:
        rows: As in ``reports/holdout.parquet``.
        score: One of ``PRIMARY``.
        model: The candidate to look at; else whichever was chosen at each cut.

    Returns:
        None where no cut has a score.
    """
    own = pc.field("role") == CHOSEN
    if model is not None:
        own = (pc.field("model") == model) & (pc.field("role") != "baseline")
    about_money = rows.filter(
        (pc.field("target") == "net_cash") & (own | (pc.field("role") == "baseline"))
    )
    ids = pc.unique(about_money["customer_id"])
    blocks = [np.ones((1, len(ids)), dtype=np.uint8), *resampled_counts(len(ids), seed=SEED)]
    logs: dict[str, list[Float]] = {}
    places = []
    frame = about_money.drop_columns(["customer_id"]).to_pandas()
    frame["who"] = pc.index_in(about_money["customer_id"], value_set=ids).to_numpy()
    for (cut, days), here in frame.groupby(["cut", "horizon_days"]):
        scores = _logs(here, blocks, score)
        ours = scores.pop(CHOSEN, None)
        if ours is None or not all(np.isfinite(one[0]) for one in (ours, *scores.values())):
            continue
        places.append((cut, days))
        for name, theirs in scores.items():
            logs.setdefault(name, []).append(ours - theirs)
    complete = {name: np.array(each) for name, each in logs.items() if len(each) == len(places)}
    if not complete:
        return None
    # The best baseline is the one the forecast gains least on.
    best = max(complete, key=lambda name: float(complete[name][:, 0].mean()))
    ratios = complete[best]
    tail = (1 - LEVEL) / 2
    lower, upper = np.nanquantile(ratios[:, 1:].mean(axis=0), [tail, 1 - tail])
    worst = int(ratios[:, 0].argmax())
    cut, days = places[worst]
    return Comparison(
        score,
        best,
        float(ratios[:, 0].mean()),
        float(lower),
        float(upper),
        float(ratios[worst, 0]),
        (cut.isoformat(), days),
    )


def _logs(
    rows: pd.DataFrame, blocks: Sequence[npt.NDArray[np.uint8]], score: str
) -> dict[str, Float]:
    """By forecast, the log of its score under each resampling; NaN where it has none, or is 0.

    ``rows`` are of one place, each forecast's of the same customers in the same order.
    """
    forecasts = {
        str(name) if role == "baseline" else CHOSEN: own
        for (name, role), own in rows.groupby(["model", "role"])
    }
    who, actual = (next(iter(forecasts.values()))[name].to_numpy() for name in ("who", "actual"))
    means = [own["mean"].to_numpy() for own in forecasts.values()]
    medians = [own["median"].fillna(own["mean"]).to_numpy() for own in forecasts.values()]
    counts = [block[:, who] for block in blocks]
    floor = FLOOR_SHARE * float(np.maximum(actual, 0).mean())
    found = resampled_metrics(counts, actual, means, medians, floor=floor)[score].T
    logs = np.log(found, out=np.full_like(found, np.nan), where=found > 0)
    return dict(zip(forecasts, logs, strict=True))


def of_comparison(found: Comparison) -> Finding:
    """What a forecast's scores beside the best baseline say of it."""
    names = ("mean", "lower", "upper", "worst")
    figures: dict[str, Any] = {name: float(np.expm1(getattr(found, name))) for name in names}
    mean, worst = figures["mean"], figures["worst"]
    word: Word = "FAIL" if mean > WORSE else "REVIEW" if mean > TIE or worst > WORSE else "PASS"
    advice = "look_at_dates" if worst > WORSE else "loses"
    advice = {"FAIL": "rule_was_nearer", "REVIEW": advice, "PASS": ""}[word]
    figures["date"], figures["days"] = found.at
    return Finding.of(word, found.score, advice, rule=found.baseline, **figures)


def _of_totals(records: Iterable[Record]) -> Finding:
    biases = _values(records, "bias")
    off = float(np.mean(np.abs(biases))) if biases else 0.0
    if not biases:
        return Finding.of("REVIEW", "no_sales", "wait")
    text = "_".join(filter(None, ("totals", one_way(biases))))
    return _looked_at(off <= FAR_OFF, text, "use_range", off=off, count=len(biases))


def one_way(biases: Sequence[float]) -> Literal["high", "low"] | None:
    """Which way totals were off, where it was the same way each of several times."""
    if len(biases) < ENOUGH_ALIKE:
        return None
    return "high" if min(biases) > 0 else "low" if max(biases) < 0 else None


def _of_ranges(records: Sequence[Record]) -> Iterable[Finding]:
    if shares := _values(records, "pit80"):
        held = float(np.mean(shares))
        good, advice = HELD[0] <= held <= HELD[1], "wide" if held > HELD[1] else "narrow"
        yield _looked_at(good, "ranges", advice, held=held, count=len(shares))
    biases = {_place(r): r["value"] for r in of_chosen(records, "bias")}
    totals = [r for r in of_chosen(records, "total") if biases.get(_place(r)) is not None]
    within = [
        r["lower"] <= r["value"] / (1 + biases[_place(r)]) <= r["upper"]
        for r in totals
        if biases[_place(r)] > -1
    ]
    if within:
        good = bool(np.mean(within) >= TOTALS_HELD)
        counts = {"times": sum(within), "count": len(within)}
        yield _looked_at(good, "range_of_total", "unlike", **counts)


def _looked_at(good: bool, text: str, advice: str, **figures: Any) -> Finding:
    return Finding.of("PASS" if good else "REVIEW", text, "" if good else advice, **figures)


def _values(records: Iterable[Record], metric: str) -> list[float]:
    return [r["value"] for r in of_chosen(records, metric) if r["value"] is not None]


def _place(record: Record) -> tuple[str, int]:
    return record["cut"], record["horizon_days"]

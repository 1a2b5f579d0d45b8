"""Trees that correct how long a customer is expected to wait until the next order.

An accelerated failure time model (XGBoost's ``survival:aft``), fitted to what followed earlier
days of the same log. Its time is not the calendar's but the purchase model's own: the log odds
of an order by then. There the purchase model says that everybody waits alike, and the trees say
who waits longer or shorter:

    log odds of an order by day t = log odds by the purchase model - strength * trees

So the season, the slowing down and the leaving stay what the purchase model makes of them. In
plain days this family of models has everybody return in the end; on this clock it does not.

Whether all customers of a day bought more or less than expected is taken out of that day before
the trees look: it is season and chance, and the trees should tell customers apart.

Start reading at :meth:`XGBSurvival.fit`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from clv.checked import CustomerSummary
from clv.models.base import Float
from clv.models.correction import STRENGTHS, TREES, Correction, Origin, rows

if TYPE_CHECKING:
    import xgboost

SURE = 1e-9
ROUNDS = 30
SETTINGS = TREES | {
    "objective": "survival:aft",
    "aft_loss_distribution": "logistic",
    # On the base's clock the spread of waiting is known: it is that of the scale itself.
    "aft_loss_distribution_scale": 1.0,
    "eta": 0.1,
    "reg_lambda": 10,
}


@dataclasses.dataclass(frozen=True)
class XGBSurvival:
    """A fitted correction of the chance of an order by any day of one horizon."""

    name: ClassVar[str] = "xgb-survival"

    correction: Correction

    @classmethod
    def fit(cls, origins: Iterable[Origin], summary: CustomerSummary) -> Self:
        """The correction that earlier dates call for, or none.

        Gains of its trials are in log-likelihood of the wait for the next order, on average of
        the customers; the rest is as in :meth:`Correction.learned`.
        """
        return cls(Correction.learned(cls.name, origins, summary, grow=_grow, gain=_gain))

    def correct(self, summary: CustomerSummary, chance: Float) -> Float:
        """The base's chances of an order, shape ``(n,)`` or ``(days, n)``, corrected.

        Where nothing is corrected they are the base's own. The more days, the higher they are.
        """
        if not self.correction.strength:
            return chance
        return np.asarray(special.expit(_log_odds(chance) - self.correction.of(summary)))

    def kept_off(self) -> Self:
        """The same trials, and no correction."""
        return type(self)(dataclasses.replace(self.correction, strength=0.0, trees=None))

    def to_dict(self) -> dict[str, Any]:
        return {"model": self.name, "correction": self.correction.to_dict()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(Correction.from_dict(stored["correction"]))


def _grow(origins: Sequence[Origin]) -> xgboost.Booster:
    """Trees on top of how long all customers of each date waited."""
    import xgboost

    x = np.concatenate([one.features for one in origins])
    level = np.concatenate([np.full(len(one.came), _level(one)) for one in origins])
    came = np.concatenate([one.came for one in origins])
    # XGBoost takes the log of its times again.
    time = np.exp(np.concatenate([_log_odds(one.by_then) for one in origins]))
    none_yet = np.where(came, time, np.inf)
    seen = rows(x, level, label_lower_bound=time, label_upper_bound=none_yet)
    return xgboost.train(SETTINGS, seen, ROUNDS)


def _level(origin: Origin) -> float:
    """How much longer than the base says all customers of a date waited together."""
    at_end, count = _log_odds(origin.chance), len(origin.came)
    share = np.clip(origin.came.mean(), 0.5 / count, 1 - 0.5 / count)
    level = optimize.brentq(lambda by: special.expit(at_end - by).mean() - share, -50, 50)
    return float(level)


def _gain(origin: Origin, delay: Float) -> Float:
    """Log-likelihood each customer gains, over how many there are, shape ``(strengths, n)``."""
    ended, came = _log_odds(origin.by_then), origin.came
    alone = _log_likelihood(ended, came)
    gains = [_log_likelihood(ended - strength * delay, came) - alone for strength in STRENGTHS]
    return np.array(gains) / came.size


def _log_likelihood(ended: Float, came: npt.NDArray[np.bool_]) -> Float:
    """Of an order at these log odds, or of none before: the logistic density and what is left."""
    left = -np.logaddexp(0.0, ended)
    return np.where(came, ended + 2 * left, left)


def _log_odds(chance: Float) -> Float:
    return np.asarray(special.logit(np.clip(chance, SURE, 1 - SURE)))

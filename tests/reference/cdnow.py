"""The CDNOW 1/10 sample, read from the data bundled with the installed `lifetimes`."""

import dataclasses
import datetime as dt
import functools
import importlib.util
from pathlib import Path

import numpy as np

DATA_END = dt.date(1998, 6, 30)
CALIBRATION_END = dt.date(1997, 9, 30)


@dataclasses.dataclass(frozen=True)
class Histories:
    """What was seen of each customer to the end of a window, in weeks, and what came after."""

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    repeat_mean: np.ndarray  # of repeat purchase days, NaN without one
    later_count: np.ndarray  # purchase days after the window
    later_spend: np.ndarray


@functools.cache
def purchase_days():
    """For each customer in order of id, the value of each purchase day by date."""
    # Located, not imported: nothing of lifetimes runs.
    package = importlib.util.find_spec("lifetimes").submodule_search_locations[0]
    days = {}
    for line in (Path(package) / "datasets" / "CDNOW_sample.txt").read_text().splitlines():
        if not line.strip():
            continue
        _, customer, date, _, value = line.split()
        own = days.setdefault(customer, {})
        day = dt.datetime.strptime(date, "%Y%m%d").date()
        own[day] = own.get(day, 0.0) + float(value)
    return [dict(sorted(days[customer].items())) for customer in sorted(days)]


@functools.cache
def histories(end):
    rows = []
    for own in purchase_days():
        seen = [day for day in own if day <= end]
        later = [day for day in own if day > end]
        first, last = seen[0], seen[-1]
        repeat = [own[day] for day in seen[1:]]
        rows.append(
            (
                len(repeat),
                (last - first).days / 7,
                (end - first).days / 7,
                np.mean(repeat) if repeat else np.nan,
                len(later),
                sum(own[day] for day in later),
            )
        )
    return Histories(*np.array(rows, dtype=float).T)

"""Blocks of work on all processors: NumPy lets go of the interpreter while it computes.

Start reading at :func:`in_order`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

WORKERS = min(4, os.cpu_count() or 1)
"""More of them would mostly wait for each other's turn at the interpreter."""


def in_order(function: Callable[[A], B], parts: Iterable[A]) -> Iterator[B]:
    """What ``function`` makes of each part, in their order, however many threads there are.

    >>> list(in_order(abs, [-3, 1, -2]))
    [3, 1, 2]
    """
    waiting = list(parts)
    if WORKERS == 1 or len(waiting) < 2:
        yield from map(function, waiting)
        return
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(function, waiting)

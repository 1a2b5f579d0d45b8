"""What a source calls its columns, and its quirks: one file per known source."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A raw column whose text, in lower case, matches ``pattern`` breaks ``rule``."""

    rule: str
    column: str
    pattern: str


@dataclasses.dataclass(frozen=True)
class Export:
    """How a shop system writes its orders, whatever columns were chosen for the file.

    ``spellings`` maps each raw name to the headers it goes by, the best first; capitals, blanks
    and signs in a header do not matter. Where several are there, the first that a row fills
    counts. ``recognized_by`` are the raw names a file must have to be taken for this export.
    An order is judged by the first of the ``verdicts`` that matches; one whose status matches
    ``refunded`` was refunded in full if no amount says otherwise. ``differs`` says why the
    shop's own report may state other net sales.
    """

    name: str
    title: str
    spellings: Mapping[str, tuple[str, ...]]
    recognized_by: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    refunded: str
    differs: str


@dataclasses.dataclass(frozen=True)
class Source:
    """How to read one kind of log.

    ``headers`` maps each raw name to the header names it goes by; ``required`` are those a
    file must have. A source without articles has one amount per row: a negative amount is a
    return, and returns are matched by value. ``export`` is there where rows make up orders by
    their id, with a status and a refund.
    """

    name: str
    headers: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    has_articles: bool
    value_definition: str
    currency: str | None = None
    date_format: str | None = None
    decimal_mark: str | None = None
    encoding: str = "utf-8"
    not_goods: str | None = None
    export: Export | None = None

"""What a source calls its columns, and its quirks: one file per known source."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Source:
    """How to read one kind of log.

    ``headers`` maps each raw name to the header names it goes by; ``required`` are those a
    file must have. A source without articles has one amount per row: a negative amount is a
    return, and returns are matched by value. ``identity`` says whether columns nobody asked
    for take part in telling duplicates from like rows.
    """

    name: str
    headers: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    has_articles: bool
    identity: bool
    value_definition: str
    currency: str | None = None
    date_format: str | None = None
    decimal_mark: str = "."
    encoding: str = "utf-8"
    not_goods: str | None = None

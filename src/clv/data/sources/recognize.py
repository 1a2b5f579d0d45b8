"""Which source wrote a log, told by the headers of its parts alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from clv.data.sources import Export, Source
from clv.data.sources.online_retail import ONLINE_RETAIL
from clv.data.sources.shopify import SHOPIFY
from clv.data.sources.stripe import STRIPE
from clv.data.sources.woocommerce import WOOCOMMERCE
from clv.errors import SourceUnreadable

EXPORTS = {export.name: export for export in (SHOPIFY, WOOCOMMERCE, STRIPE)}

INSIDE = ("tax", "shipping")  # of totals

Parts = Sequence[tuple[str, Sequence[str]]]


def kind_of(header: Sequence[str]) -> str | None:
    """The kind of log that has such a header; None where it is none we know."""
    if all(set(ONLINE_RETAIL.headers[raw]) & set(header) for raw in ONLINE_RETAIL.required):
        return ONLINE_RETAIL.name
    fits = (name for name, export in EXPORTS.items() if not _missing(export, header))
    return next(fits, None)


def recognize(parts: Parts) -> str | None:
    """The kind of every part (its label and header); None where some or all are unknown."""
    kinds = {kind_of(header): label for label, header in parts}
    if len(kinds.keys() - {None}) > 1:
        named = ", ".join(f"{label} is {kind or 'unknown'}" for kind, label in kinds.items())
        raise SourceUnreadable(
            "log", f"its files are of different kinds: {named}.", next_step="Run them apart."
        )
    return next(iter(kinds)) if len(kinds) == 1 else None


def source_of(kind: str, parts: Parts, *, with_tax_and_shipping: bool = False) -> Source:
    """How to read the ``parts`` of a log of that kind, under the headers they really have.

    Tax and shipping are taken out of totals where the log states them, unless told otherwise.
    """
    if kind == ONLINE_RETAIL.name:
        return ONLINE_RETAIL
    export = EXPORTS[kind]
    for label, header in parts:
        if missing := _missing(export, header):
            wanted = ", ".join(" or ".join(export.spellings[raw]) for raw in missing)
            raise SourceUnreadable(
                label,
                f"it is no {export.title}: there is no column {wanted}.",
                next_step="Export it again with that column, or name another --kind.",
            )
    headers = {
        raw: spelled
        for raw, names in export.spellings.items()
        if (spelled := _spelled(names, parts)) and not (with_tax_and_shipping and raw in INSIDE)
    }
    taken_out = [raw for raw in INSIDE if raw in headers]
    return Source(
        name=export.name,
        headers=headers,
        required=export.recognized_by,
        has_articles=False,
        value_definition=_value_definition(taken_out),
        export=export,
    )


def _value_definition(taken_out: list[str]) -> str:
    said = "order totals as charged"
    if taken_out:
        said += f", without {' and '.join(taken_out)}"
    included = [raw for raw in INSIDE if raw not in taken_out]
    return f"{said}, {' and '.join(included)} included" if included else said


def _spelled(names: Sequence[str], parts: Parts) -> tuple[str, ...]:
    """The headers of the parts that are one of ``names``, in the order of ``names``."""
    there = [header for _, headers in parts for header in headers]
    found = [header for name in names for header in there if _plain(header) == _plain(name)]
    return tuple(dict.fromkeys(found))


def _missing(export: Export, header: Sequence[str]) -> list[str]:
    here, names = [("", header)], export.spellings
    return [raw for raw in export.recognized_by if not _spelled(names[raw], here)]


def _plain(header: str) -> str:
    """A header without what differs between versions: capitals, blanks and signs."""
    return re.sub("[^a-z0-9#]+", "", header.lower())

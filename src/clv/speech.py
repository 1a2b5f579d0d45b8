"""Numbers, dates and sentences in the reader's language.

``messages.toml`` holds one thing to say under each name, in every language we speak; none can
be in one alone. Everything people read on a page goes through a :class:`Speech`, so that a
figure and the sentence around it follow the same habits of writing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import tomllib
from importlib import resources
from typing import Literal, NamedTuple

from babel import Locale
from babel.dates import format_date, format_interval
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent, get_currency_symbol

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "es")
NAMES: dict[Language, str] = {"en": "English", "es": "Español"}
LOCALES: dict[Language, str] = {"en": "en_GB", "es": "es"}

NOTHING = "–"


class Text(NamedTuple):
    """One thing to say; ``{names}`` in braces are filled in when it is said."""

    en: str
    es: str


_MESSAGES = resources.files("clv").joinpath("messages.toml").read_text(encoding="utf-8")
TEXTS = {name: Text(**{"en": name, **said}) for name, said in tomllib.loads(_MESSAGES).items()}


@dataclasses.dataclass(frozen=True)
class Speech:
    """A language, and the currency amounts are in: an ISO code, None where it is unknown."""

    language: Language
    currency: str | None = None

    def __call__(self, name: str, /, **values: object) -> str:
        return str(getattr(TEXTS[name], self.language)).format(**values)

    def label(self, name: str, /, **values: object) -> str:
        """The same with a capital, as a heading."""
        said = self(name, **values)
        return said[0].upper() + said[1:]

    @property
    def locale(self) -> str:
        return LOCALES[self.language]

    @property
    def separators(self) -> str:
        """The decimal mark and the one between thousands, as Plotly wants them."""
        symbols = Locale.parse(self.locale).number_symbols["latn"]
        return f"{symbols['decimal']}{symbols['group']}"

    def number(self, value: float | None, digits: int = 0) -> str:
        if value is None or math.isnan(value):
            return NOTHING
        return format_decimal(value, f"#,##{0:.{digits}f}", locale=self.locale)

    def money(self, value: float | None, digits: int = 0) -> str:
        """An amount with its currency, in whole units unless ``digits`` says otherwise."""
        if value is None or math.isnan(value):
            return NOTHING
        value = round(value, digits) + 0.0  # half a unit less than nothing is nothing
        if self.currency is None:
            return self.number(value, digits)
        pattern = Locale.parse(self.locale).currency_formats["standard"].pattern
        pattern = pattern.replace("0.00", f"{0:.{digits}f}")
        # Spanish has no sign of its own for a pound and would write GBP, British English US$.
        sign = get_currency_symbol(self.currency, locale="en")
        if sign[-1].isalpha():
            pattern = pattern.replace("¤#", "¤\xa0#")
        return format_decimal(value, pattern.replace("¤", f"'{sign}'"), locale=self.locale)

    def rough(self, value: float | None) -> str:
        """An amount to three figures: a forecast's next one would claim more than is known."""
        if value is None or not math.isfinite(value) or value == 0:
            return self.money(value)
        digits = 2 - math.floor(math.log10(abs(value)))
        return self.money(round(value, digits))

    def between(self, ends: tuple[float, float] | None) -> str:
        """A range of amounts to three figures each, where there is any."""
        return " – ".join(map(self.rough, ends or (None,)))

    def percent(self, share: float | None, digits: int = 0) -> str:
        """0.25 is 25 %."""
        if share is None or math.isnan(share):
            return NOTHING
        pattern = Locale.parse(self.locale).percent_formats[None].pattern
        pattern = pattern.replace("0", f"{0:.{digits}f}")
        return format_percent(share, pattern, locale=self.locale)

    def change(self, share: float, digits: int = 0) -> str:
        """0.25 is +25 %, with its sign."""
        return f"{'-' if share < 0 else '+'}{self.percent(abs(share), digits)}"

    def chance(self, probability: float | None) -> str:
        """A probability; what is not certain is never said to be."""
        if probability is not None and 0.0 < probability < 0.01:
            return f"< {self.percent(0.01)}"
        if probability is not None and 0.99 < probability < 1.0:
            return f"> {self.percent(0.99)}"
        return self.percent(probability)

    def date(self, day: dt.date | None, *, short: bool = False) -> str:
        """A day; ``short`` where there is no room for the name of its month."""
        width = "medium" if short else "long"
        return NOTHING if day is None else format_date(day, width, locale=self.locale)

    def month(self, month: str) -> str:
        """``YYYY-MM`` as a short name and a year."""
        day = dt.date.fromisoformat(f"{month}-01")
        return format_date(day, "MMM y", locale=self.locale)

    def days(self, first: dt.date, last: dt.date) -> str:
        return format_interval(first, last, "yMMMd", locale=self.locale)

    def month_of_year(self, month: int) -> str:
        """1 is January."""
        return format_date(dt.date(2000, month, 1), "LLLL", locale=self.locale)

    def listing(self, parts: list[str]) -> str:
        return format_list(parts, locale=self.locale)

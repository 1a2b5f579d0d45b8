"""Every text in both languages, none missing, none half translated."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from clv import narrative, page
from clv.charts import messages as charts
from clv.dashboard import messages as dashboard
from clv.data.preprocess import RULES, RULES_OF_SOME
from clv.models import segments

CATALOGS = {
    "charts": charts.TEXTS,
    "narrative": narrative.TEXTS,
    "dashboard": dashboard.TEXTS,
    "page": page.TEXTS,
}
EVERY = [(catalog, key) for catalog, texts in CATALOGS.items() for key in texts]
WITHOUT_WORDS = {"because", "group_alt"}


def placeholders(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize(("catalog", "key"), EVERY)
def test_a_text_says_the_same_figures_in_both_languages(catalog, key):
    text = CATALOGS[catalog][key]

    assert text.en.strip()
    assert text.es.strip()
    assert placeholders(text.en) == placeholders(text.es)
    assert text.en != text.es or key in WITHOUT_WORDS


def test_every_rule_that_refuses_a_line_has_words():
    of_totals = {"tax_and_shipping"}  # refuses no line, so the ladder has no step for it

    assert {*RULES, *RULES_OF_SOME} - of_totals <= narrative.TEXTS.keys()


def test_every_reason_and_every_confidence_has_words():
    documented = set(re.findall(r"``([a-z_]+)``  ", segments.reason_flags.__doc__))

    assert len(documented) == 7
    assert documented <= dashboard.TEXTS.keys()
    assert {f"confidence_{word}" for word in ("high", "medium", "low")} <= dashboard.TEXTS.keys()

"""Every text in both languages, none missing, none half translated, none that nobody says."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

import clv
from clv.data.preprocess import RULES, RULES_OF_SOME
from clv.models import segments
from clv.speech import TEXTS

# Names that are put together where they are said, by what they begin with.
FAMILIES = ("tier_", "rfm_", "left_out_", "ladder_", "reason_", "confidence_", "problem_")
FAMILIES += ("page_", "measure_", "show_", "overdue", "protect", "second_order", "sales ")
FAMILIES += ("less ", "before ", "range_", "order totals ", "driver_")
FAMILIES += ("finding_", "moved_", "review_")


def placeholders(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_says_the_same_figures_in_both_languages(name):
    text = TEXTS[name]

    assert text.en.strip()
    assert text.es.strip()
    assert placeholders(text.en) == placeholders(text.es)
    assert text.en != text.es


def test_nothing_is_kept_that_nobody_says():
    package = Path(clv.__file__).parent
    said = "".join(path.read_text() for end in ("py", "html") for path in package.rglob(f"*.{end}"))

    alone = [name for name in TEXTS if not name.startswith(FAMILIES)]
    assert [name for name in alone if not re.search(f"[\"']{name}[\"']", said)] == []


def test_every_rule_that_refuses_a_line_has_words():
    of_totals = {"tax_and_shipping"}  # refuses no line, so the ladder has no step for it

    assert {f"ladder_{rule}" for rule in {*RULES, *RULES_OF_SOME} - of_totals} <= TEXTS.keys()


def test_every_reason_and_every_confidence_has_words():
    documented = re.findall(r"``([a-z_]+)``  ", segments.reason_flags.__doc__)

    assert len(documented) == 7
    assert {f"reason_{code}" for code in documented} <= TEXTS.keys()
    assert {f"confidence_{word}" for word in ("high", "medium", "low")} <= TEXTS.keys()

"""A chart is a picture any page can show: well-formed, tall as its numbers, named in words."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from clv.store.mlflow.chart import Bars

SVG = "{http://www.w3.org/2000/svg}"


def heights(bars):
    """The height of every bar, by what it says when pointed at."""
    root = ElementTree.fromstring(bars.svg())
    found = {}
    for box in root.iter(f"{SVG}rect"):
        said = box.find(f"{SVG}title")
        if said is not None and ":" in said.text:
            found[said.text] = float(box.attrib["height"])
    return found


def test_bars_are_as_tall_as_their_numbers():
    bars = Bars("Title", "days", ("a", "b"), (50.0, 0.0), (100.0, 25.0))

    tall = heights(bars)

    assert len(tall) == 4
    unit = tall["a: 100 days observed"] / 100
    assert tall["a: 50 days expected"] == pytest.approx(50 * unit)
    assert tall["b: 0 days expected"] == 0
    assert tall["b: 25 days observed"] == pytest.approx(25 * unit)


@pytest.mark.parametrize(
    "bars",
    [
        Bars("<&\"'>", "<days>", ("<a>",), (1.0,), (2.0,)),
        Bars("none", "days", (), (), ()),
        Bars("nothing", "days", ("a",), (0.0,), (0.0,)),
    ],
)
def test_any_words_and_any_numbers_are_well_formed(bars):
    root = ElementTree.fromstring(bars.svg())

    assert root.attrib["aria-label"] == bars.title
    assert "script" not in bars.svg()

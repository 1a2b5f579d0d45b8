"""Numbers, money and dates as readers of each language write them."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from clv.speech import LANGUAGES, NOTHING, Speech, Text

ENGLISH, SPANISH = Speech("en", "GBP"), Speech("es", "GBP")


@pytest.mark.parametrize(
    ("speech", "money", "cents", "share", "day"),
    [
        (ENGLISH, "£1,234,568", "£0.50", "26%", "9 December 2011"),
        (SPANISH, "1.234.568\xa0£", "0,50\xa0£", "26\xa0%", "9 de diciembre de 2011"),
    ],
)
def test_a_figure_is_written_as_its_readers_write_it(speech, money, cents, share, day):
    assert speech.money(1_234_567.8) == money
    assert speech.money(0.5, 2) == cents
    assert speech.percent(0.256) == share
    assert speech.date(dt.date(2011, 12, 9)) == day


def test_a_share_above_a_thousand_percent_keeps_its_digits():
    assert ENGLISH.percent(12.5) == "1,250%"


def test_the_plotly_separators_are_those_of_the_numbers():
    assert ENGLISH.separators == ".,"
    assert SPANISH.separators == ",."


@pytest.mark.parametrize(
    ("value", "said"),
    [(8_785_764.0, "£8,790,000"), (1_234.0, "£1,230"), (95.6, "£96"), (0.0, "£0")],
)
def test_a_forecast_claims_three_figures_and_no_more(value, said):
    assert ENGLISH.rough(value) == said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("unknown", [None, math.nan])
def test_what_is_not_known_is_a_dash(language, unknown):
    speech = Speech(language, "EUR")

    said = {speech.number(unknown), speech.money(unknown), speech.percent(unknown)}
    said |= {speech.chance(unknown), speech.rough(unknown), speech.date(None)}
    assert said == {NOTHING}


@pytest.mark.parametrize(("chance", "said"), [(0.004, "< 1%"), (0.996, "> 99%"), (0.0, "0%")])
def test_what_is_not_certain_is_not_said_to_be(chance, said):
    assert ENGLISH.chance(chance) == said


def test_a_text_cannot_be_made_in_one_language_alone():
    with pytest.raises(TypeError):
        Text(en="only English")


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (-1234.6, "EUR", "-€1,235"),
        (-0.4, "GBP", "£0"),
        (12, "SEK", "SEK\xa012"),
        (1234, None, "1,234"),
    ],
)
def test_money_is_whole_units_with_the_sign_before_the_currency(amount, currency, said):
    assert Speech("en", currency).money(amount) == said

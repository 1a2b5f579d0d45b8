"""What moved a forecast, in the reader's words."""

from __future__ import annotations

import numpy as np
import pytest

from clv.models.features import FEATURES
from clv.narrative import drivers, rests_on
from clv.speech import LANGUAGES, Speech


def row(**contributions):
    return np.array([contributions.get(name, 0.0) for name in FEATURES])


def test_the_strongest_come_first_and_say_which_way():
    moved = row(pace=np.log(1.12), overdue=np.log(0.7), day_value=np.log(1.02), returns=-0.015)

    assert drivers(Speech("en"), moved) == [
        "The silence against their own pace lowers the forecast by 30%",
        "How often they buy raises the forecast by 12%",
        "What they spend on a day of purchase raises the forecast by 2%",
    ]
    assert drivers(Speech("es"), moved)[0] == (
        "El silencio frente a su propio ritmo baja el pronóstico un 30\xa0%"
    )


def test_what_hardly_moves_a_forecast_is_not_named():
    assert drivers(Speech("en"), row(pace=0.009, returns=-0.009)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_can_move_a_forecast_has_words(language):
    said = [drivers(Speech(language), row(**{name: 0.1}))[0] for name in FEATURES]

    assert len(set(said)) == len(FEATURES)


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (31.4, "12 orders, 31 days apart on average, the last one 17 days ago, £2,400 in all."),
        (None, "a single day of purchase, 17 days ago, of £2,400, and on what others did"),
    ],
)
def test_what_a_forecast_rests_on_are_the_customers_own_numbers(gap, said):
    row = {"average_days_between_orders": gap, "historic_number_of_orders": 12}

    words = rests_on(Speech("en", "GBP"), row | {"historic_clv": 2400.0}, 17.0)

    assert words.startswith("It goes by ")
    assert said in words

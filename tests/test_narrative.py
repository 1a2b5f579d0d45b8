"""What moved a forecast, in the reader's words."""

from __future__ import annotations

import numpy as np
import pytest

from clv.models.features import FEATURES
from clv.narrative import drivers
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

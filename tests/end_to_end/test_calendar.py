"""A calendar from the command line to the forecast, the report and live answers."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from clv import cli
from clv.histories import Purchase
from clv.narrative import Narrative
from clv.overview import Overview
from clv.report import make_report
from clv.service import Question, Service
from clv.speech import Speech
from clv.store.workspace import Workspace

CALENDAR = """\
event,from,to,known_from
black friday,2010-11-26,2010-11-28,
black friday,2011-11-25,2011-11-27,2011-10-01
spring sale,2010-03-01,2010-03-10,
spring sale,2011-03-01,2011-03-10,
"""
PLAN = "spring sale,2012-03-01,2012-03-10,2011-11-01\n"


def answering(root, log):
    """The service after the verbs but for the backtest, and what each of them told."""
    told = []

    def verb(*words):
        answer = CliRunner().invoke(cli.app, [*words, "--workspace", str(root)])
        assert answer.exit_code == 0, answer.stderr
        told.append(answer.stderr)
        return answer.stdout

    verb("ingest", str(log), "--calendar", str(root / "campaigns.csv"))
    digest = json.loads(verb("train", "seasonal-pareto-nbd", "--json"))["digest"]
    verb("promote", digest, "--unreviewed")
    verb("predict")
    return Service.open(Workspace(root)), told


@pytest.fixture(scope="module")
def planned(shop_log, tmp_path_factory):
    """A workspace with a calendar, spring of 2012 planned in it, and its service."""
    root = tmp_path_factory.mktemp("planned")
    (root / "campaigns.csv").write_text(CALENDAR + PLAN)
    service, _ = answering(root, shop_log)
    return root, service


def test_the_model_that_answers_has_the_events_of_the_calendar(planned):
    purchases = planned[1].model.purchases

    events = purchases.season.events
    assert events.names == ["black friday", "spring sale"]
    assert events.days[-1].first == dt.date(2012, 3, 1)
    assert {"event_black friday", "event_spring sale"} <= purchases.report.standard_errors.keys()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "On days of “spring sale” customers bought {times} times as often (80% range "),
        ("es", "En los días de «spring sale» los clientes compraron {times} veces lo de otros"),
    ],
)
def test_what_went_with_the_days_of_an_event_is_said_in_the_report(planned, language, said):
    root, service = planned
    speech = Speech(language, "GBP")
    told = Narrative(Overview.open(Workspace(root), service), speech).events

    times = np.exp(service.model.purchases.season.events.effects[1])
    assert said.format(times=speech.number(times, 1)) in told
    assert speech("events_note") in told
    assert told in make_report(Workspace(root)).read_text()


def test_a_changed_calendar_is_computed_anew_and_moves_the_forecast(planned, shop_log, tmp_path):
    shutil.copytree(planned[0], tmp_path, dirs_exist_ok=True)
    assert (
        "".join(answering(tmp_path, shop_log)[1]).count("nothing changed") == 2
    )  # train is silent
    (tmp_path / "campaigns.csv").write_text(CALENDAR)

    service, told = answering(tmp_path, shop_log)

    assert "nothing changed" not in "".join(told)
    before, after = (one.table["predicted_clv"].to_numpy().sum() for one in (planned[1], service))
    assert before != after


def test_orders_sent_are_forecast_with_the_events_of_the_stored_model(planned):
    service = planned[1]
    asked = Question(horizon_days=91, as_of=dt.date(2012, 1, 31))
    orders = [
        Purchase("new", dt.datetime(2011, month, 5, 12), 40.0, str(month)) for month in (8, 10, 12)
    ]
    purchases = service.model.purchases
    lifted = dataclasses.replace(purchases.season.events, effects=(0.0, np.log(5.0)))
    season = dataclasses.replace(purchases.season, events=lifted)
    other = copy.copy(service)
    other.model = dataclasses.replace(
        service.model, purchases=dataclasses.replace(purchases, season=season)
    )
    other._crowd = service._crowd

    (found,), (more,) = (one.purchases(orders, asked) for one in (service, other))

    assert more.row["predicted_clv"] > 1.2 * found.row["predicted_clv"]

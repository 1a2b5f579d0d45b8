"""Plans made known after a cut change nothing that was forecast at it."""

from __future__ import annotations

import datetime as dt

import pytest
from runs import ingest_only

from clv.models.seasonal_pareto_nbd import SeasonalParetoNBD
from clv.pipeline.splits import open_tables, split_at
from clv.pipeline.workbench import workbench

CUT = dt.date(2011, 3, 31)
ALWAYS = ["easter,2010-04-02,2010-04-05,"]
PLANS = [
    "easter,2011-04-22,2011-04-25,{known}",
    "fair,2010-09-10,2010-09-19,{known}",
    "fair,2011-09-09,2011-09-18,{known}",
]


def at_cut(folder, log, known):
    """The model fitted at the cut, and its forecast, where the plans were known on a day."""
    folder.mkdir()
    rows = [*ALWAYS, *(plan.format(known=known) for plan in PLANS)] if known else ALWAYS
    calendar = folder / "calendar.csv"
    calendar.write_text("\n".join(["event,from,to,known_from", *rows]))
    workspace = ingest_only(folder / "shop", log, calendar=calendar)
    with workbench(workspace) as (_, connection):
        summary = split_at(open_tables(connection, workspace), CUT).summary
    model = SeasonalParetoNBD.fit(summary)
    return model, model.expected_transactions(summary, 365).tolist()


@pytest.fixture(scope="module")
def without(shop_log, tmp_path_factory):
    return at_cut(tmp_path_factory.mktemp("calendar") / "without", shop_log, None)


def test_plans_made_known_after_the_cut_change_nothing(without, shop_log, tmp_path):
    assert at_cut(tmp_path / "late", shop_log, "2011-04-01") == without
    assert without[0].season.events.names == ["easter"]


def test_plans_known_on_the_cut_itself_do(without, shop_log, tmp_path):
    model, forecast = at_cut(tmp_path / "known", shop_log, "2011-03-31")

    assert model.season.events.names == ["easter", "fair"]
    assert forecast != without[1]

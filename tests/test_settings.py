"""Settings: where they come from, in which order, and what is refused."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from clv.errors import SettingsError
from clv.options import OPTIONS, WORKSPACE
from clv.settings import Settings, read_settings

EXAMPLE = Path(__file__).parents[1] / "clv.example.toml"


@pytest.fixture
def stored(tmp_path):
    """Writes `clv.toml` of the workspace ``tmp_path``."""
    return (tmp_path / "clv.toml").write_text


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ((None, None, None), 365),
        ((None, None, "horizon_days = 91"), 91),
        ((None, "182", "horizon_days = 91"), 182),
        (("30", "182", "horizon_days = 91"), 30),
        (("30", None, None), 30),
        ((None, "", "horizon_days = 91"), 91),
    ],
)
def test_flags_win_over_environment_over_file_over_defaults(
    tmp_path, monkeypatch, stored, given, holds
):
    flag, variable, line = given
    if variable is not None:
        monkeypatch.setenv("CLV_HORIZON_DAYS", variable)
    if line is not None:
        stored(line)

    assert read_settings(workspace=tmp_path, horizon_days=flag).horizon_days == holds


def test_the_environment_names_the_workspace_whose_file_is_read(tmp_path, monkeypatch, stored):
    stored("margin = 0.25")
    monkeypatch.setenv("CLV_WORKSPACE", str(tmp_path))

    settings = read_settings()

    assert (settings.workspace, settings.margin) == (tmp_path, 0.25)


def test_several_paths_are_joined_as_the_system_joins_paths(monkeypatch):
    monkeypatch.setenv("CLV_SOURCE", os.pathsep.join(["one.csv", "two.csv"]))

    assert read_settings().source == (Path("one.csv"), Path("two.csv"))


@pytest.mark.parametrize(
    "line", ['source = ["a.csv", "/x/b.csv"]', f'source = "a.csv{os.pathsep}/x/b.csv"']
)
def test_paths_in_a_file_are_meant_from_where_it_lies(tmp_path, stored, line):
    stored(line + '\nrates = "rates.csv"\ncalendar = "campaigns.csv"')

    settings = read_settings(workspace=tmp_path)

    assert settings.source == (tmp_path / "a.csv", Path("/x/b.csv"))
    assert settings.rates == tmp_path / "rates.csv"
    assert settings.calendar == tmp_path / "campaigns.csv"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "horizon = 91",
            r"setting horizon: there is no such setting \(clv\.toml\)\. Known: .*horizon_days",
        ),
        (
            "horizon_days = 0",
            r"setting horizon_days: .* not 0 \(clv\.toml\)\. See `clv run --help`",
        ),
        ('horizon_days = "soon"', r"horizon_days: .*not 'soon' \(clv\.toml\)"),
        ("[horizon_days]", r"horizon_days: .*\(clv\.toml\)"),
        ('currency = "pounds"', "currency: .*'pounds'"),
        ("margin = 1.5", "margin: .*1.5"),
        ('basis = "both"', "basis: .*'both'"),
        ("source = 3", r"source: .*\(clv\.toml\)"),
        ("margin = ", r"clv\.toml: the file cannot be read: .*clv\.example\.toml"),
        ("margin = '\xff", r"clv\.toml: the file cannot be read"),
    ],
)
def test_a_setting_of_no_use_is_named_with_its_place_and_value(tmp_path, line, said):
    (tmp_path / "clv.toml").write_bytes(line.encode("latin-1"))

    with pytest.raises(SettingsError, match=said):
        read_settings(workspace=tmp_path)


@pytest.mark.parametrize(
    ("flags", "place"), [({}, "CLV_MARGIN"), ({"margin": "much"}, "command line")]
)
def test_a_bad_value_is_told_from_the_place_that_holds(monkeypatch, flags, place):
    monkeypatch.setenv("CLV_MARGIN", "much")

    with pytest.raises(SettingsError, match=rf"not 'much' \({place}\)"):
        read_settings(**flags)


def test_options_and_settings_are_the_same():
    names = [option.name for option in (WORKSPACE, *OPTIONS)]

    assert sorted(names) == sorted(Settings.model_fields)


def test_each_switch_is_a_setting_of_yes_or_no():
    switches = {option.name for option in OPTIONS if not option.form}

    assert switches == {
        name for name, field in Settings.model_fields.items() if field.annotation is bool
    }


def example_paragraphs():
    paragraphs = EXAMPLE.read_text().strip().split("\n\n")[1:]
    return [[line.removeprefix("# ") for line in text.splitlines()] for text in paragraphs]


def test_the_example_lists_every_setting_with_its_meaning_and_default():
    shown = {}
    for meaning, line in example_paragraphs():
        name, value = line.split(" = ", 1)
        shown[name] = (meaning, None if value == "(not set)" else tomllib.loads(line)[name])

    defaults = {option.name: Settings.model_fields[option.name].default for option in OPTIONS}
    meanings = {option.name: option.meaning for option in OPTIONS}
    assert {name: meaning for name, (meaning, _) in shown.items()} == meanings
    assert {n: tuple(v) if isinstance(v, list) else v for n, (_, v) in shown.items()} == defaults


def test_the_example_with_every_line_taken_up_changes_nothing(tmp_path, stored):
    lines = [line for _, line in example_paragraphs() if not line.endswith("(not set)")]
    stored("\n".join(lines))

    assert read_settings(workspace=tmp_path) == Settings(workspace=tmp_path)

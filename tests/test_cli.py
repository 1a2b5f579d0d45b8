"""The command line as people meet it: answers, refusals, exit codes, and what it costs to load."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from runs import write_orders
from typer.testing import CliRunner

from clv import cli, command, errors, wiring
from clv.options import OPTIONS

COLUMNS = ["--customer-id", "customer", "--date", "at", "--amount", "total"]
REPORTS = {"review", "matured", "drift"}
ORDERS = [(f"c{i}", f"2024-0{m}-{i + 10}", 10 + i * m) for i in range(9) for m in (1, 2, 3)]


@pytest.fixture
def clv(tmp_path, monkeypatch):
    """The command, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli.app, [str(word) for word in words])


@pytest.fixture
def orders(tmp_path):
    return write_orders(tmp_path / "orders.csv", ORDERS)


def test_a_run_of_a_small_log_answers_in_words(clv, orders):
    answer = clv("run", orders, *COLUMNS)

    assert answer.exit_code == 0, answer.stderr
    assert "9 customers are expected to bring" in answer.stdout
    assert "data/processed/predictions.parquet" in answer.stdout
    assert "reaches 2024-07-09 or later" in " ".join(answer.stdout.replace("│", " ").split())
    assert "nothing changed" not in answer.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("run", "orders.csv", *COLUMNS),
        ("ingest", "orders.csv", *COLUMNS),
        ("simulate", "--customers", "20"),
    ],
)
def test_json_is_one_document_and_nothing_else(clv, orders, words):
    answer = clv(*words, "--json")

    assert answer.exit_code == 0
    assert isinstance(json.loads(answer.stdout), dict)
    assert answer.stderr == ""


def test_json_of_a_run_has_what_the_terminal_says_of_review_past_forecasts_and_drift(clv, finished):
    root = Path(shutil.copytree(finished.root, "shop"))

    answers = [
        json.loads(clv(*words, "--workspace", root, "--json").stdout)
        for words in (("run", finished.log), ("predict",))
    ]

    run, predict = answers
    reports = {n: json.loads((root / f"reports/{n}.json").read_text()) for n in REPORTS}
    assert {name: run[name] for name in REPORTS} == reports
    assert reports["review"]["findings"]
    assert {name: predict[name] for name in ("matured", "drift")}.items() <= reports.items()
    assert run.keys() - REPORTS == {"etl", "forecast"}
    assert predict["customers"] == run["forecast"]["customers"]


def test_json_of_a_run_without_a_backtest_has_no_review(clv, orders):
    assert json.loads(clv("run", orders, *COLUMNS, "--json").stdout)["review"] is None


def test_each_verb_can_be_called_by_itself_in_turn(clv, orders):
    assert clv("ingest", orders, *COLUMNS).exit_code == 0
    digest = json.loads(clv("train", "pareto-nbd", "--json").stdout)["digest"]
    refused = clv("promote", digest)
    assert refused.exit_code == 8
    assert "Run `clv backtest --model pareto-nbd` first." in refused.stderr
    assert "unreviewed" in clv("promote", digest, "--unreviewed").stdout
    scored = json.loads(clv("predict", "--horizon-days", "91", "--json").stdout)

    assert (scored["customers"], scored["horizon_days"]) == (9, 91)
    assert scored["horizon_validated"] == "extrapolated"
    assert digest in Path("reports/report.html").read_text()


def test_a_model_promoted_over_a_table_is_said_to_leave_it_and_the_report_behind(clv, orders):
    assert clv("run", orders, *COLUMNS).exit_code == 0
    digest = json.loads(clv("train", "pareto-nbd", "--json").stdout)["digest"]

    for _ in range(2):
        promoted = clv("promote", digest, "--unreviewed")
        assert "`clv predict` makes them anew" in " ".join(promoted.stderr.split())
    assert clv("predict").exit_code == 0
    assert digest in Path("reports/report.html").read_text()
    assert "anew" not in clv("promote", digest, "--unreviewed").stderr


def test_where_the_log_carries_no_model_predict_does_not_send_round_in_circles(clv):
    write_orders(Path("once.csv"), [("a", "2024-01-02", 5), ("b", "2024-01-03", 7)])
    assert clv("run", "once.csv", *COLUMNS).exit_code == 4

    said = clv("predict").stderr

    assert "Run `clv run`: it makes one, or says what the log lacks for it." in said


def test_a_simulated_shop_is_said_to_be_one(clv, shop_log, monkeypatch):
    answer = clv("ingest", shop_log)

    assert answer.stdout.startswith("SIMULATED")
    assert json.loads(clv("ingest", shop_log, "--json").stdout)["simulated"] is True


REFUSED = {
    "missing": (["run", "nowhere.csv"], 3, "nowhere.csv: there is no such file."),
    "pattern": (["run", "orders-*.csv"], 3, "orders-*.csv: there is no such file."),
    "folder": (["run", "."], 3, "is a folder"),
    "empty": (["run", "empty.csv", *COLUMNS], 3, "empty.csv: the file is empty."),
    "header only": (["run", "header.csv", *COLUMNS], 3, "not a single line"),
    "no such column": (["run", "orders.csv", *COLUMNS[:-1], "sum"], 3, "no column sum"),
    "other columns": (["run", "orders.csv"], 3, "--customer-id, --date and --amount"),
    "part of the columns": (["run", "orders.csv", *COLUMNS[:2]], 2, "needs all three columns"),
    "future": (["run", "future.csv", *COLUMNS], 3, "dated after today"),
    "no date": (["run", "words.csv", *COLUMNS], 3, "1 row has no readable date in column 'at'"),
    "one customer": (["run", "one.csv", *COLUMNS], 4, "1 customer cannot show"),
    "no repeat buyer": (["run", "once.csv", *COLUMNS], 4, "none of 2 customers bought on a second"),
    "unknown model": (
        ["run", "orders.csv", *COLUMNS, "--model", "magic"],
        2,
        "should be 'auto'",
    ),
    "bad value": (["run", "orders.csv", "--horizon-days", "soon"], 2, "horizon_days"),
    "far horizon": (["run", "orders.csv", "--horizon-days", "9999"], 2, "3650"),
    "nothing stored": (["predict"], 6, "Run `clv ingest` first"),
    "no model": (["promote", "0123"], 6, "there is no model 0123"),
    "not a workspace": (
        ["run", "orders.csv", *COLUMNS, "--workspace", "orders.csv"],
        6,
        "cannot write orders.csv: File exists.",
    ),
    "a file in the way": (
        ["run", "orders.csv", *COLUMNS, "--workspace", "blocked"],
        6,
        "cannot write",
    ),
}


@pytest.fixture
def bad_logs(tmp_path, orders):
    (tmp_path / "empty.csv").touch()
    write_orders(tmp_path / "header.csv", [])
    write_orders(tmp_path / "future.csv", [*ORDERS, ("x", "2999-01-01", 3)])
    write_orders(tmp_path / "words.csv", [*ORDERS, ("x", "yesterday", 3)])
    write_orders(tmp_path / "one.csv", [("a", "2024-01-01", 10), ("a", "2024-02-01", 11)])
    write_orders(tmp_path / "once.csv", [("a", "2024-01-01", 10), ("b", "2024-02-01", 11)])
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked/data").write_text("a file where a folder should be")


@pytest.mark.parametrize("mode", [[], ["--json"]], ids=["words", "json"])
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_done_is_said_on_stderr_with_its_exit_code(clv, bad_logs, case, mode):
    words, code, said = case

    answer = clv(*words, *mode)

    assert answer.exit_code == code, answer.stderr
    last = answer.stderr.strip().splitlines()[-1]
    assert said in last
    assert hasattr(errors, last.split(":")[0])
    assert "Traceback" not in answer.output
    if mode and code != 4:
        assert answer.stdout == ""


def test_too_little_data_still_shows_the_ledger_and_ends_with_what_is_possible(clv, bad_logs):
    answer = clv("run", "once.csv", *COLUMNS)

    assert "Net sales we see: 21" in answer.stdout
    assert answer.stderr.strip().endswith("takes a log that reaches 2024-07-01 or later.")
    assert json.loads(clv("run", "once.csv", *COLUMNS, "--json").stdout)["forecast"] is None


def test_a_folder_with_brackets_in_its_name_is_written_as_it_is(clv, orders, tmp_path):
    answer = clv("run", orders, *COLUMNS, "--workspace", "[/b]")

    assert answer.exit_code == 0, answer.stderr
    assert "[/b]/data/processed/predictions.parquet" in answer.stdout


def test_ctrl_c_is_a_stop_with_a_code_of_its_own(clv, orders, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(wiring, "log", stopped)

    answer = clv("run", orders, *COLUMNS)

    assert answer.exit_code == 130
    assert answer.stderr == f"{command.STOPPED}\n"


def test_the_version_is_that_of_the_installed_distribution(clv):
    assert clv("--version").stdout == f"clv {metadata.version('clv-forecaster')}\n"


def test_help_names_every_verb_and_every_setting(clv):
    verbs = (
        "ingest",
        "train",
        "backtest",
        "promote",
        "sync",
        "predict",
        "run",
        "serve",
        "simulate",
    )
    overview = clv("--help").stdout
    assert [verb for verb in verbs if verb not in overview] == []

    wide = {"COLUMNS": "200"}
    pages = [CliRunner().invoke(cli.app, [verb, "--help"], env=wide).stdout for verb in verbs]
    flags = [option.flag for option in OPTIONS if option.commands]
    assert [flag for flag in flags if flag not in "".join(pages)] == []


HEAVY = ("pyarrow", "ibis", "duckdb", "scipy", "numpy", "pandas", "pydantic", "mlflow")


def loaded_by(code):
    """Which heavy packages a fresh interpreter has loaded after ``code``."""
    check = f"{code}\nimport sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    process = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    return process.stdout.strip().splitlines()[-1]


def starting(words):
    """Code that runs the command ``words`` to its end."""
    run = "from clv.cli import main\ntry: main()\nexcept SystemExit: pass"
    return f"import sys; sys.argv = {words!r}\n{run}"


def test_importing_the_package_loads_nothing_heavy_and_little_at_all():
    assert loaded_by("import clv") == "[]"
    assert loaded_by("import clv.cli") == "[]"


@pytest.mark.parametrize(
    ("words", "typers_own"),
    [(["--help"], []), (["run", "--help"], ["pydantic"]), (["--version"], ["pydantic"])],
)
def test_help_loads_nothing_heavy_but_what_typer_itself_asks_for(words, typers_own):
    assert loaded_by(starting(["clv", *words])) == str(typers_own)


def test_the_check_of_what_is_loaded_notices_a_heavy_import():
    assert "pyarrow" in loaded_by("import clv; clv.CustomerSummary")


def test_a_second_run_loads_neither_pandas_nor_scipy(orders, tmp_path):
    # A log too short for a backtest would be tried again in each run.
    later = [(f"c{i}", f"2024-0{m}-{i + 10}", i + m) for i in range(9) for m in (5, 6, 8)]
    log = write_orders(orders, [*ORDERS, *later])
    words = ["clv", "run", str(log), *COLUMNS, "--workspace", str(tmp_path / "shop"), "--json"]
    code = starting(words)

    assert "scipy" in loaded_by(code)
    assert not {"pandas", "scipy"} & set(json.loads(loaded_by(code).replace("'", '"')))

"""The documents say what the project does: figures, tables, settings and links agree."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WRITER = runpy.run_path(str(ROOT / "docs/write.py"))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("notebooks/*.ipynb")])


@pytest.mark.parametrize("name", WRITER["PAGES"])
def test_a_written_page_is_up_to_date(name):
    assert WRITER["PAGES"][name]() == (ROOT / name).read_text(encoding="utf-8"), (
        "run: python docs/write.py"
    )


@pytest.mark.parametrize("readme", WRITER["READMES"])
@pytest.mark.parametrize("figure", ["read", "kept", "customers", "gross", "undone", "net"])
def test_the_prose_of_the_readme_states_the_known_figures(readme, figure):
    value = float(WRITER["FIGURES"]["ledger"][figure])
    text = (ROOT / readme).read_text(encoding="utf-8")

    assert WRITER["in_words"](f"{value:,.0f}", readme) in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_both_readmes_have_the_same_sections_and_commands():
    english, spanish = ((ROOT / name).read_text(encoding="utf-8") for name in WRITER["READMES"])

    assert english.count("\n## ") == spanish.count("\n## ")
    commands = [
        re.findall(r"^(?:make|\.venv/bin/clv) \S+", text, re.M) for text in (english, spanish)
    ]
    assert commands[0] == commands[1]
    assert commands[0]

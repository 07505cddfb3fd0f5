"""A newcomer follows the pages word by word, in an empty folder or in a fresh copy of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from .pages import DOCS, HOW_TO, Newcomer, read_blocks

_PARTS = ["corpus", "table", "sweep"]
_PARTS += ["system", "head", "front-end", "augmentation", "breath-detector", "metric", "folder"]
_SLOW = {"table", "sweep", "folder"}
"""They train several rows."""


def _marked(name: str) -> object:
    return pytest.param(name, marks=pytest.mark.slow) if name in _SLOW else name


@pytest.mark.rows
@pytest.mark.parametrize("name", [*map(_marked, _PARTS)])
def test_how_to_in_an_empty_folder(name: str, tmp_path: Path, miniatures: Path) -> None:
    folder = tmp_path / "empty folder"
    folder.mkdir()
    Newcomer(folder, miniatures).follow(HOW_TO / f"{name}.md")
    if name == "table":
        _check_report(folder / "reports/smoke")


@pytest.mark.rows
def test_one_of_each_is_sound(tmp_path: Path) -> None:
    """All of the page but what trains: `.ci/wheel` follows it to its end."""
    trains = ("bench run", "bench report", "bench sweep")
    Newcomer(tmp_path, Path(), skipped=trains).follow(HOW_TO / "folder.md")


def _check_report(folder: Path) -> None:
    """Three seeds of both rows are in the report, which compares them, as Markdown, HTML, LaTeX."""
    text = (folder / "mine-rounds.smoke.md").read_text(encoding="utf-8")
    assert text.count("3 of 3 seeds") >= 2
    assert "Which rows differ" in text
    assert (folder / "mine-rounds.smoke.html").is_file()
    latex = (folder / "mine-rounds.smoke.tex").read_text(encoding="utf-8")
    assert r"\begin{tabular}" in latex


@pytest.mark.rows
@pytest.mark.parametrize("name", ["start", "score", "detect"])
def test_pages_of_a_first_day(name: str, tmp_path: Path, miniatures: Path) -> None:
    folder = tmp_path / "empty folder"
    folder.mkdir()
    newcomer = Newcomer(
        folder, miniatures, in_process=name != "start"
    )  # one in processes of its own
    newcomer.follow(DOCS / f"{name}.md")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["score", "detect"])
def test_pages_with_the_miniatures_that_a_newcomer_makes(name: str, tmp_path: Path) -> None:
    Newcomer(tmp_path, None).follow(DOCS / f"{name}.md")


def test_every_page_with_commands_to_execute_is_followed() -> None:
    followed = {f"how-to/{name}.md" for name in _PARTS}
    followed |= {"start.md", "score.md", "detect.md"}
    have = {
        str(page.relative_to(DOCS))
        for page in DOCS.rglob("*.md")
        if any(block.language == "console" for block in read_blocks(page))
    }
    assert have == followed


def test_there_is_a_page_for_each_thing_that_can_be_added() -> None:
    names = {page.stem for page in HOW_TO.glob("*.md")} - {"index"}
    assert names == {*_PARTS}

"""`bench report --check`: the command that it names for a stale file cures that file."""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from bench.cards import checked_cards, table_cards
from bench.reports.document import Report
from bench.reports.sweep_report import SweepReport
from tests.reports.made import MADE

FORMATS = ("--format", "html,latex")
FOLDER = ("--output-dir", "my reports")


@pytest.fixture
def environment(tmp_path):
    """The environment of a machine that has nothing."""
    return dict(os.environ) | {"BENCH_WORK": str(tmp_path / "work"), "BENCH_DEVICE": "cpu"}


@pytest.fixture(autouse=True)
def made(monkeypatch):
    """Made reports in place of those of a store. What is drawn is no matter here."""

    def reports(tables, form, config, store, *, detail):
        one = MADE[form]()
        text = one.markdown + "In detail.\n" * detail
        none = tuple(replace(cell, ours=None) for cell in one.cells)
        never = replace(one, stem="made-never", cells=none, scored=False, pictures={})
        return [replace(one, markdown=text), *([never] if len(tables) > 1 else [])]

    monkeypatch.setattr(sys.modules["bench.cli.report"], "build_table_reports", reports)
    monkeypatch.setattr(Report, "draw_figure", lambda _: Figure())
    monkeypatch.setattr(checked_cards, "checked_table_keys", list)
    monkeypatch.setattr(table_cards, "table_key", lambda name: name)


def spoil(*paths: Path, missing: bool = False) -> None:
    for path in paths:
        if missing:
            path.unlink()
        else:
            assert path.is_file()
            path.write_text("by hand", encoding="utf-8")


def cured(bench, *check: str) -> set[str]:
    """Run a check, then every command that it names; return which files it called stale. The same
    check must then find nothing.
    """
    said = bench(*check, "--check")
    found = [re.fullmatch(r"stale: (.*) \(write it with `bench (.+)`\)", line) for line in
             said.stderr.splitlines()]  # fmt: skip
    for command in {line[2] for line in found}:
        done = bench(*shlex.split(command))
        assert done.returncode == 0, done.stderr
    again = bench(*check, "--check")
    assert (again.returncode, again.stderr) == (0, "")
    assert said.returncode == bool(found)
    return {Path(line[1]).name for line in found}


@pytest.mark.rows
@pytest.mark.parametrize(
    ("options", "stem"),
    [
        ((), "made-table1"),
        (FOLDER, "made-table1"),
        (("--smoke", "--detail", *FOLDER), "made-table1.smoke"),
    ],
)
def test_the_command_named_cures_each_file_of_a_table(bench, tmp_path, options, stem):
    asked = ["report", "made/table1", *options]
    texts = {"made-differences.md", *(f"{stem}.{end}" for end in ("md", "csv", "html", "tex"))}
    assert texts < cured(bench, *asked, *FORMATS), "never written"
    (place,) = {path.parent for path in tmp_path.rglob(f"{stem}.*")}
    pictures = {path.name for path in place.iterdir()} - texts
    assert {f"{stem}.{kind}" for kind in ("png", "svg", "pdf")} < pictures
    spoil(*(place / name for name in texts))
    assert cured(bench, *asked) == texts, "a page that is there is looked at unasked"
    spoil(*(path for path in place.iterdir()), missing=True)
    assert cured(bench, *asked, *FORMATS) == texts | pictures
    for name in texts:
        spoil(place / name)
        assert cured(bench, *asked) == {name}


@pytest.mark.rows
def test_the_command_named_cures_each_file_of_all(bench, tmp_path):
    assert "README.md" in cured(bench, "report", "all", *FORMATS)
    place = tmp_path / "reports" / "published"
    names = {"README.md", "made-table1.md", "made-table1.html", "made-differences.md"}
    spoil(*(place / name for name in names))
    (place / "made-never.md").write_text("of a row that is gone", encoding="utf-8")
    assert cured(bench, "report", "all") == names | {"made-never.md"}
    assert not (place / "made-never.md").exists()


@pytest.mark.parametrize("options", [(), ("--smoke",), FOLDER])
def test_the_command_named_cures_each_file_of_a_sweep(bench, tmp_path, monkeypatch, options):
    trials = pd.DataFrame({"trial": [0], "state": ["finished"]})
    draw = {"history": Figure}
    made = SweepReport("sweep-sal-lambda", "text\n", trials, draw)
    monkeypatch.setattr(sys.modules["bench.cli.sweep"], "_build_report", lambda card, here: made)
    asked = ["report", "sweep/sal-lambda", *options]
    assert cured(bench, *asked) == {*made.text_files, *made.render_images}
    (written,) = tmp_path.rglob("sweep-sal-lambda.md")
    spoil(written)
    gone = {"sweep-sal-lambda.csv", "sweep-sal-lambda.history.png"}
    spoil(*(written.parent / name for name in gone), missing=True)
    assert cured(bench, *asked) == {written.name, *gone}

"""Reports name each row as `--rows` takes it, and say what a cell holds before the first cell."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from bench.reports.document import build_report
from bench.reports.render_latex import escape_latex
from tests.reports.judged_files import judged
from tests.tracked_frames import as_files, as_runs

from .made import MADE, PAPER, RUNS, TABLE, frame
from .unrun import EACH_LAYOUT, not_run


def unlinked(text):
    return re.sub(r"\[(.*?)\]\(https?://[^)]*\)", r"\1", text).replace("\\", "")


def keys_of(made):
    """The rows' names in the Markdown's main table, or in its headings."""
    text = made.markdown.partition("The table\n")[2].partition("\n## ")[0]
    if made.table.layout == "matrix":
        lines = re.findall(r"^### (.*?)(?: · .*)?: [a-z ]+$", text, re.MULTILINE)
    else:
        lines = [line.split(" | ")[0][2:] for line in text.splitlines() if line.startswith("| ")]
        assert lines[:2] == ["Row", "---"]
        lines = [line for line in lines[2:] if not line.startswith("**")]
    return [unlinked(line) for line in lines]


@EACH_LAYOUT
def test_every_table_of_the_suite_names_its_rows_as_rows_are_asked_for(keys, subtests):
    for key in keys:
        with subtests.test(key=key):
            made = not_run(key, "paper")
            assert keys_of(made) == [*made.table.rows]
            latex = made.render_extra("latex")
            begins = r"\\multicolumn\{\d+\}\{l\}\{" if made.table.layout == "matrix" else ""
            for row in made.table.rows:
                begin = rf"^{begins}{re.escape(escape_latex(row))}[ ~]"
                assert re.search(begin, latex, re.MULTILINE), row


def test_a_systems_link_stands_at_its_key_where_the_paper_prints_no_more():
    made = not_run("breathnet/table6", "paper")
    assert made.table.rows["Nes2Net-X"].cells == ("Nes2Net-X",)
    assert re.search(r"^\| \[Nes2Net-X\]\(https://\S+\) \|", made.markdown, re.MULTILINE)
    assert re.search(r"^Nes2Net-X~\\cite\{\S+\} &", made.render_extra("latex"), re.MULTILINE)


def test_a_scored_system_named_as_a_row_has_a_name_of_its_own():
    lines = pd.DataFrame([judged("Both", 1)])
    made = build_report(TABLE, PAPER, RUNS, as_runs(frame()), as_files(lines), "paper")
    assert keys_of(made) == [*TABLE.rows, "Both (scored)"]
    assert "| Both (scored) |  |" in made.markdown, "the column System still repeats the names"


@pytest.mark.parametrize("which", MADE)
def test_what_a_cell_holds_is_said_before_the_first(which):
    text = MADE[which]().markdown
    assert text.index("- Each cell: ") < text.index("\n| ")
    page = MADE[which]().render_extra("html")
    assert page.index("<li>Each cell: ") < page.index("<table>")

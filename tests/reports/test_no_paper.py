"""A table that no paper prints holds our results alone, in every form."""

from __future__ import annotations

import re

import pytest

from bench.reports import paper_differences
from bench.reports.citation import format_citation
from bench.reports.document import build_report
from bench.specs.table import Paper, Table
from tests.tracked_frames import as_runs

from .made import MATRIX, PAPER, RUNS, TABLE, Kept, frame, matrix_frame

OWN = Paper(key="made", title="My ablation")


def of_no_paper(table):
    content = table.model_dump(by_alias=True)
    for row in content["rows"].values():
        row.update(paper={}, digest={})
        row["published_only"] = False
    content["rows"].pop("Old")
    return Table.model_validate(content)


def made(table, lines):
    own = of_no_paper(table)
    runs = {row: RUNS[row] for row in own.rows}
    return build_report(own, OWN, runs, as_runs(lines), (), "paper", artifacts=Kept(lines))


@pytest.mark.parametrize(("table", "lines"), [(TABLE, frame()), (MATRIX, matrix_frame())])
@pytest.mark.parametrize("form", ["markdown", "tex"])
def test_only_our_results_stand_in_a_table(table, lines, form):
    one = made(table, lines)
    text = one.markdown if form == "markdown" else one.render_extra("latex")
    cells = [cell.strip() for line in text.splitlines() for cell in re.split(r"\||&", line)]
    assert any(re.search(r"\d\.\d\d", cell) for cell in cells)
    assert not [cell for cell in cells if re.match(r"(–|--) ?(/|<br>)", cell)]
    assert not re.search("paper['’]s figures? beside|the paper's figure|& paper|ours & ", text)


@pytest.mark.parametrize("table", [TABLE, MATRIX])
def test_where_nothing_was_run_there_is_no_picture(table):
    one = made(table, frame().iloc[:0])
    assert not one.has_figure
    assert ".png" not in one.markdown


def test_a_citation_has_what_the_card_has(subtests):
    cases = [
        (PAPER, "A. One, B. Two: *A Made Paper*. Nowhere 2026. https://example.org/paper"),
        (OWN, "*My ablation*."),
        (Paper(key="m", title="T", authors="We"), "We: *T*."),
        (Paper(key="m", title="T", code="https://x.org/c"), "*T*. code: https://x.org/c"),
    ]
    for paper, said in cases:
        with subtests.test(said=said):
            assert format_citation(paper).replace("\\", "") == said
            page = paper_differences.render_differences_page(paper)
            assert not re.search(r"(^|\. )\. ", page, re.MULTILINE)

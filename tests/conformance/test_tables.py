"""Every table card: whole, resolvable in both forms, and true to the paper it is from."""

from __future__ import annotations

import re

import pytest

from bench.cards import table_cards
from bench.conformance.tables import check_table

TABLES = table_cards.table_keys()
PAPER_TEXTS = {"sal": "sal.txt", "tca": "tca.txt"}
"""The others' figures have tests of their own: test_breathnet_tables, and MFPT's two below."""
NO_PAPERS = ("cross", "further", "antideepfake")
OWN_NAMES = {"TCA": ("Ours", "Proposed")}
"""What a paper calls its own system in its tables, where that says little elsewhere."""


def runs_of(key: str):
    """Yield each row of a table that runs, with its run in the paper's form and in smoke form."""
    table = table_cards.read_table(key)
    for row in table_cards.runnable_rows(table):
        yield row, table_cards.resolve_row(table, row), table_cards.resolve_row(table, row, "smoke")


@pytest.mark.rows
def test_a_table_keeps_what_every_table_must_keep(subtests):
    for key in TABLES:
        with subtests.test(key=key):
            assert [str(issue) for issue in check_table(key)] == []


def test_a_table_of_the_suite_has_a_paper_and_its_figures(subtests):
    for key in TABLES:
        with subtests.test(key=key):
            table = table_cards.read_table(key)
            paper = table_cards.read_paper(key.partition("/")[0])
            assert paper.title
            assert paper.differences
            if key.partition("/")[0] not in NO_PAPERS:
                assert any(
                    table.rows[row].published_figures for row in table_cards.runnable_rows(table)
                )


@pytest.mark.rows
def test_smoke_is_never_the_papers_row(subtests):
    for key in TABLES:
        with subtests.test(key=key):
            for row, paper, smoke in runs_of(key):
                if paper.system.takes_waves:  # then it is the system that is small
                    assert smoke.frontend.kind == paper.frontend.kind == "waves", row
                    assert smoke.system != paper.system, row
                else:
                    assert smoke.frontend.kind == "tiny", row
                    assert paper.frontend.kind != "tiny", row
                assert smoke.signature != paper.signature, row
                assert smoke.training_signature != paper.training_signature, row


def test_every_figure_stands_in_the_papers_text(shared, subtests):
    for key in [k for k in TABLES if k.partition("/")[0] in PAPER_TEXTS]:
        with subtests.test(key=key):
            paper, _, name = key.partition("/")
            text = (shared / "papers" / PAPER_TEXTS[paper]).read_text(encoding="utf-8")
            number = name.removeprefix("table")
            body = text.split(f"Table {number}:", 1)[1]
            body = re.sub(r"</?u>", "", re.split(r"Table \d:|3\.4\.", body)[0])
            lines = [line for line in body.splitlines() if "\t" in line]
            for row_name, row in table_cards.read_table(key).rows.items():
                stem = OWN_NAMES.get(row.cells[0], row.cells[0])
                printed = [_figures(line) for line in lines if line.startswith(stem)]
                assert list(row.paper.values()) in printed, (row_name, printed)


def test_mfpts_own_figures_are_its_abstracts(shared):
    """All others are marked as a digest's."""
    abstract = (shared / "papers" / "mfpt-summary.txt").read_text(encoding="utf-8")
    found = {
        figure
        for key in TABLES
        if key.startswith("mfpt/")
        for row in table_cards.read_table(key).rows.values()
        for figure in row.paper.values()
    }
    assert found == {4.5, 0.16}
    assert "EER 4.50%" in abstract
    assert "only 0.16" in abstract


def _figures(line: str) -> list[float]:
    return [float(figure) for figure in re.findall(r"(?<=\t)\d+\.\d+", line)]

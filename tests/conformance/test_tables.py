"""Every table card: whole, resolvable in both forms, and true to the paper it is from."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from bench.cards import corpus_cards as corpora
from bench.cards import table_cards
from bench.specs.run import EarlierTraining

TABLES = table_cards.table_keys()
PAPER_TEXTS = {"sal": "sal.txt", "tca": "tca.txt"}
"""The others' figures have tests of their own: test_breathnet_tables, and MFPT's two below."""
NO_PAPERS = ("cross",)
OWN_NAMES = {"TCA": ("Ours", "Proposed")}
"""What a paper calls its own system in its tables, where that says little elsewhere."""


EACH_TABLE = pytest.mark.parametrize("key", TABLES)


def runs_of(key: str):
    """Yield each row of a table that runs, with its run in the paper's form and in smoke form."""
    table = table_cards.read_table(key)
    for row in table_cards.runnable_rows(table):
        yield row, table_cards.resolve_row(table, row), table_cards.resolve_row(table, row, "smoke")


@EACH_TABLE
def test_a_table_has_a_paper_columns_and_figures(key):
    table = table_cards.read_table(key)
    paper = table_cards.read_paper(key.partition("/")[0])
    assert paper.title
    assert paper.differences
    assert table_cards.runnable_rows(table)
    for name, row in table.rows.items():
        if row.published_only:
            assert row.published_figures, f"{name}: a published row without figures"
            assert row.source, f"{name}: a published row says where its figures are from"
    if key.partition("/")[0] not in NO_PAPERS:
        assert any(table.rows[row].published_figures for row in table_cards.runnable_rows(table))


@EACH_TABLE
def test_rows_resolve_to_things_that_are_there(key):
    for row, run in ((row, run) for row, *forms in runs_of(key) for run in forms):
        assert find_spec(f"bench.models.systems.{run.system.kind}"), row
        assert find_spec(f"bench.models.frontends.{run.frontend.kind}"), row
        stages = [run.start.stage] if isinstance(run.start, EarlierTraining) else []
        for part in (run.augment, run.mix):
            assert part.kind == "none" or find_spec(f"bench.models.augment.{part.kind}"), row
        for data in [data for each in (run, *stages) for data in each.data.values()]:
            card = corpora.read_corpus_card(data.corpus)
            assert data.split in card.splits, row
            if card.resolutions_s and data.resolution_s and data.splice.kind == "none":
                assert data.resolution_s in card.resolutions_s, row


@EACH_TABLE
def test_smoke_is_never_the_papers_row(key):
    for row, paper, smoke in runs_of(key):
        if paper.system.takes_waves:  # then it is the system that is small
            assert smoke.frontend.kind == paper.frontend.kind == "waves", row
            assert smoke.system != paper.system, row
        else:
            assert smoke.frontend.kind == "tiny", row
            assert paper.frontend.kind != "tiny", row
        assert smoke.signature != paper.signature, row
        assert smoke.training_signature != paper.training_signature, row


@EACH_TABLE
def test_rows_of_a_table_have_signatures_of_their_own(key):
    """But for a row that the paper prints twice, in two groups of its table."""
    table = table_cards.read_table(key)
    for form in ("paper", "smoke"):
        found: dict[str, dict[str, float]] = {}
        for row in table_cards.runnable_rows(table):
            signature = table_cards.resolve_row(table, row, form).signature
            published = table.rows[row].published_figures
            assert found.setdefault(signature, published) is published or (
                published and found[signature] == published
            )


@pytest.mark.parametrize("key", [k for k in TABLES if k.partition("/")[0] in PAPER_TEXTS])
def test_every_figure_stands_in_the_papers_text(key, shared):
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

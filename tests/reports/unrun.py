"""The reports of the suite's own tables before anything was run, each made once."""

from __future__ import annotations

from functools import cache

import pytest

from bench.cards import table_cards
from bench.reports.document import build_report

LAYOUTS = (
    "breathnet/table4",  # published rows, cited
    "breathnet/table6",  # a link at a row's key
    "breathnet/table10",  # a matrix
    "mfpt/asvspoof5",  # groups, results of a digest
    "sal/table4",
    "tca/table2",  # many columns
)
"""Tables that differ in layout."""
EACH_LAYOUT = pytest.mark.parametrize(
    "keys",
    [
        pytest.param(LAYOUTS, id="layouts"),
        pytest.param(table_cards.table_keys(), id="every table", marks=pytest.mark.slow),
    ],
)


@cache
def not_run(key, form):
    """The report of one of the suite's tables, of which nothing was run."""
    table = table_cards.read_table(key)
    runs = {
        row: table_cards.resolve_row(table, row, form) for row in table_cards.runnable_rows(table)
    }
    paper = table_cards.read_paper(key.partition("/")[0])
    others = [
        table_cards.read_table(of) for of in table_cards.table_keys() if of.startswith(paper.key)
    ]
    others = [of for of in others if of.key != key]
    return build_report(table, paper, runs, (), (), form, others)

"""The reports of the suite's own tables before anything was run, each made once."""

from __future__ import annotations

from functools import cache

from bench.cards import table_cards
from bench.reports import report
from bench.tracking.run_frame import tidy

from .made import NONE_SCORED


@cache
def not_run(key, form):
    """The report of one of the suite's tables, of which nothing was run."""
    table = table_cards.table(key)
    runs = {row: table_cards.resolve(table, row, form) for row in table_cards.runnable(table)}
    paper = table_cards.paper(key.partition("/")[0])
    others = [table_cards.table(of) for of in table_cards.table_keys() if of.startswith(paper.key)]
    others = [of for of in others if of.key != key]
    return report(table, paper, runs, tidy([]), NONE_SCORED, form, others)

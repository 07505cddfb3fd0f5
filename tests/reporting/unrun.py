"""The reports of the suite's own tables before anything was run, each made once."""

from __future__ import annotations

from functools import cache

from bench import cards
from bench.reporting import report
from bench.tracking.frame import tidy

from .made import NONE_SCORED


@cache
def not_run(key, form):
    """The report of one of the suite's tables, of which nothing was run."""
    table = cards.table(key)
    runs = {row: cards.resolve(table, row, form) for row in cards.runnable(table)}
    paper = cards.paper(key.partition("/")[0])
    others = [cards.table(of) for of in cards.table_keys() if of.startswith(paper.key)]
    others = [of for of in others if of.key != key]
    return report(table, paper, runs, tidy([]), NONE_SCORED, form, others)

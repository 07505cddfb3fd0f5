"""What evaluations are called in figures and reports."""

from __future__ import annotations

from collections.abc import Mapping

from bench.cards import corpus_cards
from bench.specs.run import Run


def name_evaluations(run: Run) -> dict[str, str]:
    """Return what each evaluation of a run is called in plots and reports.

    That is its corpus's short name, `19LA`, with the split where two are of one corpus.
    """
    short = {
        name: corpus_cards.read_corpus_card(data.corpus).short
        for name, data in run.evaluate.items()
    }
    named = list(short.values())
    return {
        name: f"{text} {run.evaluate[name].split}" if named.count(text) > 1 else text
        for name, text in short.items()
    }


def name_all_evaluations(runs: Mapping[str, Run]) -> dict[str, str]:
    """Return what the evaluations of a table's rows are called; of one key the first row's name."""
    names: dict[str, str] = {}
    for run in runs.values():
        names = {**name_evaluations(run), **names}
    return names

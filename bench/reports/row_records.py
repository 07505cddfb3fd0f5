"""The rows of a table for scripts: what each was trained on, its front-end, its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.cards import corpus_cards
from bench.models import weights
from bench.reports.evidence import name_evidence
from bench.reports.result_cells import ResultCells
from bench.specs.run import Run
from bench.specs.table import Table


def build_row_records(
    table: Table, runs: Mapping[str, Run], results: ResultCells
) -> tuple[dict[str, Any], ...]:
    """Return a record for each row of `table`, in its order.

    `runs` holds the settings of the rows that the suite can run. Texts are empty, and the number of
    parameters is None, where nobody here knows.
    """
    with_result = {cell.row for cell in results if cell.ours}
    return tuple(
        {
            "table": table.key,
            "row": name,
            "text": " ".join(row.cells),
            "evidence": name_evidence(row, runs.get(name), has_result=name in with_result),
            "trained_on": _name_training_corpora(runs[name]) if name in runs else row.trained_on,
            **_describe_frontend(runs.get(name)),
        }
        for name, row in table.rows.items()
    )


def _name_training_corpora(run: Run) -> str:
    """Return the short names of the corpora that the row, or a stage before it, was trained on."""
    stages = filter(None, (run.earlier, run))
    return ", ".join(
        dict.fromkeys(corpus_cards.read_corpus_card(each.train.corpus).short for each in stages)
    )


def _describe_frontend(run: Run | None) -> dict[str, Any]:
    """Return the front-end's weights, or its kind where it has none, and its size."""
    name = "" if run is None else str(getattr(run.frontend, "weights", run.frontend.kind))
    published = weights.published_weights().get(name)
    return {"front_end": name, "front_end_parameters": published and published.parameters}

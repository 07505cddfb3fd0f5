"""What the card of a table, of a sweep and of a corpus must keep."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bench.cards import corpus_cards, sweep_cards, table_cards
from bench.conformance.faults import make_fault
from bench.issues import Issue
from bench.specs.run import Run
from bench.specs.sweep import Point, Sweep


def check_table(key: str) -> Iterator[Issue]:
    """Yield what is wrong with a table's card; all its keys are checked where it is read."""
    table = table_cards.read_table(key)
    rows = table_cards.runnable_rows(table)
    if not rows:
        yield make_fault("extension.table-empty", f"{key}: no row can be run")
    for name, row in table.rows.items():
        if row.published_only and not row.published_figures:
            yield make_fault("extension.row-unsourced", f"{key}: rows.{name}: has no result")
        elif row.published_only and not row.source:
            yield make_fault(
                "extension.row-unsourced", f"{key}: rows.{name}: has no source of its results"
            )
    seen: dict[str, str] = {}
    for row in rows:
        paper = table_cards.resolve_row(table, row)
        smoke = table_cards.resolve_row(table, row, "smoke")
        for form, run in (("", paper), (" (smoke form)", smoke)):
            yield from (
                make_fault("extension.data-unknown", f"{key}: rows.{row}{form}: {fault}")
                for fault in _find_data_faults(run)
            )
        if needed := [need.key for part in smoke.parts for need in part.requirements()]:
            yield make_fault(
                "extension.smoke-needs",
                f"{key}: rows.{row}: the smoke form needs {', '.join(needed)}; it should need "
                'nothing of the machine: [smoke] frontend = { kind = "tiny" }',
            )
        # A row that a paper prints in two groups of its table is the same row.
        published = table.rows[row].published_figures
        other = seen.setdefault(paper.signature, row)
        if other != row and table.rows[other].published_figures != published:
            yield make_fault("extension.rows-equal", f"{key}: rows.{row} is as rows.{other}")


def _find_data_faults(run: Run) -> Iterator[str]:
    stages = (run, run.earlier) if run.earlier else (run,)
    for where, data in (item for stage in stages for item in stage.data.items()):
        card = corpus_cards.read_corpus_card(data.corpus)
        if data.split not in card.splits:
            yield f"{where}: {data.corpus} has no split {data.split!r}: {', '.join(card.splits)}"
        on_frames = data.resolution_s is not None and data.splice.kind == "none"
        if on_frames and card.resolutions_s and data.resolution_s not in card.resolutions_s:
            listed = ", ".join(map(str, card.resolutions_s))
            yield f"{where}: {data.corpus} has no labels of {data.resolution_s} s: {listed}"


def list_corners(card: Sweep) -> list[Point]:
    """Return all combinations of the ends of a sweep's dimensions, or of all their values."""
    edges = [dimension.edge_values() for dimension in card.space.values()]
    return [dict(zip(card.space, values, strict=True)) for values in itertools.product(*edges)]


def check_sweep(name: str) -> Iterator[Issue]:
    """Yield what is wrong with a sweep: every corner of its space is a run of its own."""
    for form in ("paper", "smoke"):
        card = sweep_cards.read_sweep(name, form)
        corners = list_corners(card)
        signatures = {sweep_cards.trial_run(card, point).signature for point in corners}
        if len(corners) < 2:
            yield make_fault("extension.sweep-equal", f"{name}: nothing varies")
        elif len(signatures) < len(corners):
            yield make_fault(
                "extension.sweep-equal",
                f"{name}: {len(corners)} corners of its space make {len(signatures)} runs",
            )
    if sweep_cards.base_run(sweep_cards.read_sweep(name, "smoke")).training.epochs > 3:
        yield make_fault("extension.smoke-needs", f"{name}: [smoke] epochs: should be at most 3")

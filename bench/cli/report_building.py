"""The reports of tables, built from the tracking store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.cards import table_cards
from bench.config import Config, Form

if TYPE_CHECKING:
    from bench.reports.document import Report
    from bench.tracking.run_artifacts import OpenStore


def build_table_reports(
    tables: Sequence[str], form: Form, config: Config, store: OpenStore, *, detail: bool
) -> list[Report]:
    """Return the report of each table."""
    from bench.reports import document
    from bench.reports.stored_results import StoredResults

    artifacts = StoredResults(store, config.work)
    built: list[Report] = []
    for key in tables:
        card = table_cards.read_table(key)
        paper, runs = table_cards.read_paper_of(card), table_cards.resolve_rows(card, form)
        stored, scored = store.stored_runs(card.key, form), store.scored_records(card.key, form)
        others = [each for each in table_cards.read_paper_tables(paper.key) if each != card]
        built.append(
            document.build_report(
                card, paper, runs, stored, scored, form, others, artifacts, detail
            )
        )
    return built

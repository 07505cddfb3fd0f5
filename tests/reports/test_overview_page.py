"""The published overview is what the cards and an empty tracking store give."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cards import checked_cards, table_cards
from bench.reports import overview
from bench.reports.stale_files import find_changed_files

from .unrun import not_run

PUBLISHED = Path(__file__).parents[2] / "reports" / "published"


@pytest.mark.slow
def test_the_repository_holds_the_overview_of_its_cards():
    """Where a change is meant: `bench report all` writes it anew."""
    reports = [not_run(key, "paper") for key in table_cards.table_keys()]
    untrained = [
        checked_cards.read_checked_table(key) for key in checked_cards.checked_table_keys()
    ]
    text = overview.render_overview(reports, "paper", untrained)
    assert find_changed_files({overview.NAME: text}, PUBLISHED) == []
    assert overview.find_left_over_files(reports, PUBLISHED) == []

"""What tables cost, from the cards."""

from __future__ import annotations

from bench.launchers import cost_table


def make_pages() -> dict[str, str]:
    """Return the page."""
    return {"costs.md": cost_table.markdown()}

"""A table in Markdown; where it is of smoke runs, its heading says so."""

from __future__ import annotations

from collections.abc import Sequence

from bench.config import Form


def smoke_word(form: Form) -> str:
    """Return what stands before every heading of a smoke report, or nothing."""
    return "SMOKE: " if form == "smoke" else ""


def grid(headings: Sequence[str], lines: Sequence[Sequence[str]], form: Form) -> str:
    """Return a Markdown table, not padded as `bench.markdown.table` is: cells are long here."""
    rows = [[smoke_word(form) + headings[0], *headings[1:]], ["---"] * len(headings), *lines]
    return "\n".join("| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows)


def _escaped(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())

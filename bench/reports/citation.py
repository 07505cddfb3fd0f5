"""A paper as text cites it; a folder of tables may belong to no paper, and say less."""

from __future__ import annotations

from bench._io.markdown import escape_text, fill_template, join_texts
from bench.specs.table import Paper


def format_citation(paper: Paper, *, code: bool = True) -> str:
    """Return authors, title, venue and addresses in Markdown, as far as the card has them.

    With `code`, the address of the released code is added.
    """
    released = f"code: {paper.code}" if code and paper.code else ""
    addresses = ", ".join(filter(None, [paper.url, released]))
    title = fill_template("*{}*", paper.title)
    first = fill_template("{}: {}", paper.authors, title) if paper.authors else title
    parts = [fill_template("{}.", part) for part in (first, paper.venue) if part]
    return join_texts(" ", [*parts, *([escape_text(addresses)] if addresses else [])])

"""What a table in LaTeX cites, as BibTeX: written from facts (`bench.cards.references`)."""

from __future__ import annotations

from urllib.parse import quote

from bench.cards import card_files
from bench.cards.references import Reference, all_references
from bench.reports.render_latex import escape_latex
from bench.specs.table import Table

_PLACES = {"article": "journal", "inproceedings": "booktitle", "misc": "howpublished"}


def format_bibliography(table: Table) -> str:
    """Return the content of a `.bib` file for the references that the rows cite.

    Entries are sorted and in plain ASCII; empty where no row cites any.
    """
    references = all_references(card_files.card_folders("experiments"))
    cited = sorted({row.cite for row in table.rows.values() if row.cite})
    return "\n".join(format_bibtex_entry(key, references[key]) for key in cited)


def format_bibtex_entry(key: str, entry: Reference) -> str:
    """Return one entry. The title is in braces of its own, so that styles keep its capitals."""
    fields = {
        "author": escape_latex(entry.author),
        "title": f"{{{escape_latex(entry.title)}}}",
        _PLACES[entry.kind]: escape_latex(entry.venue),
        "year": str(entry.year),
        "doi": _quote_address(entry.doi),
        "eprint": _quote_address(entry.arxiv),
        "archiveprefix": "arXiv" if entry.arxiv else "",
        "url": _quote_address(entry.page),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{entry.kind}{{{key},", *lines, "}"]) + "\n"


def _quote_address(text: str) -> str:
    """Return an address or identifier without what would end its field or begin a command."""
    return quote(text, safe="!#$%&'()*+,/:;=?@[]~")

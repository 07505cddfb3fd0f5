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
    return format_bibtex_fields(
        entry.kind,
        key,
        author=entry.author,
        title=entry.title,
        venue=entry.venue,
        year=str(entry.year),
        doi=entry.doi,
        arxiv=entry.arxiv,
        page=entry.page,
    )


def format_bibtex_fields(
    kind: str,
    key: str,
    *,
    author: str,
    title: str,
    venue: str,
    year: str,
    page: str,
    doi: str = "",
    arxiv: str = "",
) -> str:
    """Return one entry of its fields; those that are empty are left out."""
    fields = {
        "author": escape_latex(author),
        "title": f"{{{escape_latex(title)}}}",
        _PLACES[kind]: escape_latex(venue),
        "year": year,
        "doi": _quote_address(doi),
        "eprint": _quote_address(arxiv),
        "archiveprefix": "arXiv" if arxiv else "",
        "url": _quote_address(page),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"]) + "\n"


def _quote_address(text: str) -> str:
    """Return an address or identifier without what would end its field or begin a command."""
    return quote(text, safe="!#$%&'()*+,/:;=?@[]~")

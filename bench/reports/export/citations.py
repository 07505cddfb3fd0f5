"""What to cite with a table's results: the suite, the paper, the corpora and the systems."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bench._version import __version__
from bench.cards import card_files, corpus_cards
from bench.cards.references import Reference, all_references
from bench.reports.bibliography import format_bibliography, format_bibtex_fields
from bench.specs.corpus import CorpusCard
from bench.specs.run import Run
from bench.specs.table import Paper, Table

SUITE = "speech-deepfake-bench"
_CORPUS = re.compile(r"(?P<authors>.+?): (?P<title>.+?[.?!]) (?P<venue>.+)", re.DOTALL)
"""How the cards of corpora cite: `Authors: Title. Venue.`"""
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


class CitedWork(NamedTuple):
    """A publication as both BibTeX and CITATION.cff name it; what is not known is empty."""

    key: str
    title: str
    authors: tuple[str, ...]
    venue: str
    year: str
    url: str


def list_cited_works(table: Table, paper: Paper, runs: Mapping[str, Run]) -> list[CitedWork]:
    """Return the paper, the corpora and the systems that the table cites, in this order."""
    references = all_references(card_files.card_folders("experiments"))
    cited = sorted({row.cite for row in table.rows.values() if row.cite})
    systems = (_cite_reference(key, references[key]) for key in cited)
    return [*_list_own_works(paper, runs), *systems]


def _list_own_works(paper: Paper, runs: Mapping[str, Run]) -> Iterator[CitedWork]:
    """Yield the paper, if the table is of one, and the corpora of all rows."""
    if paper.authors and paper.venue:
        yield _cite_paper(paper)
    for key in dict.fromkeys(data.corpus for run in runs.values() for data in run.data.values()):
        yield _cite_corpus(corpus_cards.read_corpus_card(key))


def _cite_paper(paper: Paper) -> CitedWork:
    authors = tuple(paper.authors.split(", "))
    key, year = f"paper:{paper.key}", _find_year(paper.venue)
    return CitedWork(key, paper.title, authors, paper.venue, year, paper.url)


def _cite_corpus(card: CorpusCard) -> CitedWork:
    """Return what a corpus's card cites; where it is in no known form, all of it as the venue."""
    key, match = f"corpus:{card.key}", _CORPUS.fullmatch(card.citation)
    if match is None:
        year = _find_year(card.citation)
        return CitedWork(key, card.name, (), card.citation, year, card.page)
    authors = tuple(match["authors"].replace(", et al.", ", others").split(", "))
    title = match["title"].removesuffix(".")
    venue = match["venue"].removesuffix(".")
    return CitedWork(key, title, authors, venue, _find_year(venue), card.page)


def _cite_reference(key: str, entry: Reference) -> CitedWork:
    authors = tuple(entry.author.split(" and "))
    return CitedWork(key, entry.title, authors, entry.venue, str(entry.year), entry.url)


def _find_year(text: str) -> str:
    years = _YEAR.findall(text)
    return years[-1] if years else ""


def render_bibtex(table: Table, paper: Paper, runs: Mapping[str, Run]) -> str:
    """Return the same as BibTeX, in plain ASCII; rows of the table cite the systems' keys."""
    own = [*_list_own_works(paper, runs)]
    entries = [
        format_bibtex_fields(
            "misc",
            work.key,
            author=" and ".join(work.authors),
            title=work.title,
            venue=work.venue,
            year=work.year,
            page=work.url,
        )
        for work in own
    ]
    return "\n".join(filter(None, [*entries, format_bibliography(table)]))


def render_citation_file(works: Sequence[CitedWork], commits: Sequence[str]) -> str:
    """Return a CITATION.cff (version 1.2.0 of the format) of the suite, with what else to cite."""
    lines = [
        "cff-version: 1.2.0",
        'message: "If you use these results, cite this suite and the works under references."',
        "type: software",
        f"title: {_quote(SUITE)}",
        "authors:",
        f"  - name: {_quote(f'The authors of {SUITE}')}",
        f"version: {_quote(__version__)}",
        "license: Apache-2.0",
    ]
    hashes = [commit for commit in commits if re.fullmatch("[0-9a-f]{7,40}", commit)]
    lines += [f"commit: {_quote(hashes[0])}"] if len(hashes) == 1 else []
    lines += ["references:"] if works else []
    return "\n".join([*lines, *(line for work in works for line in _list_reference(work))]) + "\n"


def _list_reference(work: CitedWork) -> Iterator[str]:
    yield "  - type: generic"
    yield f"    title: {_quote(work.title)}"
    yield "    authors:"
    for author in work.authors or ("unknown",):
        yield f"      - name: {_quote(author)}"
    if work.year:
        yield f"    year: {work.year}"
    if work.venue:
        yield f"    notes: {_quote(work.venue)}"
    if work.url:
        yield f"    url: {_quote(work.url)}"


def _quote(text: str) -> str:
    """Return text as YAML reads it: quoted as in JSON, on one line."""
    return json.dumps(text)

"""The systems that tables print figures of: who published them, and what of them is released."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from bench._io import text_files
from bench.errors import BenchError, near_name, quote_text
from bench.specs.base import Spec
from bench.specs.faults import explain_faults
from bench.specs.table import Table

NAME = "references.toml"
"""Of the file, in the folder of table cards."""
_KEY = re.compile(r"[A-Za-z0-9_:./+-]+")
"""What BibTeX takes for the name of an entry."""
_SHARED = ("url", "code", "weights", "licence", "trained_on")


class Reference(Spec):
    """One publication; what is not known is left out."""

    kind: Literal["article", "inproceedings", "misc"]
    author: str
    """As BibTeX has it: `Family, Given and Family, Given and others`."""
    title: str
    venue: str
    """Journal, proceedings, or preprint server with number."""
    year: int
    doi: str = ""
    arxiv: str = ""
    page: str = ""
    """Address of the publication where it has neither, or where its DOI is not known here."""
    code: str = ""
    """Address of its released code; or `none found`, and when it was looked for."""
    weights: str = ""
    licence: str = ""
    trained_on: str = ""

    @property
    def url(self) -> str:
        """The publication's address: of its DOI, else of its page or preprint; "" without any."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        return self.page or (f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else "")


@lru_cache
def read_references(path: Path) -> Mapping[str, Reference]:
    """Return every entry of the file at `path`, by its key.

    All faults are in one BenchError. None where there is no such file.
    """
    content = text_files.read_toml(path) if path.is_file() else {}
    entries: dict[str, Reference] = {}
    wrong: list[str] = []
    for key, entry in content.items():
        if not _KEY.fullmatch(key):
            wrong.append(f"{path}: {quote_text(key)}: should be letters, digits and `:./+-`")
        try:
            entries[key] = Reference.model_validate(entry)
        except ValidationError as error:
            wrong += [f"{line}" for line in explain_faults(error, f"{path}: {key}", Reference)]
    if wrong:
        raise BenchError("card.invalid", "\n".join(wrong))
    return entries


def all_references(folders: Iterable[Path]) -> dict[str, Reference]:
    """Return the entries of every folder of table cards; of one key the first folder's."""
    entries: dict[str, Reference] = {}
    for folder in folders:
        entries = {**read_references(folder / NAME), **entries}
    return entries


def fill_row(row: dict[str, Any], folders: Iterable[Path]) -> dict[str, Any]:
    """Return a row of a card with what its reference says, where the row says nothing itself."""
    cite = row.get("cite")
    entry = all_references(folders).get(cite) if isinstance(cite, str) else None
    shared = {key: getattr(entry, key) for key in _SHARED} if entry else {}
    return {**{key: value for key, value in shared.items() if value}, **row}


def citation_mistakes(card: Table, folders: Iterable[Path]) -> Iterator[str]:
    """Say which rows cite nothing that there is."""
    known = all_references(folders)
    for name, row in card.rows.items():
        if row.cite and row.cite not in known:
            yield f"rows.{name}.cite = {row.cite!r}: no entry of {NAME}{near_name(row.cite, known)}"

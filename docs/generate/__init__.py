"""The pages that are made from cards, docstrings and the command line, never written by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from generate import (
    api,
    card_keys,
    commands,
    corpora,
    costs,
    error_codes,
    json_kinds,
    metrics,
    systems,
)

_SOURCES: tuple[Callable[[], Mapping[str, str]], ...] = (
    api.make_pages,
    card_keys.make_pages,
    commands.make_pages,
    corpora.make_pages,
    costs.make_pages,
    error_codes.make_pages,
    json_kinds.make_pages,
    metrics.make_pages,
    systems.make_pages,
)


def make_pages() -> dict[str, str]:
    """Return every generated file's text by its path below docs/generated."""
    return {name: text for source in _SOURCES for name, text in source().items()}


def write_pages(folder: Path) -> None:
    """Write every generated file below `folder`, and remove what is there of earlier ones."""
    pages = make_pages()
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

"""Which files of a report are out of date."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.reports.render_html import without_images


def find_changed_files(texts: Mapping[str, str], folder: Path) -> list[Path]:
    """Return the files in `folder` that are missing or differ from the texts, by name.

    Of a page the pictures are not compared: their bytes change with the drawing library.
    """
    return [folder / name for name, text in texts.items() if _read_text(folder / name) != text]


def _read_text(path: Path) -> str | None:
    if not path.is_file():
        return None
    text = path.read_bytes().decode("utf-8", errors="replace")  # what differs is out of date
    return without_images(text) if path.suffix == ".html" else text

"""What the files of several miniatures have in common."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def write_lines(file: Path, lines: Iterable[str]) -> None:
    """Write `lines`, each ended by a line feed on every system, making the folder if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")

"""What tests of miniatures share: sizes, and plain readings of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from bench.synthetic import Size

TINIEST = Size(3, 3, 3, 2, 2, 1, 1, 3, 3, 3, 3, 2, shortest_s=2.0, longest_s=2.1)


def names(root: Path) -> set[str]:
    """Return the paths of all files below `root`."""
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def files(root: Path) -> dict[str, bytes]:
    """Return the content of all files below `root` by their paths."""
    return {name: (root / name).read_bytes() for name in names(root)}


def lines(file: Path) -> list[str]:
    """Return the lines of an ASCII file with line feeds, the last one too."""
    data = file.read_bytes()
    assert data.endswith(b"\n")
    assert b"\r" not in data
    return data.decode("ascii").splitlines()


def rows(file: Path) -> list[list[str]]:
    """Return the columns of each line, single blanks between them."""
    return [line.split(" ") for line in lines(file)]


def heard(file: Path) -> np.ndarray:
    """Return the samples of an audio file."""
    return soundfile.read(file, dtype="int16")[0]

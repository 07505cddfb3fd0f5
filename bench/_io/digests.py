"""Files known by their content, not by where they lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

WHOLE_FILES = 64
"""So many files of a split are read; of the others the size is enough."""


def file_digest(path: Path) -> str:
    """Return the first sixteen hexadecimal digits of the SHA-256 of a file. Raise OSError."""
    state = path.stat()
    return _file_digest(path, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


@cache
def _file_digest(path: Path, *_state: int) -> str:
    """Read a file once however often it is asked for, unless it changes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def list_digest(files: Iterable[tuple[str, Path]], whole: int = WHOLE_FILES) -> str:
    """Return sixteen hexadecimal digits of files by their names, in the order given.

    They cover the size of each file, and the content of at most `whole` of them, spread evenly: to
    read all would take hours for a large corpus. A file that is not there has no size.
    """
    listed = list(files)
    digest = hashlib.sha256()
    there: list[Path] = []
    for name, path in listed:
        try:
            size = str(path.stat().st_size)
            there.append(path)
        except OSError:
            size = "none"
        digest.update(f"{name}\0{size}\n".encode())
    step = max(1, -(-len(there) // whole))
    for path in there[::step]:
        digest.update(file_digest(path).encode())
    return digest.hexdigest()[:16]


def short_digest(named: Mapping[str, str]) -> str:
    """Return eight hexadecimal digits of texts by name; the order of the names plays no part."""
    text = json.dumps(dict(named), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]

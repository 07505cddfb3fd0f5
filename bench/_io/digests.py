"""Files known by their content, not by where they lie."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from bench._io import atomic_files, packed_files

WHOLE_FILES = 64
"""So many files of a split are read; of the others the size is enough."""


LARGE_BYTES = 64_000_000
"""From this size on a digest is worth keeping: reading the file takes a noticeable time."""


def file_digest(path: Path, work: Path | None = None) -> str:
    """Return the first sixteen hexadecimal digits of the SHA-256 of a file. Raise OSError.

    That of a large file is kept in the folder `digests` of the work folder, if one is given: the
    file is read again only when its path, size or times have changed.
    """
    state = path.stat()
    known = (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    if work is None or state.st_size < LARGE_BYTES:
        return _file_digest(path, *known)
    return _kept_digest(path.absolute(), work / "digests", known)


@cache
def _file_digest(path: Path, *_state: int) -> str:
    """Read a file once however often it is asked for, unless it changes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _kept_digest(path: Path, folder: Path, state: tuple[int, ...]) -> str:
    """Return a digest that an earlier process kept, or compute it and keep it."""
    note = folder / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.json"
    expected = [os.fsdecode(path), *state]
    try:
        content: Any = json.loads(note.read_text(encoding="utf-8"))
        if content["state"] == expected:
            return str(content["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # there is none, or a damaged one: it is computed again
    digest = _file_digest(path, *state)
    with suppress(OSError):  # a full or read-only disk keeps none
        atomic_files.write_text(note, json.dumps({"state": expected, "digest": digest}))
    return digest


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
            size = str(packed_files.file_state(path)[0])
            there.append(path)
        except OSError:
            size = "none"
        digest.update(f"{name}\0{size}\n".encode())
    step = max(1, -(-len(there) // whole))
    for path in there[::step]:
        digest.update(_content_digest(path).encode())
    return digest.hexdigest()[:16]


def _content_digest(path: Path) -> str:
    if not packed_files.is_packed(path):
        return file_digest(path)
    with packed_files.open_file(path) as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def short_digest(named: Mapping[str, str]) -> str:
    """Return eight hexadecimal digits of texts by name; the order of the names plays no part."""
    text = json.dumps(dict(named), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]

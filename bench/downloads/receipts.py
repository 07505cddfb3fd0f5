"""What this command brought into a folder, noted there, so that it is not brought twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, cast

from bench._io import atomic_files
from bench.specs.corpus import Download

_FOLDER = ".downloads"


def is_managed(folder: Path) -> bool:
    """Return whether this command has brought anything into the folder."""
    return (folder / _FOLDER).is_dir()


def is_here(folder: Path, item: Download, keys_only: bool) -> bool:
    """Return whether a file, or its keys, was brought and is the one that the card means now."""
    try:
        note: Any = json.loads(_path_of(folder, item).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(note, dict):
        return False
    known = cast("dict[str, Any]", note)
    if known.get("digest") != _digest_of(item):
        return False
    return bool(known.get("whole")) or keys_only


def has_arrived(folder: Path, item: Download) -> bool:
    """Return whether a file lies in the folder as this command brought it.

    It has the checksum of the card, or, where the card has none, that which was noted.
    """
    arrival = read_arrival(folder, item)
    path = folder / item.file
    return (
        arrival is not None
        and path.is_file()
        and path.stat().st_size == arrival["bytes"]
        and item.sha256 in (None, arrival["sha256"])
    )


def read_arrival(folder: Path, item: Download) -> dict[str, Any] | None:
    """Return what was noted when a file came: its `bytes` and `sha256`; None if nothing was."""
    try:
        note: Any = json.loads(_path_of(folder, item).read_text(encoding="utf-8"))
        return {"bytes": int(note["bytes"]), "sha256": str(note["sha256"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_arrival(folder: Path, item: Download) -> None:
    """Note the size and the SHA-256 of a file that came, which its card may not know."""
    path = folder / item.file
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    note = {"file": item.file, "url": item.url, "bytes": path.stat().st_size, "sha256": digest}
    atomic_files.write_text(_path_of(folder, item), json.dumps(note, indent=2) + "\n")


def write_receipt(folder: Path, item: Download, *, whole: bool) -> None:
    """Note that a file was brought: all of it, or its keys."""
    note = {"file": item.file, "url": item.url, "digest": _digest_of(item), "whole": whole}
    atomic_files.write_text(_path_of(folder, item), json.dumps(note, indent=2) + "\n")


def _path_of(folder: Path, item: Download) -> Path:
    return folder / _FOLDER / f"{atomic_files.portable_name(item.file)}.json"


def _digest_of(item: Download) -> str | None:
    return item.sha256 or item.md5

"""The files that runs keep: how many there were, which are there, and what killed uploads left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.tracking.address import folder

COUNT = "files"
"""Tag of a run that is over: how many files it keeps."""
_UPLOADING = ".artifact.uploading."
"""How MLflow begins the name of a file in a local store that is not whole yet."""


def sizes(place: Path) -> dict[str, int]:
    """Return the files in a folder of artifacts: bytes by path below it, with slashes."""
    return {
        path.relative_to(place).as_posix(): path.stat().st_size
        for path in sorted(place.rglob("*"))
        if path.is_file() and not path.name.startswith(_UPLOADING)
    }


def listed(client: Any, run_id: str, below: str | None = None) -> Iterator[tuple[str, int | None]]:
    """Return the files of a run as its store lists them, with their bytes where it says them."""
    for found in client.list_artifacts(run_id, below):
        if found.is_dir:
            yield from listed(client, run_id, found.path)
        else:
            yield found.path, found.file_size


def count(client: Any, run_id: str) -> None:
    """Say at a run of a local store how many files it keeps."""
    place = folder(client.get_run(run_id).info.artifact_uri)
    if place is not None:
        client.set_tag(run_id, COUNT, str(len(sizes(place))))


def clear_uploads(place: Path | None) -> None:
    """Remove what a killed process left half-copied in a run's folder; None: it has none here."""
    for path in place.rglob(f"{_UPLOADING}*") if place is not None else ():
        path.unlink(missing_ok=True)

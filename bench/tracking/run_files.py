"""The files that runs keep: how many there were, which are there, and what killed uploads left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.tracking.address import local_folder

FILE_COUNT = "files"
"""Tag of a run that is over: how many files it keeps."""
_UPLOADING = ".artifact.uploading."
"""How MLflow begins the name of a file in a local store that is not whole yet."""


def file_sizes(folder: Path) -> dict[str, int]:
    """Return the files in a folder of artifacts: bytes by path below it, with slashes."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(_UPLOADING)
    }


def list_artifact_files(
    client: Any, run_id: str, below: str | None = None
) -> Iterator[tuple[str, int | None]]:
    """Return the files of a run as its store lists them, with their bytes where it says them."""
    for entry in client.list_artifacts(run_id, below):
        if entry.is_dir:
            yield from list_artifact_files(client, run_id, entry.path)
        else:
            yield entry.path, entry.file_size


def tag_file_count(client: Any, run_id: str) -> None:
    """Say at a run of a local store how many files it keeps."""
    folder_path = local_folder(client.get_run(run_id).info.artifact_uri)
    if folder_path is not None:
        client.set_tag(run_id, FILE_COUNT, str(len(file_sizes(folder_path))))


def clear_uploads(folder: Path | None) -> None:
    """Remove what a killed process left half-copied in a run's folder; None: it has none here."""
    for path in folder.rglob(f"{_UPLOADING}*") if folder is not None else ():
        path.unlink(missing_ok=True)

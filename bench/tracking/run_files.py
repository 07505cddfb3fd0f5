"""The files that runs keep: how many there were, which are there, and what killed uploads left."""

from __future__ import annotations

import os
import secrets
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


def keep_file(client: Any, run_id: str, path: Path, folder: str | None) -> None:
    """Keep a file with a run, in `folder` of its artifacts or at their top.

    Where the artifacts are on the file's own drive, it is stored once, under both names: whoever
    writes a file of that name later has to write a new one in its place (`atomic_files`).
    """
    local = local_folder(client.get_run(run_id).info.artifact_uri)
    if local is None or not link_file(path, local / (folder or "") / path.name):
        client.log_artifact(run_id, str(path), folder)


def link_file(path: Path, to: Path) -> bool:
    """Give a file one more name, in place of what is there; return whether that can be done."""
    part = to.with_name(f"{_UPLOADING}{secrets.token_hex(4)}")
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, part)
    except OSError:  # another drive, or one that knows no links
        return False
    os.replace(part, to)
    part.unlink(missing_ok=True)  # both were the same file: nothing was moved
    return True


def keep_folder(client: Any, run_id: str, folder: Path) -> None:
    """Keep every file of a folder with a run, below the top of its artifacts, as `keep_file`."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            keep_file(client, run_id, path, path.parent.relative_to(folder).as_posix())

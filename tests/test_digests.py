"""Digests of large files are kept between processes, and computed anew when a file changes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bench._io import digests

CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).hexdigest()[:16]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(digests, "LARGE_BYTES", len(CONTENT))
    (tmp_path / "w.pt").write_bytes(CONTENT)
    return tmp_path / "w.pt"


def count_readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list of files that are read from now on; a new process has none in its memory."""
    read: list[Path] = []
    digests._file_digest.cache_clear()
    compute = digests._file_digest.__wrapped__

    def note(path: Path, *state: int) -> str:
        read.append(path)
        return compute(path, *state)

    monkeypatch.setattr(digests, "_file_digest", note)
    return read


def test_a_large_file_is_read_once_for_all_processes(path, tmp_path, monkeypatch):
    work = tmp_path / "work"
    assert digests.file_digest(path, work) == DIGEST
    read = count_readings(monkeypatch)
    assert digests.file_digest(path, work) == DIGEST
    assert read == []
    times = path.stat()
    path.write_bytes(CONTENT[::-1])  # of the same size, and with the old time
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert digests.file_digest(path, work) == hashlib.sha256(CONTENT[::-1]).hexdigest()[:16]
    assert read == [path]


def test_a_damaged_note_or_a_small_file_is_read(path, tmp_path, monkeypatch):
    work = tmp_path / "work"
    digests.file_digest(path, work)
    (note,) = (work / "digests").iterdir()
    for text in ("", "[]", '{"state": 1}'):
        note.write_text(text)
        assert digests.file_digest(path, work) == DIGEST
    monkeypatch.setattr(digests, "LARGE_BYTES", len(CONTENT) + 1)
    note.unlink()
    assert digests.file_digest(path, work) == DIGEST
    assert [*(work / "digests").iterdir()] == []

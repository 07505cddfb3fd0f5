"""Room on a disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench._io import disk


def test_bytes_in_words(subtests: pytest.Subtests) -> None:
    cases = [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_951, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (12_791_859_200, "13 GB"),
        (5 * 10**18, "5000 PB"),
    ]
    for number, text in cases:
        with subtests.test(number=number):
            assert disk.human_bytes(number) == text


def test_free_bytes_of_a_folder_that_is_to_be_made(tmp_path: Path) -> None:
    free = disk.free_bytes(tmp_path / "not" / "yet")
    assert free > 0
    assert disk.describe_shortage(tmp_path / "not", 0) is None
    text = disk.describe_shortage(tmp_path / "not", 10**21)
    assert text is not None
    assert "1000 EB" not in text
    assert "are needed" in text
    assert "bench prune" in text


def test_files_taken_once_and_no_link_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"x" * 1000)
    work = tmp_path / "work"
    (work / "below").mkdir(parents=True)
    (work / "below" / "a").write_bytes(b"x" * 10)
    os.link(work / "below" / "a", work / "b")
    (work / "link").symlink_to(outside)
    (work / "folder").symlink_to(tmp_path)
    assert disk.taken_bytes(work) == 10
    assert disk.taken_bytes(work / "below", work / "b") == 10
    assert disk.taken_bytes(work / "link", work / "folder", work / "gone") == 0

"""Folders of results: what an earlier file in them says, or cannot say."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import bench.cli.result_files as result_files

TORN = ["", "{", "[]", "{}", '{"a": 1}', "1"]
"""What a stopped write or an editor may leave."""
SIDES = {"names": ["A", "B"], "form": "paper", "a": "a.txt", "b": "b.txt"}


def judged(name: str) -> Any:
    return SimpleNamespace(digest="12345678", file=SimpleNamespace(path=Path(name)))


def test_a_torn_verdict_is_nobodys(tmp_path: Path, subtests: pytest.Subtests):
    earlier = tmp_path / "verdict.json"
    for text in TORN:
        with subtests.test(text=text):
            earlier.write_text(text, encoding="utf-8")
            assert result_files.check_folder(tmp_path, "A", judged("a.txt")).conflict == ""
    earlier.write_text('{"scores": "/b.txt", "digest": "87654321"}', encoding="utf-8")
    conflict = result_files.check_folder(tmp_path, "A", judged("a.txt")).conflict
    assert conflict == f"{tmp_path} holds the verdict of /b.txt"


def test_a_torn_comparison_is_written_over(tmp_path: Path, subtests: pytest.Subtests):
    folder = result_files.comparison_folder(tmp_path, SIDES)
    assert folder == tmp_path / "A-against-B"
    folder.mkdir()
    earlier = folder / "comparison.json"
    for text in TORN:
        with subtests.test(text=text):
            earlier.write_text(text, encoding="utf-8")
            assert result_files.comparison_folder(tmp_path, SIDES) == folder
    earlier.write_text('{"a": "c.txt", "b": "b.txt"}', encoding="utf-8")
    other = result_files.comparison_folder(tmp_path, SIDES)
    assert other.name.startswith("A-against-B-")

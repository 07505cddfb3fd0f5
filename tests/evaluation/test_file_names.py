"""Names of score files: no longer than it takes to tell one from another."""

from __future__ import annotations

from pathlib import Path

from bench.evaluation.file_names import distinct_names


def test_names_are_as_long_as_it_takes(subtests):
    cases = [
        (["a.txt", "x/b.txt"], ["a.txt", "b.txt"]),
        (["LFCC/score.txt", "RawNet2/score.txt"], ["LFCC/score.txt", "RawNet2/score.txt"]),
        (["x/run/eval/s.txt", "y/run/eval/s.txt"], ["x/run/eval/s.txt", "y/run/eval/s.txt"]),
        (["/s.txt", "/a/s.txt"], ["/s.txt", "a/s.txt"]),
        (["s.txt", "s.txt"], ["s.txt", "s.txt"]),
        (["s.txt", "./s.txt"], ["s.txt", "s.txt"]),
        (["a/s.txt", "b/s.txt", "b/t.txt"], ["a/s.txt", "b/s.txt", "b/t.txt"]),
    ]
    for paths, names in cases:
        with subtests.test(paths=paths):
            assert distinct_names([Path(path) for path in paths]) == names

"""Issues of checks: how they are counted, and how one reads."""

from __future__ import annotations

from bench.issues import EXAMPLES_SHOWN, Issues


def test_an_issue_that_never_occurs_is_none() -> None:
    issues = Issues()
    issues.add("error", "corpus.x", "files are missing", ids=[])
    issues.add("error", "corpus.x", "files are missing", 0, lambda: ["a"])
    assert not issues.errors


def test_a_sequence_of_ids_is_counted_and_a_function_is_not_called_before_it_is_needed() -> None:
    issues = Issues(longest_example=3)
    issues.add("warning", "corpus.x", "files are missing", ids=[f"{n}.flac" for n in range(7)])
    issues.add("note", "corpus.y", "left out", 2, lambda: ["abcdef", "b\n"])
    first, second = issues
    assert (first.count, len(first.examples)) == (7, EXAMPLES_SHOWN)
    assert [*first.ids()][-1] == "6.flac"
    assert first.describe(with_count=True, hint=" (all: --list)") == (
        "files are missing (7): 0.f, 1.f, 2.f, 3.f, 4.f, ... (all: --list)"
    )
    assert str(second) == "left out: abc, b\\n"
    assert issues.has("corpus.y")
    assert not issues.errors
    assert second.as_dict()["examples"] == ["abc", "b\n"]

"""What the checks of a score file say: an error that refuses the file, and a list of ids as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench._io import atomic_files
from bench.errors import BenchError
from bench.issues import Issue, Issues

LIST_HEADER = ("finding", "id")
_LONGEST_ID = 80


class UnusableScores(BenchError):
    """A score file that no metric can be computed of. `findings` are all that the checks say."""

    def __init__(self, code: str, message: str, findings: tuple[Issue, ...]) -> None:
        super().__init__(code, message)
        self.findings = findings


def collect_issues(warnings: Iterable[tuple[str, str]] = ()) -> Issues:
    """Return a collector that cuts long ids, with these warnings (code and message) in it."""
    issues = Issues(longest_example=_LONGEST_ID)
    for code, message in warnings:
        issues.add("warning", code, message)
    return issues


def describe_finding(issue: Issue) -> str:
    """Return a finding in one line, and where all its ids can be had."""
    return issue.describe(hint=" (`bench score --problems-file FILE` writes all)")


def refuse_errors(where: object, findings: Sequence[Issue]) -> None:
    """Raise UnusableScores with all errors among the findings, if there are any.

    Warnings follow them: unknown ids may say why others are missing. The code is that of the first
    error.
    """
    errors = [issue for issue in findings if issue.severity == "error"]
    if not errors:
        return
    warnings = [issue for issue in findings if issue.severity == "warning"]
    lines = [f"{describe_finding(issue)} [{issue.code}]" for issue in errors]
    lines += [f"besides, {describe_finding(issue)} [{issue.code}]" for issue in warnings]
    message = "\n- ".join((f"{where}: no metric can be computed:", *lines))
    raise UnusableScores(errors[0].code, message, tuple(findings))


def write_problems(path: Path, findings: Iterable[Issue]) -> int:
    """Write every id that a finding is about as CSV, `finding,id`; return how many.

    BenchError where the file cannot be written, or is there and is no such list.
    """
    rows = [(issue.code, name) for issue in findings for name in issue.ids()]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([LIST_HEADER, *rows])
    atomic_files.write_list(path, text.getvalue(), ",".join(LIST_HEADER))
    return len(rows)

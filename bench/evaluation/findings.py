"""What is noteworthy about a score file: gathered first, shown together, before any figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from bench._io import atomic_files
from bench._io.printable import one_line
from bench.errors import BenchError

Severity = Literal["error", "warning", "note"]
LIST_HEADER = ("finding", "id")
EXAMPLES = 5
Ids = Callable[[], Iterable[str]]
"""Returns the ids that a finding is about."""


@dataclass(frozen=True)
class Finding:
    """One thing found, how often, and the first few places.

    `error`: figures would be wrong or of something else. `warning`: they are right, but not what
    they may be taken for. `note`: what was done.
    """

    severity: Severity
    code: str
    message: str
    count: int = 1
    examples: tuple[str, ...] = ()
    ids: Ids = field(default=tuple, repr=False, compare=False)
    """All utterances it is about, by their ids; none where it is about none in particular."""

    def __str__(self) -> str:
        if not self.examples:
            return self.message
        more = ", ... (`bench score --list FILE` writes all)" * (self.count > len(self.examples))
        return f"{self.message}: {', '.join(map(one_line, self.examples))}{more}"


class Refused(BenchError):
    """A score file of which no figure can be given, and all that was found."""

    def __init__(self, message: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(message)
        self.findings = findings


@dataclass(frozen=True)
class Findings:
    """Gathers findings."""

    found: list[Finding] = field(default_factory=list[Finding])

    def add(
        self,
        severity: Severity,
        code: str,
        message: str,
        count: int = 1,
        ids: Ids = tuple,
        examples: Iterable[str] | None = None,
    ) -> None:
        """Note a finding; a count of zero is none. Examples are the first ids unless given."""
        if count:
            of = islice(ids() if examples is None else examples, EXAMPLES)
            shown = tuple(example[:80] for example in of)
            self.found.append(Finding(severity, code, message, int(count), shown, ids))

    def has(self, code: str) -> bool:
        """Whether something of that code was found."""
        return any(finding.code == code for finding in self.found)


def refuse(where: object, found: Iterable[Finding]) -> None:
    """Raise one `Refused` with all errors among the findings, if there are any, and below them
    the warnings: what is unknown may say why something is missing.
    """
    found = tuple(found)
    lines: dict[Severity, list[str]] = {"error": [], "warning": [], "note": []}
    for finding in found:
        lines[finding.severity].append(f"{finding} [{finding.code}]")
    if lines["error"]:
        warnings = [f"besides, {line}" for line in lines["warning"]]
        text = "\n- ".join((f"{where}: no metric can be computed:", *lines["error"], *warnings))
        raise Refused(text, found)


def write_list(path: Path, found: Iterable[Finding]) -> int:
    """Write every id that a finding is about as CSV, `finding,id`; return how many.

    BenchError where the file cannot be written, or is there and is no such list.
    """
    listed = [(finding.code, name) for finding in found for name in finding.ids()]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([LIST_HEADER, *listed])
    atomic_files.write_list(path, text.getvalue(), ",".join(LIST_HEADER))
    return len(listed)

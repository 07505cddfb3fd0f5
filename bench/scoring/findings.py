"""What is noteworthy about a score file: gathered first, shown together, before any figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from bench.errors import BenchError
from bench.printable import one_line

Severity = Literal["error", "warning", "note"]
EXAMPLES = 5


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

    def __str__(self) -> str:
        more = ", ..." if self.count > len(self.examples) else ""
        return (
            f"{self.message}: {', '.join(map(one_line, self.examples))}{more}"
            if self.examples
            else self.message
        )


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
        examples: Iterable[object] = (),
    ) -> None:
        """Note a finding; a count of zero is none."""
        if count:
            shown = tuple(str(example)[:80] for example in islice(examples, EXAMPLES))
            self.found.append(Finding(severity, code, message, int(count), shown))


def refuse(where: object, found: Iterable[Finding]) -> None:
    """Raise one BenchError with all errors among the findings, if there are any, and below them
    the warnings: what is unknown may say why something is missing.
    """
    lines: dict[Severity, list[str]] = {"error": [], "warning": [], "note": []}
    for finding in found:
        lines[finding.severity].append(f"{finding} [{finding.code}]")
    if lines["error"]:
        warnings = [f"besides, {line}" for line in lines["warning"]]
        raise BenchError(
            "\n- ".join((f"{where}: no figure can be given:", *lines["error"], *warnings))
        )

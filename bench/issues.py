"""Issues that a check reports, collected first and shown together.

Each has a severity and a stable code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from bench._io.printable import one_line

Severity = Literal["error", "warning", "note"]
"""`error`: no result, or results that would be wrong. `warning`: results are right, but not what
they may be taken for. `note`: what was done."""
EXAMPLES_SHOWN = 5
"""How many examples a message shows."""
Ids = Callable[[], Iterable[str]]
"""Returns the ids that an issue is about; asked only when somebody wants all of them."""


def _no_ids() -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Issue:
    """One kind of issue, how often it occurs, and the first few examples."""

    severity: Severity
    code: str
    """`area.name`, explained in `bench.error_codes`."""
    message: str
    count: int = 1
    examples: tuple[str, ...] = ()
    ids: Ids = field(default=_no_ids, repr=False, compare=False)
    """All that it is about (utterances, files, lines); none where the message says it."""

    def describe(self, *, with_count: bool = False, hint: str = "") -> str:
        """Return the message with its examples, on one line.

        `with_count` adds how often it occurs; `hint` follows where not all examples are shown.
        """
        times = f" ({self.count:,})" if with_count and self.count > 1 else ""
        if not self.examples:
            return f"{self.message}{times}"
        more = f", ...{hint}" if self.count > len(self.examples) else ""
        return f"{self.message}{times}: {', '.join(map(one_line, self.examples))}{more}"

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold, without `ids`."""
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "count": self.count,
            "examples": list(self.examples),
        }

    def __str__(self) -> str:
        return self.describe()


@dataclass
class Issues:
    """Collects issues."""

    longest_example: int | None = None
    """Examples are cut to so many characters."""
    _items: list[Issue] = field(default_factory=list[Issue])

    def add(
        self,
        severity: Severity,
        code: str,
        message: str,
        count: int | None = None,
        ids: Ids | Sequence[str] | None = None,
        examples: Iterable[str] | None = None,
    ) -> None:
        """Add an issue; one that occurs zero times is none.

        `count` is the number of ids where these are a sequence, else 1, unless given. The examples
        are the first ids unless given.
        """
        if ids is None or callable(ids):
            list_ids, implied = ids or _no_ids, 1
        else:
            list_ids, implied = (lambda: ids), len(ids)
        count = implied if count is None else int(count)
        if not count:
            return
        first = islice(list_ids() if examples is None else examples, EXAMPLES_SHOWN)
        cut = tuple(example[: self.longest_example] for example in first)
        self._items.append(Issue(severity, code, message, count, cut, list_ids))

    def extend(self, issues: Iterable[Issue]) -> None:
        """Add issues that another check found."""
        self._items.extend(issues)

    def has(self, code: str) -> bool:
        """Return whether there is an issue with this code."""
        return any(issue.code == code for issue in self)

    def select(self, severity: Severity) -> list[Issue]:
        """Return the issues of one severity."""
        return [issue for issue in self if issue.severity == severity]

    @property
    def errors(self) -> list[Issue]:
        """The issues that allow no result."""
        return self.select("error")

    def __iter__(self) -> Iterator[Issue]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

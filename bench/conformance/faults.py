"""How checks collect faults, those of foreign code too."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.errors import BenchError
from bench.issues import Issue

Check = Callable[[], Iterator[Issue]]


def make_fault(code: str, message: str) -> Issue:
    """Return an error."""
    return Issue("error", code, message)


def run_check(check: Check) -> tuple[Issue, ...]:
    """Return the issues of a check; what it raises is one more.

    Parts of extensions may raise anything: the issue then says where.
    """
    issues: list[Issue] = []
    try:
        issues.extend(check())
    except BenchError as error:
        issues.append(make_fault(error.code, str(error)))
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        message = f"{type(error).__name__}: {error} ({where})"
        issues.append(make_fault("extension.part-fails", message))
    return tuple(issues)

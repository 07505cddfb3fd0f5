"""Commands other than `bench run`, as units of a submission."""

from __future__ import annotations

from collections.abc import Sequence

from bench.cluster.submission import SubmittedUnit
from bench.cluster.submit import RunRequested


def build_units(arguments: Sequence[str], count: int) -> list[SubmittedUnit]:
    """Return a command as units; several are workers on one thing.

    >>> [unit.name for unit in build_units(["sweep", "sal-lambda"], 2)]
    ['sweep-1', 'sweep-2']
    """
    names = [arguments[0]] if count == 1 else [f"{arguments[0]}-{n + 1}" for n in range(count)]
    return [SubmittedUnit(name, tuple(arguments)) for name in names]


def describe_request(arguments: Sequence[str]) -> RunRequested:
    """Return what is known of such a submission: the verb."""
    return RunRequested(arguments[0])

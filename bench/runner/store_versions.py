"""By which versions the runs of a tracking store were made, and which rows `bench run` repeats.

Code and settings alone are compared, so it takes moments; `bench status` compares data and weights
as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from bench import provenance
from bench._version import __version__
from bench.cards import table_cards
from bench.config import Config, Form
from bench.runner.row_status import NOT_RUN, SETTINGS, RowStatus, row_statuses
from bench.smoke import smoke_option
from bench.specs.table import Table
from bench.tracking.stored_runs import StoredRun, read_stored_runs
from bench.tracking.table_runs import runs_by_table

_FORMS: tuple[Form, ...] = ("paper", "smoke")


class OlderRows(NamedTuple):
    """Rows of a table that today's code or settings would make anew."""

    table: str
    form: Form
    rows: tuple[str, ...]
    made_by: str
    """The suite's version that made them."""
    changed: str
    """What is another by now: `system sal (version 1 -> 2)`."""
    is_trained: bool
    """Whether they are trained again, or only their results are computed again."""

    def describe(self) -> str:
        """Return them in a line, with the command that renews them."""
        does = "trains them again" if self.is_trained else "computes their results again"
        command = f"bench run {self.table} --rows {','.join(self.rows)}{smoke_option(self.form)}"
        made_by = f" by {self.made_by}" if self.made_by else ""
        return f"{', '.join(self.rows)}{made_by}: {self.changed}: `{command}` {does}"


class StoreVersions(NamedTuple):
    """What made the finished runs of a store."""

    count: int
    made_by: tuple[str, ...]
    """The suite's versions."""
    packages: tuple[str, ...]
    """Packages of other versions than those installed: `torch 2.10.0 (now 2.11.0)`."""
    older: tuple[OlderRows, ...]

    def describe(self) -> str:
        """Return all but the older rows, in a line."""
        if not self.count:
            return f"no finished run; {__version__} is installed"
        made_by = ", ".join(map(_compare_with_installed, self.made_by)) or "no version that is kept"
        others = f"; packages then: {', '.join(self.packages)}" if self.packages else ""
        runs = "1 finished run" if self.count == 1 else f"{self.count} finished runs"
        return f"{runs}, made by {made_by}; {__version__} is installed{others}"


def read_store_versions(config: Config) -> StoreVersions:
    """Return what made the finished runs of all tables; BenchError where the store fails."""
    made: list[StoredRun] = []
    older: list[OlderRows] = []
    for form in _FORMS:
        for key, runs in runs_by_table(config, table_cards.table_keys(), form).items():
            stored = read_stored_runs(runs)
            finished = [run for run in stored if run.status == "FINISHED" and not run.overrides]
            if finished:
                made += finished
                older += _find_older_rows(table_cards.read_table(key), form, finished)
    return StoreVersions(
        len(made),
        tuple(sorted(_split_texts(run.package for run in made))),
        tuple(_list_other_packages(_split_texts(run.environment for run in made))),
        tuple(older),
    )


def _find_older_rows(
    table: Table, form: Form, finished: Sequence[StoredRun]
) -> Iterator[OlderRows]:
    """Yield a table's rows that are older, those alike together."""
    statuses = row_statuses(table, form, finished, None)
    current = {each.row for each in statuses if each.state not in (NOT_RUN, SETTINGS)}
    alike: dict[tuple[str, str, bool], dict[str, None]] = {}
    for each in statuses:
        if each.state == SETTINGS and (
            each.row in current or each.row not in table_cards.runnable_rows(table)
        ):
            continue  # what has been run anew, or cannot be
        if text := _describe_change(each):
            is_trained = not all(part.startswith("metric ") for part in each.changed or ("",))
            alike.setdefault((each.package, text, is_trained), {})[each.row] = None
    for (made_by, changed, is_trained), rows in alike.items():
        yield OlderRows(table.key, form, tuple(rows), made_by, changed, is_trained)


def _describe_change(status: RowStatus) -> str:
    return SETTINGS if status.state == SETTINGS else ", ".join(status.changed)


def _split_texts(texts: Iterable[str]) -> set[str]:
    """Return the parts of texts that have several with commas between."""
    return {part for text in texts for part in text.split(", ") if part}


def _list_other_packages(made_with: set[str]) -> Iterator[str]:
    now = provenance.package_versions()
    for text in sorted(made_with):
        name, _, number = text.partition(" ")
        if now.get(name, number) != number:
            yield f"{text} (now {now[name]})"


def _compare_with_installed(made_by: str) -> str:
    try:
        made, now = Version(made_by), Version(__version__)
    except InvalidVersion:
        return made_by
    order = "" if made == now else (" (older)" if made < now else " (newer)")
    return f"{made_by}{order}"

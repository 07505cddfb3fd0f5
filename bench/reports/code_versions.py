"""Rows that older code made: reports mark them and compare them only with a warning."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bench import versions
from bench._io.markdown import fill_template, format_code
from bench.cards.table_cards import short_key
from bench.config import Form
from bench.smoke import smoke_option
from bench.specs.table import Table
from bench.tracking.stored_runs import StoredRun

OUTDATED_MARK = "ᵛ"
"""Stands at a result of ours that was made by older code."""
VersionChanges = Mapping[str, tuple[int, int]]
"""By part (`bench.versions`): the version that a row was made by, and the one of now."""


def find_version_changes(runs: Sequence[StoredRun]) -> dict[str, tuple[int, int]]:
    """Return the parts of which runs are of other versions than now."""
    changes: dict[str, tuple[int, int]] = {}
    texts = [run.versions for run in runs] + [run.metrics for run in runs]
    for text in filter(None, dict.fromkeys(texts)):
        changes |= versions.find_outdated(json.loads(text))
    return changes


def format_version_footnote(
    table: Table, row: str, older: VersionChanges, runs: Sequence[StoredRun], form: Form
) -> str:
    """Return which code made a row, what has changed since, and the command that renews it."""
    pairs = older.items()
    changed = ", ".join(f"{part} version {one}; now version {two}" for part, (one, two) in pairs)
    code, cure = _describe_code(runs), _describe_cure(older)
    command = format_code(f"bench run {short_key(table)} --rows {row}{smoke_option(form)}")
    return fill_template(
        OUTDATED_MARK + " {}: by {}, {}: {} {}.", row, code, changed, command, cure
    )


def _describe_cure(older: VersionChanges) -> str:
    if all(part.startswith("metric ") for part in older):
        return "computes its results again from its score files"
    return "trains it again"


def _describe_code(runs: Sequence[StoredRun]) -> str:
    """Return the package's version and the commits of runs: `0.1.0 (a4b3dbe)`."""
    packages = ", ".join(dict.fromkeys(run.package for run in runs if run.package))
    commits = ", ".join(dict.fromkeys(run.commit for run in runs if run.commit))
    return f"{packages} ({commits})" if packages else commits


def add_version_warning(section: str, older: Mapping[str, VersionChanges]) -> str:
    """Return the section that compares rows, with a warning where older code made some of them."""
    rows = ", ".join(row for row, parts in older.items() if parts)
    if not section or not rows:
        return section
    text = fill_template(
        "**From older code ("
        + OUTDATED_MARK
        + "): {}. Such a row may differ from another one because the code differs.**",
        rows,
    )
    return f"{section}\n\n{text}"

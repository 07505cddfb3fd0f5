"""The runs behind a report: code, packages, data and machine of each, and the lock file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bench import provenance
from bench._io.printable import one_line
from bench.reports.document import Report
from bench.reports.export.parts import ENVIRONMENT, MissingPart
from bench.reports.row_runs import RowRuns, SystemFigures
from bench.reports.stored_results import list_drawn_metrics

_TEXTS = (
    *("run_id", "signature", "commit", "lock", "package", "environment", "device"),
    *("precision", "threads", "determinism", "kept_epoch", "why_ended", "data", "contents"),
)
"""Fields of `bench.tracking.stored_runs.StoredRun` that are written as they are."""
_OBJECTS = ("fingerprints", "made_from", "versions", "metrics", "kept_dev", "breaths")
"""Those that hold JSON."""


def list_runs(made: Report) -> list[dict[str, Any]]:
    """Return each run that a result of the report is of."""
    return [
        entry
        for row, stands in made.standings.items()
        for entry in (
            _list_scored_files(row, stands.system, made)
            if stands.system
            else _list_trained(row, stands)
        )
    ]


def _list_trained(row: str, stands: RowRuns) -> list[dict[str, Any]]:
    return [
        {
            "row": row,
            "seed": run.seed,
            **{name: getattr(run, name) for name in _TEXTS},
            **{name: json.loads(getattr(run, name) or "{}") for name in _OBJECTS},
            "begun": run.begun.isoformat(),
            "ended": run.ended.isoformat() if run.ended else "",
            "hours": run.hours,
        }
        for run in stands.runs
    ]


def _list_scored_files(row: str, system: SystemFigures, made: Report) -> list[dict[str, Any]]:
    return [
        {
            "row": row,
            "evaluation": evaluation,
            "run_id": system.find_run_id(evaluation),
            "trials_missing": system.files[evaluation].missing,
        }
        for evaluation in list_drawn_metrics(made.table)
        if evaluation in system.files
    ]


def list_environment_files(runs: list[dict[str, Any]]) -> dict[str, str]:
    """Return the packages that runs had, as pip reads them: one file for each set of packages.

    With them comes `uv.lock`, if it is the one that runs had.
    """
    texts = dict.fromkeys(run["environment"] for run in runs if run.get("environment"))
    files = {
        f"{ENVIRONMENT}/requirements-{number}.txt": _format_requirements(text, runs)
        for number, text in enumerate(texts, 1)
    }
    locks = _list_locks(runs)
    if provenance.lock_digest() in locks:
        path = provenance.ROOT / "uv.lock"
        files[f"{ENVIRONMENT}/uv.lock"] = path.read_text(encoding="utf-8")
    return files


def list_missing_locks(runs: list[dict[str, Any]]) -> list[MissingPart]:
    """Return the lock files, and the packages, that runs had and that cannot be given."""
    here = provenance.lock_digest()
    missing = [
        MissingPart(f"uv.lock {lock}", "", f"it is that of commit {', '.join(commits)}")
        for lock, commits in _list_locks(runs).items()
        if lock != here
    ]
    unsaid = [run["row"] for run in runs if run.get("environment") == ""]
    return missing + [
        MissingPart("list of packages", row, "the run did not record its packages")
        for row in dict.fromkeys(unsaid)
    ]


def _list_locks(runs: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the commits of the runs with each lock file."""
    locks: dict[str, list[str]] = {}
    for run in runs:
        if (lock := run.get("lock", "")) not in ("", "none"):
            commits = locks.setdefault(lock, [])
            commits += [run["commit"]] if run["commit"] not in commits else []
    return locks


def _format_requirements(environment: str, runs: list[dict[str, Any]]) -> str:
    """Return `torch 2.11.0, ...` as a file of requirements; Python is a comment."""
    lines = ["# " + ", ".join(_name_runs(environment, runs))]
    for text in environment.split(", "):
        name, _, version = text.partition(" ")
        known = re.fullmatch(r"[\w.-]+", name) and re.fullmatch(r"[\w.+!-]+", version)
        lines.append(f"{name}=={version}" if known and name != "python" else f"# {one_line(text)}")
    return "\n".join(lines) + "\n"


def _name_runs(environment: str, runs: list[dict[str, Any]]) -> list[str]:
    names: Mapping[str, None] = dict.fromkeys(
        json.dumps(f"{run['row']} seed {run['seed']}")
        for run in runs
        if run.get("environment") == environment
    )
    return [*names]

"""The score files of a report's rows, copied from the tracking store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench._io import atomic_files
from bench.reports.document import Report
from bench.reports.export.parts import SCORES, MissingPart
from bench.reports.row_runs import RowRuns
from bench.reports.stored_results import list_drawn_metrics
from bench.tracking import run_artifacts
from bench.tracking.run_artifacts import OpenStore
from bench.tracking.stored_runs import RunFigures


def copy_score_files(
    made: Report, store: OpenStore, folder: Path, row_folders: Mapping[str, str]
) -> list[MissingPart]:
    """Copy the score file of every row, seed and evaluation; return those that are not there.

    A trained row has `scores/<row>/seed-<seed>/<evaluation>.parquet`; another system has the files
    that were given, in `scores/<row>/<evaluation>`.
    """
    missing: list[MissingPart] = []
    for row, stands in made.standings.items():
        below = folder / SCORES / row_folders[row]
        copy = _copy_given_files if stands.system else _copy_run_files
        evaluations = list_drawn_metrics(made.table)
        missing += copy(row, stands, store, below, [*evaluations])
    return missing


def list_missing_rows(made: Report) -> list[MissingPart]:
    """Return the seeds of rows that have no finished run."""
    return [
        MissingPart(f"run of seed {seed.seed}", row, seed.why)
        for row, stands in made.standings.items()
        for seed in stands.missing
    ]


def _copy_run_files(
    row: str, stands: RowRuns, store: OpenStore, below: Path, evaluations: list[str]
) -> Iterator[MissingPart]:
    for run in stands.runs:
        for evaluation in evaluations:
            if not _has_result(run, evaluation):
                continue
            with run_artifacts.open_score_file(store, run.run_id, evaluation) as path:
                if path is None or not path.is_file():
                    what = f"score file of {evaluation}, seed {run.seed}"
                    yield _describe_lost(what, row, run.run_id)
                else:
                    name = f"seed-{run.seed}/{evaluation}.parquet"
                    _copy_file(path, below / name)


def _copy_given_files(
    row: str, stands: RowRuns, store: OpenStore, below: Path, evaluations: list[str]
) -> Iterator[MissingPart]:
    (system,) = stands.results
    for evaluation in evaluations:
        if not _has_result(system, evaluation):
            continue
        run_id = system.find_run_id(evaluation)
        with run_artifacts.open_given_files(store, run_id) as paths:
            present = [path for path in paths if path.is_file()]
            for path in present:
                name = atomic_files.portable_name(path.name) or "scores"
                _copy_file(path, below / evaluation / name)
            if not present:
                yield _describe_lost(f"score file of {evaluation}", row, run_id)


def _has_result(results: RunFigures, evaluation: str) -> bool:
    """Return whether there is a result of an evaluation, or of a part of it."""
    begins = f"{evaluation}."
    return any(name.startswith(begins) and results.has_figure(name) for name in results.figures)


def _describe_lost(what: str, row: str, run_id: str) -> MissingPart:
    return MissingPart(what, row, f"run {run_id[:8]} in the tracking store does not have it")


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)

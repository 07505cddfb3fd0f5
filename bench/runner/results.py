"""The results of a run, computed from its score files and logged with them.

They are computed again where a metric has a newer version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench import versions
from bench.config import Config
from bench.errors import BenchError
from bench.reports.stored_results import DRAWS
from bench.runner import shared_training, trained_models
from bench.runner.row_figures import (
    Failure,
    FigureTask,
    RowFigures,
    ScoredSplit,
    compute_figures,
    compute_results_alone,
)
from bench.smoke import smoke_prefix
from bench.tracking.run_artifacts import PICTURES
from bench.tracking.run_record import FAILURE, METRIC_VERSIONS, DatasetUse, RunRecord
from bench.tracking.store import TrackedRun
from bench.tracking.stored_runs import is_figure
from bench.training.row import RowData, TrainedRow, score_paths

if TYPE_CHECKING:
    from bench.runner.row_run import RowRun


def keep_row(tracked: TrackedRun, entry: RunRecord, trained: TrainedRow, config: Config) -> None:
    """Keep with a run what was trained and scored: all but the figures."""
    for name, path in trained.scores.items():
        tracked.add_artifact(path, f"scores/{name}", is_final=True)
    if entry.kind == "row" and trained.checkpoint is not None:
        trained_models.add_module(entry.run, entry.seed, trained.checkpoint, config)
        tracked.add_model(trained.checkpoint)
    # A trial is no row's model.
    shared_training.keep_training(tracked, trained, whole=entry.kind != "row")
    tag_training(tracked, trained)


def plan_figures(row: RowRun, run_id: str, scores: Mapping[str, Path]) -> FigureTask:
    """Return what the figures of a row's tracked run are computed from: its score files."""
    entry, subsets = row.entry, row.job.data.evaluate
    return FigureTask(
        who=f"{smoke_prefix(entry.run.form)}{entry.row}, seed {entry.seed} ({entry.table})",
        splits={
            name: ScoredSplit(path, entry.run.evaluate[name], subsets[name].subset)
            for name, path in scores.items()
        },
        replicates={name: names for name, names in row.replicates.items() if name in scores},
        replicates_folder=row.config.work / DRAWS / run_id,
        folder=row.folder,
    )


def log_figures(tracked: TrackedRun, figures: RowFigures) -> None:
    """Log the figures of a run and mark it as finished."""
    for name, paths in figures.pictures.items():
        for path in paths:
            tracked.add_artifact(path, f"{PICTURES}/{name}", is_final=True)
    tracked.finish_run(figures.results, describe_failures(figures))


def describe_failures(figures: RowFigures) -> str:
    """Return in a line which figures are missing, and why; "" where none is."""
    return "; ".join(failure.message for failure in figures.failures)


def tag_training(tracked: TrackedRun, trained: TrainedRow) -> None:
    """Log what selected the weights and under which conditions they were trained."""
    for name, value in trained.tracking_tags().items():
        tracked.set_tag(name, value)


def dataset_uses(data: RowData) -> list[DatasetUse]:
    """Return the splits of a run with their fingerprints and what each is for."""
    uses: dict[str, Literal["train", "dev"]] = {"train": "train", "dev": "dev"}
    return [
        DatasetUse(loaded.name, loaded.fingerprint, uses.get(key, "evaluation"))
        for key, loaded in data.splits.items()
    ]


def outdated_metrics(run: Any) -> dict[str, tuple[int, int]]:
    """Return the metrics of a tracked run that have another version by now, with both."""
    metrics = run.data.metrics
    names = [name for name in metrics if is_figure(name, metrics)]
    before = json.loads(run.data.tags.get(METRIC_VERSIONS, "{}"))
    return versions.compare_versions(before, versions.list_metric_versions(names))


def renew_row(row: RowRun, finished: Any) -> Failure | None:
    """Compute figures of a finished run again: those that it lacks, and results of older metrics.

    Only score files are read: nothing is trained or scored. What is renewed is said. Where results
    of older metrics cannot be, the reason is said, and the run stays as it is. Return what is
    missing of a run that lacks figures.
    """
    changed, lacking = outdated_metrics(finished), finished.data.tags.get(FAILURE, "")
    if not changed and not lacking:
        return None
    entry, run_id, say = row.entry, finished.info.run_id, row.watcher.say
    name = f"{entry.row} · seed {entry.seed}"
    what = "; ".join(filter(None, (versions.describe_changes(changed), lacking)))
    try:
        shared_training.fetch_scores(row.store, finished, row.folder, say)
        task = plan_figures(row, run_id, score_paths(row.folder, entry.run, row.job.data))
        figures = compute_figures(task) if lacking else compute_results_alone(task)
        missing = describe_failures(figures)
        row.store.renew_results(run_id, entry, figures.results, figures.pictures, missing)
    except BenchError as error:
        if lacking:
            return Failure(error.code, f"{lacking}; computed again: {error}")
        say(f"{name}: results are those of before a change ({what}): {error}")
        return None
    if figures.failures:
        return figures.failures[0]._replace(message=missing)
    say(f"{name}: results computed anew from the score files: {what}")
    return None

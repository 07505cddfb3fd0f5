"""The results of a run, computed from its score files and logged with them.

They are computed again where a metric has a newer version.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from bench import versions
from bench.config import Config
from bench.errors import BenchError
from bench.evaluation import row_evaluation
from bench.metrics.measured import MetricResult
from bench.reports.evaluation_plots import plot_evaluation
from bench.runner import shared_training, trained_models
from bench.smoke import smoke_prefix
from bench.specs.run import Run
from bench.tracking.run_frame import is_figure
from bench.tracking.run_record import METRIC_VERSIONS, DatasetUse, RunRecord
from bench.tracking.store import Store, TrackedRun
from bench.training.row import RowData, TrainedRow, score_path


def log_row_results(
    tracked: TrackedRun, entry: RunRecord, data: RowData, trained: TrainedRow, config: Config
) -> None:
    """Compute every result from the score files and log them with the artifacts."""
    run = entry.run
    who = f"{smoke_prefix(run.form)}{entry.row}, seed {entry.seed} ({entry.table})"
    for name, path in trained.scores.items():
        tracked.add_artifact(path, f"scores/{name}", is_final=True)
        for picture in plot_evaluation(path, run.evaluate[name], data.evaluate[name].subset, who):
            tracked.add_artifact(picture, f"figures/{name}")
    if entry.kind == "row" and trained.checkpoint is not None:
        trained_models.add_module(run, entry.seed, trained.checkpoint, config)
        tracked.add_model(trained.checkpoint)
    # A trial is no row's model.
    shared_training.keep_training(tracked, trained, whole=entry.kind != "row")
    tag_training(tracked, trained)
    tracked.finish_run(compute_row_results(run, data, trained.scores))


def compute_row_results(
    run: Run, data: RowData, scores: Mapping[str, Path]
) -> dict[str, MetricResult]:
    """Return the results of score files, named by their evaluations; fractions."""
    return {
        f"{name}.{metric}": result
        for name, path in scores.items()
        for metric, result in row_evaluation.evaluate_row(
            path, run.evaluate[name], data.evaluate[name].subset
        ).items()
    }


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


def renew_row(
    store: Store,
    entry: RunRecord,
    finished: Any,
    data: RowData,
    folder: Path,
    say: Callable[[str], None],
) -> None:
    """Compute the results of a finished run again where a metric has a newer version; say so.

    Only score files are read: nothing is trained or scored. Where that cannot be done, the reason
    is said, and the run stays as it is.
    """
    changed = outdated_metrics(finished)
    if not changed:
        return
    what, name = versions.describe_changes(changed), f"{entry.row} · seed {entry.seed}"
    try:
        shared_training.fetch_scores(store, finished, folder, say)
        paths = {
            evaluation: score_path(folder, evaluation, entry.run.evaluate[evaluation], loaded)
            for evaluation, loaded in data.evaluate.items()
        }
        results = compute_row_results(entry.run, data, paths)
        store.renew_results(finished.info.run_id, entry, results)
    except BenchError as error:
        say(f"{name}: results are those of before a change ({what}): {error}")
        return
    say(f"{name}: results computed anew from the score files: {what}")

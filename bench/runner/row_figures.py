"""The figures of a row that is scored: results with intervals, pictures, replicates for reports.

They are computed from score files and the corpora's keys, without PyTorch, MLflow or the model: in
this process, or in one of its own while the next row trains.
"""

from __future__ import annotations

import pickle
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.cards import card_files
from bench.data.subset import Subset
from bench.evaluation import row_evaluation
from bench.metrics.measured import MetricResult
from bench.reports import evaluation_plots, stored_results
from bench.runner.outcomes import explain_failure
from bench.specs.run import HeldOutData


class ScoredSplit(NamedTuple):
    """An evaluation of a row that is scored."""

    path: Path
    """The score file."""
    data: HeldOutData
    subset: Subset


class FigureTask(NamedTuple):
    """What the figures of a row are computed from."""

    who: str
    """Whose scores they are, for titles."""
    splits: Mapping[str, ScoredSplit]
    """By the name of the evaluation."""
    replicates: Mapping[str, Sequence[str]]
    """The metrics, by evaluation, of which reports need the bootstrap replicates."""
    replicates_folder: Path
    """Where these are kept for reports."""
    folder: Path
    """Of the row's training: for the traceback of a fault."""


class Failure(NamedTuple):
    """A part of the figures that is missing, and why."""

    code: str
    message: str


class RowFigures(NamedTuple):
    """The figures of a row, as far as they could be computed."""

    results: dict[str, MetricResult]
    """Fractions by `<evaluation>.<metric>`."""
    pictures: dict[str, list[Path]]
    """Files by evaluation."""
    failures: list[Failure]


def compute_figures(task: FigureTask) -> RowFigures:
    """Return a row's figures. What fails leaves out its own part alone, and is a failure."""
    figures = RowFigures({}, {}, [])

    @contextmanager
    def note_failure(what: str) -> Generator[None]:
        try:
            yield
        except Exception as error:
            code, message = explain_failure(error, task.folder)
            figures.failures.append(Failure(code, f"{what}: {message}"))

    for name, split in task.splits.items():
        with note_failure(f"results of {name}"):
            figures.results.update(_compute_results(name, split))
        with note_failure(f"pictures of {name}"):
            figures.pictures[name] = evaluation_plots.plot_evaluation(*split, task.who)
    for name, metrics in task.replicates.items():
        with note_failure(f"replicates of {name}"):
            folder, path = task.replicates_folder, task.splits[name].path
            stored_results.keep_draws(folder, name, metrics, path)
    return figures


def compute_pickled(task: bytes) -> RowFigures:
    """Return what `compute_figures` does in a process beside this one, of a pickled task.

    Extensions are loaded first: the task may hold settings that are theirs.
    """
    card_files.load_extensions()
    return compute_figures(pickle.loads(task))


def compute_results_alone(task: FigureTask) -> RowFigures:
    """Return a row's results without pictures; raise for the first that fails."""
    figures = RowFigures({}, {}, [])
    for name, split in task.splits.items():
        figures.results.update(_compute_results(name, split))
    return figures


def _compute_results(name: str, split: ScoredSplit) -> dict[str, MetricResult]:
    results = row_evaluation.evaluate_row(*split)
    return {f"{name}.{metric}": result for metric, result in results.items()}

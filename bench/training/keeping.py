"""Which weights of a training are kept: those of the best epoch, or the mean of several."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bench._io import atomic_files
from bench.errors import BenchError
from bench.specs.run import Run
from bench.specs.training import KeepAverage, TrainingSettings
from bench.training import checkpoints, file_names

STATE = ("system", "optimiser", "schedule", "progress")
"""What `last.pt` holds in every version."""
STATE_VERSION = 2
"""Of `last.pt`, its key `version`. Version 1 has none: it lacks `precision`, the scale of 16-mixed,
and `epoch`, the state within an epoch (`bench.training.epoch`), None between epochs.
"""


class NewerCheckpoint(BenchError):
    """A checkpoint that a later version of the suite wrote: it is whole, and not ours to change."""


@dataclass
class Progress:
    """The progress of a training, which a restart needs beside weights and optimiser."""

    epoch: int = 0
    """Epochs finished."""
    step: int = 0
    best: float = float("inf")
    """The lowest value so far of the criterion `Training.select`."""
    best_epoch: int = 0
    """0 before there is a candidate (`Training.first_candidate`)."""
    seconds: float = 0.0
    """Time spent training so far, all sessions together."""
    history: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    conditions: dict[str, str] = field(default_factory=dict[str, str])
    """Of all sessions that trained (`bench.training.conditions`)."""


class Selection(NamedTuple):
    """Which weights a finished training keeps, and why it ended.

    Lightning rebuilds what the processes of several devices return, which no frozen dataclass
    admits.
    """

    epochs: tuple[int, ...]
    """The epochs whose weights are kept, of several their mean."""
    dev: Mapping[str, float]
    """Results of the kept weights on dev: `dev.eer`, a fraction, and `dev.loss` if it selects."""
    why_ended: str
    """A few words: `no better dev.eer for 10 epochs`, `all 50 epochs`."""
    trained: int
    """Epochs in all."""

    @property
    def label(self) -> str:
        """The kept epoch, `12`, or epochs, `48-50`, `7,9-10`."""
        runs: list[list[int]] = []
        for epoch in self.epochs:
            if runs and epoch == runs[-1][-1] + 1:
                runs[-1].append(epoch)
            else:
                runs.append([epoch])
        return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)

    def tracking_tags(self) -> dict[str, str]:
        """Return the tags for the tracking store, fields of `bench.tracking.stored_runs`."""
        return {
            "kept_epoch": self.label,
            "kept_dev": json.dumps(dict(self.dev)),
            "why_ended": self.why_ended,
            "epochs": str(self.trained),
        }


def is_finished(training: TrainingSettings, progress: Progress) -> bool:
    """Return whether no further epoch is trained."""
    return progress.epoch >= training.epochs or _has_waited(training, progress)


def _has_waited(training: TrainingSettings, progress: Progress) -> bool:
    """Return whether early stopping has waited long enough for a better epoch."""
    waited = progress.epoch - progress.best_epoch >= training.patience
    return bool(progress.best_epoch) and waited and progress.epoch >= training.minimum_epochs


def is_better(training: TrainingSettings, progress: Progress, value: float) -> bool:
    """Return whether the epoch that just ended is the best candidate so far, and note it."""
    if progress.epoch < training.first_candidate or value >= progress.best:
        return False
    progress.best, progress.best_epoch = value, progress.epoch
    return True


def averaged_paths(training: TrainingSettings, folder: Path, progress: Progress) -> dict[Path, int]:
    """Return the files of the weights that would be averaged, were the training to end now.

    Each with its epoch, none where the best epoch alone is kept. There are at most as many files as
    epochs are averaged: another epoch's weights take the file of those that they drive out. Which
    that is follows from the figures of all epochs, so that a restart goes on with the same files.
    """
    keep, slots = training.keep, dict[int, int]()
    values = [figures.get(training.select, math.inf) for figures in progress.history]
    for epoch, value in enumerate(values if isinstance(keep, KeepAverage) else (), start=1):
        if keep.kind == "average-last":
            slot = epoch % keep.averaged_epochs
        elif epoch < training.first_candidate:
            continue
        elif len(slots) < keep.averaged_epochs:
            slot = len(slots)
        else:
            slot = max(slots, key=lambda each: (values[slots[each] - 1], slots[each]))
            if value >= values[slots[slot] - 1]:
                continue
        slots[slot] = epoch
    return {folder / f"recent-{slot}.pt": epoch for slot, epoch in slots.items()}


class StateSaver:
    """Saves a training's state and the weights that may stand for the run, while it goes on."""

    def __init__(
        self,
        writer: checkpoints.CheckpointWriter,
        training: TrainingSettings,
        folder: Path,
        minutes: float,
    ) -> None:
        """Save the state every so many `minutes`, within epochs too; 0: at each epoch's end."""
        self._writer, self._training, self._folder = writer, training, folder
        self._seconds = 60 * minutes
        self._begun, self._saved = time.monotonic(), -math.inf
        self._weights: dict[Path, dict[str, Any]] = {}
        """Weights that may be kept, of epochs since the last state was saved: a restart goes on
        from both."""

    def save_epoch(self, state: Mapping[str, Any], progress: Progress, better: bool) -> None:
        """Save an epoch's state, the last one last: after a crash before, it is repeated."""
        weights = {"system": state["system"], "epoch": progress.epoch}
        ended = is_finished(self._training, progress)
        due = ended or time.monotonic() - self._saved >= self._seconds
        paths = averaged_paths(self._training, self._folder, progress)
        if better and not self._training.keep.averaged_epochs:
            paths = {self._folder / file_names.BEST_CHECKPOINT: progress.epoch}
        for path in (path for path, epoch in paths.items() if epoch == progress.epoch):
            self._weights[path] = weights if due else checkpoints.copy_state(weights)
        if due:
            self._write(state)

    def is_time_within(self) -> bool:
        """Return whether the state is to be saved within an epoch."""
        since = time.monotonic() - max(self._begun, self._saved)
        return 0 < self._seconds <= since

    def save_within(self, state: Mapping[str, Any]) -> None:
        """Save the state of a training that goes on after it, with that of its epoch."""
        self._write(state)

    def save_stopped(self, state: Mapping[str, Any]) -> None:
        """Save the state of a training that a signal stopped, and wait until it is written."""
        self._write(state)
        self._writer.wait()

    def _write(self, state: Mapping[str, Any]) -> None:
        last = self._folder / file_names.LAST_CHECKPOINT
        self._writer.write_files({**self._weights, last: state})
        self._weights, self._saved = {}, time.monotonic()


def average_epochs(run: Run, folder: Path, progress: Progress) -> None:
    """At the end of a training of which several epochs are averaged, do so, once."""
    paths, kept_path = (
        averaged_paths(run.training, folder, progress),
        folder / file_names.BEST_CHECKPOINT,
    )
    if paths and not kept_path.is_file():
        checkpoints.save_checkpoint(checkpoints.average_weights(paths), kept_path)
    for path in paths:
        path.unlink(missing_ok=True)


def release_state(folder: Path, progress: Progress) -> None:
    """Remove the files that only a further epoch would need.

    The training has ended, and its run is finished in the tracking store. Its weights, its progress
    and its scores stay.
    """
    atomic_files.write_text(folder / file_names.PROGRESS, json.dumps(vars(progress)))
    for path in checkpoints.unfinished_files(folder):
        path.unlink(missing_ok=True)


def release_finished(folder: Path) -> None:
    """Do as `release_state` for a training that ended in an earlier session.

    Raise Damaged where its last state cannot be read.
    """
    last = folder / file_names.LAST_CHECKPOINT
    if last.is_file():
        release_state(folder, Progress(**read_state(last)["progress"]))
    for path in checkpoints.unfinished_files(folder):
        path.unlink(missing_ok=True)


def read_state(path: Path) -> dict[str, Any]:
    """Return the content of `last.pt`, which may be of an earlier version.

    Raise DamagedCheckpoint where it cannot be read, NewerCheckpoint where it is of a later version.
    """
    state = checkpoints.load_checkpoint(path, STATE)
    version = state.get("version", 1)
    if version not in range(1, STATE_VERSION + 1):
        raise NewerCheckpoint(
            "training.checkpoint-newer",
            f"{path}: is a checkpoint of version {version}; this suite reads versions up to "
            f"{STATE_VERSION}: run the row with the later version of the suite that wrote it, or "
            "move the file away to begin the row anew",
        )
    return {"version": version, "precision": {}, "epoch": None, **state}


def read_resumable(run: Run, folder: Path) -> dict[str, Any] | None:
    """Return the last state that was saved, from which a training goes on.

    None where there is none, or where the weights to be kept are missing. Of a training that has
    ended, and whose state is removed, only `progress` is returned.
    """
    last = folder / file_names.LAST_CHECKPOINT
    whole = (folder / file_names.BEST_CHECKPOINT).is_file()
    if not last.is_file():
        progress = folder / file_names.PROGRESS
        ended = read_progress(progress) if whole and progress.is_file() else Progress()
        return {"progress": vars(ended)} if is_finished(run.training, ended) else None
    state = read_state(last)
    progress = Progress(**state["progress"])
    if run.training.keep.averaged_epochs and not whole:
        paths = averaged_paths(run.training, folder, progress)
        whole = all(path.is_file() for path in paths)
    elif not progress.best_epoch:
        whole = True  # no epoch was a candidate yet
    return state if whole else None


def select_weights(
    run: Run,
    folder: Path,
    progress: Progress,
    on_dev: Callable[[Mapping[str, Any]], dict[str, float]],
    writes: bool,
) -> Selection:
    """Return which weights of a training that has ended are kept, and what they reach on dev.

    The result is computed once and saved beside the weights. For one epoch it is what was measured
    after that epoch; for a mean, `on_dev` measures the weights on dev, on all processes together.
    One process `writes`.
    """
    path = folder / file_names.SELECTION
    if path.is_file():
        return read_selection(path)
    if run.training.keep.averaged_epochs:
        average = checkpoints.load_checkpoint(folder / file_names.BEST_CHECKPOINT)
        epochs, dev = tuple(average["epochs"]), on_dev(average["system"])
    else:
        epochs, dev = (progress.best_epoch,), progress.history[progress.best_epoch - 1]
    dev = {name: value for name, value in dev.items() if name.startswith("dev.")}
    result = Selection(epochs, dev, _why_ended(run.training, progress), progress.epoch)
    if writes:
        atomic_files.write_text(path, json.dumps(result._asdict()))
    return result


def _why_ended(training: TrainingSettings, progress: Progress) -> str:
    if progress.epoch >= training.epochs:
        return f"all {_describe_epochs(training.epochs)}"
    waited = progress.epoch - progress.best_epoch
    return f"no better {training.select} for {_describe_epochs(waited)}"


def _describe_epochs(number: int) -> str:
    return f"{number} epoch{'s' if number > 1 else ''}"


def read_progress(path: Path) -> Progress:
    """Return the saved progress of a training; BenchError where the file is damaged."""
    try:
        progress = Progress(**json.loads(path.read_text(encoding="utf-8")))
        if len(progress.history) != progress.epoch:
            raise ValueError(f"{len(progress.history)} epochs of {progress.epoch}")
        return progress
    except (ValueError, TypeError) as error:
        raise BenchError(
            "training.checkpoint-damaged",
            f"{path}: its progress cannot be read ({error}); remove the file to start the row anew",
        ) from error


def read_selection(path: Path) -> Selection:
    """Return a saved selection; BenchError where the file is damaged."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Selection(**{**fields, "epochs": tuple(fields["epochs"])})
    except (ValueError, TypeError, KeyError) as error:
        raise BenchError(
            "training.checkpoint-damaged",
            f"{path}: not a readable selection ({error}); remove the file to have it made again",
        ) from error

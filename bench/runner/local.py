"""Run a table's rows on this machine, one after the other, each tracked; one failure stops no
other.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple, NoReturn, Protocol

import torch
from lightning_fabric import Fabric

from bench._io import atomic_files, file_locks, machine
from bench._io.interrupts import InterruptGuard
from bench.cards import corpus_cards
from bench.config import Config
from bench.errors import BenchError, Busy, plain
from bench.evaluation import row_evaluation
from bench.models import breath
from bench.models.breath.census import Census, census, described, require_marks
from bench.provenance import commit, processor
from bench.reports.kept import KeptInStore
from bench.runner import results, shared_training, training_folder
from bench.runner.relay import ProgressSender, relay_progress
from bench.runner.request import Order
from bench.specs.run import Run, Stage, TrainData
from bench.tracking import artifact_check
from bench.tracking.run_record import RunEntry
from bench.tracking.store import Store, TrackedRun
from bench.training import checkpoints, damage, engine, shares
from bench.training.row import (
    Library,
    RowData,
    Trained,
    folder,
    score_path,
    train_and_score,
    write_settings,
)


class Watcher(engine.Observer, Protocol):
    """Who shows a person what happens."""

    def begin(self, name: str, epochs: int) -> None:
        """A row and seed begin, with at most so many epochs."""

    def say(self, text: str) -> None:
        """Something worth a line."""


class Job(NamedTuple):
    """One row and seed of a table, resolved, with its data."""

    row: str
    seed: int
    run: Run
    data: RowData

    @property
    def name(self) -> str:
        """As the tracker and the display have it."""
        return f"{self.row} · seed {self.seed}"


class Outcome(NamedTuple):
    """How a job ended."""

    job: str
    state: Literal["finished", "already finished", "busy", "failed"]
    """Busy: another process runs it, and the message says which."""
    message: str = ""
    kept_dev: Mapping[str, float] = MappingProxyType({})
    """What the kept weights reach on dev, fractions; empty where it did not finish."""
    by_disk: bool = False
    """Whether it failed for the disk (full, read-only), so through no fault of its own."""


def jobs(order: Order, config: Config) -> list[Job]:
    """Return every job with its data loaded; raise where a corpus is missing or broken."""
    runs = order.runs()
    library = Library(config)
    data = {row: library.row(run) for row, run in runs.items()}
    return [
        Job(row, seed, runs[row], data[row]) for row in order.rows for seed in order.row_seeds(row)
    ]


def run(
    order: Order, config: Config, store: Store, watcher: Watcher, anew: bool = False
) -> Iterator[Outcome]:
    """Run the jobs in order and yield how each ended. Ctrl-C ends the begun one, resumable.

    `anew` runs what is finished once more, beside the earlier run.
    """
    for name in store.sweep_dead():
        watcher.say(f"marked failed, its process had died: {name}")
    store.present(order.table)
    artifact_check.require(store, order.table.key)
    device = device_name(config)
    ordered = jobs(order, config)
    evaluated = (
        (data, job.data.evaluate[name].subset)
        for job in ordered
        for name, data in job.run.evaluate.items()
    )
    for text in dict.fromkeys(row_evaluation.lacking(evaluated)):
        watcher.say(text)
    # Reports need not wait for what the table's columns ask of a run's scores.
    draw = partial(KeptInStore(store, config.work).draw, order.table)
    for job in ordered:
        entry = _entry(job, order, device)
        yield attempt(job, entry, config, store, watcher, draw, anew=anew)


def attempt(
    job: Job,
    entry: RunEntry,
    config: Config,
    store: Store,
    watcher: Watcher,
    afterwards: Callable[[str], None] | None = None,
    *,
    anew: bool = False,
) -> Outcome:
    """Run one job, tracked as `entry`, do what comes `afterwards` with the finished run's id, and
    return how it ended. One that is finished is not run, unless `anew`.

    Whatever is wrong with it is its outcome; what is no Exception passes through, after the tracked
    run is closed as killed: Ctrl-C, and what a watcher raises to stop it.
    """
    place = folder(config.work, job.run, job.data, job.seed)
    try:
        known = None if anew else store.finished(entry)
        if known:
            results.renew_row(store, entry, known, job.data, place, watcher.say)
            kept_dev = json.loads(known.data.tags["kept_dev"])
            return Outcome(job.name, "already finished", kept_dev=kept_dev)
        watcher.begin(job.name, job.run.training.epochs)
        entry = store.next_repeat(entry) if anew else entry
        if changed := store.changed_since(entry):
            what = ", ".join(changed)
            watcher.say(f"{job.name}: run anew, changed since it was finished: {what}")
        place = folder(config.work, job.run, job.data, job.seed, entry.again)
        run_id, trained = _run_row(job, entry, place, config, store, watcher)
    except Busy as error:
        return Outcome(job.name, "busy", plain(error))
    except BenchError as error:
        return Outcome(job.name, "failed", plain(error), by_disk=machine.is_of_disk(error))
    except Exception as error:
        refused = machine.explain(error)
        if refused is not None:
            by_disk = machine.is_of_disk(error)
            return Outcome(job.name, "failed", refused.message, by_disk=by_disk)
        # A fault of ours: kept whole, other rows go on.
        log = place / "error.txt"
        message = f"{type(error).__name__}: {plain(error)}"
        with suppress(OSError):  # the error is told in any case
            atomic_files.write_text(log, traceback.format_exc())
            message += f" (whole traceback: {log})"
        return Outcome(job.name, "failed", message)
    if afterwards is not None:
        try:
            afterwards(run_id)
        except Exception as error:
            # The row and its figures are safe; what comes afterwards can be done again.
            watcher.say(f"{job.name}: finished, but {type(error).__name__}: {plain(error)}")
    return Outcome(job.name, "finished", kept_dev=trained.selection.dev)


def device_name(config: Config) -> str:
    """Return what the rows run on, e.g. `NVIDIA H200` or `cpu: AMD EPYC`, and how many of them."""
    device = engine.make_fabric(replace(config, devices=1), "32-true").device
    cuda = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if cuda else f"{device.type}: {processor()}"
    return name if config.devices == 1 else f"{config.devices} x {name}"


def _entry(job: Job, order: Order, device: str) -> RunEntry:
    table = order.table
    row = table.rows[job.row]
    return RunEntry(
        table=table.key,
        paper=table.key.partition("/")[0],
        row=job.row,
        seed=job.seed,
        run=job.run,
        fingerprints=job.data.fingerprints(),
        made_from=job.data.made_from(),
        commit=commit(),
        device=device,
        description_figures=row.published,
        cells=dict(zip(table.text_columns, row.cells, strict=True)),
        line=order.line(job.row),
        overrides=order.overrides,
    )


def _earlier(job: Job, entry: RunEntry, parent: str) -> tuple[Job, RunEntry] | None:
    """Return the training that a row starts from, tracked below the row's own run `parent`; None
    where it starts from none.
    """
    if not isinstance(job.run.start, Stage) or job.data.stage is None:
        return None
    first = Job(job.row, job.seed, job.run.start.stage, job.data.stage)
    return first, replace(
        entry,
        kind="stage",
        run=first.run,
        fingerprints=first.data.fingerprints(),
        made_from=first.data.made_from(),
        again=0,
        description_figures={},
        parent=parent,
    )


def _refuse(job: Job, holder: str) -> NoReturn:
    raise Busy("row.busy", f"{job.name} is being run by {holder}")


@contextmanager
def _alone(place: Path, busy: Callable[[str], None]) -> Iterator[None]:
    """Hold the row's folder: two processes that train one row would spoil each other's files.

    Where another process holds it, `busy` is called with its name, and may raise; else it is waited
    for.
    """
    place.mkdir(parents=True, exist_ok=True)
    with file_locks.held(place / "lock", busy):
        yield


class _Both:
    """Passes what the engine says on to the display and, where there is one, the tracked run."""

    def __init__(
        self, tracked: TrackedRun | None, watcher: Watcher, interrupt: InterruptGuard
    ) -> None:
        self.tracked, self.watcher, self.interrupt = tracked, watcher, interrupt

    def say(self, tag: str, text: str) -> None:
        """Show a line, and keep it with the run under the name `tag`."""
        if self.tracked is not None:
            self.tracked.tag(tag, text)
        self.watcher.say(text)

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        self.interrupt.check()
        self.watcher.on_step(epoch, step, steps, losses)

    def on_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        if self.tracked is not None:
            self.tracked.log(figures, epoch)
        self.watcher.on_epoch(epoch, figures)

    def on_score(self, evaluation: str, done: int, total: int) -> None:
        self.interrupt.check()
        self.watcher.on_score(evaluation, done, total)


def _run_row(
    job: Job, entry: RunEntry, place: Path, config: Config, store: Store, watcher: Watcher
) -> tuple[str, Trained]:
    """Train and evaluate a row; before that the training that it starts from, if any, tracked as a
    run below the row's. Return the id of the row's run, and what was trained.
    """
    # A trial of a sweep is claimed by this process: it waits for a row that trains the same.
    waits = partial(_wait, watcher, job.name)
    busy = waits if entry.kind == "trial" else partial(_refuse, job)
    with _alone(place, busy), store.begin(entry) as tracked, InterruptGuard() as interrupt:
        earlier = _earlier(job, entry, tracked.run_id)
        if earlier:
            _run_earlier(*earlier, config, store, watcher, interrupt)
            watcher.begin(job.name, job.run.training.epochs)
        shared_training.begin_training(
            tracked, store, place, config, watcher.say, anew=entry.again > 0
        )
        trained = _trained(job, place, config, _Both(tracked, watcher, interrupt))
        results.log_row_results(tracked, entry, job.run, job.data, trained, config)
        training_folder.release_checkpoints(place, trained.progress, watcher.say)
    return tracked.run_id, trained


def _run_earlier(
    job: Job,
    entry: RunEntry,
    config: Config,
    store: Store,
    watcher: Watcher,
    interrupt: InterruptGuard,
) -> None:
    """Do the training that a row starts from, unless it is done; another row may have done it."""
    place, known = folder(config.work, job.run, job.data, job.seed), store.finished(entry)
    if known and damage.is_whole(place / checkpoints.KEPT):
        return
    watcher.begin(entry.name, job.run.training.epochs)
    # Rows and trials that run beside each other may start from one training: the first does it.
    with _alone(place, partial(_wait, watcher, entry.name)):
        if known and shared_training.take_over(store, place, config, watcher.say):
            return
        if known:
            watcher.say(f"{entry.name}: was finished, but is not at {place}: trained once more")
            trained = _trained(job, place, config, _Both(None, watcher, interrupt))
            training_folder.release_checkpoints(place, trained.progress, watcher.say)
            return
        with store.begin(entry) as tracked:
            shared_training.begin_training(tracked, store, place, config, watcher.say)
            trained = _trained(job, place, config, _Both(tracked, watcher, interrupt))
            shared_training.keep_training(tracked, trained, whole=True)
            results.tag_training(tracked, trained)
            tracked.finish({})
        training_folder.release_checkpoints(place, trained.progress, watcher.say)


def _wait(watcher: Watcher, name: str, holder: str) -> None:
    watcher.say(f"{name}: is being run by {holder}, waiting for it")


def _trained(job: Job, place: Path, config: Config, both: _Both) -> Trained:
    """Train and score on this machine's devices."""
    write_settings(job.run, place / "run.toml")
    if both.tracked is not None:
        both.tracked.artifact(place / "run.toml")
        both.tracked.log_datasets(results.dataset_uses(job.data))
    if job.run.train.share < 1:
        both.say("drawn", shares.said(job.data.train.subset, job.run.train.share, job.seed))
    found = _find_breaths(job, config, both.watcher)
    if found and both.tracked is not None:
        both.tracked.tag("breaths", json.dumps(found))
    damage.set_aside(job.run, job.seed, place, config, both.watcher.say)
    for name, loaded in job.data.evaluate.items():
        path = score_path(place, name, job.run.evaluate[name], loaded)
        damage.set_scores_aside(path, job.run.evaluate[name], loaded.subset, both.watcher.say)
    fabric = engine.make_fabric(config, job.run.training.precision)
    if config.devices == 1:
        return train_and_score(fabric, job.run, job.seed, job.data, place, config, both)
    with relay_progress(both) as pipe:
        # Lightning hands the processes' own fabric to a function of one argument.
        return fabric.launch(partial(_on_each, job, place, config, pipe))


def _find_breaths(job: Job, config: Config, watcher: Watcher) -> dict[str, Census]:
    """Find the breaths of every split before training, in one process and with its progress shown;
    they are kept for all later runs. Return how much is marked of each split that has a detector;
    raise where nothing is of what is trained on.
    """
    train, dev, evaluate = job.data[:3]
    marked: dict[str, Census] = {}
    for loaded, (key, data) in zip(
        (train, dev, *evaluate.values()), job.run.data.items(), strict=True
    ):
        audio = corpus_cards.card(data.corpus).audio
        marks = breath.provider(loaded.subset, data.breath, audio, config, watcher.say)
        if data.breath.kind == "none":
            continue
        marked[key] = census(loaded.subset, data, marks)
        watcher.say(described(key, data, marked[key]))
        if isinstance(data, TrainData):
            require_marks(data, marked[key])
    return marked


def _on_each(job: Job, place: Path, config: Config, pipe: Connection, fabric: Fabric) -> Trained:
    observer = ProgressSender(pipe) if fabric.is_global_zero else engine.Silent()
    return train_and_score(fabric, job.run, job.seed, job.data, place, config, observer)

"""One row and seed while it is run: trained, scored, tracked."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from lightning_fabric import Fabric

from bench._io import child_processes, interrupts
from bench._io.interrupts import InterruptGuard
from bench.cards import corpus_cards
from bench.config import Config
from bench.errors import Busy
from bench.jobs import leases
from bench.jobs.leases import Lease
from bench.models import breath
from bench.models.breath.census import Census, describe_census, measure_marks, require_marks
from bench.runner import input_changes, results, shared_training, training_folder
from bench.runner.figure_queue import FigureQueue, ScoredRow
from bench.runner.process_team import Team
from bench.runner.relay import DeviceRelay, ProgressSender, relay_progress
from bench.specs.run import TrainData
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store, TrackedRun
from bench.training import damage, engine, file_names, shares
from bench.training.callbacks import SilentCallback
from bench.training.row import (
    TrainedRow,
    score_path,
    train_and_score,
    training_path,
    write_settings,
)

if TYPE_CHECKING:
    from bench.runner.local import ProgressReporter, RowJob


@dataclass(frozen=True)
class RowRun:
    """A row and seed that is being run, or the training that it starts from, with all it needs."""

    job: RowJob
    entry: RunRecord
    config: Config
    store: Store
    watcher: ProgressReporter
    interrupt: InterruptGuard
    queue: FigureQueue
    """Rows of before whose figures are computed meanwhile."""
    replicates: Mapping[str, Sequence[str]]
    """The metrics, by evaluation, of which reports need the bootstrap replicates."""

    @cached_property
    def folder(self) -> Path:
        """The folder of its training."""
        job = self.job
        return training_path(self.config.work, job.run, job.data, job.seed, self.entry.again)

    def train_and_score(self) -> ScoredRow:
        """Train and score the row; return what is left: its figures.

        The training that it starts from, if any, is done first and tracked as a run below the
        row's. Raise Busy where another process runs the row. A trial of a sweep waits for that
        process instead: the other may be a row that trains the same, and this process has claimed
        the trial.
        """
        busy = self._wait_for if self.entry.kind == "trial" else self._refuse
        with self._hold_folder(busy) as lease, ExitStack() as opened:
            tracked = opened.enter_context(self.store.begin_run(self._leased_entry(lease)))
            with self.interrupt:
                if stage := self._earlier_training(tracked.run_id):
                    stage._train_stage()
                self.watcher.begin(self.job.name, self.job.run.training.epochs)
                self._begin_training(tracked, anew=self.entry.again > 0)
                trained = self._train(lease, tracked)
                lease.require_held()
                results.keep_row(tracked, self.entry, trained, self.config)
                own = opened.enter_context(self._hold_figures(tracked.run_id))
                tracked.end_work(own.path)
                self._release_checkpoints(trained)
            task = results.plan_figures(self, tracked.run_id, trained.scores)
            kept_dev = trained.selection.dev if trained.selection else {}
            return ScoredRow(self.job.name, task, kept_dev, own, tracked, opened.pop_all())

    def _earlier_training(self, parent: str) -> RowRun | None:
        """Return the training that the row starts from, tracked below `parent`, if any."""
        run, data = self.job.run.earlier, self.job.data.stage
        if run is None or data is None:
            return None
        entry = replace(
            self.entry,
            kind="stage",
            run=run,
            fingerprints=data.fingerprints(),
            made_from=data.content_digests(),
            again=0,
            paper_results={},
            parent=parent,
        )
        return replace(self, job=self.job._replace(run=run, data=data), entry=entry)

    def _train_stage(self) -> None:
        """Do the training that a row starts from, unless this or another row has done it."""
        name, say = self.entry.name, self.watcher.say
        checkpoint = self.folder / file_names.BEST_CHECKPOINT
        if self.store.find_finished(self.entry) and damage.is_whole(checkpoint):
            return
        # Rows and trials that run beside each other may start from one training: the first does it.
        with self._hold_folder(self._wait_for) as lease:
            finished = self.store.find_finished(self.entry)
            if finished and damage.is_whole(checkpoint):
                return  # who was waited for did it
            self.watcher.begin(name, self.job.run.training.epochs)
            if not finished:
                with self.store.begin_run(self._leased_entry(lease)) as tracked:
                    self._begin_training(tracked)
                    trained = self._train(lease, tracked)
                    lease.require_held()
                    shared_training.keep_training(tracked, trained, whole=True)
                    results.tag_training(tracked, trained)
                    tracked.finish_run({})
            elif shared_training.take_over(self.store, self.folder, self.config, say):
                return
            else:
                say(
                    f"{name}: finished earlier, but its weights are missing at {self.folder}: "
                    "training again"
                )
                trained = self._train(lease, None)
            self._release_checkpoints(trained)

    def _begin_training(self, tracked: TrackedRun, *, anew: bool = False) -> None:
        """Take over another run's training where there is one, unless `anew`.

        Without training there is nothing to take over.
        """
        alone = anew or not self.job.run.is_trained
        shared_training.begin_training(
            tracked, self.store, self.folder, self.config, self.watcher.say, alone
        )

    def _train(self, lease: Lease, tracked: TrackedRun | None) -> TrainedRow:
        """Train and score on this machine's devices."""
        job, say = self.job, self.watcher.say
        write_settings(job.run, self.folder / "run.toml")
        observer = _RunObserver(lease, tracked, self.watcher, self.interrupt, self.queue)
        if tracked is not None:
            tracked.add_artifact(self.folder / "run.toml")
            tracked.log_datasets(results.dataset_uses(job.data))
        if job.data.train is not None and job.run.train.share < 1:
            text = shares.describe_share(job.data.train.subset, job.run.train.share, job.seed)
            observer.say("drawn", text)
        marked = self._find_breaths()
        if marked and tracked is not None:
            tracked.set_tag("breaths", json.dumps(marked))
        damage.set_aside(job.run, job.seed, self.folder, self.config, say)
        for name, loaded in job.data.evaluate.items():
            path = score_path(self.folder, name, job.run.evaluate[name], loaded)
            damage.set_scores_aside(path, job.run.evaluate[name], loaded.subset, say)
        trained_before = input_changes.is_trained(self.folder)
        trained = self._train_and_score(observer)
        input_changes.require_unchanged(
            job.run, job.data, self.folder, self.config, trained_before=trained_before
        )
        return trained

    def _train_and_score(self, observer: _RunObserver) -> TrainedRow:
        job = self.job
        if Team.current is not None:
            return Team.current.train_together(job, self.folder, observer)
        fabric = engine.make_fabric(self.config, job.run.training.precision)
        if self.config.device_count == 1:
            return train_and_score(
                fabric, job.run, job.seed, job.data, self.folder, self.config, observer
            )
        with relay_progress(observer) as relay:
            # Lightning hands the processes' own fabric to a function of one argument.
            return fabric.launch(partial(_train_on_each, job, self.folder, self.config, relay))

    def _find_breaths(self) -> dict[str, Census]:
        """Find the breaths of every split before training, in one process that shows its progress.

        They are kept for all later runs. Return how much is marked of each split that has a
        detector. Raise BenchError where nothing is marked in the training split.
        """
        config, say = self.config, self.watcher.say
        marked: dict[str, Census] = {}
        for key, loaded in self.job.data.splits.items():
            data = self.job.run.data[key]
            audio = corpus_cards.read_corpus_card(data.corpus).audio
            marks = breath.build_marker(loaded.subset, data.breath, audio, config, say)
            if data.breath.kind == "none":
                continue
            marked[key] = measure_marks(loaded.subset, data, marks)
            say(describe_census(key, data, marked[key]))
            if isinstance(data, TrainData):
                require_marks(data, marked[key])
        return marked

    def _release_checkpoints(self, trained: TrainedRow) -> None:
        if trained.checkpoint is not None:
            training_folder.release_checkpoints(self.folder, trained.progress, self.watcher.say)

    def _hold_figures(self, run_id: str) -> AbstractContextManager[Lease]:
        """Hold the run alone: another row may use the folder from now on."""
        path = self.folder / f"{leases.NAME}-{run_id[:8]}"
        return leases.hold_lease(path, self._wait_for)

    @contextmanager
    def _hold_folder(self, busy: Callable[[str], None]) -> Generator[Lease]:
        """Hold the row's folder: two processes that train one row would spoil each other's files.

        Where another process holds it, `busy` is called with its name, and may raise; else it is
        waited for.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with leases.hold_lease(self.folder / leases.NAME, busy) as lease:
            yield lease

    def _leased_entry(self, lease: Lease) -> RunRecord:
        """Return the run's entry with the lease by which it is known whether somebody is at it."""
        return replace(self.entry, lease=str(lease.path.absolute()))

    def _refuse(self, holder: str) -> NoReturn:
        raise Busy("row.busy", f"{self.job.name} is being run by {holder}")

    def _wait_for(self, holder: str) -> None:
        name = self.entry.name if self.entry.kind == "stage" else self.job.name
        self.watcher.say(f"{name}: is being run by {holder}, waiting for it")


class _RunObserver:
    """Passes what the engine reports on to the display and, where there is one, the tracked run."""

    def __init__(
        self,
        lease: Lease,
        tracked: TrackedRun | None,
        watcher: ProgressReporter,
        interrupt: InterruptGuard,
        queue: FigureQueue,
    ) -> None:
        self._lease, self._queue = lease, queue
        self._tracked, self._watcher, self._interrupt = tracked, watcher, interrupt

    def say(self, tag: str, text: str) -> None:
        """Show a line, and keep it with the run under the name `tag`."""
        if self._tracked is not None:
            self._tracked.set_tag(tag, text)
        self._watcher.say(text)

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        self._interrupt.raise_if_asked()
        self._lease.require_held()
        self._queue.log_ready()
        self._watcher.on_step(epoch, step, steps, losses)

    def on_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        self._lease.require_held()
        if self._tracked is not None:
            self._tracked.log_epoch(figures, epoch)
        self._watcher.on_epoch(epoch, figures)

    def on_score(self, evaluation: str, done: int, total: int) -> None:
        self._interrupt.raise_if_asked()
        self._lease.require_held()
        self._queue.log_ready()
        self._watcher.on_score(evaluation, done, total)


def _train_on_each(
    job: RowJob, folder: Path, config: Config, relay: DeviceRelay, fabric: Fabric
) -> TrainedRow:
    observer = ProgressSender(relay.pipe) if fabric.is_global_zero else SilentCallback()
    child_processes.end_with_parent()
    try:
        with interrupts.note_stop_signals():
            relay.watch_stop()
            return train_and_score(fabric, job.run, job.seed, job.data, folder, config, observer)
    except Exception:
        # Files are written and the parent has the error when Python's exit functions run. What
        # follows takes seconds for PyTorch's modules, with SIGTERM ignored; the others wait for it.
        atexit.register(os._exit, 1)
        raise

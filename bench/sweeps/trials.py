"""Train a sweep's trials as rows are trained: one engine, one signature, one place on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench.cards.sweep_cards import base_run, start_row, study_signature, trial_run, trial_seeds
from bench.config import Config
from bench.errors import BenchError, RowFailed
from bench.metrics.catalogue import is_rate
from bench.provenance import read_commit
from bench.reports import plot_style, sweep_plots
from bench.reports.sweep_best import describe_best_trials, find_leaders
from bench.reports.sweep_report import describe_study
from bench.runner import costs, local
from bench.runner.figure_queue import FigureQueue
from bench.runner.named_device import device_name
from bench.runner.requirements import require_available
from bench.runner.training_folder import abandon_training
from bench.specs.run import Run
from bench.specs.sweep import Sweep
from bench.sweeps import remaining_trials, sampling, storage, trial_table
from bench.sweeps.study import STATES, Claim, Pruned, Study
from bench.sweeps.worker import DiskRefused, EndedTrial, EpochCallback, work_on_study
from bench.tracking import artifact_check
from bench.tracking.client import is_unreachable
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from bench.tracking.studies import TRIALS, Ending, StudyEntry, StudyRun
from bench.training.clips import label_frames
from bench.training.row import DatasetCache, training_path


def require_inputs(card: Sweep, config: Config) -> None:
    """Raise one error that holds everything this machine lacks for the sweep's trials."""
    runs = [base_run(card), *(trial_run(card, point) for point in card.edge_points())]
    require_available(runs, config)


class SweepRun:
    """A study and its tracked run, open in this process."""

    def __init__(
        self,
        card: Sweep,
        config: Config,
        store: Store,
        watcher: local.ProgressReporter,
        url: str | None,
    ) -> None:
        """Open or make both; a BenchError where a corpus or the storage cannot be had."""
        self.card, self._config, self._store, self._watcher = card, config, store, watcher
        self._library = DatasetCache(config)
        run = base_run(card)
        data = self._library.load_row(run)
        entry = StudyEntry(
            sweep=card.key,
            form=card.form,
            signature=study_signature(card),
            fingerprints=data.fingerprints(),
            made_from=data.content_digests(),
            commit=read_commit(),
            settings=trial_table.describe_settings(card),
        )
        self._seeds = trial_seeds(card)
        self._resolution = self._find_resolution(run)
        self._device = device_name(config)
        opened = storage.open_storage(url, entry.name, config.work, watcher.say)
        self.study = Study(card, entry.name, opened, (run.training.epochs, len(self._seeds)))
        self._tracked = StudyRun(store, entry)
        self._queue = FigureQueue(config, watcher.say)
        artifact_check.require_artifacts(store, entry.table)

    def require_room(self, wanted: int, jobs: int) -> None:
        """Raise RowFailed if the disk has no room for the rest of `wanted` trials by `jobs`."""
        left = remaining_trials.list_remaining_trainings(
            self.study, self._cap_wanted(wanted), self._config
        )
        try:
            costs.require_disk_space(left, self._config, jobs)
        except RowFailed:
            self._tracked.end_study("KILLED")
            raise

    def run_trials(self, wanted: int) -> Iterator[EndedTrial]:
        """Work until `wanted` trials are there or taken, and yield how each of ours ended."""
        with self._queue:
            self._complete_trials()
            for ended in work_on_study(
                self.study, self._resolve_run, self._seeds, self._train_trial, wanted
            ):
                try:
                    self._record_ending(ended.number, ended.ending, ended.objective)
                    self._publish_study()
                except Exception as error:
                    if not is_unreachable(error):
                        raise
                    # The study itself has it all; the next trial, or `close`, tells it once more.
                    self._watcher.say(self._store.describe_no_answer(error))
                yield ended
                self._say_incomplete()
            self._queue.finish_all()
        self._say_incomplete()

    def _complete_trials(self) -> None:
        """Compute the figures that finished trials lack: their process was stopped before.

        Only trials that are scored on this machine are looked at.
        """
        runs_by_trial = self._tracked.read_trial_runs()
        for trial in self.study.list_trials():
            runs = runs_by_trial.get(trial.number, ())
            whole = {run.seed for run in runs if run.status == "FINISHED" and not run.failure}
            lacking = {run.seed for run in runs} - whole
            for seed in self._seeds if STATES[trial.state] == "finished" else ():
                if seed not in lacking:
                    continue
                point = sampling.decode_point(self.card, trial.params)
                job = self._build_job(trial.number, trial_run(self.card, point), seed)
                if local.is_scored(job, self._config):
                    entry = self._build_entry(job, trial.number)
                    local.run_job(job, entry, self._config, self._store, self._watcher, self._queue)

    def _say_incomplete(self) -> None:
        for outcome in self._queue.take_ended():
            if outcome.message:
                self._watcher.say(f"{outcome.job}: {outcome.state}: {outcome.message}")

    def close_study(self, wanted: int) -> bool:
        """Say in the tracking store how the study stands, and return whether all is done."""
        for trial in self.study.list_trials():  # also those of processes that could not tell
            ending = STATES[trial.state]
            if ending != "running":
                objective = trial.value if ending == "finished" else None
                self._record_ending(trial.number, ending, objective)
        self._publish_study()
        done = self.study.count_ended() >= self._cap_wanted(wanted)
        self._tracked.end_study("FINISHED" if done else "KILLED")
        return done

    def _publish_study(self) -> None:
        """Keep the study as it is now; of two processes that are at it the later one knows more."""
        card, study = self.card, self.study
        with study.hold_lock("publish"), tempfile.TemporaryDirectory() as folder:
            trials, importances = self.build_table(), trial_table.compute_importances(study)
            path = Path(folder) / TRIALS
            trials.to_csv(path, index=False)
            files = [path]
            for name, draw in sweep_plots.plan_sweep_plots(card, trials, importances).items():
                files += plot_style.write_figure(Path(folder), name, draw())
            objectives = (float(line["objective"]) for line in find_leaders(card, trials))
            best = min(objectives, default=None)
            self._tracked.keep_files(files, describe_study(card, trials), best, importances)

    def _cap_wanted(self, wanted: int) -> int:
        """Return how many trials there can be at most."""
        points = self.card.grid_points()
        return wanted if points is None else min(wanted, len(points))

    def build_table(self) -> pd.DataFrame:
        """Return the study's trials (`bench.sweeps.trial_table`), those of other processes too."""
        return trial_table.build_trial_table(
            self.study, self._tracked.read_trial_runs(), self._resolution
        )

    def describe_standing(self) -> str:
        """Return which trial is best, or that dev cannot tell; "" where none is finished."""
        table = self.build_table()
        return "" if table.empty else describe_best_trials(self.card, table)

    def _find_resolution(self, run: Run) -> float | None:
        """Return by how much one error in dev's smaller class changes a trial's objective.

        The objective is the dev EER, the mean of the error rates of both classes, over all seeds of
        a trial. None for another objective.
        """
        if self.card.objective != "dev.eer" or run.dev.splice.kind != "none":
            return None
        dev = self._library.load_row(run).dev
        assert dev is not None  # a sweep's row trains (`sweep_cards`)
        labels = np.concatenate(label_frames(dev.subset, run.dev))
        smaller = min(int(labels.sum()), int((~labels).sum()))
        return 1 / (2 * smaller * len(self._seeds)) if smaller else None

    def _record_ending(self, number: int, ending: Ending, objective: float | None) -> None:
        unit = 100 if is_rate(self.card.objective) else 1
        self._tracked.end_trial(number, ending, None if objective is None else unit * objective)

    def _resolve_run(self, claim: Claim) -> Run:
        return trial_run(self.card, claim.point)

    def _train_trial(self, claim: Claim, seed: int, heard: EpochCallback) -> Mapping[str, float]:
        """Train as a row is; a trial that is finished in the tracking store is looked up there."""
        run = self._resolve_run(claim)
        job = self._build_job(claim.number, run, seed)
        entry = self._build_entry(job, claim.number)
        watcher = _TrialProgress(self._watcher, job.name, heard, self._config.device_count)
        try:
            outcome = local.run_job(job, entry, self._config, self._store, watcher, self._queue)
        except Pruned:
            abandon_training(training_path(self._config.work, run, job.data, seed))
            raise
        if outcome.state == "failed":
            raise (DiskRefused if outcome.by_disk else BenchError)(
                "sweep.trial-failed", outcome.message
            )
        return outcome.kept_dev

    def _build_job(self, number: int, run: Run, seed: int) -> local.RowJob:
        return local.RowJob(f"trial {number}", seed, run, self._library.load_row(run))

    def _build_entry(self, job: local.RowJob, number: int) -> RunRecord:
        table, _ = start_row(self.card)
        return replace(
            RunRecord.from_data(f"sweeps/{self.card.key}", job.row, job.seed, job.run, job.data),
            paper=table.key.partition("/")[0],
            commit=read_commit(),
            device=self._device,
            kind="trial",
            parent=self._tracked.run_id,
            tags=self._tracked.trial_tags(number),
        )


class _TrialProgress:
    """Passes what the engine says on to the display and, of the trial's own epochs, to the study.

    What an earlier training that the trial starts from says is none of the study's.
    """

    def __init__(
        self, watcher: local.ProgressReporter, name: str, heard: EpochCallback, devices: int
    ) -> None:
        self._watcher, self._name, self._report_epoch = watcher, name, heard
        # Processes of several devices cannot be stopped by what hears them: nothing is pruned.
        self._may_prune = devices == 1
        self._is_own = False

    def begin(self, name: str, epochs: int) -> None:
        self._is_own = name == self._name
        self._watcher.begin(name, epochs)

    def say(self, text: str) -> None:
        self._watcher.say(text)

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        self._watcher.on_step(epoch, step, steps, losses)

    def on_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        self._watcher.on_epoch(epoch, figures)
        if self._is_own and self._may_prune:
            self._report_epoch(epoch, figures)

    def on_score(self, evaluation: str, done: int, total: int) -> None:
        self._watcher.on_score(evaluation, done, total)

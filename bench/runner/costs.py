"""What the trainings of an order cost: which are left, how many clips, how much disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bench._io import disk
from bench.cards import corpus_cards
from bench.config import Config
from bench.data import corpora
from bench.errors import BenchError, RowFailed
from bench.runner.network_sizes import weight_sizes
from bench.runner.request import RunRequest
from bench.specs.run import Data, Run
from bench.tracking.run_folders import finished_seeds
from bench.training import file_names


class PlannedTraining(NamedTuple):
    """A training that is left to do; several rows may share it."""

    runs: tuple[Run, ...]
    """Of the rows that have it, each once; of a training that rows start from, itself."""
    seed: int
    is_trained: bool
    """Whether its weights are there, so that it is only to be evaluated."""
    taken_bytes: int
    """What its checkpoints take already."""


class DiskSpace(NamedTuple):
    """Bytes that trainings need on the disk of the work folder, without score files."""

    stays: int
    """Of kept weights."""
    meanwhile: int
    """At most beside them, while the largest of the trainings is done."""

    @property
    def total(self) -> int:
        """Both together."""
        return self.stays + self.meanwhile


# --- what is left -------------------------------------------------------------------------------


def remaining_trainings(
    order: RunRequest, config: Config, again: bool = False
) -> list[PlannedTraining]:
    """Return the trainings of an order that are not finished, each once; `again`: all of them."""
    finished = {} if again else finished_seeds(config, order.table.key, order.form)
    trainings: dict[tuple[str, int], PlannedTraining] = {}

    def add(run: Run, seed: int, again: bool) -> None:
        key = (run.training_signature, seed)
        is_new = again and run.is_trained
        new = (
            PlannedTraining((run,), seed, False, 0) if is_new else find_training(run, seed, config)
        )
        earlier = trainings.setdefault(key, new)
        if run.signature not in {other.signature for other in earlier.runs}:
            trainings[key] = earlier._replace(runs=(*earlier.runs, run))

    for row, run in order.resolve_runs().items():
        for seed in order.row_seeds(row):
            if seed not in finished.get(run.signature, ()):
                if run.earlier:
                    add(run.earlier, seed, again=False)
                add(run, seed, again)
    return [
        training
        for training in trainings.values()
        if not training.is_trained or training.runs[0].evaluate
    ]


def find_training(run: Run, seed: int, config: Config) -> PlannedTraining:
    """Return the training of one run, as far as it is here; one of published weights is done."""
    if not run.is_trained:
        return PlannedTraining((run,), seed, True, 0)
    folders = [*(config.work / "runs").glob(f"{run.training_signature}-*/seed-{seed}")]
    ended = any((folder / file_names.SELECTION).is_file() for folder in folders)
    taken = disk.taken_bytes(*(path for folder in folders for path in folder.glob("*.pt")))
    return PlannedTraining((run,), seed, ended, taken)


def count_utterances(data: Data, run: Run, config: Config) -> int | None:
    """Return how many utterances a split has here, or by its card; None where neither says."""
    card = corpus_cards.read_corpus_card(data.corpus)
    try:
        return len(corpora.read_keys(card, data.split, config.corpus_root(data.corpus, run.form)))
    except BenchError:
        return card.splits[data.split].utterances if run.form == "paper" else None


def count_clips(run: Run, config: Config) -> int | None:
    """Return how many clips a training sees at most: one of each utterance in every epoch."""
    number = count_utterances(run.train, run, config)
    return None if number is None else round(number * run.train.share) * run.training.epochs


# --- disk -----------------------------------------------------------------------------------------


def require_disk_space(
    trainings: Sequence[PlannedTraining], config: Config, at_once: int = 1
) -> None:
    """Raise RowFailed where the disk is too small for trainings, `at_once` of them in parallel."""
    text = disk.describe_shortage(config.work, needed_space(trainings, at_once).total)
    if text is not None:
        raise RowFailed("machine.disk-full", text)


def needed_space(trainings: Sequence[PlannedTraining], at_once: int = 1) -> DiskSpace:
    """Return what trainings need beside what they take already; `at_once` are done at a time.

    A finished one keeps its weights, which a store on the same drive gives one more name. Until
    then it has its last state, which holds the weights and the optimiser's two moments of each that
    is trained, twice while it is written; and the weights that a mean is to be made of. The weights
    are written once more when it is evaluated. One of published weights writes none.
    """
    stays, states = 0, list[int]()
    for training in (one for one in trainings if one.runs[0].is_trained):
        weights = weight_sizes(training.runs[0])
        stays += max(0, weights.all_bytes - training.taken_bytes)
        if training.is_trained:
            states.append(weights.all_bytes)
        else:
            recent = training.runs[0].training.keep.averaged_epochs * weights.all_bytes
            state = weights.all_bytes + 2 * weights.trained_bytes
            states.append(2 * state + recent)
    return DiskSpace(stays, sum(sorted(states)[-at_once:]))

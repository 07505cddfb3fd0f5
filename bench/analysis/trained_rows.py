"""A trained row with one of its seeds: its weights and its scores, in the work folder or fetched
there from the tracking store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from bench.cards import corpus_cards as corpora
from bench.config import Config
from bench.data.subset import Subset
from bench.errors import BenchError, near
from bench.models.systems.base import System
from bench.runner import shared_training, trained_models
from bench.runner.request import Order
from bench.smoke import smoke_prefix
from bench.specs.run import HeldOutData, Run
from bench.tracking.run_record import RunEntry
from bench.tracking.store import Store
from bench.training import checkpoints
from bench.training.clips import Clip, Source, frame_labels, held_out
from bench.training.row import Library, RowData, latest_folder, score_path, write_settings


@dataclass(frozen=True)
class TrainedRow:
    """One row and seed whose kept weights are in the work folder."""

    table: str
    """`sal/table4`."""
    row: str
    seed: int
    run: Run
    data: RowData
    place: Path
    """The folder of its training."""

    @property
    def name(self) -> str:
        """E.g. `S5, seed 666`."""
        return f"{self.row}, seed {self.seed}"

    @property
    def kept(self) -> Path:
        """Its checkpoint."""
        return self.place / checkpoints.KEPT

    @property
    def is_whole(self) -> bool:
        """Whether its weights and all its score files are in the work folder."""
        paths = (
            score_path(self.place, name, self.run.evaluate[name], loaded)
            for name, loaded in self.data.evaluate.items()
        )
        return self.kept.is_file() and all(path.is_file() for path in paths)

    @property
    def smoke(self) -> str:
        """What stands before each title: `SMOKE: ` or nothing."""
        return smoke_prefix(self.run.form)

    @property
    def entry(self) -> RunEntry:
        """What its tracked run is looked up by."""
        return RunEntry.from_data(self.table, self.row, self.seed, self.run, self.data)

    def subset(self, evaluation: str) -> Subset:
        """Return the utterances of an evaluation."""
        return self.data.evaluate[evaluation].subset

    def system(self, config: Config) -> System:
        """Return the system with its kept weights, on the CPU, to be asked and not trained."""
        system = trained_models.kept(self.run, self.seed, self.kept, config)
        return system.requires_grad_(False).eval()

    def scores(self, evaluation: str) -> Path:
        """Return the score file of an evaluation; BenchError where it is not there."""
        evaluations = self.data.evaluate
        if evaluation not in evaluations:
            raise BenchError(
                "row.no-such-evaluation",
                f"{self.table}, row {self.row}: has no evaluation {evaluation!r}"
                f"{near(evaluation, evaluations)}",
            )
        path = score_path(
            self.place, evaluation, self.run.evaluate[evaluation], evaluations[evaluation]
        )
        if not path.is_file():
            raise BenchError(
                "row.not-scored",
                f"{path}: {self.name} of {self.table} is not scored here: "
                f"{_training_command(self)}",
            )
        return path


class LoadedUtterance(NamedTuple):
    """One utterance as an evaluation has it."""

    evaluation: str
    subset: Subset
    index: int
    """Its row in the subset's table."""
    data: HeldOutData
    clip: Clip
    frames: int
    """How many of the clip's frames are scored; the others fill it up."""


def trained(
    order: Order, seeds: Sequence[int | None], config: Config, say: shared_training.Say
) -> list[TrainedRow]:
    """Return the rows of `order`, each with the seed in its place, or the first of its own.

    What a row has in the tracking store and not in the work folder is fetched from there; `say` is
    told. BenchError where one is trained neither here nor there, or lacks a corpus.
    """
    order.require(config)
    library, runs = Library(config), order.runs()
    rows: list[TrainedRow] = []
    for row, wanted in zip(order.rows, seeds, strict=True):
        run, seed = runs[row], order.row_seeds(row)[0] if wanted is None else wanted
        data = library.row(run)
        folder = latest_folder(config.work, run, data, seed)
        trained_row = TrainedRow(order.table.key, row, seed, run, data, folder)
        rows.append(trained_row if trained_row.is_whole else _fetch_row(trained_row, config, say))
    return rows


def _fetch_row(row: TrainedRow, config: Config, say: shared_training.Say) -> TrainedRow:
    """Return a row after what the work folder lacks of it was fetched from the tracking store."""
    store = Store(config)
    run = store.finished(row.entry)
    if run is not None and shared_training.TRAINED_IN in run.data.tags:
        row = replace(row, place=shared_training.training_path(run, config))
    if not row.kept.is_file():
        shared_training.take_over(store, row.place, config, say)
    if not row.kept.is_file():
        finished = "" if run is None else f", though it is finished in {store.uri}"
        raise BenchError(
            "row.not-trained",
            f"{row.table}, row {row.row}, seed {row.seed} is not trained here ({row.kept} is not "
            f"there){finished}: {_training_command(row, again=run is not None)}",
        )
    if not (settings := row.place / "run.toml").is_file():
        write_settings(row.run, settings)
    if run is not None:
        shared_training.fetch_scores(store, run, row.place, say)
    return row


def _training_command(row: TrainedRow, *, again: bool = False) -> str:
    options = (" --smoke" if row.run.form == "smoke" else "") + (" --again" if again else "")
    return f"`bench run {row.table} --rows {row.row}{options}` trains it"


class ChosenUtterance(NamedTuple):
    """An utterance to be shown, and why it."""

    utterance: str
    why: str


def utterance_of(row: TrainedRow, wanted: str) -> ChosenUtterance:
    """Return the utterance `wanted` of the paper where an evaluation of the row has it; else one
    that is made alike: of the row's first evaluation, the first by name that begins bona fide and
    ends spoof, or where there is none the first spoof one.
    """
    for loaded in row.data.evaluate.values():
        if (loaded.subset.table["utterance"] == wanted).any():
            return ChosenUtterance(wanted, "the paper's utterance")
    evaluation, loaded = next(iter(row.data.evaluate.items()))
    subset = loaded.subset
    labels = frame_labels(subset, row.run.evaluate[evaluation])
    names = subset.table["utterance"].tolist()
    spoof = [name for name, frames in zip(names, labels, strict=True) if frames.any()]
    turning = [
        name
        for name, frames in zip(names, labels, strict=True)
        if len(frames) and not frames[0] and frames[-1]
    ]
    if not spoof:
        raise BenchError(
            "analysis.no-spoof", f"{subset.corpus} {subset.split}: has no spoof utterance to show"
        )
    what = "that begins bona fide and ends spoof" if turning else "that is spoof"
    return ChosenUtterance(
        min(turning or spoof),
        f"{wanted}, the paper's, is not in {subset.corpus} {subset.split} here; the first by name "
        f"{what} instead",
    )


def load_utterance(row: TrainedRow, utterance: str, config: Config) -> LoadedUtterance:
    """Return the utterance in the first of the row's evaluations that has it; BenchError where none
    has.
    """
    names: Sequence[str] = []
    for evaluation, loaded in row.data.evaluate.items():
        listed = loaded.subset.table["utterance"].tolist()
        if utterance in listed:
            subset, data = loaded.subset, row.run.evaluate[evaluation]
            source = Source(subset, data, corpora.card(subset.corpus).audio, None, config)
            index = listed.index(utterance)
            clip = source.read(index, held_out(index), "first")
            return LoadedUtterance(evaluation, subset, index, data, clip, len(source.scored(index)))
        names = [*names, *listed]
    where = ", ".join(
        f"{other.subset.corpus} {other.subset.split}" for other in row.data.evaluate.values()
    )
    hint = near(utterance, names)
    if "did you mean" not in hint:  # of all that is known there may be a hundred thousand
        hint = f"; the first is {names[0]!r}" if names else ""
    raise BenchError("analysis.no-such-utterance", f"{where}: has no utterance {utterance!r}{hint}")

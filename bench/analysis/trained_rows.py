"""A trained row and seed: its weights and scores, from the work folder or the tracking store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from bench.cards import corpus_cards as corpora
from bench.config import Config
from bench.data.subset import Subset
from bench.errors import BenchError, near_name
from bench.models.systems.base import System
from bench.runner import shared_training, trained_models
from bench.runner.request import RunRequest
from bench.smoke import smoke_option, smoke_prefix
from bench.specs.run import HeldOutData, Run
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from bench.training import engine, file_names
from bench.training.clips import ClipReader, LabelledClip, held_out_key, label_frames
from bench.training.row import (
    DatasetCache,
    RowData,
    latest_folder,
    score_path,
    score_paths,
    write_settings,
)


@dataclass(frozen=True)
class LoadedRow:
    """One row and seed whose kept weights are in the work folder."""

    table: str
    """`sal/table4`."""
    row: str
    seed: int
    run: Run
    data: RowData
    folder: Path
    """The folder of its training."""

    @property
    def name(self) -> str:
        """E.g. `S5, seed 666`."""
        return f"{self.row}, seed {self.seed}"

    @property
    def checkpoint(self) -> Path:
        """Its checkpoint."""
        return self.folder / file_names.BEST_CHECKPOINT

    @property
    def is_whole(self) -> bool:
        """Whether its weights and all its score files are in the work folder."""
        paths = score_paths(self.folder, self.run, self.data)
        return self.has_weights and all(path.is_file() for path in paths.values())

    @property
    def has_weights(self) -> bool:
        """Whether its kept weights are in the work folder, or it has published ones instead."""
        return self.checkpoint.is_file() or not self.run.is_trained

    @property
    def smoke_prefix(self) -> str:
        """What stands before each title: `SMOKE: ` or nothing."""
        return smoke_prefix(self.run.form)

    @property
    def record(self) -> RunRecord:
        """What its tracked run is looked up by."""
        return RunRecord.from_data(self.table, self.row, self.seed, self.run, self.data)

    def evaluation_subset(self, evaluation: str) -> Subset:
        """Return the utterances of an evaluation."""
        return self.data.evaluate[evaluation].subset

    def load_system(self, config: Config) -> System:
        """Return the system with its kept weights, on the CPU, to be asked and not trained."""
        if self.run.is_trained:
            system = trained_models.load_kept_system(self.run, self.seed, self.checkpoint, config)
        else:
            system = engine.build_system(self.run, self.seed, config)
        return system.requires_grad_(False).eval()

    def score_file(self, evaluation: str) -> Path:
        """Return the score file of an evaluation; BenchError where it is not there."""
        evaluations = self.data.evaluate
        if evaluation not in evaluations:
            raise BenchError(
                "row.no-such-evaluation",
                f"{self.table}, row {self.row}: has no evaluation {evaluation!r}"
                f"{near_name(evaluation, evaluations)}",
            )
        data, loaded = self.run.evaluate[evaluation], evaluations[evaluation]
        path = score_path(self.folder, evaluation, data, loaded)
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
    clip: LabelledClip
    frames: int
    """How many of the clip's frames are scored; the others fill it up."""


def load_trained_rows(
    order: RunRequest, seeds: Sequence[int | None], config: Config, say: shared_training.Say
) -> list[LoadedRow]:
    """Return the rows of `order`, each with the seed in its place, or the first of its own.

    What a row has in the tracking store and not in the work folder is fetched from there; `say` is
    told. BenchError where one is trained neither here nor there, or lacks a corpus.
    """
    order.require_available(config)
    library = DatasetCache(config)
    rows: list[LoadedRow] = []
    for row, wanted in zip(order.rows, seeds, strict=True):
        seed = order.row_seeds(row)[0] if wanted is None else wanted
        admitted = order.resolve_admitted(row)
        data = library.load_row(admitted[0])
        candidates = [
            LoadedRow(
                order.table.key, row, seed, run, data, latest_folder(config.work, run, data, seed)
            )
            for run in admitted
        ]
        whole = next((one for one in candidates if one.is_whole), None)
        rows.append(whole or _fetch_row(candidates, config, say))
    return rows


def _fetch_row(
    candidates: Sequence[LoadedRow], config: Config, say: shared_training.Say
) -> LoadedRow:
    """Return a row after what the work folder lacks of it was fetched from the tracking store.

    Of the precisions that it admits, it is the first that is finished there.
    """
    store = Store(config)
    finished = ((one, store.find_finished(one.record)) for one in candidates)
    row, run = next((pair for pair in finished if pair[1] is not None), (candidates[0], None))
    if run is not None and shared_training.TRAINED_IN in run.data.tags:
        row = replace(row, folder=config.work / run.data.tags[shared_training.TRAINED_IN])
    if not row.has_weights:
        shared_training.take_over(store, row.folder, config, say)
    if not row.has_weights:
        finished = "" if run is None else f", though it is finished in {store.uri}"
        raise BenchError(
            "row.not-trained",
            f"{row.table}, row {row.row}, seed {row.seed} is not trained here ({row.checkpoint} is "
            f"not there){finished}: {_training_command(row, again=run is not None)}",
        )
    if not (settings := row.folder / "run.toml").is_file():
        write_settings(row.run, settings)
    if run is not None:
        shared_training.fetch_scores(store, run, row.folder, say)
    return row


def _training_command(row: LoadedRow, *, again: bool = False) -> str:
    options = smoke_option(row.run.form) + (" --again" if again else "")
    return f"`bench run {row.table} --rows {row.row}{options}` trains it"


class ChosenUtterance(NamedTuple):
    """An utterance to be shown, and why it."""

    utterance: str
    why: str


def choose_utterance(row: LoadedRow, wanted: str) -> ChosenUtterance:
    """Return the paper's utterance `wanted` where an evaluation has it, else a similar one.

    Similar is, in the row's first evaluation, the first by name that begins bona fide and ends
    spoof, or where there is none the first spoof one.
    """
    for loaded in row.data.evaluate.values():
        if (loaded.subset.table["utterance"] == wanted).any():
            return ChosenUtterance(wanted, "the paper's utterance")
    evaluation, loaded = next(iter(row.data.evaluate.items()))
    subset = loaded.subset
    labels = label_frames(subset, row.run.evaluate[evaluation])
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
    absent = f"{wanted}, the paper's, is not in {subset.corpus} {subset.split} here"
    return ChosenUtterance(min(turning or spoof), f"{absent}; the first by name {what} instead")


def load_utterance(row: LoadedRow, utterance: str, config: Config) -> LoadedUtterance:
    """Return the utterance of the row's first evaluation that has it; BenchError where none has."""
    names: Sequence[str] = []
    for evaluation, loaded in row.data.evaluate.items():
        listed = loaded.subset.table["utterance"].tolist()
        if utterance in listed:
            subset, data = loaded.subset, row.run.evaluate[evaluation]
            audio = corpora.read_corpus_card(subset.corpus).audio
            source = ClipReader(subset, data, audio, None, config)
            index = listed.index(utterance)
            clip = source.read_clip(index, held_out_key(index), "first")
            frames = len(source.scored_labels(index))
            return LoadedUtterance(evaluation, subset, index, data, clip, frames)
        names = [*names, *listed]
    where = ", ".join(
        f"{other.subset.corpus} {other.subset.split}" for other in row.data.evaluate.values()
    )
    hint = near_name(utterance, names)
    if "did you mean" not in hint:  # of all that is known there may be a hundred thousand
        hint = f"; the first is {names[0]!r}" if names else ""
    raise BenchError("analysis.no-such-utterance", f"{where}: has no utterance {utterance!r}{hint}")

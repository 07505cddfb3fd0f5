"""Train and score one row, from its data to its score files, on every process of a launch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from lightning_fabric import Fabric

from bench._io import atomic_files, interrupts
from bench._io.digests import short_digest
from bench.cards import corpus_cards
from bench.config import Config, Form
from bench.data import corpora, fingerprint
from bench.data.required_audio import States, read_durations, require_audio
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.evaluation import score_file
from bench.specs.base import digest
from bench.specs.run import PUBLISHED_WEIGHTS, Data, HeldOutData, Run
from bench.training import checkpoints, conditions, contents, engine, file_names, shares
from bench.training.callbacks import TrainingCallback
from bench.training.clips import require_labels
from bench.training.keeping import Progress, Selection
from bench.training.scoring import build_utterances, score_columns, score_utterances
from bench.training.speedups import apply_speed, describe_speed


class LoadedSplit(NamedTuple):
    """A split with the fingerprint of its protocol and labels and the digest of its audio.

    `states` are those of its audio files when it was loaded; `reader_digests` holds the digests
    and versions of what reads it and finds its breaths (`bench.training.contents`).
    """

    subset: Subset
    fingerprint: str
    audio: str
    states: States
    reader_digests: Mapping[str, str] = MappingProxyType({})

    @property
    def name(self) -> str:
        """`<corpus>/<split>`."""
        return f"{self.subset.corpus}/{self.subset.split}"

    def content_digests(self) -> dict[str, str]:
        """Return the digests of all that is heard."""
        return {f"audio {self.name}": self.audio, **self.reader_digests}


class RowData(NamedTuple):
    """All subsets of one run."""

    train: LoadedSplit | None
    dev: LoadedSplit | None
    """None, as `train`, where nothing is trained."""
    evaluate: Mapping[str, LoadedSplit]
    stage: RowData | None = None
    """Of the earlier training that the run starts from, if any."""
    training: Mapping[str, str] = MappingProxyType({})
    """Digests of the files that training needs beside the data (`bench.training.contents`)."""

    @property
    def splits(self) -> dict[str, LoadedSplit]:
        """Every split, by its key in `Run.data` and in that order."""
        learnt = {"train": self.train, "dev": self.dev}
        evaluated = {f"evaluate.{name}": loaded for name, loaded in self.evaluate.items()}
        return {key: loaded for key, loaded in learnt.items() if loaded} | evaluated

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprint of each subset by `corpus/split`."""
        fingerprints = {loaded.name: loaded.fingerprint for loaded in self.splits.values()}
        return fingerprints if self.stage is None else self.stage.fingerprints() | fingerprints

    def content_digests(self) -> dict[str, str]:
        """Return digests of all that the run is made from beside settings and protocols."""
        heard = {
            name: digest
            for data in self.evaluate.values()
            for name, digest in data.content_digests().items()
        }
        return heard | self.training_digests()

    def training_digests(self) -> dict[str, str]:
        """Return the digests that concern the training and the one that it starts from."""
        digests = {} if self.stage is None else self.stage.training_digests()
        for loaded in filter(None, (self.train, self.dev)):
            digests |= loaded.content_digests()
        return {**digests, **self.training}


class TrainedRow(NamedTuple):
    """A finished row: its score files by evaluation, its checkpoint and how it was trained."""

    scores: Mapping[str, Path]
    checkpoint: Path | None
    progress: Progress
    selection: Selection | None
    """None, as `checkpoint`, where nothing is trained."""
    conditions: Mapping[str, str]

    def tracking_tags(self) -> dict[str, str]:
        """Return the text tags for the tracking store, fields of `tracking.stored_runs`."""
        if self.selection is None:
            return {"weights_by": PUBLISHED_WEIGHTS, **self.conditions}
        return {**self.selection.tracking_tags(), **self.conditions}


class DatasetCache:
    """Loads each split once, however many rows use it; every protocol line must have its audio."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._loaded: dict[tuple[str, ...], LoadedSplit] = {}

    def load_row(self, run: Run) -> RowData:
        """Return the splits of `run`.

        Raise where a corpus is missing or broken, or the share of the training split too small.
        """
        train = dev = None
        if run.is_trained:
            train = self.load_split(run.form, run.train)
            shares.require_share(train.subset, run)
            dev = self.load_split(run.form, run.dev)
        return RowData(
            train,
            dev,
            {name: self.load_split(run.form, data) for name, data in run.evaluate.items()},
            self.load_row(run.earlier) if run.earlier else None,
            contents.training_contents(run, self.config),
        )

    def load_split(self, form: Form, data: Data) -> LoadedSplit:
        """Return the split that `data` names; raise where it is missing or broken."""
        interrupts.raise_if_stop_asked("stopped before the row began")
        card = corpus_cards.read_corpus_card(data.corpus)
        official_s = card.resolutions_s
        # Where whole utterances are labelled, the frame vectors that take least to read.
        resolution_s = (data.resolution_s or max(official_s)) if official_s else None
        key = (form, data.corpus, data.split, str(resolution_s))
        if key not in self._loaded:
            subset = corpora.read_corpus_split(
                data.corpus, data.split, self.config, form, resolution_s
            )
            states = require_audio(subset, card.audio, self.config.work, form)
            self._loaded[key] = LoadedSplit(
                replace(subset, heard_s=read_durations(states)),
                fingerprint.compute_fingerprint(subset),
                fingerprint.audio_digest(subset),
                states,
            )
        loaded = self._loaded[key]
        require_labels(loaded.subset, data)
        return loaded._replace(reader_digests=contents.data_contents(data, self.config))


def training_path(work: Path, run: Run, data: RowData, seed: int, again: int = 0) -> Path:
    """Return the folder of a training: named by settings, data, seed and repetition.

    `again` counts trainings anew. Rows that differ only in their evaluations share a folder, so
    they train once.
    """
    digest = run.training_signature
    for learnt in (data, data.stage):
        if learnt and learnt.train and learnt.dev:
            digest += f"-{learnt.train.fingerprint[:6]}{learnt.dev.fingerprint[:6]}"
    digest += f"-{short_digest(data.training_digests())}"
    return work / "runs" / digest / (f"seed-{seed}" + (f"-again-{again}" if again else ""))


def latest_folder(work: Path, run: Run, data: RowData, seed: int) -> Path:
    """Return the folder of the latest finished training of `run`, else of the first one."""
    number, latest = 0, training_path(work, run, data, seed)
    while (further := training_path(work, run, data, seed, number + 1)).is_dir():
        number += 1
        latest = further if (further / file_names.SELECTION).is_file() else latest
    return latest


def score_path(folder: Path, name: str, data: HeldOutData, loaded: LoadedSplit) -> Path:
    """Return the score file of one evaluation, named by its split, resolution and data."""
    resolution = (
        "utterance"
        if data.resolution_s is None
        else f"{_in_milliseconds(data.resolution_s)}-{data.label_rule}"
    )
    clip = "" if data.clip_s is None else f"-first-{_in_milliseconds(data.clip_s)}-{data.fill}"
    parts = [part for part in (data.splice, data.breath) if part.kind != "none"]
    special = "".join(f"-{part.kind}-{digest(part)}" for part in parts)
    contents_digest = f"{loaded.fingerprint[:8]}-{short_digest(loaded.content_digests())}"
    details = f"{data.split}-{resolution}{clip}{special}-{contents_digest}"
    return folder / "scores" / f"{name}-{details}.parquet"


def score_paths(folder: Path, run: Run, data: RowData) -> dict[str, Path]:
    """Return the score file of each of a run's evaluations, by its name."""
    return {
        name: score_path(folder, name, run.evaluate[name], loaded)
        for name, loaded in data.evaluate.items()
    }


def _in_milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:g}ms"


def train_and_score(
    fabric: Fabric,
    run: Run,
    seed: int,
    data: RowData,
    folder: Path,
    config: Config,
    callback: TrainingCallback,
) -> TrainedRow:
    """Train what is not yet trained, score what is not yet scored; return where everything is.

    A run without training is scored with the weights that it starts from. A run that starts from an
    earlier training needs its checkpoint: a BenchError where it is missing.
    """
    conditions.apply_determinism(config)
    conditions.apply_precision(run.training.precision)
    ended = _train_row(fabric, run, seed, data, folder, config, callback)
    checkpoint = None if ended is None else folder / file_names.BEST_CHECKPOINT
    paths = score_paths(folder, run, data)
    missing = {name: path for name, path in paths.items() if not path.is_file()}
    progress = Progress() if ended is None else ended.progress
    computed = progress.conditions
    if missing:
        computed = conditions.join_conditions(
            computed,
            conditions.current_conditions(
                fabric.device.type, fabric.world_size, describe_speed(run, config.speed, fabric)
            ),
        )
        system = engine.build_system(run, seed, config)
        if checkpoint is not None:
            system.load_state_dict(checkpoints.load_checkpoint(checkpoint)["system"])
        system = system.to(fabric.device)
        apply_speed(fabric, system, config.speed)
        for name, path in missing.items():
            evaluation, subset = run.evaluate[name], data.evaluate[name].subset
            audio = corpus_cards.read_corpus_card(evaluation.corpus).audio
            workers = config.loader_workers(fabric.device.type)
            share = build_utterances(fabric, subset, evaluation, audio, config)
            each = partial(callback.on_score, name)
            scores = score_utterances(fabric, system, share, workers, progress=each)
            if fabric.is_global_zero:
                path.parent.mkdir(parents=True, exist_ok=True)
                score_file.write_scores(path, score_columns(share, scores))
            fabric.barrier()
    return TrainedRow(paths, checkpoint, progress, ended and ended.selection, computed)


def _train_row(
    fabric: Fabric,
    run: Run,
    seed: int,
    data: RowData,
    folder: Path,
    config: Config,
    callback: TrainingCallback,
) -> engine.FinishedTraining | None:
    """Train to the end and return how it ended; None for a run without training."""
    if data.train is None or data.dev is None:
        return None
    start = start_checkpoint(run, seed, data, config)
    if start is not None and not start.is_file():
        raise BenchError(
            "training.start-missing",
            f"{start}: there is no checkpoint of the earlier training that this run starts from",
        )
    material = engine.TrainingData(
        shares.draw_share(data.train.subset, run.train.share, seed),
        data.dev.subset,
        corpus_cards.read_corpus_card(run.train.corpus).audio,
        corpus_cards.read_corpus_card(run.dev.corpus).audio,
        start,
    )
    return engine.train(fabric, run, seed, material, folder, config, callback)


def start_checkpoint(run: Run, seed: int, data: RowData, config: Config) -> Path | None:
    """Return the checkpoint of the earlier training that `run` starts from, if any."""
    if run.earlier is None or data.stage is None:
        return None
    return training_path(config.work, run.earlier, data.stage, seed) / file_names.BEST_CHECKPOINT


def write_settings(run: Run, path: Path) -> None:
    """Write the resolved settings as TOML, one dotted key a line."""
    lines = [f"# signature {run.signature}, training signature {run.training_signature}"]
    # JSON's numbers, strings and lists are TOML's; no setting is null.
    lines += [f"{key} = {json.dumps(value)}" for key, value in run.flat_settings().items()]
    atomic_files.write_text(path, "\n".join(lines) + "\n")

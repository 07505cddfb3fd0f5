"""Detectors for recordings of anyone's: trained rows, published weights, models of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric

from bench.cards import corpus_cards
from bench.config import Config
from bench.data.recordings import Recording, as_subset
from bench.errors import BenchError
from bench.evaluation import score_file
from bench.evaluation.recording_scores import RecordingScores
from bench.models import breath, devices
from bench.runner import trained_models
from bench.runner.foreign_models import ForeignModel, ModelFile
from bench.runner.foreign_scores import ForeignScorer
from bench.runner.official_rows import find_official_row
from bench.runner.operating_points import OperatingPoint, find_eer_point
from bench.runner.request import RunRequest
from bench.runner.trained_models import TrainedModel
from bench.specs.base import Absent
from bench.specs.corpus import Audio
from bench.specs.run import HeldOutData, Run
from bench.tracking import run_artifacts
from bench.tracking.store import Store
from bench.training import engine
from bench.training.scoring import FrameScores, Scorer, build_utterances, is_finite, iterate_scores

Say = Callable[[str], None]


@dataclass(frozen=True)
class Detector:
    """A system that scores recordings."""

    name: str
    source: str
    """Where its weights are from."""
    trained_on: str
    """Corpora, in words."""
    system: Scorer
    fabric: Fabric
    data: HeldOutData
    """How files are heard: clips, fill, frames, breaths. Its corpus and split say nothing here."""
    find_point: Callable[[str], OperatingPoint | str]
    """Returns the EER threshold on a corpus, or why it is not known."""


def score_recordings(
    detector: Detector, recordings: Sequence[Recording], folder: Path, config: Config, say: Say
) -> list[RecordingScores]:
    """Return the scores of recordings in their order; breaths that are searched go to `folder`.

    BenchError where one cannot be scored, for example since it is too short.
    """
    subset, data, audio = as_subset(recordings), detector.data, Audio()
    config = replace(config, work=folder)
    breath.build_marker(subset, data.breath, audio, config, say)
    share = build_utterances(detector.fabric, subset, data, audio, config)
    workers = config.loader_workers(detector.fabric.device.type)
    detector.system.eval()
    results: dict[int, FrameScores] = {}
    for batch in iterate_scores(detector.fabric, detector.system, share, workers):
        results |= batch
    scored: list[RecordingScores] = []
    for index, scores in sorted(results.items()):
        if not is_finite(scores):
            raise BenchError(
                "foreign.not-finite",
                f"{detector.name}: the score of {recordings[index].path} is not finite, though its "
                "audio is",
            )
        heard_s = min(scores.duration_s, data.clip_s or scores.duration_s)
        step_s = heard_s if data.resolution_s is None else data.resolution_s
        edges_s = np.minimum(np.arange(len(scores.score) + 1) * step_s, heard_s)
        scored.append(RecordingScores(edges_s, scores.score.astype(np.float64)))
    return scored


def load_row_detector(
    order: RunRequest, seed: int | None, corpus: str | None, config: Config, say: Say
) -> Detector:
    """Return the one row of `order` as a detector, whose weights are found as `find_model` does.

    It hears files as it evaluates `corpus`, else as in its first evaluation.
    """
    devices.require_devices(config)
    model = trained_models.load_published(order, seed, config)
    if model is None:  # a store is made where there is none
        model = trained_models.find_model(order, seed, config, Store(config))
    run = model.run
    fabric = engine.make_fabric(config.for_one_device(), run.training.precision)
    (row,) = order.rows
    title = f"{order.table.key}, row {row}"
    say(f"{title}: {model.source}")
    return Detector(
        title,
        model.source,
        describe_training(run),
        model.system.to(fabric.device),
        fabric,
        _choose_data(run, corpus),
        partial(_find_row_point, order, model, config),
    )


def load_official_detector(name: str, corpus: str | None, config: Config, say: Say) -> Detector:
    """Return published weights as a detector: `official:aasist`, by the row that evaluates them."""
    table, row = find_official_row(name)
    return load_row_detector(RunRequest(table, [row], 1, "paper"), None, corpus, config, say)


def load_model_detector(file: ModelFile, data: HeldOutData, config: Config, say: Say) -> Detector:
    """Return a model of anyone's as a detector that hears files as `data` says."""
    scorer = ForeignScorer(file, "paper", config, say)

    def find_point(corpus: str) -> OperatingPoint | str:
        card = corpus_cards.read_corpus_card(corpus)
        split = card.evaluation_split
        like = data.model_copy(update={"corpus": card.key, "split": split})
        path = scorer.locate_scores(like)
        if not path.is_file():
            options = "".join(
                f" {option} {value:g}"
                for option, value in (("--resolution", data.resolution_s), ("--clip", data.clip_s))
                if value is not None
            )
            return (
                f"{card.short} {split} is not scored with {file.path}: "
                f"`bench score --model {file.text} --corpus {card.short}{options}` does it"
            )
        return _read_point(path, f"{card.short} {split}", like)

    model: ForeignModel = scorer.model
    trained_on = "the suite does not know what it was trained on"
    return Detector(file.name, str(file.path), trained_on, model, scorer.fabric, data, find_point)


def _find_row_point(
    order: RunRequest, model: TrainedModel, config: Config, corpus: str
) -> OperatingPoint | str:
    """Return the EER threshold of a row on a corpus, or why it is not known."""
    card, run, (row,) = corpus_cards.read_corpus_card(corpus), model.run, order.rows
    title = f"{order.table.key}, row {row}"
    names = [name for name, each in run.evaluate.items() if each.corpus == card.key]
    if not names:
        there = ", ".join(each.corpus for each in run.evaluate.values())
        return f"{title} is not evaluated on {card.short}; it is on {there}"
    store = Store(config)
    tracked = trained_models.search_finished_run(order, row, run, model.seed, store)
    if tracked is None:
        return (
            f"{title}, seed {model.seed} is not finished in {store.uri}: "
            f"`bench run {order.table.key} --rows {row}` evaluates it"
        )
    with run_artifacts.open_score_file(store, tracked.info.run_id, names[0]) as path:
        if path is None:
            return f"{title}: its scores of {names[0]} are not in {store.uri}"
        like = run.evaluate[names[0]]
        where = f"{card.short} {like.split}, run {tracked.info.run_id[:8]}"
        return _read_point(path, where, like)


def _choose_data(run: Run, corpus: str | None) -> HeldOutData:
    """Return how the row's evaluation on `corpus`, else its first one, hears files."""
    named = (each for each in run.evaluate.values() if each.corpus == corpus)
    data = next(named, next(iter(run.evaluate.values())))
    return data.model_copy(update={"by": (), "splice": Absent(kind="none")})


def _read_point(path: Path, where: str, data: HeldOutData) -> OperatingPoint:
    table = score_file.read_scores(path)
    of_frames = data.resolution_s is not None
    return find_eer_point(table, f"EER threshold on {where}", of_frames=of_frames)


def describe_training(run: Run) -> str:
    """Return what a run's weights were trained on, and selected by."""
    card, dev = (corpus_cards.read_corpus_card(data.corpus) for data in (run.train, run.dev))
    by = "" if run.is_trained else "by its authors "
    earlier = f"{describe_training(run.earlier)}; then " if run.earlier else ""
    smoke = " (miniature)" if run.form == "smoke" else ""
    return (
        f"{earlier}{by}on {card.name} {run.train.split}{smoke}, selected on {dev.name} "
        f"{run.dev.split}"
    )

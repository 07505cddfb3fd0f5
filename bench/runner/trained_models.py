"""Trained rows as models: their kept weights, wherever they are, and what they score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from bench.cards import corpus_cards
from bench.config import Config
from bench.errors import BenchError
from bench.evaluation import score_file
from bench.models import breath, devices
from bench.models.systems.base import System
from bench.runner.request import RunRequest
from bench.smoke import smoke_option
from bench.specs.run import PUBLISHED_WEIGHTS, HeldOutData, PublishedStart, Run
from bench.tracking.model_pickle import MODULE, pack_module
from bench.tracking.shared_runs import TRAINED_IN
from bench.tracking.store import Store
from bench.training import checkpoints, engine, file_names
from bench.training.row import DatasetCache
from bench.training.scoring import build_utterances, score_columns, score_utterances


class TrainedModel(NamedTuple):
    """A trained row."""

    run: Run
    seed: int
    system: System
    source: str
    """Where its weights were found."""


class SplitEvaluation(NamedTuple):
    """How a split is scored."""

    like: str
    """The row's evaluation whose clips, fill and breaths these are."""
    data: HeldOutData


def load_kept_system(run: Run, seed: int, path: Path, config: Config) -> System:
    """Return the run's system with the weights of the checkpoint at `path`."""
    return _build_with_weights(run, seed, checkpoints.load_checkpoint(path)["system"], path, config)


def _build_with_weights(
    run: Run, seed: int, weights: Mapping[str, Tensor], path: Path, config: Config
) -> System:
    system = engine.build_system(run, seed, config)
    try:
        system.load_state_dict(weights)
    except RuntimeError as error:
        raise BenchError(
            "row.wrong-weights", f"{path}: holds another system's weights: {error}"
        ) from error
    return system


def add_module(run: Run, seed: int, path: Path, config: Config) -> None:
    """Write a checkpoint anew with its module in it, so that it is a model as well, once."""
    state = checkpoints.load_checkpoint(path)
    if MODULE not in state:
        system = _build_with_weights(run, seed, state["system"], path, config)
        checkpoints.save_checkpoint({**state, MODULE: pack_module(system)}, path)


def find_model(order: RunRequest, seed: int | None, config: Config, store: Store) -> TrainedModel:
    """Return the model of the one row of `order`, of its first seed unless another is asked for.

    Its weights are taken from the work folder or, where they are not there, from the tracking
    store's artifacts; those of a row without training are the published ones. BenchError where the
    row is not finished, or the device is not there.
    """
    devices.require_devices(config)
    if (published := load_published(order, seed, config)) is not None:
        return published
    (row,) = order.rows
    seed = order.row_seeds(row)[0] if seed is None else seed
    run, tracked = _find_finished_run(order, row, seed, store)
    path = config.work / tracked.data.tags.get(TRAINED_IN, "") / file_names.BEST_CHECKPOINT
    damaged = ""
    if path.is_file():
        try:
            return TrainedModel(run, seed, load_kept_system(run, seed, path, config), str(path))
        except checkpoints.DamagedCheckpoint as error:
            damaged = f" ({error})"
    run_id: str = tracked.info.run_id
    system = store.load_model(run_id)
    assert isinstance(system, System)
    return TrainedModel(run, seed, system, f"run {run_id} at {store.uri}{damaged}")


def load_published(order: RunRequest, seed: int | None, config: Config) -> TrainedModel | None:
    """Return the model of the one row of `order` if it is of published weights, else None."""
    ((row, run),) = order.resolve_runs().items()
    if not isinstance(run.start, PublishedStart):
        return None
    seed = order.row_seeds(row)[0] if seed is None else seed
    source = f"weights {run.start.weights}, {PUBLISHED_WEIGHTS}"
    return TrainedModel(run, seed, engine.build_system(run, seed, config), source)


def _find_finished_run(order: RunRequest, row: str, seed: int, store: Store) -> tuple[Run, Any]:
    """Return the row in the precision that it was trained in, and its tracked run.

    BenchError where there is none.
    """
    for run in order.resolve_admitted(row):
        if (tracked := search_finished_run(order, row, run, seed, store)) is not None:
            return run, tracked
    changed = "".join(f" --set {text}" for text in order.overrides)
    raise BenchError(
        "row.not-trained",
        f"{order.table.key}, row {row}, seed {seed} is not finished in {store.uri}: "
        f"`bench run {order.table.key} --rows {row}{changed}{smoke_option(order.form)}` trains it",
    )


def search_finished_run(order: RunRequest, row: str, run: Run, seed: int, store: Store) -> Any:
    """Return the tracked run that finished last with the row's settings and seed, or None."""
    wanted = {"kind": "row", "row": row, "seed": str(seed), "signature": run.signature}
    runs = store.search_runs(order.table.key, wanted)
    return next((each for each in runs if each.info.status == "FINISHED"), None)


def choose_evaluation(run: Run, corpus: str, split: str) -> SplitEvaluation:
    """Return how the row's system scores a split.

    It is done as the row evaluates the split; else as the row evaluates another split of the
    corpus; else as its first evaluation. Of a corpus without frame labels, whole utterances are
    scored.
    """
    split_of = {name: (data.corpus, data.split) for name, data in run.evaluate.items()}
    exact = [name for name, key in split_of.items() if key == (corpus, split)]
    near_by = [name for name, key in split_of.items() if key[0] == corpus]
    like = [*exact, *near_by, *run.evaluate][0]
    data = run.evaluate[like].model_copy(update={"corpus": corpus, "split": split, "by": ()})
    if corpus_cards.read_corpus_card(corpus).task != "localization" and data.splice.kind == "none":
        data = data.model_copy(update={"resolution_s": None})
    return SplitEvaluation(like, data)


def score_split(
    model: TrainedModel, data: HeldOutData, path: Path, config: Config, say: Callable[[str], None]
) -> None:
    """Write a model's scores of a split to `path`, as `bench run` writes those of an evaluation."""
    subset = DatasetCache(config).load_split(model.run.form, data).subset
    audio = corpus_cards.read_corpus_card(data.corpus).audio
    breath.build_marker(subset, data.breath, audio, config, say)
    fabric = engine.make_fabric(config.for_one_device(), model.run.training.precision)
    share = build_utterances(fabric, subset, data, audio, config)
    workers = config.loader_workers(fabric.device.type)
    scores = score_utterances(fabric, model.system.to(fabric.device), share, workers)
    score_file.write_scores(path, score_columns(share, scores))

"""A training is done once, also by people with different work folders.

What a finished run keeps in the tracking store is enough to go on from. The model of a row is its
checkpoint (`bench.tracking.registered_models`); how training went is kept beside it. A digest of
all weights shows whether they are the ones that were trained.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench._io import atomic_files
from bench._io.digests import file_digest
from bench.config import Config
from bench.errors import BenchError, plain_message
from bench.tracking import registered_models
from bench.tracking.shared_runs import TAKEN_FROM, TRAINED_IN
from bench.tracking.store import Store, TrackedRun
from bench.training import checkpoints, file_names, keeping
from bench.training.row import TrainedRow

WEIGHTS = "weights_digest"
"""Tag of a run: the digest of its kept weights (`state_digest`)."""
SCORES = "score_files"
"""Tag of a run: the digest of each score file by its path among the artifacts, as JSON."""
_FOLDER, _REST, _WHOLE = "training", "rest.pt", "checkpoint"
_COMPUTED = ".parametrizations."
"""In the names of weights that torch computes others from; a model has what they come to."""

Say = Callable[[str], None]


def state_digest(state: Mapping[str, Tensor]) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of weights: names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def keep_training(tracked: TrackedRun, trained: TrainedRow, *, whole: bool) -> None:
    """Keep with a run what others need to take over its training.

    That is the checkpoint where it is kept `whole`, as no model of it is; how training went; and
    digests. Without training these are the digests of score files alone.
    """
    files = {f"scores/{name}/{path.name}": path for name, path in trained.scores.items()}
    digests = {name: file_digest(path) for name, path in files.items()}
    tracked.set_tag(SCORES, json.dumps(digests))
    if trained.checkpoint is None:
        return
    state = checkpoints.load_checkpoint(trained.checkpoint)["system"]
    tracked.set_tag(WEIGHTS, state_digest(state))
    if whole:
        tracked.add_artifact(trained.checkpoint, _WHOLE, is_final=True)
    with tempfile.TemporaryDirectory() as folder:
        progress = Path(folder, file_names.PROGRESS)
        atomic_files.write_text(progress, json.dumps(vars(trained.progress)))
        paths = [progress, trained.checkpoint.with_name(file_names.SELECTION)]
        for path in paths:
            tracked.add_artifact(path, _FOLDER)


def begin_training(
    tracked: TrackedRun, store: Store, folder: Path, config: Config, say: Say, anew: bool = False
) -> None:
    """Tag the folder of a run's training; take over another run's training, unless `anew`."""
    tracked.set_tag(TRAINED_IN, folder.relative_to(config.work).as_posix())
    taken_from = "" if anew else take_over(store, folder, config, say)
    if taken_from:
        tracked.set_tag(TAKEN_FROM, taken_from)


def take_over(store: Store, folder: Path, config: Config, say: Say) -> str:
    """Copy the weights of a finished run that trained the same into `folder`; return its id.

    Nothing is done where the training has begun here. Return "" where there is no such run. What
    cannot be taken over is said in a line and left to be trained.
    """
    begun = (file_names.LAST_CHECKPOINT, file_names.PROGRESS)
    if any((folder / name).is_file() for name in begun):
        return ""
    for run in store.runs_trained_in(folder.relative_to(config.work).as_posix()):
        run_id, table = run.info.run_id, run.data.tags["table"]
        what = f"{table}, row {run.data.tags['row']}, seed {run.data.tags['seed']}"
        try:
            _copy_training(store, run, folder)
        except (BenchError, OSError) as error:
            say(
                f"{what}: run {run_id[:8]} was trained alike, but cannot be used: "
                f"{plain_message(error)}"
            )
            continue
        say(f"{what}: trained by run {run_id[:8]} of {store.uri}: its weights are taken over")
        return run_id
    return ""


def _copy_training(store: Store, run: Any, folder: Path) -> None:
    run_id, tags = run.info.run_id, run.data.tags
    if WEIGHTS not in tags:
        raise BenchError(
            "row.cannot-reuse",
            "it does not say the digest of its weights (an earlier version kept it)",
        )
    with tempfile.TemporaryDirectory() as temporary:
        fetched = Path(temporary)
        progress, selection = (
            store.fetch_artifact(run_id, f"{_FOLDER}/{name}", fetched)
            for name in (file_names.PROGRESS, file_names.SELECTION)
        )
        keeping.read_progress(progress)
        epochs = keeping.read_selection(selection).epochs
        state = _kept_weights(store, run, fetched)
        if (digest := state_digest(state)) != tags[WEIGHTS]:
            raise BenchError(
                "row.cannot-reuse",
                f"the digest of its weights is {digest}, should be {tags[WEIGHTS]}",
            )
        checkpoint = {"system": state, "epoch": epochs[-1], "epochs": [*epochs]}
        checkpoints.save_checkpoint(checkpoint, folder / file_names.BEST_CHECKPOINT)
        for path in (selection, progress):  # the last one says that all is there
            atomic_files.write_bytes(folder / path.name, path.read_bytes())


def _kept_weights(store: Store, run: Any, folder: Path) -> dict[str, Tensor]:
    """Return the kept weights of a run. A row's model is its checkpoint.

    Where an earlier version kept it, the rest of the weights lies beside the model.
    """
    run_id = run.info.run_id
    if run.data.tags["kind"] != "row":
        path = f"{_WHOLE}/{file_names.BEST_CHECKPOINT}"
    elif f"{_FOLDER}/{_REST}" in store.artifact_names(run_id, _FOLDER):
        return _earlier_weights(store, run_id, folder)
    else:
        path = f"{registered_models.FOLDER}/{registered_models.FILE}"
    return checkpoints.load_checkpoint(store.fetch_artifact(run_id, path, folder))["system"]


def _earlier_weights(store: Store, run_id: str, folder: Path) -> dict[str, Tensor]:
    path = store.fetch_artifact(run_id, f"{_FOLDER}/{_REST}", folder)
    rest = checkpoints.load_checkpoint(path)["system"]
    computed = {_plain_name(name) for name in rest}
    plain_state = store.load_model(run_id).state_dict()
    return {name: tensor for name, tensor in plain_state.items() if name not in computed} | rest


def _plain_name(name: str) -> str:
    """Return the name of the weight that a kept one is computed into.

    >>> _plain_name("conv.parametrizations.weight.original0")
    'conv.weight'
    """
    module, _, weight = name.rpartition(_COMPUTED)
    return f"{module}.{weight.partition('.')[0]}"


def fetch_scores(store: Store, run: Any, folder: Path, say: Say) -> None:
    """Copy the missing score files of a finished run into the folder of its training.

    What cannot be fetched, or is not the file that was kept, is said.
    """
    run_id = run.info.run_id
    digests: dict[str, str] = json.loads(run.data.tags.get(SCORES, "{}"))
    for path in store.artifact_names(run_id, "scores"):
        to = folder / "scores" / Path(path).name
        if to.is_file() or to.suffix != ".parquet":
            continue
        with tempfile.TemporaryDirectory() as temporary:
            try:
                fetched = store.fetch_artifact(run_id, path, Path(temporary))
                if file_digest(fetched) != digests.get(path, file_digest(fetched)):
                    raise BenchError("row.cannot-reuse", f"{path} is not the file that was kept")
                atomic_files.write_bytes(to, fetched.read_bytes())
            except (BenchError, OSError) as error:
                say(f"run {run_id[:8]}: {plain_message(error)}")

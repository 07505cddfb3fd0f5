"""Checkpoints that survive a crash: each is written whole or not at all."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from bench._io import atomic_files, machine
from bench.errors import BenchError, RowFailed

LAST_CHECKPOINT = "last.pt"
"""Full state after the last finished epoch, or after the step at which a signal stopped training:
weights, optimiser, schedule, progress, and of a stopped epoch its place (`bench.training.keeping`).
It goes when the run is finished in the tracking store (`bench.training.keeping.release_state`).
"""
BEST_CHECKPOINT = "kept.pt"
"""The kept weights of the run: those of its best epoch, or the mean of its last ones."""

SELECTION = "selection.json"
"""Which weights were kept and why, once training has ended (`bench.training.keeping`)."""
PROGRESS = "progress.json"
"""The progress of the training, without weights: it stays when `last.pt` is removed."""


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write `state` to `path` so that a crash or a full disk leaves the previous file whole."""
    try:
        with atomic_files.open_whole(path) as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:
        # torch's zip writer reports a full disk as a RuntimeError.
        previous = "the previous one is kept" if path.is_file() else "there is no earlier one"
        refused = machine.explain_error(error)
        why = refused.message.removeprefix(f"{path}: ") if refused else str(error)
        code = refused.code if refused else "machine.refused"
        message = f"{path}: the checkpoint could not be written: {why}; {previous}"
        raise RowFailed(code, message) from error


_UNREADABLE = (OSError, RuntimeError, LookupError, TypeError, ValueError, UnpicklingError)
"""What torch raises of a file that is missing, torn or another program's."""


class DamagedCheckpoint(BenchError):
    """A checkpoint that is torn, or another program's."""


def load_checkpoint(path: Path, keys: Sequence[str] = ("system",)) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; only tensors and plain values are admitted.

    Raise Damaged where it is incomplete, lacks one of `keys`, or its weights hold a NaN.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # of the machine, and the file may be whole; a torn one is an invalid argument
        # torch hides what its unpickler says behind advice to read the file unsafely.
        raise _damaged_error(path, str(error.__context__ or error).partition("\n")[0]) from error
    for key in keys:
        if not isinstance(state, dict) or key not in state:
            raise _damaged_error(path, f"it has no {key!r}")
    for name, tensor in state.get("system", {}).items():
        if tensor.is_floating_point() and tensor.isnan().any():
            raise _damaged_error(path, f"{name} holds a NaN")
    return state


def _damaged_error(path: Path, why: str) -> DamagedCheckpoint:
    return DamagedCheckpoint(
        "training.checkpoint-damaged",
        f"{path}: not a readable checkpoint ({why}); remove the file to start the row anew",
    )


def read_position(path: Path) -> tuple[int, int]:
    """Return the epoch and the step that a training's last state is of; zeros where it has none.

    Tensors are not read.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return int(state["progress"]["epoch"]), int(state["progress"]["step"])
    except _UNREADABLE:  # whoever trains says so
        return 0, 0


def recent_path(folder: Path, epoch: int, count: int) -> Path:
    """Return the file of the weights after `epoch`, one of `count` that are overwritten in turn."""
    return folder / f"recent-{epoch % count}.pt"


def latest_paths(folder: Path, epoch: int, count: int) -> list[Path]:
    """Return the files of the last `count` epochs up to `epoch`, fewer if there are fewer."""
    return [
        recent_path(folder, number, count) for number in range(max(1, epoch - count + 1), epoch + 1)
    ]


def clear_folder(folder: Path) -> None:
    """Remove what an earlier training left in its folder, scores included."""
    for pattern in ("*.pt", SELECTION, PROGRESS, "scores/*.parquet"):
        for path in folder.glob(pattern):
            path.unlink()


def unfinished_files(folder: Path) -> list[Path]:
    """Return the files in a training's folder that only a further epoch needs.

    These are the full state after the last epoch, and the weights that are to be averaged.
    """
    return [
        path
        for path in (folder / LAST_CHECKPOINT, *sorted(folder.glob("recent-*.pt")))
        if path.is_file()
    ]


def average_weights(paths: Sequence[Path]) -> dict[str, Any]:
    """Return the mean of the weights in `paths` (`{"system": ..., "epoch": ...}`) and their epochs.

    Floating-point tensors are averaged, buffers such as batch normalisation's statistics too, in
    float64. Of whole numbers (batches counted) the last epoch's stand.
    """
    states = sorted((load_checkpoint(path) for path in paths), key=lambda state: state["epoch"])
    last = states[-1]["system"]
    mean = {
        name: torch.stack([state["system"][name].double() for state in states])
        .mean(0)
        .to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in last.items()
    }
    return {"system": mean, "epochs": [state["epoch"] for state in states]}

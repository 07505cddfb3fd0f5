"""Checkpoints that survive a crash: each is written whole or not at all."""

from __future__ import annotations

import copy
import errno
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from pickle import UnpicklingError
from types import TracebackType
from typing import Any

import torch

from bench._io import atomic_files, machine
from bench.errors import BenchError, RowFailed
from bench.training.file_names import LAST_CHECKPOINT, PROGRESS, SELECTION


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


class CheckpointWriter:
    """Writes checkpoints while training goes on, in the order in which they are given.

    The state of what is written is copied first. One set of files is written at a time: giving the
    next one waits for it, so that memory holds one copy. What could not be written is raised then,
    or by `wait`. A process that is killed leaves the previous files, as `save_checkpoint` does.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "checkpoints")
        self._written: Future[None] | None = None

    def __enter__(self) -> CheckpointWriter:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until all is written; an error is raised unless another one is on its way."""
        self._pool.shutdown()
        if error is None:
            self.wait()

    def write_files(self, files: Mapping[Path, Mapping[str, Any]]) -> None:
        """Write states to paths, in their order."""
        self.wait()
        copies = copy_state(files)

        def write() -> None:
            for path, state in copies.items():
                save_checkpoint(state, path)

        self._written = self._pool.submit(write)

    def wait(self) -> None:
        """Return when all is written; raise RowFailed where it cannot be."""
        written, self._written = self._written, None
        if written is not None:
            written.result()


def copy_state(state: Any, copies: dict[int, Any] | None = None) -> Any:
    """Return a copy on the CPU that training does not change; what is there twice stays one."""
    copies = {} if copies is None else copies
    if id(state) not in copies:
        if isinstance(state, torch.Tensor):
            copied: Any = state.detach().to("cpu", copy=True)
        elif isinstance(state, dict):
            copied = copy.copy(state)  # with the versions of modules that torch hangs on it
            copied.update({key: copy_state(value, copies) for key, value in state.items()})
        elif isinstance(state, list | tuple):
            copied = type(state)([copy_state(value, copies) for value in state])
        else:
            copied = state
        copies[id(state)] = copied
    return copies[id(state)]


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


def average_weights(paths: Mapping[Path, int]) -> dict[str, Any]:
    """Return the mean of the weights in files (`{"system": ..., "epoch": ...}`) and their epochs.

    `paths` has each file's epoch; another one's weights there are a DamagedCheckpoint.
    Floating-point tensors are averaged, buffers such as batch normalisation's statistics too, in
    float64. Of whole numbers (batches counted), which no result depends on, the last epoch's stand.
    """
    states: list[dict[str, Any]] = []
    for path, epoch in sorted(paths.items(), key=lambda item: item[1]):
        states.append(load_checkpoint(path, ("system", "epoch")))
        if states[-1]["epoch"] != epoch:
            raise _damaged_error(path, f"it is of epoch {states[-1]['epoch']}, not {epoch}")
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

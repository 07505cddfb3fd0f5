"""Damaged files in a row's folder are renamed, so that the row goes on from the others."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.config import Config
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.evaluation import score_file
from bench.specs.run import HeldOutData, Run
from bench.training import checkpoints, engine, file_names, keeping
from bench.training.clips import label_frames
from bench.training.keeping import Progress

ENDING = ".damaged"
"""Of a file that was set aside."""

Say = Callable[[str], None]


def set_aside(run: Run, seed: int, folder: Path, config: Config, say: Say) -> None:
    """Rename each file of a training's state that cannot be used.

    `say` is told which and why, and whether the row begins anew. Nothing is renamed before there is
    a state: until then no file in the folder is used. Raise NewerCheckpoint where a later version
    of the suite wrote it.
    """
    last, ended = folder / file_names.LAST_CHECKPOINT, folder / file_names.PROGRESS
    if not (last.is_file() or ended.is_file()):
        return
    shapes = _tensor_shapes(engine.build_system(run, seed, config).state_dict())
    checks: dict[Path, Callable[[Path], object]] = {
        last: lambda path: _check_last(path, shapes),
        ended: keeping.read_progress,
        folder / file_names.BEST_CHECKPOINT: lambda path: _check_weights(path, shapes),
        folder / file_names.SELECTION: keeping.read_selection,
    }
    checks |= {
        path: lambda path: _check_weights(path, shapes)
        for path in sorted(folder.glob("recent-*.pt"))
    }
    damaged = [
        path for path, check in checks.items() if path.is_file() and _set_aside(path, check, say)
    ]
    if damaged and keeping.read_resumable(run, folder) is None:
        say(f"{folder}: the row begins anew")


def set_scores_aside(path: Path, data: HeldOutData, subset: Subset, say: Say) -> None:
    """Rename the score file of an evaluation where it is incomplete: it is then computed again."""

    def check(path: Path) -> None:
        names_read = score_file.read_scores(path)["utterance"].to_pylist()
        names = subset.table["utterance"].to_numpy(dtype=object)
        wanted = np.repeat(names, [len(labels) for labels in label_frames(subset, data)])
        if names_read != wanted.tolist():
            raise BenchError(
                "training.scores-incomplete",
                f"{path}: has {len(names_read):,} rows, should have the {len(wanted):,} of "
                f"{subset.corpus} {subset.split}",
            )

    if path.is_file():
        _set_aside(path, check, say)


def is_whole(path: Path) -> bool:
    """Return whether kept weights are there and can be read."""
    try:
        return path.is_file() and bool(checkpoints.load_checkpoint(path))
    except checkpoints.DamagedCheckpoint:
        return False


def _set_aside(path: Path, check: Callable[[Path], object], say: Say) -> bool:
    """Rename a file that `check` finds unusable; return whether it was."""
    try:
        check(path)
    except keeping.NewerCheckpoint:
        raise
    except BenchError as error:
        aside = path.with_name(path.name + ENDING)
        os.replace(path, aside)
        why = re.sub(r"; remove the file.*", "", str(error), flags=re.DOTALL)
        say(f"{why}: set aside as {aside.name}")
        return True
    return False


def _tensor_shapes(system: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in system.items()}


def _check_weights(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    _check_fit(path, checkpoints.load_checkpoint(path), shapes)


def _check_fit(path: Path, state: dict[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    shapes_read = _tensor_shapes(state["system"])
    if shapes_read != shapes:
        differing = sorted({*shapes_read.items()} ^ {*shapes.items()})[0][0]
        raise BenchError(
            "training.checkpoint-damaged",
            f"{path}: holds another system's weights (first {differing})",
        )


def _check_last(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    state = keeping.read_state(path)
    _check_fit(path, state, shapes)
    try:
        Progress(**state["progress"])
    except TypeError as error:
        raise BenchError(
            "training.checkpoint-damaged", f"{path}: its progress cannot be read ({error})"
        ) from error

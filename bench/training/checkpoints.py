"""Checkpoints that survive: written beside, flushed, then moved into place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from bench.errors import BenchError, RowFailed

LAST = "last.pt"
"""Full state after the last finished epoch: weights, optimiser, schedule, epoch, best, history."""
BEST = "best.pt"
"""Weights at the best epoch."""


def save(state: dict[str, Any], path: Path) -> None:
    """Write `state` to `path` so that a crash or a full disk leaves the previous file whole."""
    beside = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except (OSError, RuntimeError) as error:
        # torch's zip writer reports a full disk as a RuntimeError.
        beside.unlink(missing_ok=True)
        kept = "the previous one is kept" if path.is_file() else "there was none before"
        raise RowFailed(f"{path}: the checkpoint could not be written ({error}); {kept}") from error


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; only tensors and plain values are admitted."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise BenchError(
            f"{path}: not a readable checkpoint ({error}); remove the file to start the row anew"
        ) from error

"""How far the trainings of a unit are, without a tracker."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.training import checkpoints, file_names


def read_training_progress(work: Path, trainings: Iterable[str], seed: int) -> tuple[int, ...]:
    """Return the epochs and steps that checkpoints hold, and how many ended parts there are.

    `trainings` are signatures, by which the folders are called. A damaged checkpoint counts
    nothing. More is compared as tuples are.
    """
    ended, epochs, steps = 0, 0, 0
    for signature in trainings:
        parents = [*(work / "runs").glob(f"{signature}-*")]
        names = (f"seed-{seed}", f"seed-{seed}-again-*")
        for folder in (path for parent in parents for name in names for path in parent.glob(name)):
            ended += (folder / file_names.SELECTION).is_file()
            ended += len([*(folder / "scores").glob("*.parquet")])
            epoch, step = checkpoints.read_position(folder / file_names.LAST_CHECKPOINT)
            epochs, steps = epochs + epoch, steps + step
    return ended, epochs, steps

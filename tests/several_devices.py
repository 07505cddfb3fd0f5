"""A row that several processes train together, and how near its results are to those of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.config import Config
from bench.evaluation import score_file
from bench.tracking.store import Store
from tests.cli.conftest import TINY

ORDER = [
    *("run", "table4", "--smoke", "--rows", "S0", *TINY),
    *("--set", "train.fill='repeat'", "--set", "training.select='train.loss'"),
    *("--set", "training.epochs=6", "--set", "optimiser.learning_rate=1e-4"),
]
"""Every frame of a clip is one of audio, so that the mean of two shares' losses is the batch's. The
loss selects, as the EER of so few utterances jumps by rounding."""


def scores(work: Path) -> dict[str, np.ndarray]:
    paths = sorted(work.glob("runs/*/*/scores/*.parquet"))
    return {path.name: score_file.read_scores(path)["score"].to_numpy() for path in paths}


def only_run(work: Path):
    (run,) = Store(Config(work=work)).search_runs("sal/table4", {"kind": "row"})
    return run


def curve(work: Path, name: str) -> list[float]:
    store = Store(Config(work=work))
    points = store.client.get_metric_history(only_run(work).info.run_id, name)
    return [point.value for point in sorted(points, key=lambda point: point.step)]


def require_alike(work: Path, alone: Path) -> None:
    """Demand equal results, but for what float32 sums in another order may change.

    Rounding grows where it switches a part of the network on or off: in one process too, learning
    in four parts (`training.accumulate`) changes these losses by 5e-4 after some epochs. Half the
    batch, or twice the learning rate, changes each of them by 4e-3 and more.
    """
    found, expected = scores(work), scores(alone)
    assert found.keys() == expected.keys()
    assert len(found) == 2
    for name, values in expected.items():
        assert len(found[name]) == len(values)
        differences = np.abs(found[name] - values)
        assert np.median(differences) < 1e-3
        assert np.quantile(differences, 0.95) < 1e-2
    losses, expected_losses = (curve(folder, "train.loss") for folder in (work, alone))
    assert len(losses) == 6
    assert losses[:2] == pytest.approx(expected_losses[:2], rel=1e-5)
    assert losses == pytest.approx(expected_losses, rel=2e-3)
    assert only_run(work).info.status == "FINISHED"

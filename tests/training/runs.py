"""Whole trainings: run to their end, with what the engine said, and their scores."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from bench._io import interrupts
from bench.evaluation import score_file
from bench.training import engine, file_names, keeping
from bench.training.row import DatasetCache, train_and_score
from tests.errors import raises_code


class Log:
    """Keeps what the engine says; may stop it after an epoch."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.epochs: list[tuple[int, dict[str, float]]] = []
        self.stop_after = stop_after

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        assert 1 <= step <= steps
        if self.stop_after is not None and epoch > self.stop_after:
            raise KeyboardInterrupt

    def on_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        self.epochs.append((epoch, dict(figures)))

    def on_score(self, evaluation: str, done: int, total: int) -> None:
        assert 0 <= done <= total


def run_to_end(run, config, place: Path, log: Log | None = None):
    fabric = engine.make_fabric(config, run.training.precision)
    data = DatasetCache(config).load_row(run)
    return train_and_score(fabric, run, 7, data, place, config, log or Log())


def all_scores(trained) -> dict[str, np.ndarray]:
    return {
        name: score_file.read_scores(path)["score"].to_numpy()
        for name, path in trained.scores.items()
    }


def last_state(place: Path):
    return keeping.read_state(place / file_names.LAST_CHECKPOINT)


def require_equal(expected, trained, place: Path, other: Path) -> None:
    for name, scores in all_scores(expected).items():
        np.testing.assert_array_equal(all_scores(trained)[name], scores)
    states = [last_state(folder) for folder in (place, other)]
    for part in ("system", "optimiser", "schedule"):
        torch.testing.assert_close(states[0][part], states[1][part], rtol=0, atol=0)
    assert states[0]["progress"] | {"seconds": 0} == states[1]["progress"] | {"seconds": 0}


class Signals(Log):
    """Sends this process a signal after a step of an epoch, or when something is scored."""

    def __init__(self, *after: tuple[int, int] | str, number: signal.Signals = signal.SIGTERM):
        super().__init__()
        self.after, self.number = after, number
        self.steps: list[tuple[int, int]] = []

    def on_step(self, epoch, step, steps, losses):
        super().on_step(epoch, step, steps, losses)
        self.steps.append((epoch, step))
        self._send((epoch, step))

    def on_score(self, evaluation, done, total):
        super().on_score(evaluation, done, total)
        self._send(evaluation)

    def _send(self, what: tuple[int, int] | str) -> None:
        if what in self.after:
            os.kill(os.getpid(), self.number)


def stop(run, config, place: Path, log: Log, *parts: str) -> None:
    with raises_code("run.stopped", *parts), interrupts.note_stop_signals():
        run_to_end(run, config, place, log)

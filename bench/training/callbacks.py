"""Callbacks of a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class TrainingCallback(Protocol):
    """Callbacks of a training: of a tracker, or of a progress display."""

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        """Report the mean losses since the start of the epoch, after every few steps."""

    def on_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Report an epoch's train losses, dev EER (a fraction), dev loss and learning rates."""

    def on_score(self, evaluation: str, done: int, total: int) -> None:
        """Report how many utterances of an evaluation are scored, of this process's share."""


class SilentCallback(TrainingCallback):
    """Callbacks that do nothing, for all processes of several devices but the first."""

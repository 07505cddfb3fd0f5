"""Sums of losses during training, kept on the device and read now and then."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from lightning_fabric import Fabric
from torch import Tensor

from bench.errors import RowFailed
from bench.models.systems.base import Batch, System


class LossAverager:
    """Sums losses on the device and remembers the first step that was not finite."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.count = 0
        self.bad: Tensor | None = None

    def add_losses(self, losses: Mapping[str, Tensor], step: int) -> None:
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + loss.detach().double()
        self.count += 1
        loss = losses["loss"].detach()
        bad = torch.where(torch.isfinite(loss), 0, step)
        self.bad = bad if self.bad is None else torch.where(self.bad > 0, self.bad, bad)

    def mean_losses(self, epoch: int) -> dict[str, float]:
        """Return the means so far; raise where a loss was not finite, naming the step."""
        if self.bad is not None and int(self.bad):
            raise RowFailed(
                "training.not-finite",
                f"the loss is not finite at step {int(self.bad)} (epoch {epoch}): the row was "
                "stopped; its last finished epoch is kept. A smaller optimiser.learning_rate, "
                "training.gradient_clip or training.precision = 32-true may help",
            )
        return {name: float(total) / self.count for name, total in self.sums.items()}


class MeanLoss:
    """The system's own loss, averaged over utterances."""

    def __init__(self, fabric: Fabric, system: System) -> None:
        self.fabric, self.system = fabric, system
        self.sums = torch.zeros(2, dtype=torch.float64, device=fabric.device)

    def add_batch(self, batch: Batch) -> None:
        """Add a batch, its loss as often as it has utterances."""
        with self.fabric.autocast():
            loss = self.system.losses(batch)["loss"]
        ones = torch.ones_like(self.sums[0])
        self.sums += len(batch.waves) * torch.stack((loss.double(), ones))

    def reduce_mean(self) -> float:
        """Return the mean over all processes' utterances."""
        total, count = self.fabric.all_reduce(self.sums, reduce_op="sum")
        return float(total / count)

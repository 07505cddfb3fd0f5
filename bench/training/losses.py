"""Sums of losses during training, kept on the device and read now and then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from torch import Tensor

from bench.errors import RowFailed
from bench.models.systems.base import Batch, System


class LossAverager:
    """Sums losses on the device and remembers the first step that was not finite."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.sums: dict[str, Tensor] = {}
        self.count = 0
        self.bad = torch.tensor(0, device=fabric.device)
        """The first step whose loss was not finite; 0: there is none."""

    def add_losses(self, losses: Mapping[str, Tensor], step: int) -> None:
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + loss.detach().double()
        self.count += 1
        bad = torch.where(torch.isfinite(losses["loss"].detach()), 0, step)
        self.bad = torch.where(self.bad > 0, self.bad, bad)

    def mean_losses(self, epoch: int) -> dict[str, float]:
        """Return the means so far over all processes, which all call it.

        Raise where a loss was not finite, naming the step.
        """
        step = int(reduce_tensor(self.fabric, self.bad, "max"))
        if step:
            raise RowFailed(
                "training.not-finite",
                f"the loss is not finite at step {step} (epoch {epoch}): the row was "
                "stopped; its last finished epoch is kept. A smaller optimiser.learning_rate, "
                "training.gradient_clip or training.precision = fp32 may help",
            )
        totals = reduce_tensor(self.fabric, torch.stack([*self.sums.values()]), "mean").tolist()
        return {name: total / self.count for name, total in zip(self.sums, totals, strict=True)}

    def state_dict(self) -> dict[str, Any]:
        """Return the sums of this process as plain values."""
        sums = {name: float(total) for name, total in self.sums.items()}
        return {"sums": sums, "count": self.count, "bad": int(self.bad)}

    def load_state_dict(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Go on from the sums that all processes had, their number then being any."""
        device, first = self.fabric.device, states[0]
        self.count = first["count"]
        self.bad = torch.tensor(max(state["bad"] for state in states), device=device)
        self.sums = {
            name: torch.tensor(
                fmean(state["sums"][name] for state in states), dtype=torch.float64, device=device
            )
            for name in first["sums"]
        }


def reduce_tensor(fabric: Fabric, tensor: Tensor, how: Literal["sum", "mean", "max"]) -> Tensor:
    """Return the sum, mean or maximum over all processes; `tensor` stays as it is."""
    reduced = fabric.all_reduce(tensor.clone(), reduce_op=how)
    assert isinstance(reduced, Tensor)
    return reduced


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
        total, count = reduce_tensor(self.fabric, self.sums, "sum")
        return float(total / count)

"""EXAMPLE, a system: one linear layer over the front-end's last hidden state.

Shapes at 160 ms for a 4 s clip: waves (B, 64000) -> last state (B, 200, D) -> (B, 25, D) -> logits
(B, 25, 2).
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.frontends.base import FrontEnd
from bench.models.systems.base import Batch, Prediction, System
from bench.specs.base import Share
from bench.specs.kinds import SystemSettings
from bench.specs.run import TrainData
from bench.units import CLASSES, HOP_SAMPLES, frame_samples


class Example(SystemSettings):
    """One linear layer over the front-end's last hidden state."""

    kind: Literal["example"]
    dropout: Share = 0.1
    """Dropout before the linear layer."""

    def build(self, frontend: FrontEnd, data: TrainData) -> System:
        """Return the system, to be trained on clips of `data`."""
        return ExampleSystem(self, frontend, data.resolution_s)


class ExampleSystem(System):
    """Average pooling, dropout, one linear layer."""

    def __init__(self, spec: Example, frontend: FrontEnd, resolution_s: float | None) -> None:
        super().__init__()
        self.resolution_s = resolution_s
        self.frontend = frontend
        self.linear = nn.Sequential(nn.Dropout(spec.dropout), nn.Linear(frontend.dim, len(CLASSES)))

    def compute_logits(self, waves: Tensor, resolution_s: float | None) -> Tensor:
        """Return "batch frames 2" for `waves` "batch samples"; None: one frame for each clip."""
        states = self.frontend(F.pad(waves, (0, 80)))[-1]
        if resolution_s is None:
            return self.linear(states.mean(1, keepdim=True)).float()
        hops = frame_samples(resolution_s) // HOP_SAMPLES
        pooled = F.avg_pool1d(states.transpose(1, 2), hops, ceil_mode=True).transpose(1, 2)
        return self.linear(pooled).float()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross entropy over valid frames; `loss` is minimised, all are logged."""
        logits = self.compute_logits(batch.waves, self.resolution_s)
        target = batch.spoof.long().masked_fill(~batch.valid, -100)
        return {"loss": F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=-100)}

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score frames of `resolution_s`: a higher score means more bona fide."""
        logits = self.compute_logits(waves, resolution_s)
        bonafide, spoof = logits.unbind(-1)
        return Prediction(bonafide - spoof, logits)

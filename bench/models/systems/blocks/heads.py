"""Heads: from a sequence of states to logits.

A head of whole clips takes "batch hops dim" (or all states, where its settings say so) and returns
"batch 2" in the order of `bench.units.CLASSES`. A `HopHead` has a vector for each hop, pools those
of what is scored, and classifies the pooled vector: it answers for frames as well.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from torch import Tensor, nn

from bench.models.full_precision import LSTM
from bench.models.systems.blocks.pooling import AttentivePooling, pool_states
from bench.specs.heads.linear import LinearSettings
from bench.specs.heads.lstm import LstmSettings
from bench.units import CLASSES

Head = nn.Module
"""Called with a sequence of states; returns "batch 2"."""


class HopHead(nn.Module, ABC):
    """A head that has a vector for each hop. A subclass ends its `__init__` by `add_classifier`."""

    def add_classifier(self, width: int, pooling: Literal["mean", "attentive"]) -> None:
        """Add pooling and classifier of vectors of `width`, whose weights are drawn last."""
        self.pool = AttentivePooling(width) if pooling == "attentive" else None
        self.classify = nn.Linear(width, len(CLASSES))

    @abstractmethod
    def hop_features(self, x: Tensor) -> Tensor:
        """Return "batch hops width" for "batch hops dim"."""

    def frame_logits(self, x: Tensor, hops: int | None) -> Tensor:
        """Return "batch frames 2", a frame for each `hops` of `x`; None: one for all of them."""
        features = self.hop_features(x)
        pooled = pool_states(features, hops) if self.pool is None else self.pool(features, hops)
        return self.classify(pooled)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of whole clips."""
        return self.frame_logits(x, None).squeeze(1)


class LinearHead(HopHead):
    """Pooling and one linear layer over the states themselves."""

    def __init__(self, dim: int, spec: LinearSettings) -> None:
        super().__init__()
        self.add_classifier(dim, spec.pooling)

    def hop_features(self, x: Tensor) -> Tensor:
        """Return the states."""
        return x


class LstmHead(HopHead):
    """LSTM, mean over time, linear layer: "batch hops dim" to "batch 2"."""

    def __init__(self, dim: int, spec: LstmSettings) -> None:
        super().__init__()
        self.lstm = LSTM(dim, spec.units, batch_first=True)
        self.add_classifier(spec.units, spec.pooling)

    def hop_features(self, x: Tensor) -> Tensor:
        """Return the LSTM's outputs."""
        return self.lstm(x)[0]

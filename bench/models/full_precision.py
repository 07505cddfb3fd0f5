"""What stays in float32 where layers compute in 16 bits: normalisation, softmax, learnt weights.

On a GPU, torch's autocast does so for most of it, on a CPU for little.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def widen_halves(x: Tensor) -> Tensor:
    """Return a tensor of 16-bit numbers in float32, any other as it is."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


class LayerNorm(nn.LayerNorm):
    """torch's, in float32 at least."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input."""
        return super().forward(widen_halves(input))


class RMSNorm(nn.RMSNorm):
    """torch's, in float32 at least."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised input."""
        return super().forward(widen_halves(x))


class BatchNorm1d(nn.BatchNorm1d):
    """torch's, in float32 at least."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input."""
        return super().forward(widen_halves(input))


class BatchNorm2d(nn.BatchNorm2d):
    """torch's, in float32 at least."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input."""
        return super().forward(widen_halves(input))


class LSTM(nn.LSTM):
    """torch's, in float32 at least: oneDNN lacks some sizes in bfloat16."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Return the outputs and the last states."""
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(widen_halves(input), hx)

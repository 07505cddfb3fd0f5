"""Fixed positions of hops: sines and cosines (Vaswani et al., NeurIPS 2017, section 3.5)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def encode_positions(hops: int, dim: int, device: torch.device) -> Tensor:
    """Return "hops dim": sines and cosines of the hop's number, by turns."""
    numbers = torch.arange(hops, dtype=torch.float32, device=device)
    steps = torch.arange(0, dim, 2, dtype=torch.float32, device=device)
    angles = numbers[:, None] * torch.exp(steps * (-math.log(10_000) / dim))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :dim]

"""P2SGrad: cosines to a vector for each class, learnt by their squared distance from 1 and 0.

Zhang et al., P2SGrad: Refined Gradients for Optimizing Deep Face Models (CVPR 2019), in the form of
Wang and Yamagishi (Interspeech 2021): its gradient is that of this mean squared error.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.units import CLASSES


class CosineHead(nn.Module):
    """The cosine between what it is given and the vector of each class, without bias or scale."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(dim, len(CLASSES)).uniform_(-1, 1))
        with torch.no_grad():
            self.weight.copy_(F.normalize(self.weight, dim=0))

    def forward(self, x: Tensor) -> Tensor:
        """Return "... 2", float32, in the order of `bench.units.CLASSES`, for "... dim".

        The cosines with zeros are 0.
        """
        with torch.autocast(x.device.type, enabled=False):
            return F.normalize(x.float(), dim=-1) @ F.normalize(self.weight, dim=0)


def cosine_loss(cosines: Tensor, spoof: Tensor, valid: Tensor) -> Tensor:
    """Return the mean squared distance of cosines from one-hot labels, over valid frames.

    `cosines` are "... 2" in the order of `bench.units.CLASSES`, the other two bool, "...". The
    label is 1 for the class that is right and 0 for the other. Where nothing is valid it is 0.
    """
    # Not `one_hot`, which asks the device for the largest label.
    target = torch.stack([~spoof, spoof], dim=-1).to(cosines.dtype)
    each = ((cosines - target) ** 2).mean(dim=-1)
    return (each * valid).sum() / valid.sum().clamp(min=1)

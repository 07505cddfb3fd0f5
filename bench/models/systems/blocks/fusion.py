"""Cross-attention from the tokens of one sequence to the hops of another.

Equations are those of BreathNet (Ye et al., 2026, section III.C.1).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BenchError
from bench.specs.systems.breathnet import Fusion as Spec


class CrossAttention(nn.Module):
    """Multi-head attention of width `dim`, without dropout; no map has a bias, as equation 7.

    `BenchError` where the heads do not divide the width.
    """

    def __init__(self, dim: int, spec: Spec) -> None:
        super().__init__()
        if dim % spec.heads:
            raise BenchError(
                "model.sizes",
                f"system.fusion.heads = {spec.heads}: should divide the front-end's width, {dim}",
            )
        self.heads = spec.heads
        self.query, self.key, self.value = (nn.Linear(dim, dim, bias=False) for _ in range(3))
        self.out = nn.Linear(dim, dim, bias=False) if spec.output == "projected" else nn.Identity()
        self.residual = spec.residual == "queries"

    def forward(self, asking: Tensor, asked: Tensor) -> Tensor:
        """Equations 7 and 8: X_freq, "batch tokens dim", asks X_temp, "batch hops dim".

        Return X_fuse, "batch tokens dim".
        """
        query, key, value = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part, x in ((self.query, asking), (self.key, asked), (self.value, asked))
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        mixed = self.out(mixed.transpose(1, 2).flatten(2))
        return asking + mixed if self.residual else mixed

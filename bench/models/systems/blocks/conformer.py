"""Conformer blocks over a front-end's states: SAL's, and what those of TCM share with them.

Gulati et al., Interspeech 2020: half-step feed-forward, self-attention, convolution, half-step
feed-forward, LayerNorm. Differences of SAL's from that paper, all as in its released code:
no relative positional encoding (the front-end's states carry position), feed-forward modules as
wide as the states, and a ReLU after the last block. Tested against torchaudio's Conformer, which
holds the same function but always builds a padding mask and so rules out the fast attention
kernels.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.full_precision import BatchNorm1d, LayerNorm
from bench.specs.systems.sal import ConformerSettings as ConformerSpec


class BlockSettings(Protocol):
    """What a block is built by."""

    @property
    def heads(self) -> int:
        """Heads of the attention."""
        ...

    @property
    def feed_forward_ratio(self) -> float:
        """Width of the feed-forward modules against the states' width."""
        ...

    @property
    def kernel(self) -> int:
        """Hops that the convolution spans."""
        ...

    @property
    def dropout(self) -> float:
        """Share of numbers that are left out in training."""
        ...


class FeedForward(nn.Sequential):
    """LayerNorm, widen, Swish, narrow; "batch hops dim" to the same."""

    def __init__(self, dim: int, inner: int, dropout: float) -> None:
        super().__init__(
            LayerNorm(dim),
            nn.Linear(dim, inner),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(inner, dim),
            nn.Dropout(dropout),
        )


class ConformerAttention(nn.Module):
    """LayerNorm and multi-head self-attention over all hops; "batch hops dim" to the same."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"{heads} heads do not divide {dim} dimensions")
        self.norm = LayerNorm(dim)
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.heads = heads
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """Return the attended sequence, without the residual."""
        x = self.norm(x)
        query, key, value = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        return F.dropout(self.out(mixed.transpose(1, 2).flatten(2)), dropout, self.training)


class ConvolutionModule(nn.Module):
    """LayerNorm, pointwise, GLU, depthwise, BatchNorm, Swish, pointwise; "batch hops dim".

    The convolution has `expansion` times as many channels as the states.
    """

    def __init__(self, dim: int, kernel: int, dropout: float, expansion: int = 1) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"the kernel spans {kernel} hops: should be an odd number")
        self.norm = LayerNorm(dim)
        inner = dim * expansion
        self.widen = nn.Linear(dim, 2 * inner)
        self.depthwise = nn.Conv1d(inner, inner, kernel, padding=kernel // 2, groups=inner)
        self.batch_norm = BatchNorm1d(inner)
        self.narrow = nn.Linear(inner, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolved sequence, without the residual."""
        x = F.glu(self.widen(self.norm(x)), dim=-1)
        x = F.silu(self.batch_norm(self.depthwise(x.transpose(1, 2))))
        return self.dropout(self.narrow(x.transpose(1, 2)))


class ConformerBlock(nn.Module):
    """One Conformer block; "batch hops dim" to the same."""

    def __init__(self, dim: int, spec: BlockSettings, expansion: int = 1) -> None:
        super().__init__()
        inner = round(dim * spec.feed_forward_ratio)
        self.first = FeedForward(dim, inner, spec.dropout)
        self.attention = self.build_attention(dim, spec)
        self.convolution = ConvolutionModule(dim, spec.kernel, spec.dropout, expansion)
        self.second = FeedForward(dim, inner, spec.dropout)
        self.norm = LayerNorm(dim)

    def build_attention(self, dim: int, spec: BlockSettings) -> nn.Module:
        """Return what attends: "batch hops dim" to the same."""
        return ConformerAttention(dim, spec.heads, spec.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sequence after the block."""
        x = x + 0.5 * self.first(x)
        x = x + self.attention(x)
        x = x + self.convolution(x)
        x = x + 0.5 * self.second(x)
        return self.norm(x)


class Conformer(nn.Sequential):
    """`spec.blocks` blocks and a ReLU; "batch hops dim" to the same."""

    def __init__(self, dim: int, spec: ConformerSpec) -> None:
        super().__init__(*(ConformerBlock(dim, spec) for _ in range(spec.blocks)), nn.ReLU())

"""The parts of the encoder: convolutions, positions, attention and pre-LayerNorm blocks.

Attention has separate `q_proj`, `k_proj`, `v_proj` and `out_proj` and the feed-forward part `fc1`
and `fc2`, all plain `nn.Linear`, so that low-rank adapters can replace them by name and are really
called.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from bench.models.full_precision import LayerNorm


class Convolution(nn.Conv1d):
    """A convolution that also takes an image of one row, "batch channels 1 samples".

    An image in torch's layout "channels last" gives one in that layout, and nothing is moved: a
    convolution in two dimensions, one of them 1, is what torch computes so. That of one channel is
    a linear layer of overlapping windows.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if input.dim() == 3:
            return super()._conv_forward(input, weight, bias)
        kernel, stride = self.kernel_size[0], self.stride[0]
        if input.shape[1] == 1:
            windows = input[:, 0, 0].unfold(1, kernel, stride)
            return F.linear(windows, weight[:, 0], bias).transpose(1, 2)[:, :, None]
        weight = weight[:, :, None].contiguous(memory_format=torch.channels_last)
        return F.conv2d(input, weight, bias, (1, stride))


class ConvolutionLayer(nn.Module):
    """Convolution, LayerNorm over the channels, GELU ("batch channels samples" in and out)."""

    def __init__(self, channels_in: int, channels: int, kernel: int, stride: int, bias: bool):
        super().__init__()
        self.conv = Convolution(channels_in, channels, kernel, stride, bias=bias)
        self.norm = LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.norm(self.conv(x).transpose(1, 2)).transpose(1, 2))

    def forward_channels_last(self, x: Tensor) -> Tensor:
        """Return what `forward` does, "batch samples channels" in and out; nothing is moved."""
        image = self.conv(x.transpose(1, 2)[:, :, None])
        return F.gelu(self.norm(image[:, :, 0].transpose(1, 2)))


class PositionalConvolution(nn.Module):
    """Grouped convolution over time with weight normalisation, then GELU: wav2vec 2.0's positions.

    Takes and returns "batch hops dim". An even kernel, padded on both sides by half, gives one hop
    too many; the last is cut.
    """

    def __init__(self, dim: int, kernel: int, groups: int):
        super().__init__()
        conv = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=groups)
        self.conv = weight_norm(conv, dim=2)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.conv(x.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2)


class RelativePositions(nn.Module):
    """WavLM's relative position bias: a number for each head and bucket, shared by all blocks.

    WavLM (Chen et al., JSTSP 2022), after T5 (Raffel et al., JMLR 2020): half the buckets for each
    direction, the first half of those for exact distances, the rest logarithmic up to
    `max_distance`, beyond which all share the last.
    """

    def __init__(self, buckets: int, max_distance: int, heads: int):
        super().__init__()
        self.embedding = nn.Embedding(buckets, heads)
        # Made on the CPU: on a GPU log() may differ in its last bit and move a distance to the next
        # bucket.
        self.register_buffer("table", _bucket_table(buckets, max_distance), persistent=False)
        self.table: Tensor

    def forward(self, hops: int) -> Tensor:
        """Return the bias "heads query key"."""
        at = torch.arange(hops, device=self.embedding.weight.device)
        distance = at[None, :] - at[:, None]
        bucket = self.table[distance.abs().clamp(max=len(self.table) - 1)]
        bucket = bucket + (distance > 0) * (self.embedding.num_embeddings // 2)
        return self.embedding(bucket).permute(2, 0, 1)


def _bucket_table(buckets: int, max_distance: int) -> Tensor:
    """Return the bucket of each distance 0 ... max_distance; beyond, the last one's holds."""
    one_way = buckets // 2
    exact = one_way // 2
    # The device is named so that the table is real also in a model laid out on the meta device.
    distance = torch.arange(max_distance + 1, device="cpu")
    share = torch.log(distance.clamp(min=1).float() / exact) / math.log(max_distance / exact)
    far = exact + (share * (one_way - exact)).long()
    return torch.where(distance < exact, distance, far.clamp(max=one_way - 1))


class BiasGate(nn.Module):
    """How much of the relative position bias each query and head takes, from the block's own input.

    WavLM's gated relative position bias, after XLM-E (Chi et al., ACL 2022), as its released code
    has it: with gates u and r in (0, 1) and a learnt scale w for each head, the bias is multiplied
    by u (r w - 1) + 2; each gate is the sigmoid of a sum of four linear outputs.
    """

    def __init__(self, heads: int, head_dim: int):
        super().__init__()
        self.linear = nn.Linear(head_dim, 8)
        self.scale = nn.Parameter(torch.ones(1, heads, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the factors "batch heads query 1" for `x` "batch heads query head_dim"."""
        update, reset = self.linear(x).unflatten(-1, (2, 4)).sum(-1).sigmoid().split(1, -1)
        return update * (reset * self.scale - 1.0) + 2.0


class SelfAttention(nn.Module):
    """Multi-head self-attention by `scaled_dot_product_attention`, without padding masks.

    In training its weights are dropped out with probability `dropout`.
    """

    def __init__(self, dim: int, heads: int, gate: BiasGate | None, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.q_proj = nn.Linear(dim, dim)
        self.k_proj = nn.Linear(dim, dim)
        self.v_proj = nn.Linear(dim, dim)
        self.out_proj = nn.Linear(dim, dim)
        self.gate = gate

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Attend within `x` "batch hops dim"; `bias` "heads query key" comes where a gate is."""
        q, k, v = (self._split_heads(proj(x)) for proj in (self.q_proj, self.k_proj, self.v_proj))
        mask = (self.gate(self._split_heads(x)) * bias).to(q.dtype) if self.gate else None
        dropout = self.dropout if self.training else 0.0
        attended = F.scaled_dot_product_attention(q, k, v, mask, dropout)
        return self.out_proj(attended.transpose(1, 2).flatten(2))

    def _split_heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class TransformerBlock(nn.Module):
    """A pre-LayerNorm transformer block: attention, then feed-forward, on normalised input each."""

    def __init__(self, attention: SelfAttention, dim: int, feed_forward: int, dropout: float):
        super().__init__()
        self.dropout = dropout
        self.attention_norm = LayerNorm(dim)
        self.attention = attention
        self.feed_forward_norm = LayerNorm(dim)
        self.fc1 = nn.Linear(dim, feed_forward)
        self.fc2 = nn.Linear(feed_forward, dim)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        return self.forward_parts(x, bias)[0]

    def forward_parts(self, x: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the output, and what its feed-forward part adds, before dropout."""
        x = x + self._apply_dropout(self.attention(self.attention_norm(x), bias))
        added = self.fc2(F.gelu(self.fc1(self.feed_forward_norm(x))))
        return x + self._apply_dropout(added), added

    def _apply_dropout(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)

"""SAL's released system with its names, restated for tests: what Lightning writes of it.

Facts of SentryMao/SAL at 61062f1: s3prl's model, 25 layer weights, Conformer blocks whose parts
have these names, a ReLU, average pooling, two heads. Its classes are spoof, bona fide.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Named(nn.Module):
    """A module that holds others."""

    def __init__(self, **parts: nn.Module | nn.Parameter) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


def feed_forward(dim: int) -> Named:
    return Named(ln_norm=nn.LayerNorm(dim), w_1=nn.Linear(dim, dim), w_2=nn.Linear(dim, dim))


def block(dim: int) -> Named:
    linear = {f"linear{name}": nn.Linear(dim, dim) for name in "QKVO"}
    return Named(
        ffn1=feed_forward(dim),
        mha=Named(ln_norm=nn.LayerNorm(dim), mha=Named(**linear)),
        conv=Named(
            ln_norm=nn.LayerNorm(dim),
            pointwise_conv1=nn.Conv1d(dim, 2 * dim, 1),
            depthwise_conv=nn.Conv1d(dim, dim, 31, padding=15, groups=dim),
            bn_norm=nn.BatchNorm1d(dim),
            pointwise_conv2=nn.Conv1d(dim, dim, 1),
        ),
        ffn2=feed_forward(dim),
        ln_norm=nn.LayerNorm(dim),
    )


def head(dim: int, classes: int) -> nn.Sequential:
    return nn.Sequential(nn.SELU(), nn.Linear(dim, 256), nn.SELU(), nn.Linear(256, classes))


class Released(nn.Module):
    """`net` is the system; `upstream` is s3prl's, with its model."""

    def __init__(self, upstream: nn.Module, dim: int, n_states: int) -> None:
        super().__init__()
        self.net = Named(
            ssl_encoder=Named(ssl_encoder=upstream),
            weight_layer=nn.Parameter(torch.rand(n_states)),
            seq_model=Named(conformer_layer=nn.ModuleList(block(dim) for _ in range(2))),
            out_layer1=head(dim, 8),
            out_layer2=head(dim, 2),
        )

    def forward(self, waves: Tensor, hops: int) -> tuple[Tensor, Tensor]:
        """Return the positional and the binary logits, "batch frames classes"."""
        net = self.net
        states = net.ssl_encoder.ssl_encoder(list(F.pad(waves, (0, 256))))["hidden_states"]
        x = sum(weight * state for weight, state in zip(net.weight_layer, states, strict=True))
        for each in net.seq_model.conformer_layer:
            x = x + 0.5 * run_feed_forward(each.ffn1, x)
            x = x + attend(each.mha, x)
            x = x + convolve(each.conv, x)
            x = each.ln_norm(x + 0.5 * run_feed_forward(each.ffn2, x))
        pooled = F.avg_pool1d(x.relu().transpose(1, 2), hops).transpose(1, 2)
        return net.out_layer1(pooled), net.out_layer2(pooled)


def run_feed_forward(part, x: Tensor) -> Tensor:
    return part.w_2(F.silu(part.w_1(part.ln_norm(x))))


def attend(part, x: Tensor) -> Tensor:
    x = part.ln_norm(x)
    q, k, v = (
        getattr(part.mha, f"linear{name}")(x).unflatten(-1, (4, -1)).transpose(1, 2)
        for name in "QKV"
    )
    shares = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(dim=-1)
    return part.mha.linearO((shares @ v).transpose(1, 2).flatten(2))


def convolve(part, x: Tensor) -> Tensor:
    x = F.glu(part.pointwise_conv1(part.ln_norm(x).transpose(1, 2)), dim=1)
    x = F.silu(part.bn_norm(part.depthwise_conv(x)))
    return part.pointwise_conv2(x).transpose(1, 2)

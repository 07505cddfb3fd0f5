"""MultiResoModel-Simple with its names, restated for tests: what its training writes.

Facts of hieuthi/MultiResoModel-Simple at 4cbac68: fairseq's model, of which it takes the third
layer result; thirty layer weights, of which the softmax takes as many as there are layers; scales
by pooling and a linear layer; gMLP blocks under labml's names; class vectors whose first is bona
fide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.models.systems.plain_sal import Named

WEIGHTS = 30


def block(dim: int, inner: int, frames: int) -> Named:
    gate = Named(
        norm=nn.LayerNorm(inner // 2),
        weight=nn.Parameter(torch.randn(frames, frames) / frames),
        bias=nn.Parameter(torch.randn(frames)),
    )
    widen, narrow = nn.Linear(dim, inner), nn.Linear(inner // 2, dim)
    return Named(norm=nn.LayerNorm(dim), proj1=widen, sgu=gate, proj2=narrow)


def head(dim: int, frames: int, blocks: int) -> Named:
    layers = nn.Sequential(*(block(dim, dim // 2, frames) for _ in range(blocks)))
    return Named(layers=layers, fc=nn.Linear(dim, dim // 2, bias=False))


def vectors(dim: int) -> Named:
    return Named(weight=nn.Parameter(torch.randn(dim, 2)))


class Simple(nn.Module):
    """`upstream` is fairseq's model (s3prl's copy of it)."""

    def __init__(
        self, upstream: nn.Module, dim: int, scales: int, frames: int, blocks: int
    ) -> None:
        super().__init__()
        dims = [dim // 2**scale for scale in range(scales)]
        reaches = [frames // 2**scale for scale in range(scales)]
        self.ssl = Named(model=upstream)
        self.ssl_layer_weights = nn.Parameter(torch.randn(WEIGHTS))
        pools = [nn.Sequential(nn.MaxPool2d(2, 2), nn.Linear(each, each)) for each in dims[1:]]
        self.ds_blocks = nn.ModuleList([nn.Identity(), *pools])
        self.cl_blocks = nn.ModuleList(
            head(each, reach, blocks) for each, reach in zip(dims, reaches, strict=True)
        )
        self.ac_blocks = nn.ModuleList(vectors(each // 2) for each in dims)
        self.cl_utt = nn.Sequential(nn.Dropout(0.7), head(dims[-1], reaches[-1], blocks))
        self.ac_utt = vectors(dims[-1] // 2)

    def forward(self, waves: Tensor) -> list[Tensor]:
        """Return the cosines of each scale, "batch frames 2", and "batch 1 2" of the utterance."""
        answer: Mapping[str, Any] = self.ssl.model(waves, mask=False, features_only=True)
        results = [result[2].transpose(0, 1) for result in answer["layer_results"]]
        weights = self.ssl_layer_weights[: len(results)].softmax(0)
        x = sum(weight * result for weight, result in zip(weights, results, strict=True))
        found = []
        for pool, gated, classes in zip(
            self.ds_blocks, self.cl_blocks, self.ac_blocks, strict=True
        ):
            x = pool(x)
            found.append(cosines(gated.fc(run_blocks(gated, x)), classes.weight))
        whole = self.cl_utt[1]
        pooled = run_blocks(whole, x).mean(dim=1, keepdim=True)
        return [*found, cosines(whole.fc(pooled), self.ac_utt.weight)]


def run_blocks(gated: Named, x: Tensor) -> Tensor:
    for each in gated.layers:
        z = F.gelu(each.proj1(each.norm(x)))
        passed, gating = z.chunk(2, dim=-1)
        n, gate = x.shape[1], each.sgu
        mixed = torch.einsum("ij,bjd->bid", gate.weight[:n, :n], gate.norm(gating))
        x = x + each.proj2(passed * (mixed + gate.bias[:n, None]))
    return x


def cosines(x: Tensor, weight: Tensor) -> Tensor:
    return (x @ weight) / (x.norm(dim=-1, keepdim=True) * weight.norm(dim=0))

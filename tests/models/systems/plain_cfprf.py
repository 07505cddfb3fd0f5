"""CFPRF's released FDN with its names, restated for tests by loops over clips and frames.

Facts of ItzJuny/CFPRF at 358a901: fairseq's model, an image of bands, six residual blocks, two
gated blocks with an attention, a cross-attention, two linear layers, and normalisations that it has
and does not use. Its classes are spoof, bona fide. `rules` are `released`, or `paper`: attention
over the frames of a clip, values of the boundary features.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.models.systems.plain_sal import Named

FRAMES = 1070


def residual(inputs: int, outputs: int, *, first: bool) -> nn.Sequential:
    block = Named(
        conv1=nn.Conv2d(inputs, outputs, (2, 3)),
        bn2=nn.BatchNorm2d(outputs),
        conv2=nn.Conv2d(outputs, outputs, (2, 3)),
    )
    if not first:
        block.bn1 = nn.BatchNorm2d(inputs)
    if inputs != outputs:
        block.conv_downsample = nn.Conv2d(inputs, outputs, (1, 3))
    return nn.Sequential(block)


def gated(frames: int) -> Named:
    gate = Named(
        norm=nn.LayerNorm(32),
        weight=nn.Parameter(0.1 * torch.randn(frames, frames)),
        bias=nn.Parameter(torch.ones(frames)),
        tn=Named(qkv=nn.Linear(64, 192), proj=nn.Linear(64, 32)),
    )
    block = Named(
        norm=nn.LayerNorm(128), proj1=nn.Linear(128, 64), sgu=gate, proj2=nn.Linear(32, 128)
    )
    return Named(layers=nn.Sequential(block))


class Released(nn.Module):
    """`upstream` is what holds fairseq's model."""

    def __init__(self, upstream: nn.Module | None, dim: int, frames: int = FRAMES) -> None:
        super().__init__()
        if upstream is not None:
            self.asr = Named(model=upstream.model)
        self.upstream = [upstream]  # a list: no part of the state
        channels = [1, 32, 32, 64, 64, 128, 128]
        pairs = list(itertools.pairwise(channels))
        self.LL = nn.Linear(dim, 128)
        self.first_bn = nn.BatchNorm2d(1)
        self.encoder = nn.Sequential(
            *(residual(*pair, first=not number) for number, pair in enumerate(pairs))
        )
        self.attention = nn.Sequential(
            nn.Conv2d(128, 64, 1), nn.SELU(), nn.BatchNorm2d(64), nn.Conv2d(64, 128, 1)
        )
        self.first_bn1 = nn.BatchNorm2d(128)
        self.b_amlp, self.seg_amlp = gated(frames), gated(frames)
        self.seg_fc, self.b_fc = nn.Linear(128, 2), nn.Linear(128, 2)
        self.ca = Named(**{name: nn.Linear(128, 128, bias=False) for name in QUERY_KEY_VALUE})
        self.FFN = Named(w_1=nn.Linear(128, 128), w_2=nn.Linear(128, 128))
        self.norm = nn.LayerNorm(128)

    def features(self, states: Tensor) -> Tensor:
        """The features of "batch frames dim"."""
        image = F.selu(self.first_bn(self.LL(states)[:, None]))
        for (block,) in self.encoder:
            inner = F.conv2d(image, block.conv1.weight, block.conv1.bias, padding=1)
            inner = F.selu(block.bn2(inner))
            inner = F.conv2d(inner, block.conv2.weight, block.conv2.bias, padding=(0, 1))
            if hasattr(block, "conv_downsample"):
                beside = block.conv_downsample
                image = F.conv2d(image, beside.weight, beside.bias, padding=(0, 1))
            image = inner + image
        image = F.selu(self.norm(image))
        weights = self.attention(image)
        out = []
        for clip, weight in zip(image, weights, strict=True):
            for time in range(clip.shape[1]):
                values, logits = clip[:, time], weight[:, time]  # channels x bands
                by_channel = (values * logits.softmax(dim=1)).sum(dim=1)
                by_band = (values * logits.softmax(dim=0)).sum(dim=0)
                out.append(by_channel + by_band)
        return torch.stack(out).unflatten(0, states.shape[:2])

    def answer(self, features: Tensor, rules: str = "released") -> tuple[Tensor, Tensor]:
        """Outputs for the classes and for boundaries, "batch frames 2"."""
        nodes = features + sinusoids(features.shape[1])
        bounds = run_gated(self.b_amlp.layers[0], nodes, rules)
        keys = self.ca.key(bounds)
        values = self.ca.value(keys if rules == "released" else bounds)
        taken = torch.stack(
            [
                (query @ key.T / 128**0.5).softmax(dim=1) @ value
                for query, key, value in zip(self.ca.query(nodes), keys, values, strict=True)
            ]
        )
        enhanced = self.norm(self.FFN.w_2(self.FFN.w_1(taken).relu()) + nodes)
        enhanced = run_gated(self.seg_amlp.layers[0], enhanced, rules)
        return self.seg_fc(enhanced), self.b_fc(bounds)


QUERY_KEY_VALUE = ("query", "key", "value")


def sinusoids(frames: int) -> Tensor:
    table = torch.zeros(frames, 128)
    for time in range(frames):
        for at in range(0, 128, 2):
            angle = time / 10_000 ** (at / 128)
            table[time, at], table[time, at + 1] = math.sin(angle), math.cos(angle)
    return table


def run_gated(block, x: Tensor, rules: str) -> Tensor:
    inner = F.gelu(block.proj1(block.norm(x)))
    gating = block.sgu.norm(inner[..., 32:])
    frames = x.shape[1]
    mixed = torch.stack([block.sgu.weight[:frames, :frames] @ clip for clip in gating])
    mixed = mixed + block.sgu.bias[:frames, None] + attend(block.sgu.tn, inner, rules)
    return block.proj2(inner[..., :32] * mixed) + x


def attend(part, x: Tensor, rules: str) -> Tensor:
    query, key, value = part.qkv(x).chunk(3, dim=-1)
    clips, frames = x.shape[:2]
    taken = torch.zeros(clips, frames, 64)
    if rules == "paper":
        for clip in range(clips):
            for time in range(frames):
                shares = (key[clip] @ query[clip, time] / 8).softmax(dim=0)
                taken[clip, time] = shares @ value[clip]
        return part.proj(taken)
    for one in range(clips):
        for other in range(clips):
            # How alike the two clips are at each time, divided among the times.
            shares = ((query[one] * key[other]).sum(dim=1) / 8).softmax(dim=0)
            taken[one] += shares[:, None] * value[other]
    return part.proj(taken)


def contrast(features: Tensor, spoof: list[bool], *, uniform: bool) -> float:
    """The contrastive loss of one clip without padding."""
    frames = range(len(spoof))
    cosine = [
        [F.cosine_similarity(features[i], features[j], dim=0).item() for j in frames]
        for i in frames
    ]
    if len(set(spoof)) == 1 and not uniform:
        return 0.0
    total = 0.0
    for label in set(spoof):
        own = [i for i in frames if spoof[i] == label]
        others = [i for i in frames if spoof[i] != label]
        alike = [max(0.9 - min(cosine[i][j] for j in own), 0) for i in own]
        total += sum(alike) / len(own)
        if others:
            apart = [max(max(cosine[i][j] for j in others) - 0.1, 0) for i in own]
            total += sum(apart) / len(own)
    return total

"""BAM's released system with its names, restated for tests by loops: what Lightning writes of it.

Facts of media-sec-lab/BAM at 55f3fb9: s3prl's model, attentive pooling, the boundary branch's two
networks, graph attention layers, a linear layer over both embeddings. Its classes are spoof, bona
fide. `rule` says what a boundary does: `soft` as released, or `blocked`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.models.systems.plain_sal import Named


def attention(dim: int) -> Named:
    return Named(
        att_proj=nn.Linear(dim, dim),
        att_weight=nn.Parameter(torch.randn(dim, 1)),
        proj_with_att=nn.Linear(dim, dim),
        proj_without_att=nn.Linear(dim, dim),
        bn=nn.BatchNorm1d(dim),
    )


def bottleneck(inputs: int, inner: int, shortcut: nn.Module | None) -> Named:
    block = Named(
        conv1=nn.Conv1d(inputs, inner, 1, bias=False),
        bn1=nn.BatchNorm1d(inner),
        conv2=nn.Conv1d(inner, inner, 3, bias=False),
        bn2=nn.BatchNorm1d(inner),
        conv3=nn.Conv1d(inner, 2 * inner, 1, bias=False),
        bn3=nn.BatchNorm1d(2 * inner),
    )
    if shortcut is not None:
        block.downsample = shortcut
    return block


def residual_network() -> Named:
    network = Named(conv1=nn.Conv1d(1, 32, 7, bias=False), bn1=nn.BatchNorm1d(32))
    inputs = 32
    for number, inner in enumerate((64, 128, 256, 512), start=1):
        # The last of these stays with the network as well, beside its block.
        network.downsample = nn.Conv1d(inputs, 2 * inner, 1, bias=False)
        pair = (
            bottleneck(inputs, inner, network.downsample),
            bottleneck(2 * inner, inner, None),
        )
        setattr(network, f"layer{number}", nn.ModuleList(pair))
        inputs = 2 * inner
    return network


class Released(nn.Module):
    """`model` is the system; `upstream` is s3prl's, with its model."""

    def __init__(self, upstream: nn.Module, dim: int) -> None:
        super().__init__()
        left = dim // 2 // 2
        for _ in range(3):
            left = math.ceil(left / 2)
        self.model = Named(
            ssl_layer=upstream,
            att_pool=Named(mm_weights=nn.Parameter(torch.randn(dim, 1))),
            inter_layer=attention(dim),
            intra_layer=Named(resnet=residual_network(), proj_layer=nn.Linear(1024 * left, dim)),
            b_output_layer=nn.Sequential(nn.Linear(2 * dim, 1), nn.Sigmoid()),
            gap_layers=nn.ModuleList(attention(dim) for _ in range(2)),
            boundary_proj=nn.Linear(2 * dim, dim),
            out_layer=nn.Linear(2 * dim, 2),
        )

    def forward(self, waves: Tensor, hops: int, rule: str = "soft") -> tuple[Tensor, Tensor]:
        """Return logits, "batch frames 2", and probabilities of a boundary, "batch frames"."""
        model = self.model
        states = model.ssl_layer(list(F.pad(waves, (0, 256))))["hidden_states"][-1]
        frames = pool(model.att_pool.mm_weights, states, hops)
        inter = attend(model.inter_layer, frames, None, rule)
        intra = torch.stack([within(model.intra_layer, clip) for clip in frames])
        embedding = torch.cat([inter, intra], dim=-1)
        boundary = model.b_output_layer(embedding).squeeze(-1)
        nodes = frames
        for layer in model.gap_layers:
            nodes = attend(layer, nodes, boundary > 0.5, rule)
        hint = F.selu(model.boundary_proj(embedding))
        return model.out_layer(torch.cat([nodes, hint], dim=-1)), boundary


def pool(weights: Tensor, states: Tensor, hops: int) -> Tensor:
    frames = []
    for clip in states:
        for at in range(0, len(clip), hops):
            group = clip[at : at + hops]
            shares = torch.tanh(group @ weights[:, 0]).softmax(dim=0)
            frames.append(sum(share * state for share, state in zip(shares, group, strict=True)))
    return torch.stack(frames).unflatten(0, (len(states), -1))


def is_joined(boundary: list[bool], one: int, other: int) -> bool:
    """Whether two frames may attend to each other."""
    low, high = sorted((one, other))
    return one == other or not any(boundary[low : high + 1])


def attend(part, frames: Tensor, boundary: Tensor | None, rule: str) -> Tensor:
    clips = []
    for clip, nodes in enumerate(frames):
        for one in range(len(nodes)):
            likeness, heard = [], []
            for other in range(len(nodes)):
                alike = torch.tanh(part.att_proj(nodes[one] * nodes[other])) @ part.att_weight[:, 0]
                if boundary is None or is_joined(boundary[clip].tolist(), one, other):
                    likeness.append(alike)
                    heard.append(nodes[other])
                elif rule == "soft":
                    likeness.append(torch.zeros(()))
                    heard.append(nodes[other])
            shares = torch.stack(likeness).softmax(dim=0)
            taken = shares @ torch.stack(heard)
            clips.append(part.proj_with_att(taken) + part.proj_without_att(nodes[one]))
    return F.selu(part.bn(torch.stack(clips))).unflatten(0, frames.shape[:2])


def within(part, frames: Tensor) -> Tensor:
    """Convolutions of one clip's frames, strides and paddings given by name."""
    network = part.resnet
    signals = F.relu(network.bn1(F.conv1d(frames[:, None], network.conv1.weight, None, 2, 3)))
    pairs = [signals[..., at : at + 3].amax(-1) for at in range(0, signals.shape[-1] - 1, 2)]
    signals = torch.stack(pairs, dim=-1)
    for number in range(1, 5):
        for block in getattr(network, f"layer{number}"):
            has_shortcut = hasattr(block, "downsample")
            stride = 2 if has_shortcut and number > 1 else 1
            inner = F.relu(block.bn1(F.conv1d(signals, block.conv1.weight, None, stride)))
            inner = F.relu(block.bn2(F.conv1d(inner, block.conv2.weight, None, 1, 1)))
            inner = F.relu(block.bn3(F.conv1d(inner, block.conv3.weight)))
            beside = signals
            if has_shortcut:
                beside = F.conv1d(signals, block.downsample.weight, None, stride)
            signals = F.relu(inner + beside)
    return part.proj_layer(signals.flatten(1))


def balanced(probability: list[float], target: list[int], ratio: float) -> float:
    """The boundary loss: all positives, and the negatives that cost most; padding is -100."""
    positives = [-math.log(p) for p, t in zip(probability, target, strict=True) if t == 1]
    negatives = [-math.log(1 - p) for p, t in zip(probability, target, strict=True) if t == 0]
    negatives = sorted(negatives, reverse=True)[: int(ratio * len(positives))]
    costs = positives + negatives
    return sum(costs) / len(costs) if costs else 0.0

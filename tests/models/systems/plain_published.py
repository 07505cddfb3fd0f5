"""Heads of published systems, written plainly over the tensors of their authors' checkpoints.

Each function takes tensors by the authors' names, in float64, and the states of one clip; it
returns the logits in the authors' order, spoof before bona fide. Shapes of the tensors are given
beside, so that a checkpoint can be drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

Shapes = dict[str, tuple[int, ...]]
Tensors = Mapping[str, Tensor]


def draw_tensors(shapes: Shapes, seed: int = 1) -> dict[str, Tensor]:
    """Return random tensors; variances are positive, counters are whole numbers."""
    generator = torch.Generator().manual_seed(seed)
    drawn: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            drawn[name] = torch.tensor(7)
        elif name.endswith("running_var"):
            drawn[name] = 0.5 + torch.rand(shape, generator=generator)
        else:
            inputs = math.prod(shape[1:])  # so that outputs are about as large as inputs
            drawn[name] = torch.randn(shape, generator=generator) / max(inputs, 9) ** 0.5
    return drawn


def layer(name: str, *shape: int) -> Shapes:
    """Return the shapes of a linear layer or a convolution with bias."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def norm(name: str, width: int) -> Shapes:
    """Return the shapes of a batch normalisation."""
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{of}": (width,) for of in names} | {f"{name}.num_batches_tracked": ()}


def linear(w: Tensors, name: str, x: Tensor) -> Tensor:
    """Return weight x + bias for each vector of `x`."""
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def normalise(w: Tensors, name: str, x: Tensor, axis: int) -> Tensor:
    """Normalise by the running statistics, a number for each place of `axis`."""
    shape = [-1 if at == axis else 1 for at in range(x.ndim)]
    mean, variance, scale, shift = (
        w[f"{name}.{of}"].reshape(shape) for of in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * scale + shift


def maxima(x: Tensor, size: int) -> Tensor:
    """Return the maxima of squares of `size` of the last two axes; what is left over is dropped."""
    rows, columns = (length // size for length in x.shape[-2:])
    out = x.new_empty((*x.shape[:-2], rows, columns))
    for i in range(rows):
        for j in range(columns):
            square = x[..., i * size : (i + 1) * size, j * size : (j + 1) * size]
            out[..., i, j] = square.amax(dim=(-2, -1))
    return out


# --- SLS -----------------------------------------------------------------------------------------


def sls_shapes(dim: int, hops: int) -> Shapes:
    """Return the tensors of SLS but for the front-end's."""
    inputs = (hops // 3) * (dim // 3)
    return {
        **norm("first_bn", 1),
        **layer("fc0", 1, dim),
        **layer("fc1", 1024, inputs),
        **layer("fc3", 2, 1024),
    }


def sls_logits(w: Tensors, states: Sequence[Tensor]) -> Tensor:
    """Return the logits before the log-softmax; `states` are all, the first unused."""
    total = torch.zeros_like(states[0])
    for state in states[1:]:
        weight = torch.sigmoid(linear(w, "fc0", state.mean(dim=0)))
        total = total + weight * state
    x = maxima(F.selu(normalise(w, "first_bn", total[None], 0)), 3)
    return F.selu(linear(w, "fc3", F.selu(linear(w, "fc1", x.flatten()))))


# --- SSL-AASIST ----------------------------------------------------------------------------------


def attention_shapes(name: str, before: int, after: int) -> Shapes:
    """Return the tensors of a graph attention."""
    return {
        **layer(f"{name}.att_proj", after, before),
        f"{name}.att_weight": (after, 1),
        **layer(f"{name}.proj_with_att", after, before),
        **layer(f"{name}.proj_without_att", after, before),
        **norm(f"{name}.bn", after),
    }


def joint_shapes(name: str, before: int, after: int) -> Shapes:
    """Return the tensors of a heterogeneous graph attention."""
    shapes = attention_shapes(name, before, after)
    del shapes[f"{name}.att_weight"]
    shapes |= {f"{name}.att_weight{of}": (after, 1) for of in ("11", "22", "12", "M")}
    for of in ("proj_type1", "proj_type2"):
        shapes |= layer(f"{name}.{of}", before, before)
    for of in ("att_projM", "proj_with_attM", "proj_without_attM"):
        shapes |= layer(f"{name}.{of}", after, before)
    return shapes


def ssl_aasist_shapes(dim: int) -> Shapes:
    """Return the tensors of SSL-AASIST but for the front-end's."""
    shapes: Shapes = {
        **layer("LL", 128, dim),
        **norm("first_bn", 1),
        **norm("first_bn1", 64),
        **layer("attention.0", 128, 64, 1, 1),
        **norm("attention.2", 128),
        **layer("attention.3", 64, 128, 1, 1),
        "pos_S": (1, 42, 64),
        "master1": (1, 1, 64),
        "master2": (1, 1, 64),
    }
    channels = [1, 32, 32, 64, 64, 64, 64]
    for block in range(6):
        before, after = channels[block : block + 2]
        name = f"encoder.{block}.0"
        if block:
            shapes |= norm(f"{name}.bn1", before)
        shapes |= layer(f"{name}.conv1", after, before, 2, 3)
        shapes |= norm(f"{name}.bn2", after)
        shapes |= layer(f"{name}.conv2", after, after, 2, 3)
        if before != after:
            shapes |= layer(f"{name}.conv_downsample", after, before, 1, 3)
    shapes |= attention_shapes("GAT_layer_S", 64, 64) | attention_shapes("GAT_layer_T", 64, 64)
    for branch in "12":
        shapes |= joint_shapes(f"HtrgGAT_layer_ST{branch}1", 64, 32)
        shapes |= joint_shapes(f"HtrgGAT_layer_ST{branch}2", 32, 32)
        shapes |= layer(f"pool_hS{branch}.proj", 1, 32) | layer(f"pool_hT{branch}.proj", 1, 32)
    shapes |= layer("pool_S.proj", 1, 64) | layer("pool_T.proj", 1, 64)
    return shapes | layer("out_layer", 2, 160)


def shares_of(scores: Sequence[Tensor]) -> Tensor:
    """Return a softmax over a few numbers."""
    return torch.stack([*scores]).softmax(dim=0)


def projected(w: Tensors, name: str, mark: str, heard: Tensor, own: Tensor) -> Tensor:
    """Return what a node becomes that hears `heard`."""
    attended = linear(w, f"{name}.proj_with_att{mark}", heard)
    return attended + linear(w, f"{name}.proj_without_att{mark}", own)


def graph_attention(w: Tensors, name: str, nodes: Tensor) -> Tensor:
    """Return nodes that heard each other, at temperature 2."""
    out = []
    for own in nodes:
        scores = [
            (torch.tanh(linear(w, f"{name}.att_proj", own * other)) @ w[f"{name}.att_weight"])[0]
            / 2
            for other in nodes
        ]
        heard = sum(s * other for s, other in zip(shares_of(scores), nodes, strict=True))
        out.append(projected(w, name, "", heard, own))
    return F.selu(normalise(w, f"{name}.bn", torch.stack(out), 1))


def joint_attention(
    w: Tensors, name: str, temporal: Tensor, spectral: Tensor, stack: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return both kinds of nodes, which heard all, and the stack node, at temperature 100."""
    of_time = linear(w, f"{name}.proj_type1", temporal)
    of_bands = linear(w, f"{name}.proj_type2", spectral)
    nodes, number = torch.cat([of_time, of_bands]), len(temporal)
    out = []
    for i, own in enumerate(nodes):
        scores = []
        for j, other in enumerate(nodes):
            kinds = {(True, True): "11", (False, False): "22"}.get((i < number, j < number), "12")
            pair = torch.tanh(linear(w, f"{name}.att_proj", own * other))
            scores.append((pair @ w[f"{name}.att_weight{kinds}"])[0] / 100)
        heard = sum(s * other for s, other in zip(shares_of(scores), nodes, strict=True))
        out.append(projected(w, name, "", heard, own))
    scores = [
        (torch.tanh(linear(w, f"{name}.att_projM", node * stack)) @ w[f"{name}.att_weightM"])[0]
        / 100
        for node in nodes
    ]
    heard = sum(s * node for s, node in zip(shares_of(scores), nodes, strict=True))
    stack = projected(w, name, "M", heard, stack)
    nodes = F.selu(normalise(w, f"{name}.bn", torch.stack(out), 1))
    return nodes[:number], nodes[number:], stack


def pooled_nodes(w: Tensors, name: str, nodes: Tensor) -> Tensor:
    """Return the better half of the nodes, each times its score, the highest first."""
    scores = [torch.sigmoid(linear(w, f"{name}.proj", node))[0] for node in nodes]
    order = sorted(range(len(nodes)), key=lambda at: -scores[at].item())
    return torch.stack([scores[at] * nodes[at] for at in order[: max(len(nodes) // 2, 1)]])


def residual_block(w: Tensors, name: str, x: Tensor) -> Tensor:
    """Return "channels bands steps" for the same; the first normalisation is not used."""

    def convolve(of: str, x: Tensor, padding: tuple[int, int]) -> Tensor:
        weight, bias = w[f"{name}.{of}.weight"], w[f"{name}.{of}.bias"]
        return F.conv2d(x[None], weight, bias, padding=padding)[0]

    inner = F.selu(normalise(w, f"{name}.bn2", convolve("conv1", x, (1, 1)), 0))
    inner = convolve("conv2", inner, (0, 1))
    has_shortcut = f"{name}.conv_downsample.weight" in w
    return inner + (convolve("conv_downsample", x, (0, 1)) if has_shortcut else x)


def ssl_aasist_logits(w: Tensors, states: Sequence[Tensor]) -> Tensor:
    """Return the logits; of `states` the last is used."""
    bands = maxima(linear(w, "LL", states[-1]).T, 3)[None]
    x = F.selu(normalise(w, "first_bn", bands, 0))
    for block in range(6):
        x = residual_block(w, f"encoder.{block}.0", x)
    x = F.selu(normalise(w, "first_bn1", x, 0))
    hidden = F.selu(linear(w_flat(w, "attention.0"), "attention.0", x.movedim(0, -1)))
    hidden = normalise(w, "attention.2", hidden, 2)
    scores = linear(w_flat(w, "attention.3"), "attention.3", hidden).movedim(-1, 0)
    spectral = (x * scores.softmax(dim=2)).sum(dim=2).T + w["pos_S"][0]
    temporal = (x * scores.softmax(dim=1)).sum(dim=1).T
    spectral = pooled_nodes(w, "pool_S", graph_attention(w, "GAT_layer_S", spectral))
    temporal = pooled_nodes(w, "pool_T", graph_attention(w, "GAT_layer_T", temporal))
    branches = []
    for branch in "12":
        first, second = f"HtrgGAT_layer_ST{branch}1", f"HtrgGAT_layer_ST{branch}2"
        stack = w[f"master{branch}"][0, 0]
        t, s, stack = joint_attention(w, first, temporal, spectral, stack)
        t, s = pooled_nodes(w, f"pool_hT{branch}", t), pooled_nodes(w, f"pool_hS{branch}", s)
        more = joint_attention(w, second, t, s, stack)
        branches.append([one + two for one, two in zip((t, s, stack), more, strict=True)])
    t, s, stack = (torch.maximum(*pair) for pair in zip(*branches, strict=True))
    parts = [t.abs().amax(dim=0), t.mean(dim=0), s.abs().amax(dim=0), s.mean(dim=0), stack]
    return linear(w, "out_layer", torch.cat(parts))


def w_flat(w: Tensors, name: str) -> Tensors:
    """Return a convolution over one step as a linear layer."""
    return {f"{name}.weight": w[f"{name}.weight"].flatten(1), f"{name}.bias": w[f"{name}.bias"]}


# --- Nes2Net-X -----------------------------------------------------------------------------------


def nes2net_shapes(dim: int) -> Shapes:
    """Return the tensors of Nes2Net-X but for the front-end's."""
    root = "Nested_Res2Net_TDNN"
    width = dim // 8
    part = width // 8
    shapes: Shapes = {}
    for group in range(7):
        name = f"{root}.Build_in_Res2Nets.{group}"
        shapes |= layer(f"{name}.conv1", part * 8, width, 1) | norm(f"{name}.bn1", part * 8)
        for at in range(7):
            shapes |= layer(f"{name}.convs.{at}", part, part, 3, 1)
            shapes |= norm(f"{name}.bns.{at}", part)
            shapes[f"{name}.weighted_sum.{at}"] = (1, 1, 1, at + 2)
        shapes |= layer(f"{name}.conv3", width, part * 8, 1) | norm(f"{name}.bn3", width)
        shapes |= layer(f"{name}.se.se.1", width, width, 1)
        shapes |= layer(f"{name}.se.se.3", width, width, 1)
        shapes |= norm(f"{root}.bns.{group}", width)
    return {**shapes, **norm(f"{root}.bn", dim), **layer(f"{root}.fc", 2, dim)}


def nes2net_logits(w: Tensors, states: Sequence[Tensor]) -> Tensor:
    """Return the logits; of `states` the last is used."""
    root = "Nested_Res2Net_TDNN"
    x = states[-1].T
    width = len(x) // 8
    *groups, passed = x.split(width)
    outcomes: list[Tensor] = []
    for group, given in enumerate(groups):
        given = given + outcomes[-1] if outcomes else given
        inner = nes2net_inner(w, f"{root}.Build_in_Res2Nets.{group}", given)
        outcomes.append(normalise(w, f"{root}.bns.{group}", inner.relu(), 0))
    joined = normalise(w, f"{root}.bn", torch.cat([*outcomes, passed]), 0).relu()
    return linear(w, f"{root}.fc", joined.mean(dim=1))


def nes2net_inner(w: Tensors, name: str, x: Tensor) -> Tensor:
    """Return the outcome of an inner network for "channels hops", its input added."""

    def pointwise(of: str, norm_of: str, x: Tensor) -> Tensor:
        hidden = linear(w_flat(w, f"{name}.{of}"), f"{name}.{of}", x.T).T
        return normalise(w, f"{name}.{norm_of}", hidden.relu(), 0)

    *parts, passed = pointwise("conv1", "bn1", x).split(len(x) // 8)
    pile, outcomes = [passed], []
    for at, part in enumerate(parts):
        weight, bias = w[f"{name}.convs.{at}.weight"][..., 0], w[f"{name}.convs.{at}.bias"]
        pile = [
            normalise(
                w,
                f"{name}.bns.{at}",
                F.conv1d(each[None], weight, bias, padding=2, dilation=2)[0].relu(),
                0,
            )
            for each in [*pile, part]
        ]
        weights = w[f"{name}.weighted_sum.{at}"].flatten()
        outcomes.append(sum(share * each for share, each in zip(weights, pile, strict=True)))
    out = pointwise("conv3", "bn3", torch.cat([*outcomes, passed]))
    squeezed = linear(w_flat(w, f"{name}.se.se.1"), f"{name}.se.se.1", out.mean(dim=1)).relu()
    gate = linear(w_flat(w, f"{name}.se.se.3"), f"{name}.se.se.3", squeezed).sigmoid()
    return x + out * gate[:, None]

"""Respiro-en's network from a state dict under its published names, in plain steps, and what that
state dict holds: names and shapes of modules.py of ydqmkkx/Respiro-en (commit 70e01c6) and of
torchaudio's Conformer, which it is made of.
"""

from __future__ import annotations

from itertools import pairwise
from math import log

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

LAYER = {
    **{f"{name}.sequential.0.{part}": (128,) for name in ("ffn1", "ffn2") for part in "wb"},
    **{f"{name}.sequential.1.w": (256, 128) for name in ("ffn1", "ffn2")},
    **{f"{name}.sequential.1.b": (256,) for name in ("ffn1", "ffn2")},
    **{f"{name}.sequential.4.w": (128, 256) for name in ("ffn1", "ffn2")},
    **{f"{name}.sequential.4.b": (128,) for name in ("ffn1", "ffn2")},
    **{f"self_attn_layer_norm.{part}": (128,) for part in "wb"},
    "self_attn.in_proj_weight": (384, 128),
    "self_attn.in_proj_bias": (384,),
    "self_attn.out_proj.w": (128, 128),
    "self_attn.out_proj.b": (128,),
    **{f"conv_module.layer_norm.{part}": (128,) for part in "wb"},
    "conv_module.sequential.0.w": (256, 128, 1),
    "conv_module.sequential.0.b": (256,),
    "conv_module.sequential.2.w": (128, 1, 31),
    "conv_module.sequential.2.b": (128,),
    **{f"conv_module.sequential.3.{part}": (128,) for part in "wb"},
    "conv_module.sequential.3.running_mean": (128,),
    "conv_module.sequential.3.running_var": (128,),
    "conv_module.sequential.3.num_batches_tracked": (),
    "conv_module.sequential.5.w": (128, 128, 1),
    "conv_module.sequential.5.b": (128,),
    **{f"final_layer_norm.{part}": (128,) for part in "wb"},
}
SHAPES = {
    "downsampling.conv1.0.w": (1, 3, 3, 3),
    "downsampling.conv1.0.b": (1,),
    "downsampling.conv2.0.w": (1, 1, 3, 3),
    "downsampling.conv2.0.b": (1,),
    "upsampling.deconv.0.w": (128, 128, 3),
    "upsampling.deconv.0.b": (128,),
    "upsampling.deconv.2.w": (128, 128, 3),
    "upsampling.deconv.2.b": (128,),
    "linear.w": (128, 31),
    "linear.b": (128,),
    **{
        f"conformer.conformer_layers.{layer}.{name}": shape
        for layer in range(8)
        for name, shape in LAYER.items()
    },
    **{
        f"lstm.{name}_l0{way}": shape
        for way in ("", "_reverse")
        for name, shape in {
            "weight_ih": (1024, 128),
            "weight_hh": (1024, 256),
            "bias_ih": (1024,),
            "bias_hh": (1024,),
        }.items()
    },
    "fc.w": (1, 512),
    "fc.b": (1,),
}
ENDINGS = {".w": ".weight", ".b": ".bias"}


def published(seed: int) -> dict[str, Tensor]:
    """Return a state dict of the published layout with random numbers of a plausible size."""
    generator = torch.Generator().manual_seed(seed)
    state: dict[str, Tensor] = {}
    for short, shape in SHAPES.items():
        name = short[:-2] + ENDINGS.get(short[-2:], short[-2:])
        drawn = torch.randn(shape, generator=generator) / max(1, shape[-1] if shape else 1) ** 0.5
        if name.endswith("running_var") or (shape == (128,) and name.endswith("weight")):
            drawn = 1 + drawn.abs()
        state[name] = torch.tensor(7) if name.endswith("tracked") else drawn
    return state


def probability(state: dict[str, Tensor], features: Tensor) -> Tensor:
    """Return the probability of breath (frames,) for features (3, 128, frames)."""
    x = features
    for name in ("conv1", "conv2"):
        if x.shape[-1] % 2 == 0:
            x = torch.cat([x, torch.zeros_like(x[..., :1])], dim=-1)
        x = F.conv2d(x[None], *of(state, f"downsampling.{name}.0."), stride=2)[0].relu()
    x = F.linear(x[0].T, *of(state, "linear."))
    for number in range(8):
        x = block(state, f"conformer.conformer_layers.{number}.", x)
    for number in (0, 2):
        weight, bias = of(state, f"upsampling.deconv.{number}.")
        x = F.conv_transpose1d(x.T[None], weight, bias, stride=2)[0].T.relu()
    ahead = lstm(state, "", x)
    back = lstm(state, "_reverse", x.flip(0)).flip(0)
    logits = F.linear(torch.cat([ahead, back], dim=1), *of(state, "fc."))
    return torch.sigmoid(logits[: features.shape[-1], 0])


def of(state: dict[str, Tensor], prefix: str) -> tuple[Tensor, Tensor]:
    return state[f"{prefix}weight"], state[f"{prefix}bias"]


def norm(state: dict[str, Tensor], prefix: str, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    weight, bias = of(state, prefix)
    return scaled * weight + bias


def feed_forward(state: dict[str, Tensor], prefix: str, x: Tensor) -> Tensor:
    x = norm(state, f"{prefix}sequential.0.", x)
    x = F.linear(x, *of(state, f"{prefix}sequential.1."))
    return F.linear(x * x.sigmoid(), *of(state, f"{prefix}sequential.4."))


def attention(state: dict[str, Tensor], prefix: str, x: Tensor) -> Tensor:
    x = norm(state, f"{prefix}self_attn_layer_norm.", x)
    projected = x @ state[f"{prefix}self_attn.in_proj_weight"].T
    query, key, value = (projected + state[f"{prefix}self_attn.in_proj_bias"]).chunk(3, dim=1)
    heads = []
    for head in range(4):
        part = slice(32 * head, 32 * head + 32)
        weights = torch.softmax(query[:, part] @ key[:, part].T / 32**0.5, dim=1)
        heads.append(weights @ value[:, part])
    return F.linear(torch.cat(heads, dim=1), *of(state, f"{prefix}self_attn.out_proj."))


def convolution(state: dict[str, Tensor], prefix: str, x: Tensor) -> Tensor:
    x = norm(state, f"{prefix}layer_norm.", x)
    weight, bias = of(state, f"{prefix}sequential.0.")
    one, gate = F.linear(x, weight[..., 0], bias).chunk(2, dim=1)
    weight, bias = of(state, f"{prefix}sequential.2.")
    x = F.conv1d((one * gate.sigmoid()).T[None], weight, bias, padding=15, groups=128)[0].T
    mean, variance = (state[f"{prefix}sequential.3.running_{name}"] for name in ("mean", "var"))
    weight, bias = of(state, f"{prefix}sequential.3.")
    x = (x - mean) / (variance + 1e-5).sqrt() * weight + bias
    weight, bias = of(state, f"{prefix}sequential.5.")
    return F.linear(x * x.sigmoid(), weight[..., 0], bias)


def block(state: dict[str, Tensor], prefix: str, x: Tensor) -> Tensor:
    x = x + 0.5 * feed_forward(state, f"{prefix}ffn1.", x)
    x = x + attention(state, prefix, x)
    x = x + convolution(state, f"{prefix}conv_module.", x)
    x = x + 0.5 * feed_forward(state, f"{prefix}ffn2.", x)
    return norm(state, f"{prefix}final_layer_norm.", x)


def lstm(state: dict[str, Tensor], way: str, x: Tensor) -> Tensor:
    hidden = cell = torch.zeros(256, dtype=x.dtype)
    outputs = []
    for frame in x:
        gates = F.linear(frame, state[f"lstm.weight_ih_l0{way}"], state[f"lstm.bias_ih_l0{way}"])
        gates = gates + F.linear(
            hidden, state[f"lstm.weight_hh_l0{way}"], state[f"lstm.bias_hh_l0{way}"]
        )
        enter, forget, new, leave = gates.chunk(4)
        cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
        hidden = leave.sigmoid() * cell.tanh()
        outputs.append(hidden)
    return torch.stack(outputs)


def mel_filters() -> np.ndarray:
    """Return Slaney's filters (128, 201): linear to 1 kHz at 66 2/3 Hz a mel, then 27 mels for each
    factor of 6.4; triangles of area 1 between the middles of their neighbours.
    """
    knee = 1000 * 3 / 200
    top = knee + 27 * log(8000 / 1000) / log(6.4)
    edges = []
    for number in range(130):
        mel = top * number / 129
        edges.append(mel * 200 / 3 if mel < knee else 1000 * 6.4 ** ((mel - knee) / 27))
    filters = np.zeros((128, 201))
    for band in range(128):
        low, middle, high = edges[band : band + 3]
        for k in range(201):
            hertz = 40 * k
            if low < hertz < high:
                rising, falling = (hertz - low) / (middle - low), (high - hertz) / (high - middle)
                filters[band, k] = min(rising, falling) * 2 / (high - low)
    return filters


def features(wave: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mel decibels (128, frames), their unbiased variance over bands and the zero crossing
    rate (frames,): for each pair of neighbours in a window of 400 samples the distance of their
    signs (-1, 0 or 1), added up, times 0.5, over 400. Half a window of zeros is before and behind
    the waveform.
    """
    padded = np.pad(wave.astype(float), 200)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    cuts = [padded[start : start + 400] for start in range(0, len(padded) - 399, 160)]
    power = np.array([np.abs(np.fft.rfft(cut * hann)) ** 2 for cut in cuts]).T
    decibels = 10 * np.log10(np.maximum(mel_filters() @ power, 1e-10))
    decibels = np.maximum(decibels - decibels.max(), -80)
    spread = [sum((x - bands.mean()) ** 2 for x in bands) / 127 for bands in decibels.T]
    crossings = []
    for cut in cuts:
        signs = [int(value > 0) - int(value < 0) for value in cut]
        distances = [abs(after - before) for before, after in pairwise(signs)]
        crossings.append(sum(distances) * 0.5 / len(cut))
    return decibels, np.array(spread), np.array(crossings)

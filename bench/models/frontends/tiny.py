"""A small encoder with random weights, for smoke rows and tests: never a result, but it learns."""

from __future__ import annotations

import math

from torch import nn

from bench.models.frontends.blocks import ConvolutionLayer
from bench.models.frontends.encoder import (
    KERNELS,
    STRIDES,
    Buckets,
    ConvolutionShape,
    Encoder,
    EncoderConfig,
)
from bench.models.frontends.lora import add_adapters
from bench.specs.frontends.encoder import Lora
from bench.specs.frontends.tiny import Tiny

POSITION_KERNEL = 32
"""Hops that the positional convolution sees (128 in the published models); 0.64 s."""

SHARES = (4, 4, 2, 2, 1, 1, 1)
"""The channels of the specification are divided by these: the first layers run at the highest rate,
and with fewer channels there the whole encoder takes half the time."""


def draw_encoder(spec: Tiny) -> Encoder:
    """Return the encoder of `spec`, its weights drawn from torch's global generator.

    Convolutions are drawn to keep the variance (He et al., ICCV 2015), linear layers with a
    deviation of 0.02 as in the published models, the positional convolution as torch draws it, and
    adapters, where `spec.tuning` asks for them, after all else.

    Raises `BenchError` where the heads do not divide the width.
    """
    channels = (max(1, spec.channels // share) for share in SHARES)
    shape = EncoderConfig(
        convolutions=tuple(map(ConvolutionShape, channels, KERNELS, STRIDES)),
        conv_bias=spec.family == "wav2vec2",
        dim=spec.dim,
        blocks=spec.blocks,
        heads=spec.heads,
        feed_forward=spec.feed_forward,
        position_kernel=POSITION_KERNEL,
        position_groups=math.gcd(spec.dim, 16),
        buckets=Buckets(320, 800) if spec.family == "wavlm" else None,
    )
    encoder = Encoder(shape, spec)
    for module in encoder.modules():
        if isinstance(module, ConvolutionLayer):
            nn.init.kaiming_normal_(module.conv.weight)
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
    if isinstance(spec.tuning, Lora):
        add_adapters(encoder, spec.tuning)
    return encoder

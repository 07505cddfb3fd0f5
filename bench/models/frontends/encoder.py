"""A thin pre-LayerNorm encoder of the wav2vec 2.0 family: XLS-R, LV-60k Large and WavLM-Large.

Seven convolutions, feature projection, positional convolution and transformer blocks (Baevski et
al., NeurIPS 2020; Babu et al., XLS-R, Interspeech 2022; Chen et al., WavLM, JSTSP 2022), in
evaluation equal to s3prl's and transformers' models on the same weights. Post-LayerNorm models (the
base ones) are another network and not here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Literal, NamedTuple, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bench.errors import BenchError
from bench.models.frontends.base import FrontEnd, check_waves
from bench.models.frontends.blocks import (
    BiasGate,
    ConvolutionLayer,
    PositionalConvolution,
    RelativePositions,
    SelfAttention,
    TransformerBlock,
)
from bench.models.full_precision import LayerNorm
from bench.specs.frontends.encoder import EncoderSettings
from bench.units import HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES

"""The specifications that an encoder takes its behaviour from (normalisation, freezing,
regularisation).
"""

OutputT = TypeVar("OutputT")

MASKED_SPAN = 10
"""Hops in one masked span, as in wav2vec 2.0 (Baevski et al., section 3.1)."""
FEWEST_SPANS = 2
"""Masked spans in a clip at least (Hugging Face's `mask_time_min_masks`)."""
MASK_VECTOR = "mask_vector"
"""Name of the parameter that masked hops become."""


class ConvolutionShape(NamedTuple):
    """Shape of one convolution."""

    channels: int
    kernel: int
    stride: int


class Buckets(NamedTuple):
    """WavLM's relative positions: how many buckets, and from which distance all share the last."""

    number: int
    max_distance: int


@dataclass(frozen=True)
class EncoderConfig:
    """Dimensions of an encoder: all that a checkpoint fixes. `BenchError` where they do not fit."""

    convolutions: tuple[ConvolutionShape, ...]
    conv_bias: bool
    dim: int
    blocks: int
    heads: int
    feed_forward: int
    position_kernel: int = 128
    position_groups: int = 16
    buckets: Buckets | None = None
    """None in wav2vec 2.0."""

    def __post_init__(self) -> None:
        hop = math.prod(layer.stride for layer in self.convolutions)
        field, step = 1, 1
        for layer in self.convolutions:
            field, step = field + (layer.kernel - 1) * step, step * layer.stride
        if (hop, field) != (HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES):
            raise BenchError(
                "model.sizes",
                f"convolutions with a hop of {hop} and a receptive field of {field} samples; the "
                f"suite's labels need {HOP_SAMPLES} and {RECEPTIVE_FIELD_SAMPLES}",
            )
        for name, parts in (("heads", self.heads), ("groups", self.position_groups)):
            if self.dim % parts:
                raise BenchError(
                    "model.sizes", f"dim = {self.dim} does not divide into {parts} {name}"
                )

    @property
    def family(self) -> str:
        """`wavlm` with relative positions, else `wav2vec2`."""
        return "wavlm" if self.buckets else "wav2vec2"


KERNELS = (10, 3, 3, 3, 3, 2, 2)
STRIDES = (5, 2, 2, 2, 2, 2, 2)
"""The convolutions' kernels and strides in every published model of the family."""


def standard_convolutions(channels: int) -> tuple[ConvolutionShape, ...]:
    """Return the published models' seven convolutions with `channels` channels (theirs: 512)."""
    return tuple(ConvolutionShape(channels, *shape) for shape in zip(KERNELS, STRIDES, strict=True))


XLSR_300M = EncoderConfig(
    convolutions=standard_convolutions(512),
    conv_bias=True,
    dim=1024,
    blocks=24,
    heads=16,
    feed_forward=4096,
)
WAVLM_LARGE = EncoderConfig(
    convolutions=standard_convolutions(512),
    conv_bias=False,
    dim=1024,
    blocks=24,
    heads=16,
    feed_forward=4096,
    buckets=Buckets(320, 800),
)


def uses_channels_last(stated: bool | None, device: str) -> bool:
    """Return whether convolutions keep a sample's channels together on a device."""
    return device == "cpu" if stated is None else stated


class Encoder(FrontEnd):
    """The encoder of `config`, behaving as `options` say, with weights as torch initialises them.

    Frozen convolutions run without a graph and stay in eval mode; a frozen encoder does so as a
    whole. Low-rank adapters come when there are weights to adapt (`bench.models.frontends.lora`).
    Dropout, layerdrop and the time mask work in training mode only, and only when `options` ask
    for them; they act where Hugging Face's and fairseq's do. The mask vector is there only with a
    time mask. Where we depart from both: a skipped block repeats its input as the next state, so
    that `n_states` holds; WavLM's position bias is there also when block 1 is skipped; the
    feed-forward part's inner activations have no dropout (0 in the published configurations).
    """

    channels_last: bool | None = None
    """Whether convolutions compute "batch samples channels" (`[speed] channels_last`); None is on
    the CPU alone."""
    gives_additions = False
    """Whether it gives what the feed-forward parts add (`give_additions`)."""
    checkpoints_gradients = False
    """Whether blocks are computed twice in training (`[speed] gradient_checkpointing`)."""
    recall: Callable[[Callable[[], Tensor]], Tensor] | None = None
    """What gives the features of frozen convolutions in evaluation mode, or computes them by its
    argument (`bench.training.kept_features`)."""

    def __init__(self, config: EncoderConfig, options: EncoderSettings):
        super().__init__()
        self.config, self.options = config, options
        self.dim, self.n_states = config.dim, config.blocks + 1
        channels = [1, *(layer.channels for layer in config.convolutions)]
        self.convolutions = nn.Sequential(
            *(
                ConvolutionLayer(before, *layer, bias=config.conv_bias)
                for before, layer in zip(channels, config.convolutions, strict=False)
            )
        )
        self.projection_norm = LayerNorm(channels[-1])
        self.projection = nn.Linear(channels[-1], config.dim)
        self.position = PositionalConvolution(
            config.dim, config.position_kernel, config.position_groups
        )
        self.relative = RelativePositions(*config.buckets, config.heads) if config.buckets else None
        self.blocks = nn.ModuleList(
            TransformerBlock(
                _build_attention(config, options), config.dim, config.feed_forward, options.dropout
            )
            for _ in range(config.blocks)
        )
        self.norm = LayerNorm(config.dim)
        if options.time_mask:
            self.mask_vector = nn.Parameter(torch.zeros(config.dim))
        if options.convolutions == "frozen":
            self.convolutions.requires_grad_(False).eval()
        if options.last_state == "raw":
            # Out of every gradient's reach: distributed training would wait for it.
            self.norm.requires_grad_(False)
        self.frozen = options.tuning.kind == "frozen"
        if self.frozen:
            self.requires_grad_(False).eval()

    def stop_after(self, blocks: int) -> None:
        """Run the first `blocks` blocks only: `n_states` is then blocks + 1.

        The last state is then raw, since the final LayerNorm is made for the last block's. The
        other blocks keep their weights and are not trained. Raise `BenchError` where there are
        fewer blocks.
        """
        if blocks > len(self.blocks):
            raise BenchError(
                "model.sizes", f"{blocks} blocks of an encoder that has {len(self.blocks)}"
            )
        self.n_states = blocks + 1
        if blocks < len(self.blocks):
            for unused in (*self.blocks[blocks:], self.norm):
                unused.requires_grad_(False)

    def give_additions(self) -> None:
        """Give what the feed-forward part of each block adds in the place of hidden states.

        This is fairseq's third layer result, one for each block. A block that layerdrop skips adds
        nothing. The final LayerNorm is then of no use and is not trained.
        """
        self.gives_additions = True
        self.n_states = len(self.blocks)
        self.norm.requires_grad_(False)

    def train(self, mode: bool = True) -> Encoder:
        """Set training mode; what is frozen stays in eval mode."""
        super().train(mode and not self.frozen)
        if self.options.convolutions == "frozen":
            self.convolutions.eval()
        return self

    def forward(self, waves: Tensor) -> tuple[Tensor, ...]:
        """Return the hidden states, as `FrontEnd` documents them."""
        check_waves(waves)
        with torch.no_grad() if self.frozen else nullcontext():
            return self._hidden_states(waves)

    def _hidden_states(self, waves: Tensor) -> tuple[Tensor, ...]:
        x = self._convolve_waves(normalise_waves(waves, self.options.normalise))
        x = self.projection(self.projection_norm(x))
        x = F.dropout(x, self.options.projection_dropout, self.training)
        if self.training and self.options.time_mask:
            masked = time_mask(x, self.options.time_mask)[..., None]
            x = torch.where(masked, self.mask_vector.to(x.dtype), x)
        x = F.dropout(x + self.position(x), self.options.dropout, self.training)
        bias = self.relative(x.shape[1]) if self.relative else None
        if self.gives_additions:
            return self._additions(x, bias)
        states = [x]
        for block in islice(self.blocks, self.n_states - 1):
            if not self._skips_block():
                x = self._run_block(block, x, bias)
            states.append(x)
        if self.options.last_state == "normalised" and self.n_states > len(self.blocks):
            states[-1] = self.norm(x)
        return tuple(states)

    def _additions(self, x: Tensor, bias: Tensor | None) -> tuple[Tensor, ...]:
        additions: list[Tensor] = []
        for block in self.blocks:
            added = torch.zeros_like(x)
            if not self._skips_block():
                run = cast("TransformerBlock", block).forward_parts
                x, added = self._run_block(run, x, bias)
            additions.append(added)
        return tuple(additions)

    def _run_block(self, block: Callable[..., OutputT], x: Tensor, bias: Tensor | None) -> OutputT:
        if self.checkpoints_gradients and self.training and torch.is_grad_enabled():
            return cast("OutputT", checkpoint(block, x, bias, use_reentrant=False))
        return block(x, bias)

    @property
    def has_fixed_features(self) -> bool:
        """Whether training leaves alone what the convolutions make of a waveform."""
        return self.frozen or self.options.convolutions == "frozen"

    def _convolve_waves(self, waves: Tensor) -> Tensor:
        compute = partial(self._compute_features, waves)
        if self.recall is not None and self.has_fixed_features and not self.training:
            return self.recall(compute)
        return compute()

    def _compute_features(self, waves: Tensor) -> Tensor:
        with torch.no_grad() if self.options.convolutions == "frozen" else nullcontext():
            if not uses_channels_last(self.channels_last, waves.device.type):
                return self.convolutions(waves[:, None]).transpose(1, 2)
            x = waves[..., None]
            for layer in self.convolutions:
                x = cast("ConvolutionLayer", layer).forward_channels_last(x)
            return x

    def _skips_block(self) -> bool:
        # Drawn on the CPU: asking the GPU for a number would make the host wait at every block.
        probability = self.options.layerdrop
        return self.training and probability > 0 and torch.rand(()).item() < probability


def _build_attention(config: EncoderConfig, options: EncoderSettings) -> SelfAttention:
    gate = BiasGate(config.heads, config.dim // config.heads) if config.buckets else None
    return SelfAttention(config.dim, config.heads, gate, options.attention_dropout)


def normalise_waves(waves: Tensor, how: Literal["utterance", "none", "batch"]) -> Tensor:
    """Return `waves` "batch samples" with zero mean and unit variance. Padding counts as samples.

    `utterance`: each row by itself (1e-5 is added to the variance, as in fairseq and s3prl);
    `batch`: all rows jointly, so that a score depends on its batch mates (what TCA's released code
    does: transformers' extractor, 1e-7); `none`: unchanged.
    """
    match how:
        case "utterance":
            return F.layer_norm(waves, waves.shape[-1:])
        case "batch":
            return F.layer_norm(waves, waves.shape, eps=1e-7)
        case "none":
            return waves


def time_mask(x: Tensor, share: float) -> Tensor:
    """Return the hops to mask, bool "batch hops", for features "batch hops dim".

    SpecAugment (Park et al., Interspeech 2019) as Hugging Face counts it: int(share * hops /
    `MASKED_SPAN` + u) spans, u uniform in [0, 1) and one for the batch, `FEWEST_SPANS` at least and
    as many as fit side by side at most; their starts differ, and the spans may overlap. A clip
    shorter than one span is not masked (Hugging Face refuses it).
    """
    batch, hops, _ = x.shape
    # Drawn on the CPU: asking the GPU for a number would make the host wait.
    spans = int(share * hops / MASKED_SPAN + torch.rand(()).item())
    spans = min(max(spans, FEWEST_SPANS), hops // MASKED_SPAN)
    starts = torch.zeros(batch, hops, device=x.device)
    if spans:
        order = torch.rand(batch, hops - MASKED_SPAN + 1, device=x.device)
        starts.scatter_(1, order.topk(spans).indices, 1.0)
    covered = F.pad(starts[:, None], (MASKED_SPAN - 1, 0))
    return F.max_pool1d(covered, MASKED_SPAN, stride=1)[:, 0].bool()

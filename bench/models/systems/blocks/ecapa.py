"""ECAPA-TDNN over a front-end's states (Desplanques, Thienpondt and Demuynck, Interspeech 2020).

As in the anti-spoofing code of MFPT's authors: convolutions are followed by ReLU and then batch
normalisation; the first layer is pointwise, not five hops wide; dilations are 2, 3 and 4; the part
of a Res2 block that is not convolved is the last; what scores the frames is passed through ReLU,
normalisation and tanh. Ours is the variance of the context, divided by the number of frames and
not by one less, so that it is there for a single frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.full_precision import BatchNorm1d, widen_halves
from bench.specs.heads.ecapa import EcapaSettings as Spec
from bench.units import CLASSES

KERNEL = 3
"""Hops that a dilated convolution sees, in ECAPA-TDNN and in Nes2Net."""

LEAST_VARIANCE = 1e-4
"""Smaller variances count as it: the square root has no slope at zero."""


class Convolved(nn.Sequential):
    """Convolution that keeps the length, ReLU, batch normalisation: "batch channels hops"."""

    def __init__(self, channels_in: int, channels: int, kernel: int = 1, dilation: int = 1) -> None:
        padding = kernel // 2 * dilation
        super().__init__(
            nn.Conv1d(channels_in, channels, kernel, padding=padding, dilation=dilation),
            nn.ReLU(),
            BatchNorm1d(channels),
        )


class SqueezeExcitation(nn.Module):
    """A gate for each channel from its mean over time (Hu et al., CVPR 2018).

    "batch channels hops" in and out.
    """

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, inner)
        self.excite = nn.Linear(inner, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the gated channels."""
        gate = self.excite(F.relu(self.squeeze(x.mean(dim=2)))).sigmoid()
        return x * gate[..., None]


class Res2Block(nn.Module):
    """SE-Res2 block: "batch channels hops" in and out.

    The channels are split into parts; each is convolved together with the outcome of the one before
    it, and the last passes as it is (Res2Net: Gao et al., TPAMI 2021). Where the channels do not
    divide into `scale` parts, fewer are convolved.
    """

    def __init__(self, channels: int, scale: int, dilation: int, squeeze: int) -> None:
        super().__init__()
        self.width = channels // scale
        convolved = self.width * scale
        self.widen = Convolved(channels, convolved)
        self.parts = nn.ModuleList(
            Convolved(self.width, self.width, KERNEL, dilation) for _ in range(scale - 1)
        )
        self.add_weights(scale)
        self.narrow = Convolved(convolved, channels)
        self.gate = SqueezeExcitation(channels, squeeze)

    def add_weights(self, scale: int) -> None:
        """Add what weighs the parts: nothing here."""

    def convolve_parts(self, parts: Sequence[Tensor], passed: Tensor) -> list[Tensor]:
        """Return the outcome of each of `parts`; `passed`, the last, passes as it is."""
        outcomes: list[Tensor] = []
        for convolve, part in zip(self.parts, parts, strict=True):
            outcomes.append(convolve(outcomes[-1] + part if outcomes else part))
        return outcomes

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's outcome, its input added."""
        *parts, passed = self.widen(x).split(self.width, dim=1)
        outcomes = self.convolve_parts(parts, passed)
        return x + self.gate(self.narrow(torch.cat([*outcomes, passed], dim=1)))


class StatisticsPooling(nn.Module):
    """Attentive mean and deviation over time, with weights for each channel.

    Equations 1 to 3 of ECAPA-TDNN: "batch channels hops" to "batch 2*channels".
    """

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.hidden = Convolved(3 * channels, inner)
        self.score = nn.Conv1d(inner, channels, 1)

    def attention_weights(self, x: Tensor) -> Tensor:
        """Return "batch channels hops" that sum to one over time.

        They are made from each frame, and from the whole utterance's mean and deviation.
        """
        mean = x.mean(dim=2, keepdim=True)
        deviation = x.var(dim=2, keepdim=True, correction=0).clamp_min(LEAST_VARIANCE).sqrt()
        context = torch.cat([x, mean.expand_as(x), deviation.expand_as(x)], dim=1)
        return widen_halves(self.score(torch.tanh(self.hidden(context)))).softmax(dim=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the means and then the deviations."""
        # In float32 whatever the precision around: a variance is a difference of close numbers.
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            weights = self.attention_weights(x)
            mean = (weights * x).sum(dim=2)
            variance = (weights * x.square()).sum(dim=2) - mean.square()
        return torch.cat([mean, variance.clamp_min(LEAST_VARIANCE).sqrt()], dim=1)


class UtteranceNorm(BatchNorm1d):
    """Batch normalisation of one vector an utterance, "batch channels" in and out.

    A training batch of one utterance, which an epoch may end with, has no variance: it is
    normalised by the running statistics and leaves them alone.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised vectors."""
        if len(input) > 1 or not self.training:
            return super().forward(input)
        statistics = self.running_mean, self.running_var
        return F.batch_norm(widen_halves(input), *statistics, self.weight, self.bias, eps=self.eps)


class Ecapa(nn.Module):
    """Frames "batch hops dim" to logits "batch 2"."""

    def __init__(self, dim: int, spec: Spec) -> None:
        super().__init__()
        self.first = Convolved(dim, spec.channels)
        self.blocks = nn.ModuleList(
            Res2Block(spec.channels, spec.scale, dilation, spec.squeeze)
            for dilation in spec.dilations
        )
        self.aggregate = nn.Conv1d(len(spec.dilations) * spec.channels, spec.aggregated, 1)
        self.pool = StatisticsPooling(spec.aggregated, spec.attention)
        self.embed = nn.Sequential(
            UtteranceNorm(2 * spec.aggregated),
            nn.Linear(2 * spec.aggregated, spec.embedding),
            UtteranceNorm(spec.embedding),
        )
        self.classify = nn.Linear(spec.embedding, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits. Each block's input is the sum of all that came before it."""
        total = self.first(x.transpose(1, 2))
        outcomes: list[Tensor] = []
        for block in self.blocks:
            outcomes.append(block(total))
            total = total + outcomes[-1]
        aggregated = F.relu(self.aggregate(torch.cat(outcomes, dim=1)))
        return self.classify(self.embed(self.pool(aggregated)))

"""Within a frame: a residual network over the entries of one state, as BAM has it.

Zhong et al., Interspeech 2024: each state is a signal of one channel, as long as the state is wide.
Facts that the paper leaves open follow media-sec-lab/BAM at 55f3fb9; the code is ours. First a
convolution of 7 entries at a stride of 2 and maxima over 3 at a stride of 2, then four pairs of
bottlenecks, of which the last three halve the signal, and a linear layer over all that is left. No
convolution has a bias. Each bottleneck takes ReLU of its last normalisation before it adds its
input, and of the sum.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.full_precision import BatchNorm1d

EXPANSION = 2
"""Channels that a bottleneck gives, for each of its inner ones."""


class Bottleneck(nn.Module):
    """Three convolutions, of 1, 3 and 1 entries, beside the input; "signals channels entries"."""

    def __init__(self, channels_in: int, channels: int, stride: int, *, project: bool) -> None:
        super().__init__()
        channels_out = EXPANSION * channels
        self.narrow = nn.Conv1d(channels_in, channels, 1, stride, bias=False)
        self.middle = nn.Conv1d(channels, channels, 3, padding=1, bias=False)
        self.widen = nn.Conv1d(channels, channels_out, 1, bias=False)
        self.norms = nn.ModuleList(
            [BatchNorm1d(channels), BatchNorm1d(channels), BatchNorm1d(channels_out)]
        )
        self.shortcut = (
            nn.Conv1d(channels_in, channels_out, 1, stride, bias=False)
            if project
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return "signals 2*channels entries/stride"."""
        inner = x
        for layer, norm in zip((self.narrow, self.middle, self.widen), self.norms, strict=True):
            inner = F.relu(norm(layer(inner)))
        return F.relu(inner + self.shortcut(x))


class IntraFrame(nn.Module):
    """The network within frames: "batch frames width" to the same."""

    def __init__(self, width: int, first_channels: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, first_channels, 7, 2, padding=3, bias=False)
        self.norm = BatchNorm1d(first_channels)
        blocks: list[Bottleneck] = []
        inputs = first_channels
        for number, inner in enumerate(channels):
            stride = 1 if number == 0 else 2
            blocks += [
                Bottleneck(inputs, inner, stride, project=True),
                Bottleneck(EXPANSION * inner, inner, 1, project=False),
            ]
            inputs = EXPANSION * inner
        self.blocks = nn.Sequential(*blocks)
        left = _halve_up(width) // 2  # after the first convolution and the maxima
        for _ in channels[1:]:
            left = _halve_up(left)
        self.project = nn.Linear(inputs * left, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return one vector for each frame, which no other frame has a part in."""
        signals = F.relu(self.norm(self.first(x.flatten(0, 1)[:, None])))
        signals = F.max_pool1d(signals, 3, 2, ceil_mode=True)
        return self.project(self.blocks(signals).flatten(1)).unflatten(0, x.shape[:2])


def _halve_up(entries: int) -> int:
    return -(-entries // 2)

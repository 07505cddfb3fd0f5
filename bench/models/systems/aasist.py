"""AASIST and AASIST-L: spectro-temporal graph attention over waveforms.

Jung et al., ICASSP 2022 (arXiv:2110.01200). Fixed band-pass filters, magnitudes, maxima over 3 x 3,
six residual blocks of two-dimensional convolutions; maxima over time and over frequency give a
spectral and a temporal graph, which two branches of heterogeneous attention join. Shapes for a clip
of 64,600 samples and AASIST's sizes: waves (B, 64600) -> filtered (B, 70, 64472) -> (B, 1, 23,
21490) -> blocks (B, 64, 23, 29) -> 23 spectral and 29 temporal nodes -> readout (B, 160) -> logits
(B, 2). A clip of any length of 3^7 + 128 samples or more has a node of each kind.

Sizes, dropouts, and what the paper leaves open follow clovaai/aasist at a04c986. Its residual
blocks compute a batch normalisation and a SELU before the first convolution and then give that
convolution their input as it was: here they are left out, and the released weights' tensors of that
normalisation, which change no output, are not read. Its logits are in the order spoof, bona fide.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BenchError
from bench.models.frontends import FrontEnd
from bench.models.full_precision import BatchNorm2d
from bench.models.official_names import exchange_classes, rename_tensors
from bench.models.systems.base import ClipSystem, Prediction, refuse_frames, score_logits
from bench.models.systems.blocks.graphs import OFFICIAL_GRAPHS, GraphReadout, ResidualBlock
from bench.models.systems.blocks.sinc import FixedFilters
from bench.specs.systems.aasist import Aasist

POOLED = 3
"""Filters, and steps of time, that a maximum is taken over."""
BLOCKS = 6


class GraphDetector(GraphReadout, ClipSystem):
    """AASIST with the sizes of `spec`; see the module's docstring for shapes."""

    def __init__(self, spec: Aasist, frontend: FrontEnd) -> None:
        super().__init__()
        self.spec = spec
        self.frontend = frontend
        self.sinc = FixedFilters(spec.filters, spec.kernel)
        self.norm = BatchNorm2d(1)
        self.activation = nn.SELU()
        channels = [1, *[spec.first_channels] * 2, *[spec.channels] * (BLOCKS - 2)]
        self.blocks = nn.Sequential(*(ResidualBlock(*pair, POOLED) for pair in pairwise(channels)))
        self.position = nn.Parameter(torch.randn(1, spec.filters // POOLED, spec.channels))
        self.add_graphs(spec.channels, spec)
        self.weigh_classes(spec.bonafide_weight)

    def spectrogram(self, waves: Tensor) -> Tensor:
        """Return "batch 1 bands steps" of "batch samples", in float32 whatever the precision."""
        with torch.autocast(waves.device.type, enabled=False):
            filtered = self.sinc(self.frontend(waves.float())[0].squeeze(-1)).abs()
            pooled = F.max_pool2d(filtered[:, None], POOLED)
            return self.activation(self.norm(pooled))

    def readout(self, waves: Tensor) -> Tensor:
        """Return what the classes are told from: "batch 5*joint_dim"."""
        shortest = POOLED ** (BLOCKS + 1) + self.spec.kernel - 1
        if waves.shape[1] < shortest:
            raise BenchError(
                "model.input",
                f"AASIST takes clips of {shortest} samples or more, which give a temporal node: "
                f"{waves.shape[1]} samples are too short",
            )
        encoded = self.blocks(self.spectrogram(waves)).abs()
        spectral = encoded.amax(dim=3).transpose(1, 2) + self.position
        temporal = encoded.amax(dim=2).transpose(1, 2)
        return self.read_graphs(spectral, temporal)

    def clip_logits(self, waves: Tensor) -> Tensor:
        """Return "batch 2", float32, in the order of `bench.units.CLASSES`."""
        return self.classify(self.dropout(self.readout(waves))).float()

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score whole clips."""
        refuse_frames("AASIST", resolution_s)
        logits = self.clip_logits(waves)[:, None]
        return score_logits(logits, self.spec.score)


def translate_official(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint of clovaai/aasist by our names, our classes' order."""
    return exchange_classes(rename_tensors(tensors, OFFICIAL_GRAPHS), ("classify.",))

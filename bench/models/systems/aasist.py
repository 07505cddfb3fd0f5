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
from bench.models.systems.base import ClipSystem, Prediction, refuse_frames
from bench.models.systems.blocks.graphs import GraphAttention, GraphPooling, JointAttention
from bench.models.systems.blocks.sinc import FixedFilters
from bench.specs.systems.aasist import Aasist
from bench.units import CLASSES

POOLED = 3
"""Filters, and steps of time, that a maximum is taken over."""
BLOCKS = 6
BRANCH_DROPOUT, READOUT_DROPOUT = 0.2, 0.5


class ResidualBlock(nn.Module):
    """Convolution, normalisation, SELU, convolution, beside the input; maxima over time."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels, (2, 3), padding=(1, 1))
        self.norm = BatchNorm2d(channels)
        self.activation = nn.SELU()
        self.second = nn.Conv2d(channels, channels, (2, 3), padding=(0, 1))
        self.shortcut = (
            nn.Identity()
            if channels_in == channels
            else nn.Conv2d(channels_in, channels, (1, 3), padding=(0, 1))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return "batch channels bands steps/3" for "batch channels_in bands steps"."""
        inner = self.second(self.activation(self.norm(self.first(x))))
        return F.max_pool2d(inner + self.shortcut(x), (1, POOLED))


class Branch(nn.Module):
    """Two layers of heterogeneous attention with a pooling between, and a stack node of its own."""

    def __init__(self, spec: Aasist) -> None:
        super().__init__()
        self.stack = nn.Parameter(torch.randn(1, 1, spec.graph_dim))
        self.first = JointAttention(spec.graph_dim, spec.joint_dim, spec.joint_temperature)
        self.second = JointAttention(spec.joint_dim, spec.joint_dim, spec.joint_temperature)
        self.pool_temporal = GraphPooling(spec.joint_dim, spec.joint_share)
        self.pool_spectral = GraphPooling(spec.joint_dim, spec.joint_share)
        self.dropout = nn.Dropout(BRANCH_DROPOUT)

    def forward(self, temporal: Tensor, spectral: Tensor) -> tuple[Tensor, ...]:
        """Return temporal nodes, spectral nodes and the stack node."""
        stack = self.stack.expand(len(temporal), -1, -1)
        temporal, spectral, stack = self.first(temporal, spectral, stack)
        temporal, spectral = self.pool_temporal(temporal), self.pool_spectral(spectral)
        more = self.second(temporal, spectral, stack)
        joined = zip((temporal, spectral, stack), more, strict=True)
        return tuple(self.dropout(before + after) for before, after in joined)


class GraphDetector(ClipSystem):
    """AASIST with the sizes of `spec`; see the module's docstring for shapes."""

    def __init__(self, spec: Aasist, frontend: FrontEnd) -> None:
        super().__init__()
        self.spec = spec
        self.frontend = frontend
        self.sinc = FixedFilters(spec.filters, spec.kernel)
        self.norm = BatchNorm2d(1)
        self.activation = nn.SELU()
        channels = [1, *[spec.first_channels] * 2, *[spec.channels] * (BLOCKS - 2)]
        self.blocks = nn.Sequential(*(ResidualBlock(*pair) for pair in pairwise(channels)))
        self.position = nn.Parameter(torch.randn(1, spec.filters // POOLED, spec.channels))
        sizes = (spec.channels, spec.graph_dim, spec.graph_temperature)
        self.spectral, self.temporal = GraphAttention(*sizes), GraphAttention(*sizes)
        self.pool_spectral = GraphPooling(spec.graph_dim, spec.spectral_share)
        self.pool_temporal = GraphPooling(spec.graph_dim, spec.temporal_share)
        self.branches = nn.ModuleList([Branch(spec), Branch(spec)])
        self.dropout = nn.Dropout(READOUT_DROPOUT)
        self.classify = nn.Linear(5 * spec.joint_dim, len(CLASSES))
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
        spectral = self.pool_spectral(self.spectral(spectral))
        temporal = self.pool_temporal(self.temporal(temporal))
        one, two = (branch(temporal, spectral) for branch in self.branches)
        temporal, spectral, stack = (torch.maximum(*pair) for pair in zip(one, two, strict=True))
        parts = [temporal.abs().amax(dim=1), temporal.mean(dim=1)]
        parts += [spectral.abs().amax(dim=1), spectral.mean(dim=1), stack.squeeze(1)]
        return torch.cat(parts, dim=1)

    def clip_logits(self, waves: Tensor) -> Tensor:
        """Return "batch 2", float32, in the order of `bench.units.CLASSES`."""
        return self.classify(self.dropout(self.readout(waves))).float()

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score whole clips."""
        refuse_frames("AASIST", resolution_s)
        logits = self.clip_logits(waves)[:, None]
        bonafide, spoof = logits.unbind(-1)
        alone = self.spec.score == "bonafide-logit"
        return Prediction(bonafide if alone else bonafide - spoof, logits)


def translate_official(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint of clovaai/aasist by our names, our classes' order."""
    read = {name: tensor for name, tensor in tensors.items() if ".bn1." not in name}
    return exchange_classes(rename_tensors(read, _OFFICIAL), ("classify.",))


_OFFICIAL = (
    (r"pos_S$", "position"),
    (r"first_bn\.", "norm."),
    (r"encoder\.(\d)\.0\.conv_downsample\.", r"blocks.\1.shortcut."),
    (r"encoder\.(\d)\.0\.conv1\.", r"blocks.\1.first."),
    (r"encoder\.(\d)\.0\.conv2\.", r"blocks.\1.second."),
    (r"encoder\.(\d)\.0\.bn2\.", r"blocks.\1.norm."),
    (r"master1$", "branches.0.stack"),
    (r"master2$", "branches.1.stack"),
    (r"GAT_layer_S\.", "spectral."),
    (r"GAT_layer_T\.", "temporal."),
    (r"HtrgGAT_layer_ST11\.", "branches.0.first."),
    (r"HtrgGAT_layer_ST12\.", "branches.0.second."),
    (r"HtrgGAT_layer_ST21\.", "branches.1.first."),
    (r"HtrgGAT_layer_ST22\.", "branches.1.second."),
    (r"pool_hS1\.proj\.", "branches.0.pool_spectral.score."),
    (r"pool_hT1\.proj\.", "branches.0.pool_temporal.score."),
    (r"pool_hS2\.proj\.", "branches.1.pool_spectral.score."),
    (r"pool_hT2\.proj\.", "branches.1.pool_temporal.score."),
    (r"pool_S\.proj\.", "pool_spectral.score."),
    (r"pool_T\.proj\.", "pool_temporal.score."),
    (r"out_layer\.", "classify."),
    # Within an attention, under whichever of our names it has by now.
    (r"(.*)\.att_projM\.", r"\1.compare_stack."),
    (r"(.*)\.att_proj\.", r"\1.compare."),
    (r"(.*)\.att_weight$", r"\1.weight"),
    (r"(.*)\.att_weight11$", r"\1.weight_temporal"),
    (r"(.*)\.att_weight22$", r"\1.weight_spectral"),
    (r"(.*)\.att_weight12$", r"\1.weight_mixed"),
    (r"(.*)\.att_weightM$", r"\1.weight_stack"),
    (r"(.*)\.proj_type1\.", r"\1.temporal."),
    (r"(.*)\.proj_type2\.", r"\1.spectral."),
    (r"(.*)\.proj_with_attM\.", r"\1.project_stack.attended."),
    (r"(.*)\.proj_without_attM\.", r"\1.project_stack.itself."),
    (r"(.*)\.proj_with_att\.", r"\1.project.attended."),
    (r"(.*)\.proj_without_att\.", r"\1.project.itself."),
    (r"(.*)\.bn\.", r"\1.norm."),
)
"""Beginnings of their names and what these become, one rule after the other."""

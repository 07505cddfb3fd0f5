"""CFPRF's FDN: frames of 20 ms, told from features that boundaries were attended to.

Wu et al., ACM MM 2024 (arXiv:2407.16554): the frame-level detection network of a coarse-to-fine
framework, whose refinement of proposals is not here. The front-end's last states become an image of
128 bands, which six residual blocks turn into 128 channels; sums over bands and over channels, each
weighted by a softmax, give a vector for each frame (difference-aware features), to which sinusoids
are added. A gated block finds boundaries; a cross-attention from the frames to its features, a
feed-forward layer and another gated block find the classes. The losses are squared errors of the
outputs against one-hot labels, for classes and boundaries, and a contrastive one of the frames'
vectors. Shapes for 9.6 s: waves (B, 153600) -> states (B, 480, D) -> image (B, 1, 480, 128) ->
(B, 128, 480, 128) -> frames (B, 480, 128) -> boundaries (B, 480, 2), logits (B, 480, 2).

The paper's text was not at hand. Sizes and what the description that we had leaves open follow
ItzJuny/CFPRF at 358a901 (its network is of b8a5004); its classes are in the order spoof, bona fide.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.frontends import FrontEnd
from bench.models.full_precision import BatchNorm2d, LayerNorm, widen_halves
from bench.models.official_names import Rules, exchange_classes
from bench.models.segment_positions import compute_transitions
from bench.models.systems.base import Batch, Prediction, System, refuse_utterances, score_logits
from bench.models.systems.blocks.gate_attention import BoundaryAttention, TinyAttention
from bench.models.systems.blocks.gmlp import GatedBlock
from bench.models.systems.blocks.graphs import OFFICIAL_BLOCKS, ResidualBlock
from bench.models.systems.blocks.p2sgrad import cosine_loss
from bench.models.systems.blocks.positions import encode_positions
from bench.models.systems.published_tensors import name_tensors
from bench.specs.systems.cfprf import Cfprf
from bench.units import CLASSES, HOP_SAMPLES, frame_samples


class FrameDetector(System):
    """CFPRF's FDN with the settings of `spec`; see the module's docstring for shapes."""

    def __init__(self, spec: Cfprf, frontend: FrontEnd) -> None:
        super().__init__()
        self.spec = spec
        self.frontend = frontend
        width, (first, second) = spec.width, spec.channels
        self.project = nn.Linear(frontend.dim, width)
        self.norm = BatchNorm2d(1)
        self.activation = nn.SELU()
        channels = (1, first, first, second, second, width, width)
        self.blocks = nn.Sequential(*(ResidualBlock(*pair, 1) for pair in pairwise(channels)))
        self.shared_norm = LayerNorm(width)
        self.weigh = nn.Sequential(
            nn.Conv2d(width, spec.weighing_channels, 1),
            nn.SELU(),
            BatchNorm2d(spec.weighing_channels),
            nn.Conv2d(spec.weighing_channels, width, 1),
        )
        self.boundary_block, self.frame_block = self._build_gate(), self._build_gate()
        self.dropout = nn.Dropout(spec.dropout)
        self.boundary = nn.Linear(width, 2)
        self.cross = BoundaryAttention(width, spec.cross_values)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)
        )
        self.classify = nn.Linear(width, len(CLASSES))

    def _build_gate(self) -> GatedBlock:
        spec = self.spec
        attention = TinyAttention(
            spec.gate_width, spec.gate_width // 2, spec.attention_width, spec.gate_attention
        )
        return GatedBlock(spec.width, spec.gate_width, spec.frames, attention)

    def frame_features(self, waves: Tensor) -> Tensor:
        """Return the difference-aware features, "batch frames width", one for each 20 ms."""
        states = self.frontend(F.pad(waves, (0, self.spec.padding)))[-1]
        image = self.activation(self.norm(self.project(states)[:, None]))
        image = self.activation(self.shared_norm(self.blocks(image)))
        weights = widen_halves(self.weigh(image))
        by_channel = (image * weights.softmax(dim=3)).sum(dim=3).transpose(1, 2)
        return by_channel + (image * weights.softmax(dim=1)).sum(dim=1)

    def answer_frames(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return outputs for the classes and for no boundary and boundary; "batch frames 2"."""
        nodes = features + encode_positions(features.shape[1], features.shape[2], features.device)
        bounds = self.dropout(self.boundary_block(nodes))
        enhanced = self.feed_forward(self.cross(nodes, bounds))
        enhanced = self.frame_block(self.shared_norm(enhanced + nodes))
        logits = self.classify(self.dropout(enhanced)).float()
        return logits, self.boundary(bounds).float()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Squared errors of classes and, times v2, boundaries; the contrastive loss times v1."""
        spec = self.spec
        features, logits, boundary = self._answer_pieces(batch.waves)
        edges = mark_boundaries(batch.spoof, batch.valid, across=spec.boundary_of == "batch")
        margins = (spec.alike_margin, spec.apart_margin)
        counted = spec.uniform_clips == "counted"
        with torch.autocast(logits.device.type, enabled=False):
            contrast = contrast_frames(
                features.float(), batch.spoof, batch.valid, margins, uniform=counted
            )
            binary = cosine_loss(logits, batch.spoof, batch.valid)
            edge = cosine_loss(boundary, edges, batch.valid)
        loss = binary + spec.contrastive_weight * contrast + spec.boundary_weight * edge
        return {"loss": loss, "binary": binary, "contrastive": contrast, "boundary": edge}

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score frames of `resolution_s`: the mean of the outputs for its 20 ms.

        With the released attention each utterance is scored by itself, as released, since its
        batch mates would change its scores.
        """
        hops = frame_samples(refuse_utterances("CFPRF", resolution_s)) // HOP_SAMPLES
        together = len(waves) if self.spec.gate_attention == "over-frames" else 1
        logits = torch.cat([self._answer_pieces(clips)[1] for clips in waves.split(together)])
        logits = F.avg_pool1d(logits.transpose(1, 2), hops, ceil_mode=True).transpose(1, 2)
        return score_logits(logits, self.spec.score)

    def _answer_pieces(self, waves: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features, outputs for classes and for boundaries of clips of any length.

        What the gated blocks have no weights for is another piece.
        """
        pieces = waves.split(self.spec.frames * HOP_SAMPLES, dim=1)
        features = [self.frame_features(piece) for piece in pieces]
        answers = [self.answer_frames(each) for each in features]
        logits, boundary = (torch.cat(parts, dim=1) for parts in zip(*answers, strict=True))
        return torch.cat(features, dim=1), logits, boundary


def mark_boundaries(spoof: Tensor, valid: Tensor, *, across: bool) -> Tensor:
    """Return which frames begin or end a segment (`segment-edges`), bool, "batch frames".

    `across`: the clips of the batch are one sequence, so that a segment goes on in the next clip.
    """
    if across:
        flat = (spoof.flatten()[None], valid.flatten()[None])
        return (compute_transitions(*flat, "segment-edges") == 1).view_as(spoof)
    return compute_transitions(spoof, valid, "segment-edges") == 1


def contrast_frames(
    features: Tensor,
    spoof: Tensor,
    valid: Tensor,
    margins: tuple[float, float],
    *,
    uniform: bool,
) -> Tensor:
    """Return the contrastive loss of "batch frames width", the mean over clips.

    In a clip, of each class: the mean of what the cosine to the least alike frame of the class
    lacks of the first margin, and of what that to the most alike frame of the other exceeds the
    second by. `uniform`: whether clips with frames of one class alone count; else they give 0.
    """
    alike, apart = margins
    unit = F.normalize(features, dim=-1)
    cosine = unit @ unit.transpose(1, 2)
    both_valid = valid[:, :, None] & valid[:, None]
    same = both_valid & (spoof[:, :, None] == spoof[:, None])
    least = cosine.masked_fill(~same, torch.inf).amin(dim=-1)
    most = cosine.masked_fill(same | ~both_valid, -torch.inf).amax(dim=-1)
    cost = F.relu(alike - least) + F.relu(most - apart)
    classes = torch.stack([valid & ~spoof, valid & spoof])
    numbers = classes.sum(dim=-1)
    means = (cost * classes).sum(dim=-1) / numbers.clamp_min(1)
    each = means.sum(dim=0)
    return each.mean() if uniform else (each * (numbers > 0).all(dim=0)).mean()


_UPSTREAM = "asr.model."
"""Where fairseq's model lies in the released network."""


def translate_detector(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of an FDN of ItzJuny/CFPRF (358a901) by our names, our classes' order.

    The output for a boundary is the second in both.
    """
    return exchange_classes(name_tensors(tensors, (_UPSTREAM,), _OFFICIAL), ("classify.",))


_OFFICIAL: Rules = (
    (r"first_bn1\..*", ""),
    (r"LL\.", "project."),
    (r"norm\.", "shared_norm."),
    (r"first_bn\.", "norm."),
    *OFFICIAL_BLOCKS,
    (r"attention\.", "weigh."),
    (r"ca\.", "cross."),
    (r"FFN\.w_1\.", "feed_forward.0."),
    (r"FFN\.w_2\.", "feed_forward.2."),
    (r"b_fc\.", "boundary."),
    (r"seg_fc\.", "classify."),
    (r"b_amlp\.layers\.0\.", "boundary_block."),
    (r"seg_amlp\.layers\.0\.", "frame_block."),
    (r"(boundary|frame)_block\.proj1\.", r"\1_block.widen."),
    (r"(boundary|frame)_block\.proj2\.", r"\1_block.narrow."),
    (r"(boundary|frame)_block\.sgu\.tn\.qkv\.", r"\1_block.gate.attention.project_in."),
    (r"(boundary|frame)_block\.sgu\.tn\.proj\.", r"\1_block.gate.attention.project_out."),
    (r"(boundary|frame)_block\.sgu\.", r"\1_block.gate."),
)

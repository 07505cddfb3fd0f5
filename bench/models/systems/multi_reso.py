"""Multi-reso: one localizer for frames of 20 to 640 ms and for utterances.

Zhang, Wang, Cooper, Evans and Yamagishi, The PartialSpoof Database and Countermeasures (TASLP
2023). The hidden states of the front-end are weighted by a softmax and summed. Each scale but the
first is made from the one before: maxima over 2 x 2, of time and of feature, and a linear layer. A
scale has its own gMLP blocks, linear layer and class vectors; the utterance head has the same, over
the coarsest scale after a dropout, with a mean over time. Shapes for a clip of 9.6 s: waves
(B, 153600) -> states (B, 480, 1024) -> scales (B, 480, 1024), (B, 240, 512) ... (B, 15, 32) ->
behind the gMLP blocks (B, 480, 512), (B, 240, 256) ... (B, 15, 16) -> cosines (B, 480, 2),
(B, 240, 2) ... (B, 15, 2), and (B, 1, 2) of the utterance.

It learns at all scales at once, from labels at 20 ms: a coarse frame is spoof if any part of it is,
an utterance likewise. The loss is the sum of those of the scales and of the utterance. Evaluation
asks for the scale that it is scored at.

The paper's text was not at hand. What it leaves open follows nii-yamagishilab/PartialSpoof at
8829ac0, and the widths hieuthi/MultiResoModel-Simple at 4cbac68, which has them too. Where an
utterance does not end with a frame of some scale, its last frame there is made of what is there; in
both codes it is left out. An utterance that is longer than the gates reach is taken in pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BenchError
from bench.models.frontends import FrontEnd
from bench.models.frontends.encoder import Encoder
from bench.models.systems.base import Batch, Prediction, System
from bench.models.systems.blocks.gmlp import GatedBlock
from bench.models.systems.blocks.layers import WeightedStates
from bench.models.systems.blocks.p2sgrad import CosineHead, cosine_loss
from bench.models.systems.published_tensors import name_tensors
from bench.specs.layers.weighted import WeightedLayers
from bench.specs.systems.multi_reso import FINEST_S, MultiReso
from bench.units import HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES, frames_covering, to_samples

_BEYOND_HOPS = RECEPTIVE_FIELD_SAMPLES - HOP_SAMPLES


class ScaleHead(nn.Module):
    """gMLP blocks and a linear layer to half the width: "batch frames dim" to "... dim/2"."""

    def __init__(self, dim: int, frames: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(GatedBlock(dim, dim // 2, frames) for _ in range(blocks)))
        self.narrow = nn.Linear(dim, dim // 2, bias=False)

    def forward(self, x: Tensor, *, is_pooled: bool = False) -> Tensor:
        """Return a vector for each frame, or one of their mean where `is_pooled`."""
        hidden = self.blocks(x)
        return self.narrow(hidden.mean(dim=1, keepdim=True) if is_pooled else hidden)


class MultiResolution(System):
    """Multi-reso with the sizes of `spec`; see the module's docstring for shapes."""

    def __init__(self, spec: MultiReso, frontend: FrontEnd) -> None:
        super().__init__()
        self.spec = spec
        self.frontend = frontend
        if spec.states == "feed-forward":
            _give_additions(frontend)
        self.layers = WeightedStates(
            frontend.n_states, WeightedLayers(kind="weighted", weights="softmax")
        )
        if frontend.dim % (divisor := 2 ** (spec.scales + 1)):
            raise BenchError(
                "model.sizes",
                f"system.scales = {spec.scales} over a front-end of {frontend.dim} channels: these "
                f"should be a multiple of {divisor}, as each scale has half the channels of the "
                "one before, and its gMLP blocks halve them twice more",
            )
        dims = [frontend.dim // 2**scale for scale in range(spec.scales)]
        reaches = [spec.frames // 2**scale for scale in range(spec.scales)]
        self.projections = nn.ModuleList(nn.Linear(dim, dim) for dim in dims[1:])
        self.heads = nn.ModuleList(
            ScaleHead(dim, reach, spec.blocks) for dim, reach in zip(dims, reaches, strict=True)
        )
        self.classify = nn.ModuleList(CosineHead(dim // 2) for dim in dims)
        self.dropout = nn.Dropout(spec.dropout)
        self.utterance = ScaleHead(dims[-1], reaches[-1], spec.blocks)
        self.classify_utterance = (
            CosineHead(dims[-1] // 2) if spec.utterance_vectors == "own" else None
        )
        self.piece = to_samples(spec.piece_s)

    def compute_scales(self, waves: Tensor, number: int) -> list[Tensor]:
        """Return the first `number` scales of `waves`, "batch samples": each "batch frames dim"."""
        x = self.layers(self.frontend(F.pad(waves, (0, _BEYOND_HOPS))))
        scales = [x]
        for coarser, project in enumerate(self.projections[: number - 1], start=2):
            is_padded = coarser == self.spec.scales and self.spec.last_pooling == "padded"
            scales.append(project(_halve(scales[-1], is_padded=is_padded)))
        return scales

    def score_frames(self, hidden: Tensor, scale: int) -> Tensor:
        """Return the cosines "batch frames 2" of a scale from what `compute_scales` has of it."""
        return self.classify[scale](self.heads[scale](hidden))

    def score_utterance(self, coarsest: Tensor) -> Tensor:
        """Return the cosines "batch 1 2" of the utterances of the coarsest scale."""
        hidden = self.utterance(self.dropout(coarsest), is_pooled=True)
        classify = self.classify_utterance or self.classify[-1]
        return classify(hidden)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the sum of the losses of all scales and of the utterance, and each of them.

        Labels that are not of the finest scale are a BenchError.
        """
        cut = self._cut_pieces(batch.waves)
        pieces = [self.compute_scales(piece, self.spec.scales) for piece in cut]
        frames = sum(scales[0].shape[1] for scales in pieces)
        if batch.spoof.shape[1] != frames:
            raise BenchError(
                "model.resolution",
                f"labels of {batch.spoof.shape[1]} frames for clips of {frames} states: the losses "
                f"of Multi-reso are of frames of {FINEST_S} s: resolution_s should be {FINEST_S}",
            )
        spoof, valid = batch.spoof & batch.valid, batch.valid
        losses: dict[str, Tensor] = {}
        for scale, length_s in enumerate(self.spec.resolutions_s):
            if scale:
                spoof, valid = _any_of_pairs(spoof), _any_of_pairs(valid)
            cosines = [self.score_frames(scales[scale], scale) for scales in pieces]
            losses[f"{1000 * length_s:.0f}ms"] = cosine_loss(torch.cat(cosines, 1), spoof, valid)
        whole = _join_pieces([self.score_utterance(scales[-1]) for scales in pieces])
        spoof, valid = (marks.any(dim=1, keepdim=True) for marks in (spoof, valid))
        losses["utterance"] = cosine_loss(whole, spoof, valid)
        return {"loss": torch.stack([*losses.values()]).sum(), **losses}

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score by the scale whose frames are as long as those asked for, or whole utterances."""
        scale = self._find_scale(resolution_s)
        pieces = self._cut_pieces(waves)
        if scale is None:
            coarsest = (self.compute_scales(piece, self.spec.scales)[-1] for piece in pieces)
            logits = _join_pieces([self.score_utterance(each) for each in coarsest])
        else:
            hidden = (self.compute_scales(piece, scale + 1)[-1] for piece in pieces)
            logits = torch.cat([self.score_frames(each, scale) for each in hidden], dim=1)
        bonafide, spoof = logits.unbind(-1)
        return Prediction(bonafide if self.spec.score == "bonafide-cosine" else -spoof, logits)

    def _cut_pieces(self, waves: Tensor) -> Sequence[Tensor]:
        pieces = waves.split(self.piece, dim=1)
        # What is left behind the last whole frame has no score.
        is_rest = len(pieces) > 1 and pieces[-1].shape[1] < HOP_SAMPLES
        return pieces[:-1] if is_rest else pieces

    def _find_scale(self, resolution_s: float | None) -> int | None:
        if resolution_s is None:
            return None
        for scale, length_s in enumerate(self.spec.resolutions_s):
            if abs(length_s - resolution_s) < 1e-9:
                return scale
        there = ", ".join(f"{length_s:g}" for length_s in self.spec.resolutions_s)
        raise BenchError(
            "model.resolution",
            f"Multi-reso with these settings scores frames of {there} s, and whole utterances: "
            f"resolution_s = {resolution_s} should be one of these, or 'utterance'",
        )


def _halve(x: Tensor, *, is_padded: bool) -> Tensor:
    """Return maxima over 2 x 2 of "batch frames dim"; one frame alone at the end is its own."""
    if not is_padded:
        return F.max_pool2d(x, 2, ceil_mode=True)
    # The frame behind the last label, which the padding makes of an even number, has no label.
    return F.max_pool2d(x, 2, padding=(1, 0))[:, : frames_covering(x.shape[1], 2)]


def _any_of_pairs(marks: Tensor) -> Tensor:
    """Return "batch frames/2", whether any of two frames is marked; the last may be alone."""
    paired = F.pad(marks, (0, marks.shape[1] % 2))
    return paired.unflatten(1, (-1, 2)).any(dim=-1)


def _join_pieces(cosines: Sequence[Tensor]) -> Tensor:
    """Return the least cosine to bona fide and the greatest to spoof, "batch 1 2", of pieces."""
    bonafide, spoof = torch.cat([*cosines], dim=1).unbind(-1)
    joined = torch.stack([bonafide.amin(dim=1), spoof.amax(dim=1)], dim=-1)
    return joined[:, None]


def _give_additions(frontend: FrontEnd) -> None:
    if not isinstance(frontend, Encoder):
        raise BenchError(
            "model.sizes",
            "system.states = 'feed-forward': should be 'residual' over a front-end of s3prl, which "
            "gives hidden states alone",
        )
    frontend.give_additions()


def translate_simple(spec: MultiReso, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint of hieuthi/MultiResoModel-Simple (4cbac68) by our names.

    Of its thirty layer weights it uses as many as there are states; the rest is not read. Its class
    vectors are in our order, bona fide first.
    """
    renamed = name_tensors(tensors, (_UPSTREAM,), _SIMPLE)
    if (weights := renamed.get("layers.weights")) is not None:
        blocks = {name.split(".")[2] for name in renamed if name.startswith("frontend.blocks.")}
        used = len(blocks) if spec.states == "feed-forward" else len(blocks) + 1
        renamed["layers.weights"] = weights[:used]
    return renamed


_UPSTREAM = "ssl.model."
"""Where fairseq's model lies in it."""
_COARSER = tuple(
    (rf"ds_blocks\.{scale}\.1\.", f"projections.{scale - 1}.") for scale in range(1, 10)
)
"""Its first scale has an entry too, which holds nothing."""
_SIMPLE = (
    (r"ssl_layer_weights$", "layers.weights"),
    *_COARSER,
    (r"ac_blocks\.(\d+)\.", r"classify.\1."),
    (r"cl_blocks\.(\d+)\.", r"heads.\1."),
    (r"ac_utt\.", "classify_utterance."),
    (r"cl_utt\.1\.", "utterance."),
    (r"(heads\.\d+|utterance)\.fc\.", r"\1.narrow."),
    (r"(heads\.\d+|utterance)\.layers\.(\d+)\.", r"\1.blocks.\2."),
    (r"(.*\.blocks\.\d+)\.proj1\.", r"\1.widen."),
    (r"(.*\.blocks\.\d+)\.proj2\.", r"\1.narrow."),
    (r"(.*\.blocks\.\d+)\.sgu\.", r"\1.gate."),
)
"""Beginnings of their names and what these become, one rule after the other."""

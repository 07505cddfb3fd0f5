"""BAM: a boundary branch decides which frames may attend to each other.

Zhong, Li, Yi, Interspeech 2024 (arXiv:2407.21611). The front-end's last states are pooled to
labelled frames by attention. The boundary branch looks at a frame among the others (graph
attention) and within itself (a residual network over the entries of its state), and gives each
frame a probability of a boundary. The branch of authenticity has two layers of graph attention, in
which two frames attend to each other only if no boundary lies from one to the other. A last layer
takes both. Shapes at 160 ms for a 4 s clip: waves (B, 64000) ->
states (B, 200, D) -> frames (B, 25, D) -> boundaries (B, 25), logits (B, 25, 2).

The paper's text was not at hand. Sizes and what is not in the description that we had follow
media-sec-lab/BAM at 55f3fb9 (its networks are of bc034c9 and aaf99d7); its classes are in the order
spoof, bona fide. Clips that are no whole number of frames get zeros behind them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.frontends import FrontEnd
from bench.models.official_names import Rules, exchange_classes
from bench.models.segment_positions import IGNORED, compute_transitions
from bench.models.systems.base import Batch, Prediction, System, refuse_utterances, score_logits
from bench.models.systems.blocks.graphs import OFFICIAL_ATTENTION, GraphAttention
from bench.models.systems.blocks.intra_frame import IntraFrame
from bench.models.systems.blocks.pooling import AttentivePooling
from bench.models.systems.published_tensors import name_tensors
from bench.specs.systems.bam import Bam
from bench.units import CLASSES, HOP_SAMPLES, frame_samples


class BoundaryAware(System):
    """BAM with the settings of `spec`; see the module's docstring for shapes."""

    def __init__(self, spec: Bam, frontend: FrontEnd, resolution_s: float) -> None:
        super().__init__()
        self.spec = spec
        self.trained_hops = _hops_per_frame(resolution_s)
        self.frontend = frontend
        width = frontend.dim
        self.pool = AttentivePooling(width, bias=False)
        nn.init.kaiming_uniform_(self.pool.score.weight, mode="fan_out")  # as released
        self.inter = GraphAttention(width, width, 1.0, dropout=0.0)
        self.intra = IntraFrame(width, spec.first_channels, spec.channels)
        self.boundary = nn.Linear(2 * width, 1)
        self.graphs = nn.ModuleList(
            GraphAttention(width, width, 1.0, dropout=0.0, mask=spec.mask)
            for _ in range(spec.graph_layers)
        )
        self.project = nn.Linear(2 * width, width)
        self.activation = nn.SELU()
        self.classify = nn.Linear(2 * width, len(CLASSES))

    def frame_states(self, waves: Tensor, hops: int) -> Tensor:
        """Return "batch frames dim", one for each `hops` of 20 ms that have begun."""
        missing = -waves.shape[1] % (hops * HOP_SAMPLES)
        states = self.frontend(F.pad(waves, (0, missing + self.spec.padding)))[-1]
        return self.pool(states, hops)

    def answer_frames(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits, "batch frames 2", and log-odds of a boundary, "batch frames"; float32.

        The classes' loss changes the boundary branch by no gradient but that of the states.
        """
        embedding = torch.cat([self.inter(frames), self.intra(frames)], dim=-1)
        boundary = self.boundary(embedding).squeeze(-1).float()
        allowed = join_between_boundaries(boundary.detach() > 0)
        nodes = frames
        for layer in self.graphs:
            nodes = layer(nodes, allowed)
        hint = self.activation(self.project(embedding.detach()))
        return self.classify(torch.cat([nodes, hint], dim=-1)).float(), boundary

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy of the classes and, weighted, the balanced one of boundaries."""
        logits, boundary = self.answer_frames(self.frame_states(batch.waves, self.trained_hops))
        target = batch.spoof.long().masked_fill(~batch.valid, IGNORED)
        edges = compute_transitions(batch.spoof, batch.valid, "spoof-side")
        with torch.autocast(logits.device.type, enabled=False):
            binary = F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED)
            edge = balanced_cross_entropy(boundary, edges, self.spec.negative_ratio)
        loss = binary + self.spec.boundary_weight * edge
        return {"loss": loss, "binary": binary, "boundary": edge}

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score frames of `resolution_s`; finer than trained: by `spec.finer_than_trained`."""
        hops = _hops_per_frame(refuse_utterances("BAM", resolution_s))
        finer = hops < self.trained_hops and self.spec.finer_than_trained == "repeat"
        answered = self.trained_hops if finer else hops
        logits, _ = self.answer_frames(self.frame_states(waves, answered))
        if finer:
            starts = torch.arange(0, waves.shape[1] // HOP_SAMPLES, hops, device=waves.device)
            logits = logits[:, starts // answered]
        return score_logits(logits, self.spec.score)


def join_between_boundaries(boundary: Tensor) -> Tensor:
    """Return which pairs of frames have no boundary from one to the other, both included.

    `boundary`: bool, "batch frames"; the result: bool, "batch frames frames". Each frame goes with
    itself.
    """
    passed = boundary.long().cumsum(dim=1)
    before = passed - boundary.long()
    later_end, earlier_start = passed[:, None, :], before[:, :, None]
    forward = later_end == earlier_start
    joined = torch.triu(forward, diagonal=1)
    itself = torch.eye(boundary.shape[1], dtype=torch.bool, device=boundary.device)
    return joined | joined.transpose(1, 2) | itself


def balanced_cross_entropy(log_odds: Tensor, target: Tensor, negative_ratio: float) -> Tensor:
    """Return the binary cross entropy over all positives and the negatives that cost most.

    There are at most `negative_ratio` negatives for each positive; the mean is over both. Without
    positives it is 0. `target`: 1, 0 or `IGNORED`; both "batch frames", `log_odds` float32.
    """
    is_positive, is_negative = target == 1, target == 0
    each = F.binary_cross_entropy_with_logits(log_odds, is_positive.float(), reduction="none")
    positives = is_positive.sum()
    negatives = torch.minimum(is_negative.sum(), (negative_ratio * positives).long())
    hardest = (each * is_negative).flatten().sort(descending=True).values
    ranks = torch.arange(len(hardest), device=hardest.device)
    total = (each * is_positive).sum() + (hardest * (ranks < negatives)).sum()
    return total / (positives + negatives).clamp_min(1)


def _hops_per_frame(resolution_s: float) -> int:
    return frame_samples(resolution_s) // HOP_SAMPLES


_SYSTEM = "model."
_UPSTREAM = "ssl_layer.model."
"""Where Lightning has the system, and where the system has s3prl's model."""


def translate_released(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint of media-sec-lab/BAM by our names, our classes' order.

    It is Lightning's (`state_dict`), of 55f3fb9: s3prl's WavLM and the parts behind it.
    """
    own = {name.removeprefix(_SYSTEM): tensor for name, tensor in tensors.items()}
    return exchange_classes(name_tensors(own, (_UPSTREAM,), _OFFICIAL), ("classify.",))


_OFFICIAL: Rules = (
    (r"intra_layer\.resnet\.downsample\..*", ""),  # the last pair's shortcut once more
    (r"att_pool\.mm_weights$", "pool.score.weight"),
    (r"inter_layer\.", "inter."),
    (r"gap_layers\.", "graphs."),
    (r"b_output_layer\.0\.", "boundary."),
    (r"boundary_proj\.", "project."),
    (r"out_layer\.", "classify."),
    (r"intra_layer\.proj_layer\.", "intra.project."),
    (r"intra_layer\.resnet\.conv1\.", "intra.first."),
    (r"intra_layer\.resnet\.bn1\.", "intra.norm."),
    *(
        (rf"intra_layer\.resnet\.layer{1 + block // 2}\.{block % 2}\.", f"intra.blocks.{block}.")
        for block in range(8)
    ),
    (r"(intra\.blocks\.\d)\.conv1\.", r"\1.narrow."),
    (r"(intra\.blocks\.\d)\.conv2\.", r"\1.middle."),
    (r"(intra\.blocks\.\d)\.conv3\.", r"\1.widen."),
    *((rf"(intra\.blocks\.\d)\.bn{norm + 1}\.", rf"\1.norms.{norm}.") for norm in range(3)),
    (r"(intra\.blocks\.\d)\.downsample\.", r"\1.shortcut."),
    *OFFICIAL_ATTENTION,
)

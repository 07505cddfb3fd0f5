"""Segment-Aware Learning (Mao, Huang, Qian, ICASSP 2026).

Front-end, layer weighting, Conformer at 20 ms, ReLU, average pooling to the labels' resolution,
one head for real against fake, and in training one more for the transition or the positional
labels. The loss is equation 1. Shapes at 160 ms for a 4 s clip: waves (B, 64000) -> states
(B, 200, D) -> (B, 25, D) -> logits (B, 25, 2). Where whole utterances are labelled, all states of a
clip are pooled to one, which the paper does not have: states (B, 200, D) -> (B, 1, D).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.metrics.positions import POSITION_NAMES
from bench.models.frontends import FrontEnd
from bench.models.official_names import exchange_classes
from bench.models.segment_positions import IGNORED, compute_positions, compute_transitions
from bench.models.systems.base import Batch, Prediction, System, score_logits
from bench.models.systems.blocks.conformer import Conformer
from bench.models.systems.blocks.pooling import pool_states
from bench.models.systems.published_tensors import name_tensors
from bench.specs.base import Absent
from bench.specs.systems.sal import PositionTask, Sal, TransitionTask
from bench.units import CLASSES, HOP_SAMPLES, frame_samples


def build_head(dim: int, hidden: int, classes: int) -> nn.Sequential:
    """Return SELU, Linear, SELU, Linear: "... dim" to "... classes"."""
    return nn.Sequential(nn.SELU(), nn.Linear(dim, hidden), nn.SELU(), nn.Linear(hidden, classes))


class SegmentAware(System):
    """SAL with each part a switch of `spec`; see the module's docstring for shapes."""

    def __init__(self, spec: Sal, frontend: FrontEnd, resolution_s: float | None) -> None:
        super().__init__()
        self.spec = spec
        self.trained_hops = _hops_per_frame(resolution_s)
        self.frontend = frontend
        self.layers = spec.layers.build(frontend)
        self.context = (
            nn.Identity()
            if isinstance(spec.context, Absent)
            else Conformer(frontend.dim, spec.context)
        )
        self.binary = build_head(frontend.dim, spec.hidden, len(CLASSES))
        match spec.auxiliary:
            case TransitionTask():
                self.auxiliary = build_head(frontend.dim, spec.hidden, 2)
            case PositionTask():
                self.auxiliary = build_head(frontend.dim, spec.hidden, len(POSITION_NAMES))
            case Absent():
                self.auxiliary = None

    def context_states(self, waves: Tensor) -> Tensor:
        """Return "batch hops dim", one state for each whole 20 ms of `waves` ("batch samples")."""
        padded = F.pad(waves, (0, self.spec.padding))
        return self.context(self.layers(self.frontend(padded)))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Equation 1: L_BCE + λ L_SPL (or λ times the transition loss; or L_BCE alone).

        L_BCE is the cross entropy over two logits, which is the binary cross entropy of their
        difference. Means are over valid frames.
        """
        pooled = pool_states(self.context_states(batch.waves), self.trained_hops)
        target = batch.spoof.long().masked_fill(~batch.valid, IGNORED)
        binary = _cross_entropy(self.binary(pooled), target)
        losses = {"loss": self.spec.binary_weight * binary, "binary": binary}
        if self.auxiliary is not None and not isinstance(self.spec.auxiliary, Absent):
            auxiliary = _cross_entropy(self.auxiliary(pooled), self._auxiliary_target(batch))
            losses["loss"] = losses["loss"] + self.spec.auxiliary.weight * auxiliary
            losses[self.spec.auxiliary.kind] = auxiliary
        return losses

    def _auxiliary_target(self, batch: Batch) -> Tensor:
        match self.spec.auxiliary:
            case TransitionTask(rule=rule):
                return compute_transitions(batch.spoof, batch.valid, rule)
            case _:
                return compute_positions(batch.spoof, batch.valid)

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score frames of `resolution_s`; finer than trained: by `spec.finer_than_trained`."""
        states = self.context_states(waves)
        hops = _hops_per_frame(resolution_s) or states.shape[1]
        trained_hops = self.trained_hops or states.shape[1]
        if hops < trained_hops and self.spec.finer_than_trained == "repeat":
            coarse = self.binary(pool_states(states, trained_hops))
            starts = torch.arange(0, states.shape[1], hops, device=states.device)
            logits = coarse[:, starts // trained_hops]
        else:
            logits = self.binary(pool_states(states, hops))
        logits = logits.float()
        return score_logits(logits, self.spec.score)


def _hops_per_frame(resolution_s: float | None) -> int | None:
    return None if resolution_s is None else frame_samples(resolution_s) // HOP_SAMPLES


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean over frames whose target is not `IGNORED`, in float32 whatever the precision around."""
    with torch.autocast(logits.device.type, enabled=False):
        return F.cross_entropy(logits.float().flatten(0, 1), target.flatten(), ignore_index=IGNORED)


_UPSTREAM = "net.ssl_encoder.ssl_encoder.model."
"""Where s3prl's model lies in the released system, as Lightning names it."""


def translate_checkpoint(spec: Sal, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint of SentryMao/SAL by our names, our classes' order.

    It is Lightning's (`state_dict`), of 61062f1 or b4e80d1: s3prl's model, layer weights, Conformer
    and heads. Its pointwise convolutions are linear layers here. Its classes are in the order
    spoof, bona fide, in the eight positional labels too; a transition has the same place in both.
    """
    named = name_tensors(tensors, (_UPSTREAM,), _OFFICIAL)
    by_class = (
        ("binary.3.", "auxiliary.3.") if spec.auxiliary.kind == "position" else ("binary.3.",)
    )
    return exchange_classes(named, by_class)


_OFFICIAL = (
    (r"net\.weight_layer$", "layers.weights"),
    (r"net\.seq_model\.conformer_layer\.", "context."),
    (r"net\.out_layer2?\.", "binary."),
    (r"net\.out_layer1\.", "auxiliary."),
    (r"context\.(\d+)\.ln_norm\.", r"context.\1.norm."),
    (r"context\.(\d+)\.ffn1\.", r"context.\1.first."),
    (r"context\.(\d+)\.ffn2\.", r"context.\1.second."),
    (r"(context\.\d+\.(?:first|second))\.ln_norm\.", r"\1.0."),
    (r"(context\.\d+\.(?:first|second))\.w_1\.", r"\1.1."),
    (r"(context\.\d+\.(?:first|second))\.w_2\.", r"\1.4."),
    (r"context\.(\d+)\.mha\.ln_norm\.", r"context.\1.attention.norm."),
    (r"context\.(\d+)\.mha\.mha\.linearQ\.", r"context.\1.attention.query."),
    (r"context\.(\d+)\.mha\.mha\.linearK\.", r"context.\1.attention.key."),
    (r"context\.(\d+)\.mha\.mha\.linearV\.", r"context.\1.attention.value."),
    (r"context\.(\d+)\.mha\.mha\.linearO\.", r"context.\1.attention.out."),
    (r"context\.(\d+)\.conv\.ln_norm\.", r"context.\1.convolution.norm."),
    (r"context\.(\d+)\.conv\.pointwise_conv1\.", r"context.\1.convolution.widen."),
    (r"context\.(\d+)\.conv\.depthwise_conv\.", r"context.\1.convolution.depthwise."),
    (r"context\.(\d+)\.conv\.bn_norm\.", r"context.\1.convolution.batch_norm."),
    (r"context\.(\d+)\.conv\.pointwise_conv2\.", r"context.\1.convolution.narrow."),
)
"""Beginnings of their names and what these become, one rule after the other."""

"""The general system: front-end, merging of its states, head.

SLS, Nes2Net-X, SSL-AASIST, AttM, TCM and XLSR-Mamba are this with different parts, and so is every
combination that a card names.

Shapes for a clip of 64,600 samples: waves (B, 64600) -> states, each (B, 201, D) -> merged
(B, 201, D) -> head: logits (B, 2). Where frames of 160 ms are labelled, a clip of 64,000 samples
with 80 zeros behind it: states (B, 200, D) -> vectors of hops (B, 200, W), pooled (B, 25, W) ->
logits (B, 25, 2).

The loss is a cross entropy weighted by class, over what has a label, divided by the weights in the
batch, as torch does and the released codes do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.models.frontends import FrontEnd
from bench.models.frontends.layouts import translate_upstream
from bench.models.official_names import Rules, exchange_classes, rename_tensors
from bench.models.segment_positions import IGNORED
from bench.models.systems.base import Batch, Prediction, System, refuse_frames
from bench.models.systems.blocks.heads import HopHead
from bench.specs.kinds import HeadInput
from bench.specs.run import TrainData
from bench.specs.systems.composed import Composed
from bench.units import HOP_SAMPLES, frame_samples, to_samples


class ComposedSystem(System):
    """A front-end, a merging, a head; see the module's docstring for shapes."""

    def __init__(self, spec: Composed, frontend: FrontEnd, data: TrainData) -> None:
        super().__init__()
        self.spec, self.resolution_s = spec, data.resolution_s
        self.fixed_s = data.clip_s if spec.head.takes_one_length else None
        self.frontend = frontend
        self.merge = spec.layers.build(frontend)
        samples = to_samples(data.clip_s)
        self.head = spec.head.build(HeadInput(frontend.dim, frontend.n_states, samples))
        weights = torch.tensor([spec.bonafide_weight, 1.0])
        self.register_buffer("class_weights", weights, persistent=False)
        self.class_weights: Tensor

    def compute_logits(self, waves: Tensor, resolution_s: float | None) -> Tensor:
        """Return "batch frames 2", float32, for `waves` "batch samples"; None: one frame a clip."""
        if resolution_s is None:
            return self.head(self.merge(self.frontend(waves))).float()[:, None]
        if not self.spec.head.gives_frames:
            refuse_frames(f"system.head.kind = {self.spec.head.kind!r}", resolution_s)
        states = self.merge(self.frontend(F.pad(waves, (0, self.spec.padding))))
        hops = frame_samples(resolution_s) // HOP_SAMPLES
        return cast("HopHead", self.head).frame_logits(states, hops).float()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy over what has a label, weighted by class."""
        logits = self.compute_logits(batch.waves, self.resolution_s)
        target = batch.spoof.long().masked_fill(~batch.valid, IGNORED)
        with torch.autocast(logits.device.type, enabled=False):
            loss = F.cross_entropy(
                logits.flatten(0, 1), target.flatten(), self.class_weights, ignore_index=IGNORED
            )
        return {"loss": loss}

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score whole clips, or frames where the head has a vector for each hop."""
        logits = self.compute_logits(waves, resolution_s)
        bonafide, spoof = logits.unbind(-1)
        alone = self.spec.score == "bonafide-logit"
        return Prediction(bonafide if alone else bonafide - spoof, logits)


_UPSTREAMS = ("ssl_model.model.", "frontend.upstream.upstream.model.")
"""Where the front-end's model lies: in the systems that follow TakHemlata/SSL_Anti-spoofing, and in
WeDefense, which has s3prl's."""


def translate_composed(
    rules: Rules, tensors: Mapping[str, Tensor], *, spoof_first: bool = True
) -> dict[str, Tensor]:
    """Return the tensors of a published checkpoint by our names, our classes' order.

    It is a state dict of a model with a front-end's at one of `_UPSTREAMS`, perhaps saved from
    several devices (`module.`); `rules` name the rest. `spoof_first`: its classes are in the order
    spoof, bona fide.
    """
    named = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    upstream = {
        name.removeprefix(prefix): tensor
        for name, tensor in named.items()
        for prefix in _UPSTREAMS
        if name.startswith(prefix)
    }
    frontend = {f"frontend.{name}": part for name, part in translate_upstream(upstream).items()}
    behind = {name: part for name, part in named.items() if not name.startswith(_UPSTREAMS)}
    head = rename_tensors(behind, rules)
    return {**frontend, **(exchange_classes(head, ("head.classify.",)) if spoof_first else head)}

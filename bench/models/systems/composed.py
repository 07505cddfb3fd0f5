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

from torch import Tensor
from torch.nn import functional as F

from bench.models.frontends import FrontEnd
from bench.models.official_names import Rules, exchange_classes
from bench.models.systems.base import Batch, Prediction, WeighedSystem, refuse_frames, score_logits
from bench.models.systems.blocks.heads import HopHead
from bench.models.systems.published_tensors import name_tensors
from bench.specs.kinds import HeadInput, require_one_length
from bench.specs.run import TrainData
from bench.specs.systems.composed import Composed
from bench.units import HOP_SAMPLES, frame_samples, to_samples


class ComposedSystem(WeighedSystem):
    """A front-end, a merging, a head; see the module's docstring for shapes."""

    def __init__(self, spec: Composed, frontend: FrontEnd, data: TrainData) -> None:
        super().__init__()
        self.spec, self.resolution_s = spec, data.resolution_s
        if spec.head.takes_one_length:
            self.fixed_s = require_one_length(data, f"system.head.kind = {spec.head.kind!r}")
        self.frontend = frontend
        self.merge = spec.layers.build(frontend)
        samples = None if data.clip_s is None else to_samples(data.clip_s)
        self.head = spec.head.build(HeadInput(frontend.dim, frontend.n_states, samples))
        self.weigh_classes(spec.bonafide_weight)

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
        return self.class_losses(self.compute_logits(batch.waves, self.resolution_s), batch)

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score whole clips, or frames where the head has a vector for each hop."""
        logits = self.compute_logits(waves, resolution_s)
        return score_logits(logits, self.spec.score)


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
    ours = name_tensors(named, _UPSTREAMS, rules)
    return exchange_classes(ours, ("head.classify.",)) if spoof_first else ours

"""MFPT: mix-frame post-training (Pan, Sailor and Wu, Interspeech 2026), in two stages.

Post-training finds the frames of a clip that come from a foreign region
(`bench.models.augment.mix_frame`) with one linear layer over the last hidden state; fine-tuning
then keeps the front-end, low-rank adapters and all, drops that layer and learns to tell utterances
apart with a head over merged hidden states. Each stage is a system of its own; `start` of a run
takes the front-end from one to the next.

Shapes for a clip of 64,600 samples: waves (B, 64600) -> L + 1 states (B, 201, D) -> frame logits
(B, 201); or -> merged (B, 201, D) -> logits (B, 2).

Of the paper only the abstract and digests were at hand; what they leave open follows the authors'
earlier code (AttM, Interspeech 2024) where it has the part. "The L-th layer" of post-training is
read as the last hidden state; the binary cross entropy is not weighted; the score is the difference
of the logits, and that of a frame minus the logit of "injected", which stands for spoof.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BenchError
from bench.models.frontends import FrontEnd
from bench.models.systems.base import Batch, ClipSystem, Prediction, System, refuse_frames
from bench.specs.kinds import HeadInput
from bench.specs.systems.mfpt import UtteranceHead
from bench.units import HOP_SAMPLES, SAMPLE_RATE_HZ, to_samples

HOP_S = HOP_SAMPLES / SAMPLE_RATE_HZ


class PostTraining(System):
    """The first stage: a logit for each hop, whether it is injected."""

    def __init__(self, frontend: FrontEnd) -> None:
        super().__init__()
        self.frontend = frontend
        self.head = nn.Linear(frontend.dim, 1)
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def hop_logits(self, waves: Tensor) -> Tensor:
        """Return "batch hops", float32, for `waves` "batch samples"."""
        return self.head(self.frontend(waves)[-1]).squeeze(-1).float()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Binary cross entropy, averaged over valid frames; spoof ones are those injected."""
        logits = self.hop_logits(batch.waves)
        if logits.shape != batch.spoof.shape:
            raise BenchError(
                "model.splice-missing",
                f"labels of {batch.spoof.shape[1]} frames for clips of {logits.shape[1]} hops: "
                "system.head.kind = 'frames' takes those that a splice makes",
            )
        with torch.autocast(logits.device.type, enabled=False):
            each = F.binary_cross_entropy_with_logits(logits, batch.spoof.float(), reduction="none")
        return {"loss": (each * batch.valid).sum() / batch.valid.sum().clamp(min=1)}

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score each hop: minus its logit of being injected; the logits are (0, that logit)."""
        if resolution_s != HOP_S:
            asked = "'utterance'" if resolution_s is None else resolution_s
            raise BenchError(
                "model.resolution",
                f"MFPT's post-training scores frames of {HOP_S} s: resolution_s = {asked} should "
                f"be {HOP_S}",
            )
        logits = self.hop_logits(waves)
        return Prediction(-logits, torch.stack([torch.zeros_like(logits), logits], dim=-1))


class FineTuning(ClipSystem):
    """The second stage: two logits for each clip, of any length."""

    def __init__(self, spec: UtteranceHead, frontend: FrontEnd, clip_s: float) -> None:
        super().__init__()
        self.frontend = frontend
        self.merge = spec.merge.build(frontend)
        self.head = spec.build(HeadInput(frontend.dim, frontend.n_states, to_samples(clip_s)))
        self.weigh_classes(spec.bonafide_weight)

    def clip_logits(self, waves: Tensor) -> Tensor:
        """Return "batch 2", float32, in the order of `bench.units.CLASSES`."""
        return self.head(self.merge(self.frontend(waves))).float()

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score whole clips."""
        refuse_frames("MFPT", resolution_s)
        logits = self.clip_logits(waves)[:, None]
        return Prediction(logits[..., 0] - logits[..., 1], logits)

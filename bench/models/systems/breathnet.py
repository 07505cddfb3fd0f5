"""BreathNet (Ye et al., arXiv 2602.13596, 2026): breath, frequency bands and refined features.

Shapes for the paper's clips (Table I), D being 1024: waves (B, 64600) -> states of 24 transformer
blocks, each (B, 201, D) -> sensitive layers (equations 1 to 3) and BreathFiLM (5, 6): x_temp
(B, 201, D); waves -> frequency branch: x_freq (B, 32, D); both -> cross-attention (7, 8): x_fuse
(B, 32, D) -> BiLSTMs of 512 and 256 in each direction (B, 32, 512) -> mean (B, 512) -> logits
(B, 2). Clips may have any length.

Equation 4, the detector, is the data's (`Batch.breath_mask`). No code was released. Where the paper
leaves a choice there is a setting in `bench.specs.systems.breathnet`, which says why its default is
as it is. Without a setting:

* Equation 11 is over D_bona, noisy copies included, as its text defines the set; equation 12's mean
  is over the features themselves.
* With several processes each moves a centre of its own by its share of the batch, and all go on
  from the first one's, as with the statistics of a batch normalisation.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.frontends import FrontEnd
from bench.models.full_precision import LSTM
from bench.models.segment_positions import IGNORED
from bench.models.systems.base import Batch, Prediction, System, refuse_frames, score_logits
from bench.models.systems.blocks.film import BreathFilm
from bench.models.systems.blocks.fusion import CrossAttention
from bench.models.systems.blocks.refinement import FeatureLosses
from bench.models.systems.blocks.sinc import FrequencyBranch
from bench.models.systems.blocks.sls import SensitiveLayers
from bench.specs.base import Absent
from bench.specs.systems.breathnet import BreathNet, Classifier
from bench.units import CLASSES


class ClipFeatures(NamedTuple):
    """Features and logits of a batch of clips."""

    fused: Tensor
    """x_fuse, "batch tokens dim"."""
    pooled: Tensor
    """The BiLSTMs' mean over tokens, "batch 2*hidden"."""
    logits: Tensor
    """"batch 2", in the order of `bench.units.CLASSES`."""


class Recurrent(nn.Module):
    """BiLSTMs in sequence and the mean over tokens (section III.D).

    "batch tokens dim" to "batch 2*hidden".
    """

    def __init__(self, dim: int, spec: Classifier) -> None:
        super().__init__()
        sizes = [dim, *(2 * hidden for hidden in spec.hidden)]
        self.width = sizes[-1]
        self.lstms = nn.ModuleList(
            LSTM(
                size,
                hidden,
                spec.layers,
                dropout=spec.dropout,
                bidirectional=True,
                batch_first=True,
            )
            for size, hidden in zip(sizes, spec.hidden, strict=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of the last BiLSTM's outputs."""
        for lstm in self.lstms:
            x, _ = lstm(x)
        return x.mean(dim=1)


class BreathNetwork(System):
    """BreathNet with each part a switch of `spec`; see the module's docstring for shapes."""

    def __init__(self, spec: BreathNet, frontend: FrontEnd) -> None:
        super().__init__()
        self.spec, dim = spec, frontend.dim
        self.frontend = frontend
        self.layers = SensitiveLayers(
            dim, frontend.n_states, one_score_each=spec.layer_weights == "own"
        )
        self.film = None if isinstance(spec.film, Absent) else BreathFilm(dim, spec.film)
        self.needs_breath_mask = self.film is not None
        self.frequency = (
            None if isinstance(spec.frequency, Absent) else FrequencyBranch(dim, spec.frequency)
        )
        bare = self.frequency is None and spec.fusion.without_frequency == "temporal"
        self.fusion = None if bare else CrossAttention(dim, spec.fusion)
        self.recurrent = Recurrent(dim, spec.classifier)
        self.last = nn.Linear(self.recurrent.width, len(CLASSES))
        self.refinement = None
        if not isinstance(spec.refinement, Absent):
            width = dim if spec.refinement.feature == "fused" else self.recurrent.width
            self.refinement = FeatureLosses(width, spec.refinement)
        weights = torch.tensor([spec.bonafide_weight, spec.spoof_weight])
        self.register_buffer("class_weights", weights, persistent=False)
        self.class_weights: Tensor

    def temporal_features(self, waves: Tensor, breath_mask: Tensor) -> Tensor:
        """Section III.A: x_temp, "batch hops dim", of "batch samples" and "batch hops", bool."""
        x = self.layers(self.frontend(waves))
        return x if self.film is None else self.film(x, breath_mask)

    def fused_features(self, waves: Tensor, breath_mask: Tensor) -> Tensor:
        """Sections III.B and III.C.1: x_fuse, "batch tokens dim".

        Without a frequency branch the hops are the tokens.
        """
        temporal = self.temporal_features(waves, breath_mask)
        if self.fusion is None:
            return temporal
        asking = temporal if self.frequency is None else self.frequency(waves)
        return self.fusion(asking, temporal)

    def compute_features(self, waves: Tensor, breath_mask: Tensor) -> ClipFeatures:
        """Return features and logits of `waves`, "batch samples", with their breath masks."""
        fused = self.fused_features(waves, breath_mask)
        pooled = self.recurrent(fused)
        return ClipFeatures(fused, pooled, self.last(pooled))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Equation 16: L_softmax + λ L_feature, over the utterances whose class is known."""
        target = batch.spoof[:, 0].long().masked_fill(~batch.valid[:, 0], IGNORED)
        heard = self.compute_features(batch.waves, batch.breath_mask)
        entropy = self.weighted_cross_entropy(heard.logits, target)
        if self.refinement is None or isinstance(self.spec.refinement, Absent):
            return {"loss": entropy, "cross_entropy": entropy}
        fused = self.spec.refinement.feature == "fused"
        z = heard.fused.float().mean(dim=1) if fused else heard.pooled
        parts = self.refinement(z, target)
        loss = entropy + self.spec.refinement.weight * parts.feature
        return {"loss": loss, "cross_entropy": entropy, **parts._asdict()}

    def weighted_cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        """Equation 15, in float32: "batch 2" and classes "batch" to a number.

        It is one utterance's; the paper does not say how a batch is averaged. The weighted mean is
        what the released SLS has, with the same weights and the same early stopping by the training
        loss, and λ weighs the feature losses against it. It weighs an utterance by its batch mates.
        """
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.float()
            if self.spec.cross_entropy == "weighted-mean":
                return F.cross_entropy(logits, target, self.class_weights, ignore_index=IGNORED)
            total = F.cross_entropy(
                logits, target, self.class_weights, ignore_index=IGNORED, reduction="sum"
            )
            return total / (target != IGNORED).sum()

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score whole clips; `BenchError` where frames are asked for."""
        refuse_frames("BreathNet", resolution_s)
        logits = self.compute_features(waves, breath_mask).logits.float()[:, None]
        return score_logits(logits, self.spec.score)

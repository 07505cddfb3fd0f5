"""Temporal class activation (Li and Zhang, Interspeech 2024): it shows which frames decide.

Shapes for a 4 s clip: waves (B, 64000) -> last hidden states (B, 199, D) -> two stacks of linear
layer, batch normalisation, ReLU and dropout -> frames S^f (B, 199, 128) -> with the utterance token
S (B, 200, 128) -> channel attention vectors A (B, 128, K) and logits z (B, K) -> temporal class
activation S' (B, 200, K) -> logits z' (B, K). K is 3 (bona fide, text-to-speech, voice conversion)
or 2.

Where the paper leaves a choice, the choice is ours; settings of `bench.specs.systems.tca.Tca` give
that of the released code.

* S^f of sections 3.2 and 3.3 is the output of the two stacks (C = 128), as released, not the
  front-end's (C = 1024).
* Equation 5 has one weight a frame for each class, without a bias: A = S^T W, W of T' x K.
* "A FC layer" behind A_k (section 3.3.2) and behind the pooled S' (3.3.4) is one linear map that
  every class goes through by itself, as released.
* Equation 8: the text says both inner and elementwise product; only the matrix product S M of
  (T', C) and (C, K) has the shape that the classifier behind it needs, so S' is T' x K, and the C
  that the text gives it a slip. z is multiplied on as it is, not through a softmax.
* w_gate of equation 7 starts at 1, and the last classifier as the mean of its segments. Each is a
  number or two for all classes; started at random they may be negative, and then activation for a
  class, which Figure 2 draws, is learnt as evidence against it, at odds with the loss on z.

The weights of equation 5 are as many as there are frames, so the system takes clips of one length.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BenchError
from bench.models.frontends import FrontEnd
from bench.models.full_precision import BatchNorm1d, widen_halves
from bench.models.segment_positions import IGNORED
from bench.models.systems.base import Batch, Prediction, System, refuse_frames
from bench.models.systems.blocks.attentive import AttentiveStatistics
from bench.specs.base import Absent
from bench.specs.systems.tca import Tca
from bench.units import ATTACK_TYPES, CLASSES, count_hops, to_samples


class TcaOutputs(NamedTuple):
    """Activation and logits of a batch of clips; classes in the order of `class_names`."""

    cav_logits: Tensor
    """z, "batch classes": the classifier's on the channel attention vectors."""
    temporal: Tensor
    """S', "batch frames classes": how much each frame of 20 ms speaks for each class; behind the
    frames one more row for the utterance token, where there is one."""
    logits: Tensor
    """z', "batch classes": the classifier's on S', which decides."""


class Stack(nn.Module):
    """Linear layer, batch normalisation over batch and time, activation, dropout (section 3.1).

    "batch frames dim" in and out.
    """

    def __init__(self, dim_in: int, dim: int, spec: Tca) -> None:
        super().__init__()
        self.linear = nn.Linear(dim_in, dim)
        self.norm = BatchNorm1d(dim)
        self.activation = nn.ReLU() if spec.activation == "relu" else nn.LeakyReLU()
        self.dropout = nn.Dropout(spec.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the narrowed frames."""
        normalised = self.norm(self.linear(x).flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.dropout(self.activation(normalised))


class Head(nn.Module):
    """The fully connected layer of sections 3.3.2 and 3.3.4.

    "batch n classes" to "batch classes".
    """

    def __init__(self, n: int, classes: int, spec: Tca) -> None:
        super().__init__()
        self.shared = spec.heads == "shared"
        self.linear = nn.Linear(n, 1) if self.shared else nn.Linear(n * classes, classes)

    def start_as_mean(self) -> None:
        """Set the weights so that a class's logit is the mean of its n inputs."""
        shape = self.linear.weight.shape
        n = shape[1] // shape[0]
        nn.init.zeros_(self.linear.bias)
        with torch.no_grad():
            self.linear.weight.copy_(torch.eye(shape[0]).repeat(1, n) / n)

    def forward(self, x: Tensor) -> Tensor:
        """Return a logit for each class."""
        if self.shared:
            return self.linear(x.transpose(1, 2)).squeeze(-1)
        return self.linear(x.flatten(1))


class Gate(nn.Module):
    """Equation 7: channel attention vectors to weights that sum to one over the channels.

    "batch dim classes" in and out. As released, a matrix mixes the classes first; the bias that it
    has there is left out, since the softmax over the channels cancels it.
    """

    def __init__(self, classes: int, spec: Tca) -> None:
        super().__init__()
        self.scalar = spec.gate == "scalar"
        weight = torch.ones(1) if self.scalar else nn.Linear(classes, classes).weight.detach()
        self.weight = nn.Parameter(weight)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return M."""
        gated = self.weight * vectors if self.scalar else F.linear(vectors, self.weight)
        return widen_halves(gated).softmax(dim=1)


class TemporalClassActivation(System):
    """TCA with each part a switch of `spec`; see the module's docstring for shapes and choices."""

    def __init__(self, spec: Tca, frontend: FrontEnd, clip_s: float) -> None:
        super().__init__()
        self.spec = spec
        self.fixed_s = clip_s
        self.needs_attack_type = spec.classes == "kinds"
        self.class_names = ATTACK_TYPES if spec.classes == "kinds" else CLASSES
        self.frontend = frontend
        self.stacks = nn.Sequential(
            Stack(frontend.dim, spec.hidden, spec), Stack(spec.hidden, spec.dim, spec)
        )
        self.token = (
            None if isinstance(spec.token, Absent) else AttentiveStatistics(spec.dim, spec.token)
        )
        self.samples = to_samples(clip_s)
        self.frames = count_hops(self.samples)
        n_frames, pooled = (self.frames, 1) if self.token is None else (self.frames + 1, 2)
        classes = len(self.class_names)
        self.channels = nn.Linear(n_frames, classes, bias=spec.channel_bias == "learnt")
        self.cav_head = Head(spec.dim, classes, spec)
        self.gate = Gate(classes, spec)
        self.tca_head = Head(pooled, classes, spec)
        if spec.last_weights == "mean":
            self.tca_head.start_as_mean()
        weights = torch.tensor([spec.bonafide_weight] + [1.0] * (classes - 1))
        self.register_buffer("class_weights", weights, persistent=False)
        self.class_weights: Tensor

    def frame_features(self, waves: Tensor) -> Tensor:
        """Sections 3.1 and 3.2: S, "batch frames dim", the token last where there is one."""
        frames = self.stacks(self.frontend(waves)[-1])
        return frames if self.token is None else torch.cat([frames, self.token(frames)], dim=1)

    def compute_activation(self, waves: Tensor) -> TcaOutputs:
        """Section 3.3 for `waves`, "batch samples", all of `fixed_s`: equations 5, 7 and 8.

        `temporal` is what the paper's Figure 2 draws: of its columns the highest gives a frame's
        class.
        """
        if waves.shape[1] != self.samples:
            raise BenchError(
                "model.clip-length",
                f"this TCA takes clips of {self.samples} samples ({self.fixed_s} s), as it has a "
                f"weight for each frame, but got {waves.shape[1]}: clip_s should be "
                f"{self.fixed_s} for training, selection and evaluations",
            )
        x = self.frame_features(waves)
        vectors = self.channels(x.transpose(1, 2))  # equation 5: A, "batch dim classes"
        cav_logits = self.cav_head(vectors)
        temporal = cav_logits[:, None] * (x @ self.gate(vectors))  # equation 8
        segments = [temporal[:, : self.frames].mean(dim=1), temporal[:, self.frames :].squeeze(1)]
        pooled = torch.stack(segments[: 1 if self.token is None else 2], dim=1)
        return TcaOutputs(cav_logits, temporal, self.tca_head(pooled))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Equation 9: λ1 L_CAV + λ2 L_TCA, over the utterances whose class is known."""
        activation, target = self.compute_activation(batch.waves), self._class_target(batch)
        cav = self.weighted_cross_entropy(activation.cav_logits, target)
        tca = self.weighted_cross_entropy(activation.logits, target)
        loss = self.spec.cav_weight * cav + self.spec.tca_weight * tca
        return {"loss": loss, "cav": cav, "tca": tca}

    def _class_target(self, batch: Batch) -> Tensor:
        if self.spec.classes == "kinds":
            return batch.attack_type
        return batch.spoof[:, 0].long().masked_fill(~batch.valid[:, 0], IGNORED)

    def weighted_cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        """Equation 6, in float32: "batch classes" and classes "batch" to a number.

        As printed, an utterance of class k costs W[k] / K times its cross entropy; the paper does
        not say how a batch is averaged. The plain mean does not depend on how utterances are put
        into batches, and so neither does the dev loss; the weighted mean does.
        """
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.float()
            if self.spec.cross_entropy == "weighted-mean":
                return F.cross_entropy(logits, target, self.class_weights, ignore_index=IGNORED)
            total = F.cross_entropy(
                logits, target, self.class_weights, ignore_index=IGNORED, reduction="sum"
            )
            return total / (len(self.class_names) * (target != IGNORED).sum())

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score whole clips. Spoof's logit of three classes is the logsumexp of the two kinds'."""
        refuse_frames("TCA", resolution_s)
        logits = self.compute_activation(waves).logits.float()
        bonafide, spoof = logits[:, :1], logits[:, 1:].logsumexp(dim=1, keepdim=True)
        match self.spec.score:
            case "log-odds":
                score = bonafide - spoof
            case "log-softmax":
                score = logits.log_softmax(dim=1)[:, :1]
            case "bonafide-logit":
                score = bonafide
        return Prediction(score, torch.stack([bonafide, spoof], dim=-1))

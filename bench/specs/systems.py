"""Settings of the systems. The kind is the name of a module in `bench/models/systems`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bench.specs.base import Absent, Count, NotNegative, Positive, Share, Spec
from bench.specs.breathnet import BreathNet
from bench.specs.mfpt import Mfpt


class LastLayer(Spec):
    """Use the front-end's last hidden state alone (SAL's S0)."""

    kind: Literal["last"]


class WeightedLayers(Spec):
    """Sum all hidden states with one learnt weight each (SAL's S1 and later)."""

    kind: Literal["weighted"]
    weights: Literal["free", "softmax"] = "free"
    """`free`: plain numbers that start at 1/n, as released; `softmax`: weights that stay positive
    and sum to one.
    """


class Conformer(Spec):
    """Conformer blocks over the 20 ms states (Gulati et al. 2020; SAL's S2 and later)."""

    kind: Literal["conformer"]
    blocks: Count = 2
    heads: Count = 4
    feed_forward_ratio: Positive = 1.0
    """Width of the feed-forward modules against the states' width (1 as released; the Conformer
    paper has 4).
    """
    kernel: Annotated[int, Field(ge=3)] = 31
    dropout: Share = 0.1


class TransitionTask(Spec):
    """Auxiliary two-class task: is this frame at a transition (SAL's S4)."""

    kind: Literal["transition"]
    weight: NotNegative = 0.1
    """λ, against the binary loss."""
    rule: Literal["both-sides", "segment-edges"] = "both-sides"
    """`both-sides`: the last frame before and the first after each change of class.
    `segment-edges`: as released, every first and last frame of a segment but those of a leading or
    trailing bona fide segment."""


class PositionTask(Spec):
    """Auxiliary eight-class task: Segment Positional Labeling (SAL section 2.1, equation 1)."""

    kind: Literal["position"]
    weight: NotNegative = 0.1
    """λ of equation 1."""


class Sal(Spec):
    """Segment-Aware Learning (Mao et al., ICASSP 2026)."""

    kind: Literal["sal"]
    layers: Annotated[LastLayer | WeightedLayers, Field(discriminator="kind")]
    context: Annotated[Absent | Conformer, Field(discriminator="kind")]
    auxiliary: Annotated[Absent | TransitionTask | PositionTask, Field(discriminator="kind")]
    binary_weight: NotNegative = 1.0
    """Weight of the binary loss (1 in the paper; 10 with λ = 1 as released)."""
    hidden: Count = 256
    """Width of the heads' hidden layer."""
    finer_than_trained: Literal["pool", "repeat"] = "pool"
    """How a model trained at 160 ms answers at 20 ms: pool the states to 20 ms and apply the head
    (released), or answer at 160 ms and repeat."""
    score: Literal["logit-difference", "bonafide-logit"] = "logit-difference"
    """What is scored: the difference of the two logits, or the bona fide logit alone (released, S0
    to S3).
    """
    padding: Annotated[int, Field(ge=80, lt=400)] = 80
    """Zeros behind a clip's samples, for the last hop's state: the convolutions hear 400 samples at
    a hop of 320 (256 as released). Normalisation and attention take them as audio."""


class AttentiveStatistics(Spec):
    """A token of the whole utterance from attention-weighted statistics (TCA, equations 1 to 4)."""

    kind: Literal["attentive-statistics"]
    bias: Literal["learnt", "none"] = "learnt"
    """b of equation 1 (`none` as released)."""
    mean: Literal["weighted", "divided"] = "weighted"
    """Equation 3; or that divided by the number of frames once more, as released: close to zero."""
    deviation: Literal["sqrt", "second-moment"] = "sqrt"
    """Equation 4; or without its square root, as released."""


class Tca(Spec):
    """Temporal class activation (Li and Zhang, Interspeech 2024); equations are that paper's."""

    kind: Literal["tca"]
    token: Annotated[Absent | AttentiveStatistics, Field(discriminator="kind")]
    """The utterance token behind the frames; the first ablation has none."""
    classes: Literal["kinds", "binary"] = "kinds"
    """What is told apart: bona fide, text-to-speech, voice conversion; or bona fide and spoof (the
    third ablation).
    """
    hidden: Count = 512
    dim: Count = 128
    """Widths of the two fully connected layers over the front-end's states."""
    activation: Literal["relu", "leaky-relu"] = "relu"
    """After each of the two; `leaky-relu` (slope 0.01) as released."""
    dropout: Share = 0.2
    channel_bias: Literal["none", "learnt"] = "none"
    """Whether each class's channel attention vector has a bias: none in equation 5, one as
    released.
    """
    gate: Literal["scalar", "across-classes"] = "scalar"
    """w_gate of equation 7: one number, or a matrix that mixes the classes, as released."""
    heads: Literal["shared", "joint"] = "shared"
    """The two classifiers: one linear map for every class by itself (released), or one from all
    classes' inputs to all logits.
    """
    last_weights: Literal["mean", "random"] = "mean"
    """How the last classifier starts: as the mean of the segments, so that activation for a class
    speaks for it; or as torch's linear layers do, as released: against it where a sign falls so.
    """
    cross_entropy: Literal["equation-6", "weighted-mean"] = "equation-6"
    """Over a batch: the mean of equation 6; or the sum divided by the weights in the batch, which
    is torch's and as released.
    """
    bonafide_weight: Positive = 8.0
    """Weight of bona fide utterances in the losses; spoofed ones, of any kind, have 1."""
    cav_weight: NotNegative = 0.3
    tca_weight: NotNegative = 0.7
    """λ1 and λ2 of equation 9; λ1 is 0 in the second ablation."""
    score: Literal["log-odds", "log-softmax", "bonafide-logit"] = "log-odds"
    """What is scored: log-odds of bona fide, the logarithm of its softmax probability (which ranks
    alike), or its logit alone. Neither the paper nor the released code says."""


System = Annotated[Sal | Tca | BreathNet | Mfpt, Field(discriminator="kind")]

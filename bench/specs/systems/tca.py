"""Settings of TCA, temporal class activation (Li and Zhang, Interspeech 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from bench.specs.base import Absent, Count, NotNegative, Positive, Share, Spec
from bench.specs.kinds import SystemSettings, require_one_length, require_utterances

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.systems.base import System
    from bench.specs.run import TrainData

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class AttentiveStatisticsSettings(Spec):
    """A token of the whole utterance from attention-weighted statistics (TCA, equations 1 to 4)."""

    kind: Literal["attentive-statistics"]
    bias: Literal["learnt", "none"] = "learnt"
    """b of equation 1 (`none` as released)."""
    mean: Literal["weighted", "divided"] = "weighted"
    """Equation 3; or that divided by the number of frames once more, as released: close to zero."""
    deviation: Literal["sqrt", "second-moment"] = "sqrt"
    """Equation 4; or without its square root, as released."""


class Tca(SystemSettings):
    """Temporal class activation (Li and Zhang, Interspeech 2024); equations are that paper's."""

    kind: Literal["tca"]
    token: Annotated[Absent | AttentiveStatisticsSettings, Field(discriminator="kind")]
    """The utterance token behind the frames; the first ablation has none."""
    classes: Literal["kinds", "binary"] = "kinds"
    """The classes: bona fide, text-to-speech and voice conversion; or bona fide and spoof (third
    ablation)."""
    hidden: Count = 512
    dim: Count = 128
    """Widths of the two fully connected layers over the front-end's states."""
    activation: Literal["relu", "leaky-relu"] = "relu"
    """After each of the two; `leaky-relu` (slope 0.01) as released."""
    dropout: Share = 0.2
    channel_bias: Literal["none", "learnt"] = "none"
    """Whether each class's channel attention vector has a bias: none in equation 5, one as
    released."""
    gate: Literal["scalar", "across-classes"] = "scalar"
    """w_gate of equation 7: one number, or a matrix that mixes the classes, as released."""
    heads: Literal["shared", "joint"] = "shared"
    """The two classifiers: one linear map for every class by itself (released), or one from all
    classes' inputs to all logits."""
    last_weights: Literal["mean", "random"] = "mean"
    """How the last classifier starts: as the mean of the segments, so that activation for a class
    speaks for it; or as torch's linear layers do, as released: against it where a sign falls so."""
    cross_entropy: Literal["equation-6", "weighted-mean"] = "equation-6"
    """Over a batch: the mean of equation 6; or the sum divided by the weights in the batch, which
    is torch's and as released."""
    bonafide_weight: Positive = 8.0
    """Weight of bona fide utterances in the losses; spoofed ones, of any kind, have 1."""
    cav_weight: NotNegative = 0.3
    tca_weight: NotNegative = 0.7
    """λ1 and λ2 of equation 9; λ1 is 0 in the second ablation."""
    score: Literal["log-odds", "log-softmax", "bonafide-logit"] = "log-odds"
    """What is scored: log-odds of bona fide, the logarithm of its softmax probability (which ranks
    alike), or its logit alone. Neither the paper nor the released code says."""

    def build(self, frontend: FrontEnd, data: TrainData) -> System:
        """Return TCA for clips of `data.clip_s`; labels of frames are a BenchError."""
        from bench.models.systems.tca import TemporalClassActivation

        require_utterances(data, "system.kind = 'tca'")
        clip_s = require_one_length(data, "system.kind = 'tca'")
        return TemporalClassActivation(self, frontend, clip_s)

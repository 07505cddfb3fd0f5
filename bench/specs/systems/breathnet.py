"""Settings of BreathNet (Ye et al., arXiv 2602.13596, 2026).

Sections, equations and tables are those of that paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from bench.specs.base import Absent, Count, NotNegative, Positive, Share, Spec
from bench.specs.kinds import SystemSettings, require_utterances

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.systems.base import System
    from bench.specs.run import TrainData

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class BreathFilmSettings(Spec):
    """Amplify each hop, by how much in each dimension depends on breath (section III.A.3)."""

    kind: Literal["breath-film"]
    hidden: Count = 512
    bias: Literal["learnt", "none"] = "learnt"
    """Of both layers of equation 5, which prints none. Without any, hops where nobody breathes are
    scaled by 1.5 whatever is learnt: their input is 0, and so their gate 1 + sigmoid(0)."""


class TimeTokens(Spec):
    """A token is a stretch of time, of equal length in all: each filter's maxima in it."""

    kind: Literal["time"]
    number: Count = 32
    bins: Count = 1
    """Number of segments per token; each is max-pooled."""


class BandTokens(Spec):
    """A token is a band of neighbouring filters: their maxima over the clip's time."""

    kind: Literal["band"]
    number: Count = 32
    bins: Count = 1024
    """Number of segments of the clip; each is max-pooled."""


class Dfim(Spec):
    """The frequency branch, Discriminative Frequency Information Mining (section III.B).

    Huang et al., SPL 30, 2023, from which it is taken, was not to be had, and BreathNet gives none
    of its numbers: those of the filters are as in RawNet2 and AASIST.
    """

    kind: Literal["dfim"]
    pre_emphasis: tuple[NotNegative, ...] = Field(default=(0.97,), min_length=1, strict=False)
    """a of x[t] - a x[t-1]. Several give a channel each (Huang et al. speak of "multiple
    pre-emphasis"); 0 is the waveform itself."""
    filters: Count = 70
    kernel: Annotated[int, Field(ge=3, le=400)] = 129
    """Taps of a filter, odd; the shortest clip there is has 400 samples."""
    tokens: Annotated[TimeTokens | BandTokens, Field(discriminator="kind")] = TimeTokens(
        kind="time"
    )
    """What the 32 of Table I's N x 32 x 1024 are: it does not say."""

    @model_validator(mode="after")
    def _odd(self) -> Dfim:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel = {self.kernel}: should be odd, for filters to be symmetric")
        return self


class Fusion(Spec):
    """Cross-attention: what is asked is of the frequency branch (section III.C.1)."""

    heads: Count = 8
    """They share the front-end's width (1024) among them; the paper's "d_q = d_k = d_v = 1024" is
    read as all heads together."""
    output: Literal["projected", "concatenated"] = "projected"
    """Whether the heads are mixed by one more matrix (Vaswani et al. 2017) or only put side by
    side; equations 7 and 8 speak of one head."""
    residual: Literal["none", "queries"] = "none"
    """What is added to the attention's output; the paper speaks of nothing. Without the queries the
    frequency branch says only which hops are heard, and nothing of itself: the output is made of
    temporal features."""
    without_frequency: Literal["temporal", "self-attention"] = "temporal"
    """What the classifier gets where there is no frequency branch to ask: the temporal features as
    they are, or their attention to each other."""


class Classifier(Spec):
    """BiLSTMs in sequence, mean over tokens, linear layer (section III.D, Table VIII)."""

    hidden: tuple[Count, ...] = Field(default=(512, 256), min_length=1, strict=False)
    """Hidden size of each BiLSTM, per direction."""
    layers: Count = 1
    """Number of layers of each BiLSTM."""
    dropout: Share = 0.0
    """Dropout between the layers of a BiLSTM."""

    @model_validator(mode="after")
    def _between_layers(self) -> Classifier:
        if self.dropout and self.layers == 1:
            raise ValueError(
                f"dropout = {self.dropout}: is between the layers of a BiLSTM, layers = 1 has none"
            )
        return self


class FeatureLossSettings(Spec):
    """The losses on features z of bona fide and fake clips (section III.C.2)."""

    kind: Literal["feature-losses"]
    weight: NotNegative = 0.5
    """λ of equation 16."""
    pscl_weight: NotNegative = 1.0
    """1 in equation 14, 0 in the ablation."""
    centre_weight: NotNegative = 1.0
    contrast_weight: NotNegative = 1.0
    """α and β of equation 14."""
    noise: NotNegative = 0.1
    """δ of equation 9."""
    copies: Annotated[int, Field(ge=0)] = 3
    """Noisy copies (Figure 5a)."""
    copies_of: Literal["each", "batch"] = "each"
    """Whether so many of each bona fide feature (equation 9), or in all, of bona fide features
    drawn by chance ("per batch", section IV.D.1)."""
    scale: Literal["as-is", "unit"] = "as-is"
    """Whether z is as it is, or of length 1, before noise is added to it (equation 9). The raw
    states of a front-end may be so long that noise of δ = 0.1 changes nothing; how long they are is
    logged as `train.feature_length`."""
    centre_of: Literal["with-copies", "originals"] = "with-copies"
    """Whether the centre loss (equation 11, over D_bona) takes the noisy copies as well."""
    temperature: Positive = 0.1
    """τ of equation 10, which the paper never gives: that of the supervised contrastive loss which
    PSCL is made from (Khosla et al., NeurIPS 2020)."""
    momentum: Share = 0.9
    """μ of equation 12."""
    feature: Literal["fused", "pooled"] = "fused"
    """z, which is "the fused features": their mean over tokens, or what the last layer sees, the
    BiLSTMs' mean."""


class BreathNet(SystemSettings):
    """BreathNet (Ye et al., arXiv 2602.13596, 2026); the front-end's `last_state` should be `raw`.

    With it the last of the sensitive layers is a block's output, as the others are.
    """

    kind: Literal["breathnet"]
    film: Annotated[Absent | BreathFilmSettings, Field(discriminator="kind")]
    frequency: Annotated[Absent | Dfim, Field(discriminator="kind")]
    refinement: Annotated[Absent | FeatureLossSettings, Field(discriminator="kind")]
    layer_weights: Literal["shared", "own"] = "shared"
    """FC of equation 2: one D -> 1 for all transformer blocks, as SLS was released, or each its
    own."""
    fusion: Fusion = Fusion()
    classifier: Classifier = Classifier()
    bonafide_weight: Positive = 0.9
    spoof_weight: Positive = 0.1
    """w of equation 15."""
    cross_entropy: Literal["weighted-mean", "equation-15"] = "weighted-mean"
    """Over a batch: the sum of equation 15 divided by the weights in it, which is torch's and the
    released SLS's; or the mean of equation 15, with a tenth bona fide about a fifth of that."""
    score: Literal["logit-difference", "bonafide-logit"] = "logit-difference"
    """What is scored; the paper does not say."""

    def build(self, frontend: FrontEnd, data: TrainData) -> System:
        """Return BreathNet; labels of frames are a BenchError."""
        from bench.models.systems.breathnet import BreathNetwork

        require_utterances(data, "system.kind = 'breathnet'")
        return BreathNetwork(self, frontend)

"""Settings of SAL, Segment-Aware Learning (Mao et al., ICASSP 2026)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from bench.errors import BenchError
from bench.specs.base import Absent, Count, NotNegative, Positive, Share, Spec
from bench.specs.kinds import SystemSettings
from bench.specs.layers import Layers

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.official_names import Tensors
    from bench.models.systems.base import System
    from bench.specs.run import TrainData

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class ConformerSettings(Spec):
    """Conformer blocks over the 20 ms states (Gulati et al. 2020; SAL's S2 and later)."""

    kind: Literal["conformer"]
    blocks: Count = 2
    heads: Count = 4
    feed_forward_ratio: Positive = 1.0
    """Width of the feed-forward modules against the states' width (1 as released; the Conformer
    paper has 4)."""
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


class Sal(SystemSettings):
    """Segment-Aware Learning (Mao et al., ICASSP 2026)."""

    kind: Literal["sal"]
    layers: Layers
    """What is taken of the front-end's states: `last` in S0, `weighted` from S1 on."""
    context: Annotated[Absent | ConformerSettings, Field(discriminator="kind")]
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
    to S3)."""
    padding: Annotated[int, Field(ge=80, lt=400)] = 80
    """Zeros behind a clip's samples, for the last hop's state: the convolutions hear 400 samples at
    a hop of 320 (256 as released). Normalisation and attention take them as audio."""

    def build(self, frontend: FrontEnd, data: TrainData) -> System:
        """Return SAL, to be trained on frames of `data.resolution_s`.

        An auxiliary task without frames to label is a BenchError.
        """
        from bench.models.systems.sal import SegmentAware

        if data.resolution_s is None and not isinstance(self.auxiliary, Absent):
            raise BenchError(
                "model.resolution",
                f"system.auxiliary.kind = {self.auxiliary.kind!r}: learns labels of frames, but "
                "train.resolution_s = 'utterance' has none",
            )
        return SegmentAware(self, frontend, data.resolution_s)

    def official_names(self, tensors: Tensors) -> Tensors:
        """Return the tensors of a checkpoint of SentryMao/SAL by our names, our classes' order."""
        from bench.models.systems.sal import translate_checkpoint

        return translate_checkpoint(self, tensors)

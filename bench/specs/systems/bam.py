"""Settings of BAM, the Boundary-aware Attention Mechanism (Zhong et al., Interspeech 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from bench.specs.base import Count, NotNegative, Positive
from bench.specs.kinds import SystemSettings, require_frames

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.official_names import Tensors
    from bench.models.systems.base import System
    from bench.specs.run import TrainData

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class Bam(SystemSettings):
    """Boundary-aware Attention Mechanism (Zhong, Li, Yi, Interspeech 2024, arXiv:2407.21611)."""

    kind: Literal["bam"]
    mask: Literal["blocked", "soft"] = "blocked"
    """What a boundary between two frames does to their attention: neither takes anything of the
    other; or their likeness is 0 before the softmax, as released, so that they still share."""
    graph_layers: Count = 2
    """Graph-attention layers behind the boundaries."""
    first_channels: Count = 32
    """Channels of the first convolution of the network within frames."""
    channels: tuple[Count, Count, Count, Count] = Field(default=(64, 128, 256, 512), strict=False)
    """Inner channels of its four pairs of bottlenecks; each gives twice as many."""
    boundary_weight: NotNegative = 0.5
    """Weight of the boundary loss; that of the classes has 1."""
    negative_ratio: Positive = 5.0
    """Frames without a boundary in the boundary loss, for each frame with one: those with the
    largest loss."""
    finer_than_trained: Literal["repeat", "pool"] = "repeat"
    """How a model trained at 160 ms answers at 20 ms: answer at 160 ms and repeat; or pool the
    states to 20 ms, as the released code does by its option (a pair of frames takes the states'
    width in memory: 1 GB for 10 s)."""
    score: Literal["bonafide-logit", "logit-difference"] = "bonafide-logit"
    """What is scored: the bona fide logit alone, as released, or the difference of the logits."""
    padding: Annotated[int, Field(ge=80, lt=400)] = 256
    """Zeros behind a clip's samples, for the last hop's state: the convolutions hear 400 samples at
    a hop of 320 (256 as released). Normalisation and attention take them as audio."""

    def build(self, frontend: FrontEnd, data: TrainData) -> System:
        """Return BAM, to be trained on frames of `data.resolution_s`.

        Labels of whole utterances are a BenchError.
        """
        from bench.models.systems.bam import BoundaryAware

        return BoundaryAware(self, frontend, require_frames(data, "system.kind = 'bam'"))

    def official_names(self, tensors: Tensors) -> Tensors:
        """Return the tensors of a checkpoint of media-sec-lab/BAM by our names, our classes' order.

        It is of the system over WavLM-Large.
        """
        from bench.models.systems.bam import translate_released

        return translate_released(tensors)

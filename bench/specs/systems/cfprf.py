"""Settings of CFPRF's frame-level detection network, FDN (Wu et al., ACM MM 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from bench.specs.base import Count, NotNegative, Share
from bench.specs.kinds import SystemSettings, require_frames
from bench.units import HOP_SAMPLES, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.official_names import Tensors
    from bench.models.systems.base import System
    from bench.specs.run import TrainData

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class Cfprf(SystemSettings):
    """Frame-level detection network of CFPRF (Wu et al., ACM MM 2024, arXiv:2407.16554)."""

    kind: Literal["cfprf"]
    width: Count = 128
    """Bands that the states become, channels of the last two residual blocks, width of a frame."""
    channels: tuple[Count, Count] = Field(default=(32, 64), strict=False)
    """Channels of the first and the second pair of residual blocks."""
    weighing_channels: Count = 64
    """Channels in the middle of what weighs bands and channels."""
    gate_width: Annotated[int, Field(ge=2, multiple_of=2)] = 64
    """Inner width of the two gated blocks."""
    attention_width: Count = 64
    """Width of queries, keys and values within the gated blocks."""
    frames: Count = 1070
    """Frames of 20 ms that the gated blocks have weights for: longer utterances are taken in pieces
    of so many."""
    dropout: Share = 0.5
    """Before each of the two last layers."""
    gate_attention: Literal["over-frames", "over-batch"] = "over-frames"
    """What the attention within the gated blocks is of: the frames of an utterance; or, as
    released, each frame among the frames at the same time in the utterances of its batch, with a
    softmax over time."""
    cross_values: Literal["boundary-features", "keys"] = "boundary-features"
    """What the values of the cross-attention are made from: the boundary branch's features; or
    these after the projection to keys, as released."""
    boundary_of: Literal["utterance", "batch"] = "utterance"
    """Where segments begin and end: in each utterance; or in all of a batch, one behind the other,
    as released."""
    uniform_clips: Literal["counted", "left-out"] = "counted"
    """Whether clips of one class alone learn, in the contrastive loss, that their frames are alike;
    as released they have no part in it."""
    contrastive_weight: NotNegative = 0.25
    """v1 (0.15 for HAD)."""
    boundary_weight: NotNegative = 0.1
    """v2."""
    alike_margin: float = 0.9
    """Cosine that the least alike frames of a class should have."""
    apart_margin: float = 0.1
    """Cosine that the most alike frames of different classes may have."""
    score: Literal["bonafide-logit", "logit-difference"] = "bonafide-logit"
    """What is scored: the output for bona fide alone, as released, or the difference of the two."""
    padding: Annotated[int, Field(ge=80, lt=400)] = 80
    """Zeros behind a clip's samples, for the last hop's state: the convolutions hear 400 samples at
    a hop of 320. (The released code has none, and no score for the last frame.)"""

    def build(self, frontend: FrontEnd, data: TrainData) -> System:
        """Return the network; labels that are not of frames of 20 ms are a BenchError."""
        from bench.models.systems.cfprf import FrameDetector

        require_frames(data, "system.kind = 'cfprf'", HOP_SAMPLES / SAMPLE_RATE_HZ)
        return FrameDetector(self, frontend)

    def official_names(self, tensors: Tensors) -> Tensors:
        """Return the tensors of an FDN of ItzJuny/CFPRF by our names, our classes' order."""
        from bench.models.systems.cfprf import translate_detector

        return translate_detector(tensors)

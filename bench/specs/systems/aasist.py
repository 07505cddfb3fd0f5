"""Settings of AASIST (Jung et al., ICASSP 2022, arXiv:2110.01200)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from bench.specs.base import Count, Positive
from bench.specs.graphs import GraphSizes
from bench.specs.kinds import SystemSettings, require_utterances

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.official_names import Tensors
    from bench.models.systems.base import System
    from bench.specs.run import TrainData

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class Aasist(GraphSizes, SystemSettings):
    """Integrated spectro-temporal graph attention networks over waveforms.

    The defaults are those of AASIST; AASIST-L has `channels`, `graph_dim` and the shares of its
    own.
    """

    kind: Literal["aasist"]
    filters: Count = 70
    """Fixed band-pass filters, on a mel scale from 0 Hz to half the sampling rate."""
    kernel: Annotated[int, Field(ge=3)] = 129
    """Taps of a filter: an odd number (the released configurations say 128, their code adds 1)."""
    bonafide_weight: Positive = 9.0
    """Weight of bona fide utterances in the cross entropy; spoofed ones have 1 (0.9 and 0.1 as
    released)."""
    score: Literal["bonafide-logit", "logit-difference"] = "bonafide-logit"
    """What is scored: the bona fide logit alone, as released, or the difference of the logits."""

    takes_waves: ClassVar[bool] = True

    def build(self, frontend: FrontEnd, data: TrainData) -> System:
        """Return AASIST; labels of frames are a BenchError."""
        from bench.models.systems.aasist import GraphDetector

        require_utterances(data, "system.kind = 'aasist'")
        return GraphDetector(self, frontend)

    def official_names(self, tensors: Tensors) -> Tensors:
        """Return the tensors of a checkpoint of clovaai/aasist by our names, our classes' order."""
        from bench.models.systems.aasist import translate_official

        return translate_official(tensors)

"""Settings of Multi-reso, the multi-resolution countermeasure (Zhang et al., TASLP 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from bench.errors import BenchError
from bench.specs.base import Count, Positive, Share
from bench.specs.kinds import SystemSettings
from bench.units import HOP_SAMPLES, SAMPLE_RATE_HZ, to_samples

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.official_names import Tensors
    from bench.models.systems.base import System
    from bench.specs.run import TrainData

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""

FINEST_S = HOP_SAMPLES / SAMPLE_RATE_HZ
"""Frames of the finest scale; those of the next are twice as long."""


class MultiReso(SystemSettings):
    """One localizer for six lengths of frames, and for utterances (Zhang et al., TASLP 2023)."""

    kind: Literal["multi-reso"]
    states: Literal["residual", "feed-forward"] = "residual"
    """What of the front-end is weighted and summed: its hidden states; or what the feed-forward
    part of each block adds to them (MultiResoModel-Simple, by fairseq's third layer result)."""
    scales: Annotated[int, Field(ge=1, le=10)] = 6
    """Lengths of frames: 20 ms, and each twice that of the one before."""
    blocks: Count = 5
    """gMLP blocks of a scale, and of the utterance head."""
    frames: Count = 2001
    """Frames of 20 ms that the spatial gates have weights for."""
    piece_s: Positive = 39.68
    """Longer utterances are taken in pieces of this length, which have no frame in common. An
    utterance's cosine to bona fide is then the least of its pieces', that to spoof the greatest
    (9.6 in MultiResoModel-Simple; the authors' code takes 40.02 s at most)."""
    dropout: Share = 0.7
    """Before the utterance head."""
    last_pooling: Literal["aligned", "padded"] = "aligned"
    """How the coarsest scale is made from the one before: pairs that its labels are of too; or with
    one frame of padding first, so that each frame is made half of the label's before (the authors'
    code)."""
    utterance_vectors: Literal["own", "shared"] = "own"
    """Class vectors of the utterance head: its own, or those of the coarsest scale (the authors'
    code)."""
    score: Literal["bonafide-cosine", "spoof-cosine"] = "bonafide-cosine"
    """What is scored: the cosine to bona fide, or minus that to spoof (MultiResoModel-Simple)."""

    @model_validator(mode="after")
    def _fits_gates(self) -> MultiReso:
        coarsest = 2 ** (self.scales - 1)
        reach = self.frames // coarsest * coarsest
        hops, rest = divmod(to_samples(self.piece_s), HOP_SAMPLES)
        if rest or not hops or hops % coarsest or hops > reach:
            raise ValueError(
                f"piece_s = {self.piece_s}: should be a multiple of {FINEST_S * coarsest:g} s, the "
                f"coarsest frame, and at most {FINEST_S * reach:g}, which is what the gates of "
                f"{self.frames} frames reach"
            )
        return self

    @property
    def resolutions_s(self) -> tuple[float, ...]:
        """Lengths of frames in seconds, the finest first."""
        return tuple(FINEST_S * 2**scale for scale in range(self.scales))

    def build(self, frontend: FrontEnd, data: TrainData) -> System:
        """Return Multi-reso; labels that are not of the finest scale are a BenchError."""
        from bench.models.systems.multi_reso import MultiResolution

        if data.resolution_s != FINEST_S:
            asked = "'utterance'" if data.resolution_s is None else data.resolution_s
            raise BenchError(
                "model.resolution",
                f"system.kind = 'multi-reso': makes the labels of all scales from those of the "
                f"finest: train.resolution_s = {asked} should be {FINEST_S}",
            )
        return MultiResolution(self, frontend)

    def official_names(self, tensors: Tensors) -> Tensors:
        """Return the tensors of a checkpoint of MultiResoModel-Simple by our names."""
        from bench.models.systems.multi_reso import translate_simple

        return translate_simple(self, tensors)

"""Settings of the mix-frame splice (Pan, Sailor and Wu, Interspeech 2026)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from bench.specs.base import Count, NotNegative, Share, check_ranges
from bench.specs.kinds import SpliceSettings

if TYPE_CHECKING:
    from bench.models.augment import Splicer

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class MixFrame(SpliceSettings):
    """MFPT's mix-frame splice: regions of a clip are replaced by parts of one of the other class.

    Frames are labelled by whether they lie in a region. Shares and the hard cut are the paper's, by
    digests of it; it does not say the rest.
    """

    kind: Literal["mix-frame"]
    min_share: Annotated[float, Field(gt=0, le=1)] = 0.10
    max_share: Annotated[float, Field(gt=0, le=1)] = 0.30
    """Least and largest share of the clip that is replaced, all its regions together."""
    regions: Count = 1
    """How many regions of equal length make the share up; they do not overlap."""
    probability: Share = 1.0
    """Chance that a clip is spliced at all; one that is not has no frame labelled as injected."""
    crossfade_s: NotNegative = 0.0
    """Length of the linear fade inside each end of a region; 0 is a hard cut, and heard as a click.
    """
    level: Literal["as-is", "matched"] = "as-is"
    """Whether the injector is first brought to the RMS level of the clip."""

    @model_validator(mode="after")
    def _check_settings(self) -> MixFrame:
        check_ranges(self, "share")
        return self

    def build(self) -> Splicer:
        """Return the splice."""
        from bench.models.augment.mix_frame import MixFrameSplicer

        return MixFrameSplicer(self)

"""Settings of Cross-Segment Mixing (Mao et al., ICASSP 2026)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from bench.specs.base import Count, Share
from bench.specs.kinds import MixSettings

if TYPE_CHECKING:
    from bench.models.augment import Mixer

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class CrossSegmentMixing(MixSettings):
    """SAL's Cross-Segment Mixing (Mao et al., ICASSP 2026, section 2.2, equations 2 to 4)."""

    kind: Literal["csm"]
    rounds: Count = 2
    probability: Share = 0.2
    """Chance, per round, that a clip is mixed."""
    selection: Literal["bernoulli", "fixed-share"] = "bernoulli"
    """Each clip by its own draw (the paper's probability), or exactly floor(probability * batch)
    clips (released)."""
    partner: Literal["other", "self"] = "other"
    """Another utterance of the batch (the paper), or the clip itself: the released code, which
    changes nothing."""

    def build(self) -> Mixer:
        """Return the mixing."""
        from bench.models.augment.csm import mix_batch

        return partial(mix_batch, spec=self)

"""Settings of Respiro-en."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from bench.specs.base import NotNegative, Share
from bench.specs.kinds import BreathSettings, Requirement

if TYPE_CHECKING:
    from bench.config import Config
    from bench.data.subset import Subset
    from bench.models.breath.marks import BreathMarker, Say
    from bench.specs.corpus import Audio

RESULTS_VERSION = 2
"""Raised when what this kind gives can change (`bench.versions`)."""


class Respiro(BreathSettings):
    """Respiro-en (Yang, Koriyama, Saito, Interspeech 2024), the detector that BreathNet uses."""

    is_detector: ClassVar[bool] = True

    kind: Literal["respiro"]
    weights: str = "respiro_en"
    """Key of `[weights]` in bench.toml."""
    threshold: Share = 0.064
    """Probability above which a frame of 10 ms is breath; the released value, tuned on their
    validation set."""
    shortest_s: NotNegative = 0.2
    """Stretches of at most so much are dropped: 20 frames of 10 ms in the released code, whose text
    calls them 20 ms."""

    def requirements(self) -> tuple[Requirement, ...]:
        """Return the weights."""
        accepts = "any copy of Respiro-en's respiro-en.pt will do"
        return (Requirement("weights", self.weights, accepts),)

    def build(self, subset: Subset, audio: Audio, config: Config, say: Say) -> BreathMarker:
        """Return the breaths of a subset, searched where they are not cached."""
        from bench.models.breath.respiro import search_by_network

        return search_by_network(self, subset, audio, config, say)

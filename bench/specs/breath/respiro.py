"""Settings of Respiro-en."""

from __future__ import annotations

from typing import ClassVar, Literal

from bench.specs.base import NotNegative, Share
from bench.specs.kinds import BreathSettings, Requirement


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

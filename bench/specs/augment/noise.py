"""Settings of recorded noise and reverberation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from bench.specs.base import Count, Share, check_ranges
from bench.specs.kinds import AugmentSettings, Requirement

if TYPE_CHECKING:
    from bench.config import Config
    from bench.models.augment import Augmentation

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class RecordedNoise(AugmentSettings):
    """Noise, music or babble of MUSAN, or a room's impulse response (`[noise]` in bench.toml).

    Defaults are those of the usual recipe of speaker verification.
    """

    kind: Literal["noise"]
    probability: Share = 0.5
    """Chance that a clip is touched."""
    reverberation: Share = 0.5
    """Chance that one that is touched gets an impulse response, not noise."""
    min_noise_db: float = 0.0
    max_noise_db: float = 15.0
    """Range of the signal-to-noise ratio of noises, of speech and of music each."""
    min_speech_db: float = 13.0
    max_speech_db: float = 20.0
    min_music_db: float = 5.0
    max_music_db: float = 15.0
    min_babble: Count = 3
    max_babble: Count = 8
    """How many recordings of speech are added, each at a ratio of its own."""

    @model_validator(mode="after")
    def _check_settings(self) -> RecordedNoise:
        check_ranges(self, "noise_db", "speech_db", "music_db", "babble")
        return self

    def requirements(self) -> tuple[Requirement, ...]:
        """Return the folders of MUSAN and of impulse responses."""
        return Requirement("noise", "musan"), Requirement("noise", "rirs")

    def build(self, config: Config) -> Augmentation:
        """Return the augmentation by the recordings of this machine."""
        from bench.models.augment import apply_sometimes
        from bench.models.augment.noise import add_recording, find_recordings

        change = partial(add_recording, spec=self, recordings=find_recordings(config))
        return partial(apply_sometimes, self.probability, change)

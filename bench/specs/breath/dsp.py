"""Settings of our own breath detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from bench.specs.base import NotNegative, Positive, Share
from bench.specs.kinds import BreathSettings

if TYPE_CHECKING:
    from bench.config import Config
    from bench.data.subset import Subset
    from bench.models.breath.marks import BreathMarker, Say
    from bench.specs.corpus import Audio

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


Percentage = Annotated[float, Field(ge=0, le=100)]


class Dsp(BreathSettings):
    """Our own detector: audible, unvoiced stretches of middle loudness between speech and pause.

    Nothing in it is learned, and all levels are relative to the recording's own.
    """

    is_detector: ClassVar[bool] = True

    kind: Literal["dsp"]
    high_pass_hz: Annotated[float, Field(gt=0, lt=8000)] = 150.0
    """Below it a breath is drowned by rumble."""
    floor_percentile: Percentage = 3.0
    peak_percentile: Percentage = 95.0
    """Percentiles of the frames' levels in dB that stand for pause and speech."""
    min_range_db: Positive = 15.0
    """Speech this much louder than pause, or nothing is looked for: a steady noise has neither."""
    max_range_db: Positive = 80.0
    """Levels further below speech count as this far below: digital silence has no level."""
    min_level: Share = 0.12
    max_level: Share = 0.62
    """A breath's level between pause (0) and speech (1)."""
    max_periodicity: Share = 0.6
    """Highest normalised autocorrelation at the lags of a voice; above it a frame is voiced."""
    min_pitch_hz: Positive = 60.0
    max_pitch_hz: Positive = 400.0
    pitch_window_s: Positive = 0.04
    min_centroid_hz: Positive = 700.0
    max_centroid_hz: Positive = 3500.0
    """The spectral centroid's range; fricatives lie above."""
    min_crossings: Share = 0.04
    max_crossings: Share = 0.40
    """Share of neighbouring samples between which the waveform changes its sign."""
    longest_gap_s: NotNegative = 0.05
    """Gaps up to this are closed."""
    shortest_s: NotNegative = 0.15
    longest_s: Positive = 1.2
    neighbour_s: NotNegative = 0.05
    """Where so much before or after a stretch is mostly louder than pause and above
    `max_centroid_hz`, the stretch is the edge of a fricative and dropped; 0 asks for no such
    neighbour."""

    @model_validator(mode="after")
    def _check_settings(self) -> Dsp:
        for low, high in (
            ("floor_percentile", "peak_percentile"),
            ("min_range_db", "max_range_db"),
            ("min_level", "max_level"),
            ("min_pitch_hz", "max_pitch_hz"),
            ("min_centroid_hz", "max_centroid_hz"),
            ("min_crossings", "max_crossings"),
            ("shortest_s", "longest_s"),
        ):
            least, most = getattr(self, low), getattr(self, high)
            if least >= most:
                raise ValueError(f"{low} = {least}: should be less than {high} = {most}")
        if self.pitch_window_s <= 1 / self.min_pitch_hz:
            raise ValueError(
                f"pitch_window_s = {self.pitch_window_s}: should hold more than one period of "
                f"min_pitch_hz = {self.min_pitch_hz}"
            )
        return self

    def build(self, subset: Subset, audio: Audio, config: Config, say: Say) -> BreathMarker:
        """Return the breaths of a subset, searched on all cores where they are not cached."""
        from bench.models.breath.dsp import search_by_rules

        return search_by_rules(self, subset, audio, config, say)

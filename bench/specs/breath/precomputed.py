"""Settings of breath intervals from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.kinds import BreathSettings, Requirement

if TYPE_CHECKING:
    from bench.config import Config
    from bench.data.subset import Subset
    from bench.models.breath.marks import BreathMarker, Say
    from bench.specs.corpus import Audio

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class Precomputed(BreathSettings):
    """Intervals from a file."""

    kind: Literal["precomputed"]
    intervals: str
    """Key of `[weights]` in bench.toml. The file is a CSV of `utterance,start_s,end_s`, a line an
    interval; a line with both times empty says that an utterance has none."""
    absent: Literal["error", "no-breath"] = "error"
    """What an utterance is of which the file says nothing."""

    def requirements(self) -> tuple[Requirement, ...]:
        """Return the file."""
        return (Requirement("breaths", self.intervals, "it is a CSV of utterance,start_s,end_s"),)

    def build(self, subset: Subset, audio: Audio, config: Config, say: Say) -> BreathMarker:  # noqa: ARG002
        """Return the intervals that the file has for a subset."""
        from bench.models.breath.precomputed import read_intervals

        return read_intervals(self, subset, config)

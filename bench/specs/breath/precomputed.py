"""Settings of breath intervals from a file."""

from __future__ import annotations

from typing import Literal

from bench.specs.kinds import BreathSettings, Requirement


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

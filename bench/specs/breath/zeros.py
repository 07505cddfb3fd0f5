"""Settings of no breath marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from bench.specs.kinds import BreathSettings

if TYPE_CHECKING:
    from bench.config import Config
    from bench.data.subset import Subset
    from bench.models.breath.marks import BreathMarker, Say
    from bench.specs.corpus import Audio


class Zeros(BreathSettings):
    """No hop is marked: the control "all zeros" of BreathNet's Table XIII."""

    is_rule: ClassVar[bool] = True

    kind: Literal["zeros"]

    def build(self, subset: Subset, audio: Audio, config: Config, say: Say) -> BreathMarker:  # noqa: ARG002
        """Return who marks no hop."""
        from bench.models.breath.marks import ConstantMarks

        return ConstantMarks(False)

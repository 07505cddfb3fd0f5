"""Settings of random breath marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from bench.specs.base import Share
from bench.specs.kinds import BreathSettings

if TYPE_CHECKING:
    from bench.config import Config
    from bench.data.subset import Subset
    from bench.models.breath.marks import BreathMarker, Say
    from bench.specs.corpus import Audio


class Random(BreathSettings):
    """Each 20 ms of an utterance is marked or not by chance, the same each time it is heard."""

    is_rule: ClassVar[bool] = True

    kind: Literal["random"]
    share: Share
    """Share of hops that are marked."""

    def build(self, subset: Subset, audio: Audio, config: Config, say: Say) -> BreathMarker:  # noqa: ARG002
        """Return who marks a share of the hops."""
        from bench.models.breath.marks import RandomMarks

        return RandomMarks(subset.table["utterance"].tolist(), self.share)

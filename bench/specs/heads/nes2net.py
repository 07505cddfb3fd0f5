"""Settings of Nes2Net-X as a head (Liu et al., IEEE TIFS 2025)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from bench.specs.base import Count
from bench.specs.kinds import HeadInput, HeadSettings

if TYPE_CHECKING:
    from bench.models.official_names import Rules
    from bench.models.systems.blocks.heads import Head

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class Nes2NetSettings(HeadSettings):
    """Nes2Net-X (Liu et al., IEEE TIFS 2025), of the sizes of its released code."""

    kind: Literal["nes2net"]
    groups: Annotated[int, Field(ge=2)] = 8
    """How many parts the dimensions are split into (the outer Res2Net)."""
    scale: Annotated[int, Field(ge=2)] = 8
    """How many parts each of those is split into (the inner ones)."""
    inner: Literal["weighted", "added"] = "weighted"
    """How a part of an inner network meets those before it: in a learnt weighted sum (Nes2Net-X),
    or added to the outcome of the one before (Nes2Net)."""
    dilation: Count = 2
    reduction: Count = 1
    """By how much the squeeze-excitation bottlenecks are narrower."""

    later_settings: ClassVar[tuple[str, ...]] = ("inner",)

    def build(self, given: HeadInput) -> Head:
        """Return the head; BenchError where the dimensions do not divide into the groups."""
        from bench.models.systems.blocks.nes2net import Nes2Net

        return Nes2Net(given.dim, self)

    def official_rules(self) -> Rules:
        """Return the names of Liu-Tianchi/Nes2Net_ASVspoof_ITW at ee8b559 by ours."""
        inner = r"(head\.inner\.\d+)"
        return (
            (r"Nested_Res2Net_TDNN\.Build_in_Res2Nets\.", "head.inner."),
            (r"Nested_Res2Net_TDNN\.bns\.", "head.norms."),
            (r"Nested_Res2Net_TDNN\.bn\.", "head.norm."),
            (r"Nested_Res2Net_TDNN\.fc\.", "head.classify."),
            (rf"{inner}\.conv1\.", r"\1.widen.0."),
            (rf"{inner}\.bn1\.", r"\1.widen.2."),
            (rf"{inner}\.convs\.(\d+)\.", r"\1.parts.\2.0."),
            (rf"{inner}\.bns\.(\d+)\.", r"\1.parts.\2.2."),
            (rf"{inner}\.weighted_sum\.", r"\1.weights."),
            (rf"{inner}\.conv3\.", r"\1.narrow.0."),
            (rf"{inner}\.bn3\.", r"\1.narrow.2."),
            (rf"{inner}\.se\.se\.1\.", r"\1.gate.squeeze."),
            (rf"{inner}\.se\.se\.3\.", r"\1.gate.excite."),
        )

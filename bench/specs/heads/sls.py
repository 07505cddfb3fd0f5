"""Settings of the classifier of SLS (Zhang, Wen and Hu, ACM MM 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from bench.specs.base import Count
from bench.specs.kinds import HeadInput, HeadSettings

if TYPE_CHECKING:
    from bench.models.official_names import Rules
    from bench.models.systems.blocks.heads import Head

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class SlsSettings(HeadSettings):
    """Maxima over 3 hops and 3 dimensions, and two linear layers over all of them.

    It has a weight for each maximum of a clip, and so takes clips of one length.
    """

    kind: Literal["sls"]
    hidden: Count = 1024
    """Width of the hidden layer."""

    takes_one_length: ClassVar[bool] = True

    def build(self, given: HeadInput) -> Head:
        """Return the head; BenchError for clips of fewer than three hops."""
        from bench.models.systems.blocks.sls import SlsHead

        return SlsHead(given, self)

    def official_rules(self) -> Rules:
        """Return the names of QiShanZhang/SLSforASVspoof-2021-DF at c30d005 by ours."""
        return (
            (r"fc0\.", "merge.score."),
            (r"first_bn\.", "head.norm."),
            (r"fc1\.", "head.hidden."),
            (r"fc3\.", "head.classify."),
        )

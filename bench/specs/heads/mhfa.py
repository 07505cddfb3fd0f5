"""Settings of multi-head factorised attentive pooling (Peng et al., SLT 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from bench.specs.base import Count
from bench.specs.kinds import HeadInput, HeadSettings

if TYPE_CHECKING:
    from bench.models.official_names import Rules
    from bench.models.systems.blocks.heads import Head

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class MhfaSettings(HeadSettings):
    """Multi-head factorised attentive pooling (MHFA: Peng et al., SLT 2022), as in WeDefense."""

    kind: Literal["mhfa"]
    heads: Count = 32
    """How many means each clip has, each with weights of its own."""
    compression: Count = 128
    """Width of the keys and of the values."""
    embedding: Count = 256
    """Width of the clip's vector before the classifier."""
    centred: Literal["none", "dimensions"] = "none"
    """What is subtracted from each hop of a state before: nothing; or the mean of its dimensions,
    as WeDefense does, whose mean is meant to be one over time."""

    takes_all: ClassVar[bool] = True
    official_spoof_first: ClassVar[bool] = False

    def build(self, given: HeadInput) -> Head:
        """Return the head."""
        from bench.models.systems.blocks.mhfa import MhfaHead

        return MhfaHead(given, self)

    def official_rules(self) -> Rules:
        """Return the names of WeDefense (zlin0/wedefense at 0d29584) by ours."""
        return (
            (r"weights_k$", "head.key_weights"),
            (r"weights_v$", "head.value_weights"),
            (r"cmp_linear_k\.", "head.key."),
            (r"cmp_linear_v\.", "head.value."),
            (r"att_head\.", "head.score."),
            (r"pooling_fc\.", "head.embed."),
            (r"projection\.trans\.0\.", "head.norm."),
            (r"projection\.trans\.2\.", "head.classify."),
        )

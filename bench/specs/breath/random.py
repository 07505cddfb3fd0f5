"""Settings of random breath marks."""

from __future__ import annotations

from typing import ClassVar, Literal

from bench.specs.base import Share
from bench.specs.kinds import BreathSettings


class Random(BreathSettings):
    """Each 20 ms of an utterance is marked or not by chance, the same each time it is heard."""

    is_rule: ClassVar[bool] = True

    kind: Literal["random"]
    share: Share
    """Share of hops that are marked."""

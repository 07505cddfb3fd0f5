"""Settings of no breath marks."""

from __future__ import annotations

from typing import ClassVar, Literal

from bench.specs.kinds import BreathSettings


class Zeros(BreathSettings):
    """No hop is marked: the control "all zeros" of BreathNet's Table XIII."""

    is_rule: ClassVar[bool] = True

    kind: Literal["zeros"]

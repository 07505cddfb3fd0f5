"""Settings of breath marks everywhere."""

from __future__ import annotations

from typing import ClassVar, Literal

from bench.specs.kinds import BreathSettings


class Ones(BreathSettings):
    """Every hop is marked: the control "all ones" of BreathNet's Table XIII."""

    is_rule: ClassVar[bool] = True

    kind: Literal["ones"]

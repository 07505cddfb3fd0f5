"""Settings of breath marks, a file for each kind (`bench.specs.kinds`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.specs.base import Absent
from bench.specs.kinds import BreathSettings, unite_kinds

if TYPE_CHECKING:
    Breath = BreathSettings | Absent
else:
    Breath = unite_kinds(__name__, BreathSettings, Absent)

"""Settings of the systems, a file for each kind (`bench.specs.kinds`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.specs.kinds import SystemSettings, unite_kinds

if TYPE_CHECKING:
    System = SystemSettings
else:
    System = unite_kinds(__name__, SystemSettings)

"""Settings of the front-ends, a file for each kind (`bench.specs.kinds`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.specs.kinds import FrontEndSettings, unite_kinds

if TYPE_CHECKING:
    FrontEnd = FrontEndSettings
else:
    FrontEnd = unite_kinds(__name__, FrontEndSettings)

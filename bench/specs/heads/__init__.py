"""Settings of the heads over a front-end's merged hidden states, a file for each kind.

(`bench.specs.kinds`.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.specs.kinds import HeadSettings, unite_kinds

if TYPE_CHECKING:
    Head = HeadSettings
else:
    Head = unite_kinds(__name__, HeadSettings)

"""Settings of what a system takes of a front-end's hidden states, a file for each kind.

(`bench.specs.kinds`.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.specs.kinds import LayersSettings, unite_kinds

if TYPE_CHECKING:
    Layers = LayersSettings
else:
    Layers = unite_kinds(__name__, LayersSettings)

"""Settings of augmentation, a file for each kind (`bench.specs.kinds`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.specs.base import Absent
from bench.specs.kinds import AugmentSettings, MixSettings, SpliceSettings, unite_kinds

if TYPE_CHECKING:
    Augment = AugmentSettings | Absent
    Mix = MixSettings | Absent
    Splice = SpliceSettings | Absent
else:
    Augment = unite_kinds(__name__, AugmentSettings, Absent)
    Mix = unite_kinds(__name__, MixSettings, Absent)
    Splice = unite_kinds(__name__, SpliceSettings, Absent)

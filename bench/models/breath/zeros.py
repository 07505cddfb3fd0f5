"""No breath marks: a control."""

from __future__ import annotations

from bench.config import Config
from bench.data.subset import Subset
from bench.models.breath.marks import ConstantMarks, Say
from bench.specs.breath.zeros import Zeros
from bench.specs.corpus import Audio


def build(
    _spec: Zeros, _subset: Subset, _audio: Audio, _config: Config, _say: Say
) -> ConstantMarks:
    """Return who marks no hop."""
    return ConstantMarks(False)

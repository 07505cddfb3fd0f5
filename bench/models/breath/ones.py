"""Breath marks everywhere: a control."""

from __future__ import annotations

from bench.config import Config
from bench.data.subset import Subset
from bench.models.breath.marks import ConstantMarks, Say
from bench.specs.breath.ones import Ones
from bench.specs.corpus import Audio


def build(_spec: Ones, _subset: Subset, _audio: Audio, _config: Config, _say: Say) -> ConstantMarks:
    """Return who marks every hop."""
    return ConstantMarks(True)

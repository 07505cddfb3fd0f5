"""Random breath marks: a control."""

from __future__ import annotations

from bench.config import Config
from bench.data.subset import Subset
from bench.models.breath.marks import RandomMarks, Say
from bench.specs.breath.random import Random
from bench.specs.corpus import Audio


def build(spec: Random, subset: Subset, _audio: Audio, _config: Config, _say: Say) -> RandomMarks:
    """Return who marks a share of the hops."""
    return RandomMarks(subset.table["utterance"].tolist(), spec.share)

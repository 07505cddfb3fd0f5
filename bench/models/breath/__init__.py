"""Breath marks: in which hops of a clip someone breathes, from a detector, a file or by rule.

A module for each kind (`bench.specs.kinds`). The module of a kind is imported when it is built:
detectors need scipy or torch.
"""

from __future__ import annotations

from bench.config import Config
from bench.data.subset import Subset
from bench.models.breath.marks import BreathMarker, ConstantMarks, Say
from bench.specs.base import Absent
from bench.specs.breath import Breath
from bench.specs.corpus import Audio

__all__ = ["BreathMarker", "build_marker"]


def build_marker(
    subset: Subset, spec: Breath, audio: Audio, config: Config, say: Say | None = None
) -> BreathMarker:
    """Return the breath marks of the clips of `subset`; no hop is marked where `spec` is absent.

    Detectors hear each whole, clean utterance once, before it is cut or augmented (BreathNet's
    hears the cut clip), and their results are cached below `config.work`: the first call for a
    split may take hours, others seconds. `say` is told every few seconds how far the search is.
    Audio that is missing or cannot be read, missing weights and faulty files are a BenchError.
    """
    if isinstance(spec, Absent):
        return ConstantMarks(False)
    return spec.build(subset, audio, config, say or _say_nothing)


def _say_nothing(text: str) -> None:
    """Say nothing."""

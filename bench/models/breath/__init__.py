"""Breath marks: in which hops of a clip someone breathes, from a detector, a file or by rule."""

from __future__ import annotations

from functools import partial

from bench.config import Config
from bench.data.parallel import processes
from bench.data.subset import Subset
from bench.models.breath import cache, dsp, files, precomputed
from bench.models.breath.cache import Say
from bench.models.breath.marks import Chance, Constant, Provider
from bench.specs.base import Absent
from bench.specs.breath import Breath, Dsp, Ones, Precomputed, Random, Respiro, Zeros
from bench.specs.corpus import Audio

__all__ = ["Provider", "provider"]


def provider(
    subset: Subset, spec: Breath, audio: Audio, config: Config, say: Say | None = None
) -> Provider:
    """Return who marks the clips of `subset`, as `spec` says; no hop is marked where it is absent.

    Detectors hear each whole, clean utterance once, before it is cut or augmented (BreathNet's
    hears the cut clip), and what they find is kept below `config.work`: the first call for a split
    may take hours, others seconds. `say` is told every few seconds how far it is. Audio that is
    missing or cannot be read, missing weights and faulty files are a BenchError.
    """
    match spec:
        case Absent() | Zeros():
            return Constant(False)
        case Ones():
            return Constant(True)
        case Random(share=share):
            return Chance(subset.table["utterance"].tolist(), share)
        case Precomputed():
            return precomputed.read(subset, spec, config)
        case Dsp():
            find = partial(files.find_dsp, spec, audio, processes(config.workers))
            detector: dict[str, object] = {"version": str(dsp.RESULTS_VERSION), **spec.model_dump()}
        case Respiro():
            from bench.models.breath import respiro  # torch is needed by nobody else here

            found = respiro.Detector(spec, audio, config)
            find = found.find
            detector = found.described
    return cache.intervals(subset, detector, find, config.work, say or _silent)


def _silent(text: str) -> None:
    """Say nothing."""

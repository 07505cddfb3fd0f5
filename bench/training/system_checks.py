"""Whether a run's data are what its system needs: clips of its length, breath, attack types."""

from __future__ import annotations

import numpy as np

from bench.errors import BenchError
from bench.models.segment_positions import IGNORED
from bench.models.systems.base import System
from bench.specs.run import Run
from bench.training.clips import ClipReader
from bench.units import to_samples


def check_data(run: Run, system: System) -> None:
    """Raise unless every split has clips and breath marks as the system needs them."""
    _check_length(run, system)
    _check_breath(run, system)


def _check_length(run: Run, system: System) -> None:
    """Raise unless a system of one clip length gets clips of that length everywhere."""
    fixed_s = system.fixed_s
    for name, data in run.data.items():
        if fixed_s is not None and (
            data.clip_s is None or to_samples(data.clip_s) != to_samples(fixed_s)
        ):
            raise BenchError(
                "model.clip-length",
                f"{name}.clip_s = {data.clip_s or 'whole'}: system {run.system.kind} takes clips "
                f"of {fixed_s:g} s only",
            )


def _check_breath(run: Run, system: System) -> None:
    """Raise unless all data of a system that takes breath intervals have them."""
    for name, data in run.data.items():
        if system.needs_breath_mask and data.breath.kind == "none":
            raise BenchError(
                "model.breath-missing",
                f"{name}.breath.kind = 'none': system {run.system.kind}, with these settings, "
                "needs breath marks: should be e.g. 'dsp', or 'zeros' for no marks",
            )


def require_attack_types(source: ClipReader) -> None:
    """Raise unless it is known of every spoofed utterance whether it is TTS or VC."""
    unknown = np.flatnonzero(source.attack_types == IGNORED)
    if len(unknown):
        subset = source.subset
        raise BenchError(
            "model.attack-type-unknown",
            f"{subset.corpus} {subset.split}: {len(unknown)} of {len(subset)} utterances are "
            f"neither known as TTS nor as VC, the first is "
            f"{subset.table['utterance'].iloc[unknown[0]]}; this system learns "
            "the difference, unless it is set to two classes",
        )

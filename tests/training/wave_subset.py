"""A split of audio files that a test writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from bench.data.subset import FrameVectors, Subset


def write_subset(
    folder: Path, waves: Sequence[np.ndarray], timing: FrameVectors | None = None
) -> Subset:
    """Return a split of utterances u0, u1, ... with these samples, spoof and bona fide in turn."""
    names = [f"u{i}" for i in range(len(waves))]
    for name, wave in zip(names, waves, strict=True):
        soundfile.write(folder / f"{name}.wav", wave, 16_000, subtype="PCM_16")
    table = pd.DataFrame(
        {
            "utterance": names,
            "path": [f"{name}.wav" for name in names],
            "label": ["spoof" if i % 2 == 0 else "bonafide" for i in range(len(names))],
            "speaker": "",
            "attack": "",
            "duration_s": np.nan,
        }
    )
    return Subset("c", "train", folder, table, timing)

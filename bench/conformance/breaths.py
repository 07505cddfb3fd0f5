"""What a source of breath marks must keep, tried on made recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from bench.config import Config
from bench.conformance.faults import make_fault
from bench.data.subset import Subset
from bench.issues import Issue
from bench.models.breath import build_marker
from bench.models.breath.marks import BreathMarker, Intervals
from bench.specs.corpus import Audio
from bench.specs.kinds import BreathSettings
from bench.units import BONAFIDE, HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES, SAMPLE_RATE_HZ, count_hops

_SECONDS = {"a": 1.5, "b": 2.1, "c": 0.9}
"""Length of each recording."""
_LEVELS = (1.0, 0.05, 0.3, 0.0)
"""Of the noise in a recording, one after the other: loud, soft, middle, silent."""
_PADDING = 10 * HOP_SAMPLES


def check_breath(settings: BreathSettings) -> Iterator[Issue]:
    """Yield what is wrong with a source of breath marks that needs no files.

    It should give each hop of a clip a mark, the same wherever the clip is cut and whatever other
    recordings there are, and none to the zeros that fill a clip up, unless it is a rule.
    """
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for name, seconds in _SECONDS.items():
            soundfile.write(root / f"{name}.wav", _draw_wave(seconds), SAMPLE_RATE_HZ)
        names = [*_SECONDS]
        config = Config(work=root / "work", device="cpu", workers=0)
        marker, backwards = (
            build_marker(_list_recordings(root, each), settings, Audio(), config)
            for each in (names, names[::-1])
        )
        for row, name in enumerate(names):
            samples = round(_SECONDS[name] * SAMPLE_RATE_HZ)
            for message in (
                *_find_mark_faults(marker, row, samples, may_mark_zeros=settings.is_rule),
                *_find_order_faults(marker, row, backwards, len(names) - 1 - row, samples),
            ):
                yield make_fault(
                    "extension.breath-contract", f"breath.kind = {settings.kind!r}: {message}"
                )
                return


def _draw_wave(seconds: float) -> NDArray[np.float32]:
    samples = round(seconds * SAMPLE_RATE_HZ)
    stretches = np.arange(samples) // (SAMPLE_RATE_HZ // 4) % len(_LEVELS)
    noise = np.random.default_rng(0).normal(0, 0.1, samples)
    return (noise * np.array(_LEVELS)[stretches]).astype(np.float32)


def _list_recordings(root: Path, names: Sequence[str]) -> Subset:
    table = pd.DataFrame(
        {
            "utterance": names,
            "path": [f"{name}.wav" for name in names],
            "label": BONAFIDE,
            "speaker": "",
            "attack": "",
            "duration_s": np.nan,
        }
    )
    return Subset("conformance", "eval", root, table, None)


def _find_mark_faults(
    marker: BreathMarker, row: int, samples: int, *, may_mark_zeros: bool
) -> Iterator[str]:
    """Yield what is wrong with the marks of the recording in a row."""
    if isinstance(marker, Intervals):
        edges = marker.row_intervals(row).ravel()
        if (np.diff(edges) < 0).any() or not _is_within(edges, samples / SAMPLE_RATE_HZ):
            yield (
                "the breaths of a recording should be in order, apart from each other and within it"
            )
    filled = marker.mark_hops(row, 0, samples, samples + _PADDING, "zeros")
    hops = count_hops(samples + _PADDING)
    if filled.shape != (hops,) or filled.dtype != np.bool_:
        yield (
            f"mark_hops: gives {filled.dtype} of shape {filled.shape}, should be bool of shape "
            f"{(hops,)}: one for each hop"
        )
        return
    middles = np.arange(hops) * HOP_SAMPLES + RECEPTIVE_FIELD_SAMPLES // 2
    if not may_mark_zeros and filled[middles >= samples].any():
        yield "marks the zeros that fill up a clip"
    start = 7 * HOP_SAMPLES
    cut = marker.mark_hops(row, start, samples - start, samples - start, "zeros")
    if not np.array_equal(cut, filled[7 : 7 + len(cut)]):
        yield "the marks of a recording depend on where the clip is cut"


def _is_within(edges: NDArray[np.float32], seconds: float) -> bool:
    return bool(((edges >= 0) & (edges <= seconds + 1 / SAMPLE_RATE_HZ)).all())


def _find_order_faults(
    marker: BreathMarker, row: int, other: BreathMarker, other_row: int, samples: int
) -> Iterator[str]:
    """Yield a fault where a recording has other marks when the recordings have another order."""
    marks, again = (
        each.mark_hops(index, 0, samples, samples, "zeros")
        for each, index in ((marker, row), (other, other_row))
    )
    if not np.array_equal(marks, again):
        yield "the marks of a recording depend on the others, or on chance"

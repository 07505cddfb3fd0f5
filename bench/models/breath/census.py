"""How much of a split is marked as breath, as the network hears it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bench.data.subset import Subset
from bench.errors import BenchError
from bench.models.breath.marks import BreathMarker, ConstantMarks, Intervals
from bench.specs.run import Data, HeldOutData, TrainData
from bench.units import CLASSES, HOP_SAMPLES, frames_covering, to_samples

Census = Mapping[str, float]
"""`bonafide`, `spoof`: share of the hops of that class's clips that are marked, where the split has
that class; `utterances`: share of utterances with a marked hop. All from 0 to 1."""


def measure_marks(subset: Subset, data: TrainData | HeldOutData, marked_by: BreathMarker) -> Census:
    """Return how much of a split's clips is marked; hops of padding count, as they are heard.

    The clip is an utterance's first; the whole utterance where clips are cut from anywhere. Audio
    that is missing or cannot be read is a BenchError.
    """
    anywhere = isinstance(data, TrainData) and data.crop == "random"
    clip = None if data.clip_s is None or anywhere else to_samples(data.clip_s)
    counts = np.array(
        [_count_hops(subset, row, clip, data, marked_by) for row in range(len(subset))]
    )
    return _marked_shares(counts.reshape(-1, 2), subset.table["label"].to_numpy(dtype=str))


def _count_hops(
    subset: Subset, row: int, clip: int | None, data: Data, marked_by: BreathMarker
) -> tuple[int, int]:
    """Return how many hops of an utterance's clip are marked, and how many it has."""
    unmarked = isinstance(marked_by, Intervals) and not len(marked_by.row_intervals(row))
    if clip is not None and (unmarked or isinstance(marked_by, ConstantMarks)):
        # What it holds makes no difference: its file need not be opened.
        heard = clip
    else:
        heard = to_samples(subset.audio_duration(row))
    length = clip or frames_covering(heard, HOP_SAMPLES) * HOP_SAMPLES
    marks = marked_by.mark_hops(row, 0, min(heard, length), length, data.fill)
    return int(marks.sum()), len(marks)


def _marked_shares(counts: NDArray[np.int64], labels: NDArray[np.str_]) -> Census:
    marked, hops = counts.T
    shares: dict[str, float] = {}
    for label in CLASSES:
        here = labels == label
        if hops[here].any():
            shares[label] = float(marked[here].sum() / hops[here].sum())
    shares["utterances"] = float((marked > 0).mean()) if len(marked) else 0.0
    return shares


def describe_census(key: str, data: Data, census: Census) -> str:
    """Return one line for a person: `train: asvspoof2019la train, breaths by dsp: ...`."""
    hops = ", ".join(f"{census[label]:.1%} of {label} hops" for label in CLASSES if label in census)
    shares = f"{hops} are marked, in {census['utterances']:.0%} of utterances"
    text = shares if census["utterances"] else "no hop is marked"
    return f"{key}: {data.corpus} {data.split}, breaths by {data.breath.kind}: {text}"


def require_marks(data: TrainData, census: Census) -> None:
    """Raise where a detector marks nothing in the training split."""
    if census["utterances"] > 0 or data.breath.kind == "none" or data.breath.is_rule:
        return
    raise BenchError(
        "breath.no-marks",
        f"train.breath.kind = {data.breath.kind!r}: marks no hop of {data.corpus} {data.split}, so "
        "that the system would train without breath: look at the detector's settings, name another "
        "detector, or 'zeros' to train without marks",
    )

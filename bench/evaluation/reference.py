"""What is true of a corpus's utterances, as `bench.metrics.timeline` takes it."""

from __future__ import annotations

import numpy as np

from bench.data.frame_labels import spoof_stretches
from bench.data.subset import FrameVectors, Spans, Subset
from bench.errors import BenchError, name_source
from bench.metrics.tally import Floats
from bench.metrics.timeline import LabelledStretches, count_within, make_spoof_stretches
from bench.units import SAMPLE_RATE_HZ, frame_samples, to_samples


def build_reference(subset: Subset) -> LabelledStretches:
    """Return the reference stretches of all utterances; codes are rows of the subset's table.

    Spans are taken to the sample, their small gaps and overlaps closed as `spoof_frames` closes
    them. Frame vectors give stretches at their resolution; the last frame is cut where the
    utterance ends, if the table knows that, and is whole otherwise. A vector may fall short of its
    utterance by less than a frame (there are corpora with the rest floored away); the utterance
    then ends with its last frame.

    Raise BenchError where the subset has labels of whole utterances only, an utterance has no
    labels, its spans do not cover it, or its duration and vector differ by a frame or more.
    """
    where = f"{subset.corpus} {subset.split}"
    names = subset.table["utterance"].tolist()
    timing = subset.timing
    if timing is None:
        raise BenchError(
            "labels.utterance-only",
            f"{where}: has labels of whole utterances only: nothing to localize",
        )
    if not names:
        raise BenchError("corpus.empty", f"{where}: there is no utterance")
    labelled = timing.spoof if isinstance(timing, FrameVectors) else timing.spans
    without = [name for name in names if name not in labelled]
    if without:
        raise BenchError(
            "labels.missing",
            f"{where}: {len(without)} utterances have no labels, e.g. {without[0]!r}",
        )
    durations_s = subset.table["duration_s"].to_numpy(dtype=np.float64)
    if isinstance(timing, Spans):
        return _from_spans(where, names, durations_s, timing)
    return _from_vectors(where, names, durations_s, timing)


def _from_spans(
    where: str, names: list[str], durations_s: Floats, timing: Spans
) -> LabelledStretches:
    pieces: list[tuple[int, int, int]] = []
    for code, (name, duration_s) in enumerate(zip(names, durations_s.tolist(), strict=True)):
        with name_source(f"{where}: {name}"):
            stretches = spoof_stretches(timing.spans[name], duration_s)
        pieces += [(code, stretch.start, stretch.end) for stretch in stretches]
    lengths = [to_samples(duration_s) for duration_s in durations_s.tolist()]
    code, start, end = np.array(pieces, dtype=np.int64).reshape(-1, 3).T
    return make_spoof_stretches(lengths, code, start, end)


def _from_vectors(
    where: str, names: list[str], durations_s: Floats, timing: FrameVectors
) -> LabelledStretches:
    frame = frame_samples(timing.resolution_s)
    vectors = [timing.spoof[name] for name in names]
    counts = np.array([len(vector) for vector in vectors], dtype=np.int64)
    whole = counts * frame
    has_duration = ~np.isnan(durations_s)
    by_table = np.where(has_duration, np.rint(durations_s * SAMPLE_RATE_HZ), whole)
    length = np.minimum(by_table, whole).astype(np.int64)
    wrong = np.flatnonzero((np.abs(by_table - whole) >= frame) | (length < 1))
    if len(wrong):
        at = wrong[0]
        raise BenchError(
            "labels.duration-mismatch",
            f"{where}: {names[at]}: {counts[at]} frames of {timing.resolution_s} s for an "
            f"utterance of {durations_s[at]} s ({len(wrong)} such)",
        )
    code = np.repeat(np.arange(len(names)), counts)
    spoof = np.flatnonzero(np.concatenate(vectors))
    start = count_within(counts)[spoof] * frame
    end = np.minimum(start + frame, length[code[spoof]])
    return make_spoof_stretches(length, code[spoof], start, end, step=frame)

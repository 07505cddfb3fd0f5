"""Anyone's score file, in any of the field's forms, as arrays; and which columns were taken.

Text (separated by blanks, tabs, commas or semicolons, with or without a header, packed or not),
Parquet, and for frames `.npy` and `.npz` dictionaries. Nothing here knows the corpus: whether the
scores fit the keys is for `bench.scoring.checks` to say.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import compute

from bench.errors import BenchError
from bench.metrics.tally import Bools, Floats, Integers
from bench.scoring import arrays, parquet, text
from bench.scoring.columns import LABELS
from bench.scoring.files import UNREADABLE, form, head, unreadable
from bench.scoring.reading import Reading
from bench.units import SAMPLE_RATE_HZ, frame_samples

Kind = Literal["utterances", "frames"]

_AUDIO = r"(?i)\.(wav|flac|mp3|m4a|ogg|opus|aac|wma)$"
_FOLDERS = r"^.*[/\\]"
_TO_REDUCE = r"""[ \t"'/\\.]"""
_AROUND = " \t\"'"
_LONGEST_S = 60.0
"""Seconds; no frame is longer, and sample numbers stay numbers."""

_LATEST_S = 1e6
"""Seconds; no recording begins a frame later, and sample numbers stay exact."""


@dataclass(frozen=True)
class ScoreFile:
    """What a score file holds, one row an utterance or a frame, in the file's order."""

    path: Path
    names: pa.StringArray
    """The distinct ids, in order of first appearance; without folder, suffix of audio and
    quotes."""
    row: Integers
    """Index into `names` for each row, shape (n,)."""
    score: Floats
    """Shape (n,); may hold NaN and infinities."""
    taken: str
    """Which columns were taken for what, a sentence for the user."""
    notes: tuple[str, ...] = ()
    """What was done to the ids, further sentences for the user."""
    bonafide: Bools | None = None
    """The file's own labels, shape (n,), where it has a column of them."""
    start: Integers | None = None
    """First sample (at 16 kHz) of each frame, shape (n,); None where rows are utterances."""
    end: Integers | None = None
    """First sample after each frame."""

    @property
    def kind(self) -> Kind:
        """Whether rows are utterances or frames."""
        return "utterances" if self.start is None else "frames"

    def __len__(self) -> int:
        return len(self.score)


def read(path: Path, asked: Reading | None = None) -> ScoreFile:
    """Return what the score file at `path` holds.

    Columns that are not asked for are found by the header's names or by what they hold. The length
    of a frame is needed for `.npy` and `.npz` of frames and for frames given by their index, else
    it is taken from the starts.

    Frames' starts that are all whole numbers are indices, others are seconds. Where every utterance
    has one row that starts at 0, rows are utterances: our own Parquet of detection.

    BenchError for whatever cannot be read without guessing: a file of another kind, damaged or
    empty, malformed lines (counted, the first few shown with their numbers), no ids, no scores, or
    two columns of which either could be the score. No code in a file is run.
    """
    asked = asked or Reading()
    frame = _frame(asked.resolution_s)
    first = head(path)
    try:
        match form(path, first):
            case "text":
                return _assembled(path, text.read(path, asked), frame)
            case "parquet":
                return _assembled(path, parquet.read(path, asked), frame)
            case other:
                return _dictionary(path, arrays.read(path, other, asked.column), frame)
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    except (MemoryError, pa.ArrowException) as error:
        raise BenchError(f"{path}: could not be held in memory as a score file: {error}") from error


def _frame(resolution_s: float | None) -> int | None:
    if resolution_s is None:
        return None
    if not 0 < resolution_s <= _LONGEST_S:
        raise BenchError(f"resolution {resolution_s:g}: should be the seconds of a frame, as 0.02")
    try:
        return frame_samples(resolution_s)
    except ValueError as error:
        raise BenchError(str(error)) from None


class _Ids(NamedTuple):
    names: pa.StringArray
    row: Integers
    notes: tuple[str, ...]


class _Times(NamedTuple):
    start: Integers | None
    end: Integers | None
    why: str


def _assembled(path: Path, rows: text.Rows, frame: int | None) -> ScoreFile:
    roles = rows.roles
    numbers = [column.to_numpy() for column in rows.numbers]
    score, times = numbers[: len(roles.score)], numbers[len(roles.score) :]
    with np.errstate(invalid="ignore"):  # inf - inf is NaN, which the checks report
        scores = score[0] - score[1] if len(score) == 2 else score[0]
    encoded = rows.utterance.combine_chunks().dictionary_encode()
    ids = _reduced(encoded.dictionary, encoded.indices.to_numpy())
    found = _times(path, ids.row, times, frame) if times else _Times(None, None, "")
    return ScoreFile(
        path,
        ids.names,
        ids.row,
        scores,
        rows.why + found.why,
        ids.notes,
        _labels(rows.label) if rows.label is not None else None,
        found.start,
        found.end,
    )


def _dictionary(path: Path, found: arrays.Arrays, frame: int | None) -> ScoreFile:
    codes = np.repeat(np.arange(len(found.names)), found.counts)
    ids = _reduced(pa.array(found.names, pa.string()), codes)
    if not found.frames:
        return ScoreFile(path, ids.names, ids.row, found.score, found.why, ids.notes)
    if frame is None:
        raise _no_resolution(path)
    first = np.cumsum(found.counts) - found.counts
    start = (np.arange(len(codes)) - np.repeat(first, found.counts)) * frame
    why = f"{found.why}, one each {frame / SAMPLE_RATE_HZ:g} s"
    return ScoreFile(
        path, ids.names, ids.row, found.score, why, ids.notes, None, start, start + frame
    )


def reduced(ids: pa.StringArray) -> pa.StringArray:
    """Return ids without blanks and quotes around them, folders and suffixes of audio files.

    >>> reduced(pa.array(["flac/LA_E_1.flac", "0.wav", "u.1"])).to_pylist()
    ['LA_E_1', '0', 'u.1']
    """
    if not compute.any(compute.match_substring_regex(ids, _TO_REDUCE)).as_py():
        return ids
    plain = compute.utf8_trim(ids, characters=_AROUND)
    plain = compute.replace_substring_regex(plain, _FOLDERS, "")
    return compute.replace_substring_regex(plain, _AUDIO, "")


def _reduced(names: pa.StringArray, row: Integers) -> _Ids:
    short = reduced(names)
    changed = compute.not_equal(short, names) if short is not names else None
    if changed is None or not compute.any(changed).as_py():
        return _Ids(names, row.astype(np.int64), ())
    at = changed.index(pa.scalar(True)).as_py()
    encoded = short.dictionary_encode()
    notes = [f"folders and suffixes were cut off ids: {names[at]} is {short[at]}"]
    joined = len(names) - len(encoded.dictionary)
    if joined:
        notes.append(f"{joined:,} ids differ from another one in folder or suffix only")
    return _Ids(encoded.dictionary, encoded.indices.to_numpy()[row].astype(np.int64), (*notes,))


def _labels(column: pa.ChunkedArray) -> Bools:
    encoded = column.unify_dictionaries().combine_chunks()
    is_bonafide = [LABELS[word.strip().lower()] for word in encoded.dictionary.to_pylist()]
    return np.array(is_bonafide, dtype=np.bool_)[encoded.indices.to_numpy()]


def _times(path: Path, row: Integers, columns: list[Floats], frame: int | None) -> _Times:
    """Return the frames in whole samples; none where each utterance is one row from 0."""
    for column in columns:
        wrong = np.flatnonzero(~((column >= 0) & (column < _LATEST_S)))
        if len(wrong):
            raise BenchError(
                f"{path}: row {wrong[0] + 1} has a frame at {column[wrong[0]]} ({len(wrong):,} "
                "such); times are seconds from the utterance's start"
            )
    if not columns[0].any() and len(np.unique(row)) == len(row):
        return _Times(None, None, "; one row an utterance from its start")
    if len(columns) == 1 and not (columns[0] % 1).any():
        if frame is None:
            raise _no_resolution(path)
        start = columns[0].astype(np.int64) * frame
        return _Times(
            start, start + frame, f"; starts are indices of frames of {frame / SAMPLE_RATE_HZ:g} s"
        )
    start, *ends = (np.rint(column * SAMPLE_RATE_HZ).astype(np.int64) for column in columns)
    if ends:
        backward = np.flatnonzero(ends[0] <= start)
        if len(backward):
            raise BenchError(
                f"{path}: row {backward[0] + 1}: the frame ends before it starts or where it "
                f"starts ({len(backward):,} such)"
            )
        return _Times(start, ends[0], "; frames from start to end in seconds")
    frame = frame or _step(path, row, start)
    why = f"; starts are seconds of frames of {frame / SAMPLE_RATE_HZ:g} s"
    return _Times(start, start + frame, why)


def _step(path: Path, row: Integers, start: Integers) -> int:
    """Return the commonest distance of neighbouring frames, in samples."""
    steps = np.diff(start)[np.diff(row) == 0]
    steps, counts = np.unique(steps[steps > 0], return_counts=True)
    if not len(steps):
        raise _no_resolution(path)
    return int(steps[np.argmax(counts)])


def _no_resolution(path: Path) -> BenchError:
    return BenchError(
        f"{path}: holds scores of frames but not how long a frame is; say --resolution, in seconds"
    )

"""Anyone's score file, in any of the field's forms, as arrays; and which columns were taken.

Text (separated by blanks, tabs, commas or semicolons, with or without a header, packed or not),
JSON and JSON lines, Parquet, NumPy's `.npy` and `.npz`, MATLAB's `.mat`. Nothing here knows the
corpus: whether the scores fit the keys is for `bench.evaluation.checks` to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from bench._io.text_files import UNREADABLE, unreadable_error
from bench.errors import BenchError, name_source
from bench.evaluation import (
    arrays,
    json_files,
    matlab,
    parquet,
    protocol_order,
    tables,
    text_tables,
)
from bench.evaluation.file_kinds import detect_form, read_head
from bench.evaluation.meaning import are_numbered, labels_of, refuse_classes, score_of
from bench.evaluation.read_options import ReadOptions
from bench.metrics.tally import Bools, Floats, Integers
from bench.metrics.timeline import count_within
from bench.units import SAMPLE_RATE_HZ, frame_samples

RowKind = Literal["utterances", "frames"]

_LONGEST_S = 60.0
"""Seconds; no frame is longer, and sample numbers stay numbers."""

_LATEST_S = 1e6
"""Seconds; no recording begins a frame later, and sample numbers stay exact."""

_ROW_NUMBERS = (
    "ids are 0 to {:,} in the order of the rows: if they are row numbers, not file names, the "
    "results are wrong"
)


@dataclass(frozen=True)
class ScoreFile:
    """What a score file holds, one row an utterance or a frame, in the file's order."""

    path: Path
    names: pa.StringArray
    """The distinct ids as they stand, in order of first appearance."""
    row: Integers
    """Index into `names` for each row, shape (n,)."""
    score: Floats
    """Shape (n,); may hold NaN and infinities."""
    taken: str
    """Which columns were taken for what, a sentence for the user."""
    bonafide: Bools | None = None
    """The file's own labels, shape (n,), where it has a column of them."""
    start: Integers | None = None
    """First sample (at 16 kHz) of each frame, shape (n,); None where rows are utterances."""
    end: Integers | None = None
    """First sample after each frame."""
    binary: Integers | None = None
    """The file's own labels of 0 and 1, shape (n,), where it has a column of them; which of the two
    is bona fide is not said."""
    fields: Mapping[str, pa.StringArray] = field(default_factory=dict[str, pa.StringArray])
    """Columns that `ReadOptions.fields` asks for, by the name asked for, each of n words."""
    warnings: tuple[tuple[str, str], ...] = ()
    """What about the file may make its results wrong: code and sentence of a finding each."""
    predicted: Bools | None = None
    """Which rows the file predicts to be bona fide, where its scores were confidences of that."""

    @property
    def kind(self) -> RowKind:
        """Whether rows are utterances or frames."""
        return "utterances" if self.start is None else "frames"

    def __len__(self) -> int:
        return len(self.score)


def read_score_file(
    path: Path, asked: ReadOptions | None = None, ids: Sequence[str] = ()
) -> ScoreFile:
    """Return what the score file at `path` holds.

    `ids` are those of the keys, in their order, for scores without ids in the same order.

    Columns that are not asked for are found by the header's names or by what they hold. The length
    of a frame is needed for `.npy` and `.npz` of frames and for frames given by their index, else
    it is taken from the starts.

    Frames' starts that are all whole numbers are indices, others are seconds. Where every utterance
    has one row that starts at 0, rows are utterances: our own Parquet of detection.

    BenchError for whatever cannot be read without guessing: a file of another kind, damaged or
    empty, malformed lines (counted, the first few shown with their numbers), no ids, no scores, or
    two columns of which either could be the score. No code in a file is run.
    """
    asked = asked or ReadOptions()
    frame = _frame_length(asked.resolution_s)
    first = read_head(path)
    try:
        kind = detect_form(path, first)
        in_order = asked.order == "protocol"
        match kind:
            case "text" if not in_order:
                rows = text_tables.read_text_table(path, asked)
                return _build_score_file(path, rows, frame, asked.negate)
            case "parquet" if not in_order:
                rows = parquet.read_parquet(path, asked)
                return _build_score_file(path, rows, frame, asked.negate)
            case "text":
                content = protocol_order.read_ordered_text(path)
            case "parquet":
                content = parquet.read_parquet_table(path)
            case "json":
                content = json_files.read_json(path)
            case "mat":
                content = matlab.read_mat(path, asked.column)
            case _:
                content = arrays.read_arrays(path, kind, asked.column)
        if not isinstance(content, tables.ColumnTable):
            if in_order:
                raise BenchError(
                    "option.conflict", f"{path}: holds scores by utterance; leave --order out"
                )
            vectors = arrays.join_vectors(path, content, asked.column)
            return _build_from_vectors(path, vectors, frame)
        if in_order:
            content, asked = protocol_order.with_ids(path, content, asked, ids)
        rows = tables.select_table_rows(path, tables.to_source(content), asked)
        read_file = _build_score_file(path, rows, frame, asked.negate)
        if not in_order:
            return read_file
        warning = ("scores.order", protocol_order.describe_order(ids))
        return replace(read_file, warnings=(warning, *read_file.warnings))
    except UNREADABLE as error:
        raise unreadable_error(path, error) from error
    except UnicodeError as error:  # half a character, which JSON can write
        raise BenchError(
            "file.encoding", f"{path}: holds text that is no Unicode: {error}"
        ) from error
    except (MemoryError, pa.ArrowException) as error:
        raise BenchError(
            "machine.refused", f"{path}: could not be held in memory as a score file: {error}"
        ) from error


def _frame_length(resolution_s: float | None) -> int | None:
    if resolution_s is None:
        return None
    if not 0 < resolution_s <= _LONGEST_S:
        raise BenchError(
            "option.invalid",
            f"resolution {resolution_s:g}: should be the seconds of a frame, as 0.02",
        )
    try:
        return frame_samples(resolution_s)
    except ValueError as error:
        raise BenchError("option.invalid", str(error)) from None


class _FrameTimes(NamedTuple):
    start: Integers | None
    end: Integers | None
    why: str


def _build_score_file(
    path: Path, rows: text_tables.ScoreRows, frame: int | None, negate: bool
) -> ScoreFile:
    roles = rows.roles
    encoded = rows.utterance.combine_chunks().dictionary_encode()
    row = encoded.indices.to_numpy().astype(np.int64)
    times = [column.to_numpy() for column in rows.numbers[len(roles.score) :]]
    with name_source(path):
        score, done, predicted = score_of(rows, negate)
        labels = labels_of(rows, score)
        if not times:
            refuse_classes(row, labels)
    if times:
        frames = _read_times(path, row, times, frame)
    else:
        frames = _times_in_order(path, encoded.dictionary, row, score, frame)
    warnings = [("scores.column-order", roles.warning)] if roles.warning else []
    if roles.counted and len(encoded.dictionary) == len(score) and are_numbered(encoded.dictionary):
        warnings.append(("scores.row-numbers", _ROW_NUMBERS.format(len(score) - 1)))
    return ScoreFile(
        path,
        encoded.dictionary,
        row,
        score,
        f"{rows.why}{done}{labels.why}{frames.why}",
        labels.bonafide,
        frames.start,
        frames.end,
        labels.binary,
        {name: _join_words(rows.words[i]) for name, i in roles.fields},
        tuple(warnings),
        predicted,
    )


def _build_from_vectors(path: Path, vectors: arrays.Arrays, frame: int | None) -> ScoreFile:
    names = pa.array(vectors.names, pa.string())
    row = np.repeat(np.arange(len(vectors.names)), vectors.counts)
    if not vectors.frames:
        return ScoreFile(path, names, row, vectors.score, vectors.why)
    if frame is None:
        raise _no_resolution(path)
    start = count_within(vectors.counts) * frame
    why = f"{vectors.why}, one each {frame / SAMPLE_RATE_HZ:g} s"
    return ScoreFile(path, names, row, vectors.score, why, None, start, start + frame)


def _join_words(column: pa.ChunkedArray) -> pa.StringArray:
    return column.cast(pa.string()).combine_chunks()


def _read_times(path: Path, row: Integers, columns: list[Floats], frame: int | None) -> _FrameTimes:
    """Return the frames in whole samples; none where each utterance is one row from 0."""
    for column in columns:
        wrong = np.flatnonzero(~((column >= 0) & (column < _LATEST_S)))
        if len(wrong):
            raise BenchError(
                "table-file.frame-times",
                f"{path}: row {wrong[0] + 1} has a frame at {column[wrong[0]]} ({len(wrong):,} "
                "such); times are seconds from the utterance's start",
            )
    if not columns[0].any() and len(np.unique(row)) == len(row):
        return _FrameTimes(None, None, "; one row an utterance from its start")
    if len(columns) == 1 and not (columns[0] % 1).any():
        if frame is None:
            raise _no_resolution(path)
        start = columns[0].astype(np.int64) * frame
        why = f"; starts are indices of frames of {frame / SAMPLE_RATE_HZ:g} s"
        return _FrameTimes(start, start + frame, why)
    start, *ends = (np.rint(column * SAMPLE_RATE_HZ).astype(np.int64) for column in columns)
    if ends:
        backward = np.flatnonzero(ends[0] <= start)
        if len(backward):
            raise BenchError(
                "table-file.frame-times",
                f"{path}: row {backward[0] + 1}: the frame ends before it starts or where it "
                f"starts ({len(backward):,} such)",
            )
        return _FrameTimes(start, ends[0], "; frames from start to end in seconds")
    frame = frame or _common_step(path, row, start)
    why = f"; starts are seconds of frames of {frame / SAMPLE_RATE_HZ:g} s"
    return _FrameTimes(start, start + frame, why)


def _times_in_order(
    path: Path, names: pa.StringArray, row: Integers, score: Floats, frame: int | None
) -> _FrameTimes:
    """Return frames in the order of rows where ids are repeated row after row; none where not."""
    same = np.diff(row) == 0
    if not len(same) or 2 * same.sum() < len(same):
        return _FrameTimes(None, None, "")
    if frame is None:
        if (score[1:] == score[:-1])[same].all():
            return _FrameTimes(None, None, "")  # repeats, which the checks report
        raise BenchError(
            "table-file.repeated-ids",
            f"{path}: ids have {len(score) / len(names):.1f} rows each, one after the other: if "
            "they are frames in their order, say --resolution, in seconds; if not, an id should "
            "have one row",
        )
    first = np.flatnonzero(np.diff(row, prepend=-1))
    if len(first) > len(names):
        again = np.flatnonzero(np.bincount(row[first]) > 1)
        raise BenchError(
            "table-file.scattered-rows",
            f"{path}: rows of {names[int(again[0])]} stand in several places: frames without a "
            "start should stand together, in their order",
        )
    start = count_within(np.diff(first, append=len(score))) * frame
    why = f"; rows of an id are frames of {frame / SAMPLE_RATE_HZ:g} s, in their order"
    return _FrameTimes(start, start + frame, why)


def _common_step(path: Path, row: Integers, start: Integers) -> int:
    """Return the commonest distance of neighbouring frames, in samples."""
    steps = np.diff(start)[np.diff(row) == 0]
    steps, counts = np.unique(steps[steps > 0], return_counts=True)
    if not len(steps):
        raise _no_resolution(path)
    return int(steps[np.argmax(counts)])


def _no_resolution(path: Path) -> BenchError:
    return BenchError(
        "table-file.no-resolution",
        f"{path}: holds scores of frames but not how long a frame is; say --resolution, in seconds",
    )

"""The suite's own score files: `scores.parquet`, one row per frame or per utterance.

A file holds everything that a result needs, so that results can be computed again years later
without a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench._io import atomic_files
from bench.errors import BenchError, near_name
from bench.metrics.f1 import decide_bonafide
from bench.metrics.grid import find_grid
from bench.metrics.items import Items, make_items
from bench.metrics.plans import ResamplingFactors, make_factors
from bench.metrics.ratios import Ratios, decision_ratios
from bench.metrics.tally import Bools, Floats, Integers
from bench.metrics.timeline import LabelledStretches, ScoredFrames, make_frames, make_stretches
from bench.units import BONAFIDE, CLASSES, SAMPLE_RATE_HZ, SPOOF

_NAMES = pa.dictionary(pa.int32(), pa.string())

COLUMNS = {
    "utterance": _NAMES,
    "speaker": _NAMES,
    "attack": _NAMES,
    "start_s": pa.float64(),
    "end_s": pa.float64(),
    "label": _NAMES,
    "score": pa.float32(),
    "logit_bonafide": pa.float32(),
    "logit_spoof": pa.float32(),
}
"""Columns and types. `speaker` and `attack` are "" where there is none; times are seconds from the
utterance's start; `label` is `bonafide` or `spoof`; a higher `score` means more bona fide. The two
logits may be left out."""

_LOGITS = ("logit_bonafide", "logit_spoof")


def write_scores(
    path: Path, columns: pa.Table | Mapping[str, Any], *, doubles: bool = False
) -> None:
    """Check `columns` (a table or arrays by name) and write them to `path`, whole or not at all.

    With `doubles`, scores that are given as doubles stay so: those of others may be equal as
    floats. BenchError as `read_scores`, naming `path`.
    """
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    checked = _check_table(table, path, doubles)
    with atomic_files.open_whole(path) as file:
        pq.write_table(checked, file, compression="zstd")


def read_scores(path: Path) -> pa.Table:
    """Return the score file at `path` with the types of `COLUMNS`, checked.

    Scores that were written as doubles stay so. BenchError where it is no Parquet file, lacks a
    column or has an unknown one, has an empty cell, a label that is no class, a number that is not
    finite, a frame that ends before it starts, or two rows for one frame.
    """
    if not path.is_file():
        raise BenchError("file.missing", f"{path}: there is no such score file")
    try:
        table = pq.read_table(path)
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the machine, and the file may be whole
        raise BenchError("scores.malformed", f"{path}: not a Parquet file: {error}") from error
    return _check_table(table, path, doubles=True)


class Pooled(NamedTuple):
    """All rows of a score file, in its order."""

    score: Floats
    is_spoof: Bools


def pool_rows(table: pa.Table) -> Pooled:
    """Return score and label of every row of a table as `read_scores` returns it."""
    label = _encode_column(table, "label")
    is_spoof = np.isin(label.codes, [i for i, name in enumerate(label.names) if name == SPOOF])
    return Pooled(_to_floats(table, "score"), is_spoof)


def pool_items(table: pa.Table, score: str = "score") -> Items:
    """Return every row as an item by the column `score`; units are `list_utterances`."""
    is_spoof = pool_rows(table).is_spoof
    return make_items(_to_floats(table, score), is_spoof, _encode_column(table, "utterance").codes)


def count_decisions(table: pa.Table) -> Ratios:
    """Return precision, recall and F1 of both classes, decided by `decision_score`.

    Units are `list_utterances`.
    """
    decided_spoof = ~decide_bonafide(decision_score(table))
    units = _encode_column(table, "utterance").codes
    return decision_ratios(pool_rows(table).is_spoof, decided_spoof, units)


def decision_score(table: pa.Table) -> Floats:
    """Return what every row is decided by, above 0 as bona fide.

    It is the difference of the logits, or the score where there are none.
    """
    if has_logits(table):
        return _to_floats(table, "logit_bonafide") - _to_floats(table, "logit_spoof")
    return _to_floats(table, "score")


def list_utterances(table: pa.Table) -> list[str]:
    """Return the names of a table's utterances, sorted: that of each unit."""
    return _encode_column(table, "utterance").names


def file_factors(table: pa.Table) -> ResamplingFactors:
    """Return what a table's utterances depend on; units are `list_utterances`.

    The attack is that of their spoof rows.
    """
    unit = _encode_column(table, "utterance").codes
    units, first = np.unique(unit, return_index=True)
    speaker = _encode_column(table, "speaker")
    attack = np.full(len(units), "", dtype=object)
    spoofed = pool_rows(table).is_spoof
    attack[unit[spoofed]] = list_attacks(table)[spoofed]
    return make_factors(units, np.array(speaker.names, dtype=object)[speaker.codes[first]], attack)


def list_attacks(table: pa.Table) -> NDArray[np.object_]:
    """Return the attack of every row, "" where there is none."""
    encoded = _encode_column(table, "attack")
    return np.array(encoded.names, dtype=object)[encoded.codes]


class LabelledFrames(NamedTuple):
    """The frames of a score file, with the labels that it gives them."""

    frames: ScoredFrames
    """Utterances are units of `list_utterances`."""
    labels: LabelledStretches
    """Stretches of one class, exact to a frame."""
    frame: int
    """Samples in a frame."""


def read_frames(table: pa.Table, score: Floats | None = None) -> LabelledFrames:
    """Return the frames of a table with their labels.

    `score` is that of each row, unless given the column of that name.

    BenchError where frames do not lie on a grid from 0 on.
    """
    unit, is_spoof = _encode_column(table, "utterance").codes, pool_rows(table).is_spoof
    begin, end = (
        np.rint(_to_floats(table, name) * SAMPLE_RATE_HZ).astype(np.int64)
        for name in ("start_s", "end_s")
    )
    scored = make_frames(unit, begin, end, _to_floats(table, "score") if score is None else score)
    frame, order = find_grid(scored), np.lexsort((begin, unit))
    labels = make_stretches(unit[order], begin[order], end[order], is_spoof[order], frame)
    return LabelledFrames(scored, labels, frame)


def has_logits(table: pa.Table) -> bool:
    """Return whether a table has both logits."""
    return set(_LOGITS) <= set(table.column_names)


class _Codes(NamedTuple):
    names: list[str]
    codes: Integers


def _encode_column(table: pa.Table, column: str) -> _Codes:
    """Return sorted names and codes, so that no result depends on the order of rows."""
    encoded = table[column].unify_dictionaries().combine_chunks()
    names: list[str] = encoded.dictionary.to_pylist()
    order = np.argsort(np.array(names, dtype=object), kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return _Codes([names[i] for i in order], rank[encoded.indices.to_numpy()])


def _to_floats(table: pa.Table, column: str) -> Floats:
    return table[column].to_numpy().astype(np.float64)


def _check_table(table: pa.Table, path: Path, doubles: bool = False) -> pa.Table:
    _check_columns(table.column_names, path)
    names = [name for name in COLUMNS if name in table.column_names]
    columns = {name: _cast_column(table[name], name, path, doubles) for name in names}
    checked = pa.table(columns)
    if not checked.num_rows:
        raise BenchError("scores.empty", f"{path}: there is no row; a score file has one a frame")
    _check_labels(checked, path)
    _check_frames(checked, path)
    return checked


def _check_columns(names: list[str], path: Path) -> None:
    wrong = [
        f"{path}: {name}: no such column{near_name(name, COLUMNS)}"
        for name in names
        if name not in COLUMNS
    ]
    missing = [name for name in COLUMNS if name not in names]
    if set(missing) >= set(_LOGITS):
        missing = [name for name in missing if name not in _LOGITS]
    wrong += [f"{path}: {name}: the column is missing" for name in missing]
    wrong += [
        f"{path}: {name}: the column is there twice" for name in {*names} if names.count(name) > 1
    ]
    if wrong:
        raise BenchError("scores.malformed", "\n".join(wrong))


def _cast_column(column: pa.ChunkedArray, name: str, path: Path, doubles: bool) -> pa.ChunkedArray:
    kind = pa.float64() if doubles and _is_double(column, name) else COLUMNS[name]
    try:
        typed = column if column.type == kind else column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BenchError(
            "scores.bad-cell", f"{path}: {name}: is {column.type}, should be {kind}: {error}"
        ) from error
    if typed.null_count:
        raise BenchError(
            "scores.bad-cell", f"{path}: {name}: {typed.null_count} of {len(typed)} cells are empty"
        )
    if pa.types.is_floating(kind):
        wrong = np.flatnonzero(~np.isfinite(typed.to_numpy()))
        if len(wrong):
            raise BenchError(
                "scores.not-finite",
                f"{path}: {name}: row {wrong[0]} is {typed[int(wrong[0])].as_py()} "
                f"({len(wrong)} of {len(typed)} are not finite numbers)",
            )
    return typed


def _is_double(column: pa.ChunkedArray, name: str) -> bool:
    return name == "score" and column.type == pa.float64()


def _check_labels(table: pa.Table, path: Path) -> None:
    for label in table["label"].unique().to_pylist():
        if label not in CLASSES:
            raise BenchError(
                "scores.bad-cell",
                f"{path}: label: {label!r} is no class{near_name(label, CLASSES)} "
                f"(classes: {BONAFIDE}, {SPOOF})",
            )


def _check_frames(table: pa.Table, path: Path) -> None:
    start, end = _to_floats(table, "start_s"), _to_floats(table, "end_s")
    backward = np.flatnonzero(end <= start)
    if len(backward):
        at = int(backward[0])
        raise BenchError(
            "scores.bad-times",
            f"{path}: row {at}: a frame of {table['utterance'][at].as_py()!r} starts at "
            f"{start[at]} s and ends at {end[at]} s; it must end later than it starts",
        )
    utterance = _encode_column(table, "utterance").codes
    order = np.lexsort((start, utterance))
    same = (np.diff(utterance[order]) == 0) & (np.diff(start[order]) == 0)
    if same.any():
        at = int(order[1:][same][0])
        raise BenchError(
            "scores.duplicated",
            f"{path}: {table['utterance'][at].as_py()!r} has two rows for the frame at "
            f"{start[at]} s ({int(same.sum())} such): each frame is scored once",
        )

"""The score file of a run, one row for each frame, and the metrics of frames.

`scores.parquet` holds everything that a metric needs, so that it can be recomputed years later
without a GPU, and another system's scores can be evaluated by the same code. Detection has one row
for each utterance, with the same columns; `bench.evaluation.detection` has its metrics.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench._io import atomic_files
from bench.errors import BenchError, near
from bench.metrics.det import equal_error_rate
from bench.metrics.f1 import decide
from bench.metrics.items import Items, counted
from bench.metrics.measure import DecisionMetric, frame_measures
from bench.metrics.measured import FEW as FEW
from bench.metrics.measured import Figure, measured, measured_ratios
from bench.metrics.plans import AUTO, Factors, Resampling, factors, sums
from bench.metrics.ratios import Ratios, decision_ratios
from bench.metrics.registry import LOGIT, describe_metrics, select_metrics
from bench.metrics.tally import Bools, Floats, Integers
from bench.metrics.utterances import lowest_items
from bench.units import BONAFIDE, CLASSES, SPOOF

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


def write(path: Path, columns: pa.Table | Mapping[str, Any], *, doubles: bool = False) -> None:
    """Check `columns` (a table or arrays by name) and write them to `path`, whole or not at all.

    With `doubles`, scores of double precision keep it: as floats, two of them may become equal.
    Raise BenchError as `read` does, naming `path`.
    """
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    checked = _checked(table, path, doubles)
    with atomic_files.whole(path) as file:
        pq.write_table(checked, file, compression="zstd")


def read(path: Path) -> pa.Table:
    """Return the score file at `path`, checked, with the types of `COLUMNS`.

    Scores that were written with double precision keep it. Raise BenchError where it is no Parquet
    file, lacks a column or has an unknown one, has an empty cell, a label that is no class, a
    number that is not finite, a frame that ends before it starts, or two rows for one frame.
    """
    if not path.is_file():
        raise BenchError("file.missing", f"{path}: there is no such score file")
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the machine, and the file may be whole
        raise BenchError("file.malformed", f"{path}: not a Parquet file: {error}") from error
    return _checked(table, path, doubles=True)


class Pooled(NamedTuple):
    """All rows of a score file, in its order."""

    score: Floats
    is_spoof: Bools


def pooled(table: pa.Table) -> Pooled:
    """Return score and label of every row of a table as `read` returns it."""
    label = _codes(table, "label")
    is_spoof = np.isin(label.codes, [i for i, name in enumerate(label.names) if name == SPOOF])
    return Pooled(_numbers(table, "score"), is_spoof)


def figures(scores: Path | pa.Table, replicates: int = 1000, seed: int = 0) -> dict[str, Figure]:
    """Return the figures of a score file (or of a table as `read` returns it), by name; fractions.

    - `eer`: all rows pooled, by `score` (`bench.metrics.det.eer`).
    - `f1`, `f1_spoof`: all rows pooled, bona fide and spoof as the positive class; the decision is
      the larger logit, or `score > 0` where the file has no logits. `f1` is the one that SAL and
      BAM print.
    - `eer_bonafide_logit`, only with logits: the EER of the bona fide logit alone, which SAL's
      released code scores S0 to S3 by; the paper says nothing of it.
    - `utterance_eer`, only where there are utterances of both classes: an utterance's score is its
      lowest frame's (as PartialSpoof's scripts go to coarser units), its label spoof where any
      frame is.

    Intervals: `replicates` resamplings from `seed`, of speakers and attacks where the file names
    them, and of utterances (`bench.metrics.measured`). Raise BenchError as `read`, or without both
    classes.
    """
    table = read(scores) if isinstance(scores, Path) else scores
    resampling = Resampling(factors_of(table), AUTO, replicates, seed)
    everything = pooled_items(table)
    measures = frame_measures()
    results = measured(everything, measures, resampling)
    if has_logits(table):
        metrics = describe_metrics()
        by_logit = {name: declared for name, declared in measures.items() if metrics[name].by_logit}
        of_logit = measured(pooled_items(table, "logit_bonafide"), by_logit, resampling)
        results |= {f"{name}{LOGIT}": figure for name, figure in of_logit.items()}
    whole = lowest_items(everything)
    if whole.bonafide.any() and whole.spoof.any():
        eer = {"utterance_eer": equal_error_rate}
        results |= measured(whole, eer, resampling)
    spoof = sums(everything.unit, everything.spoof, everything.unit.max() + 1)
    logged = [name for name, declared in select_metrics(DecisionMetric).items() if declared.logged]
    return results | measured_ratios(decisions(table).only(logged), spoof, resampling)


def pooled_items(table: pa.Table, score: str = "score") -> Items:
    """Return every row as an item by the column `score`; units are `utterances`."""
    is_spoof = pooled(table).is_spoof
    return counted(_numbers(table, score), is_spoof, _codes(table, "utterance").codes)


def decisions(table: pa.Table) -> Ratios:
    """Return precision, recall and F1 of both classes by the decision of `figures`.

    Units are `utterances`.
    """
    decided_spoof = ~decide(decision_score(table))
    return decision_ratios(pooled(table).is_spoof, decided_spoof, _codes(table, "utterance").codes)


def decision_score(table: pa.Table) -> Floats:
    """Return the score that every row is decided by, bona fide above 0.

    It is the difference of the logits, or the score where there are no logits.
    """
    if has_logits(table):
        return _numbers(table, "logit_bonafide") - _numbers(table, "logit_spoof")
    return _numbers(table, "score")


def utterances(table: pa.Table) -> list[str]:
    """Return the names of a table's utterances, sorted: that of each unit."""
    return _codes(table, "utterance").names


def factors_of(table: pa.Table) -> Factors:
    """Return the speaker and the attack of a table's utterances, for resampling.

    Units are `utterances`; an utterance's attack is that of its spoof rows.
    """
    unit = _codes(table, "utterance").codes
    units, first = np.unique(unit, return_index=True)
    speaker = _codes(table, "speaker")
    attack = np.full(len(units), "", dtype=object)
    spoofed = pooled(table).is_spoof
    attack[unit[spoofed]] = attacks(table)[spoofed]
    return factors(units, np.array(speaker.names, dtype=object)[speaker.codes[first]], attack)


def attacks(table: pa.Table) -> NDArray[np.object_]:
    """Return the attack of every row, "" where there is none."""
    encoded = _codes(table, "attack")
    return np.array(encoded.names, dtype=object)[encoded.codes]


def has_logits(table: pa.Table) -> bool:
    """Return whether a table has both logits."""
    return set(_LOGITS) <= set(table.column_names)


class _Codes(NamedTuple):
    names: list[str]
    codes: Integers


def _codes(table: pa.Table, column: str) -> _Codes:
    """Return sorted names and codes, so that no figure depends on the order of rows."""
    encoded = table[column].unify_dictionaries().combine_chunks()
    names: list[str] = encoded.dictionary.to_pylist()
    order = np.argsort(np.array(names, dtype=object), kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return _Codes([names[i] for i in order], rank[encoded.indices.to_numpy()])


def _numbers(table: pa.Table, column: str) -> Floats:
    return table[column].to_numpy().astype(np.float64)


def _checked(table: pa.Table, path: Path, doubles: bool = False) -> pa.Table:
    _check_columns(table.column_names, path)
    names = [name for name in COLUMNS if name in table.column_names]
    columns = {name: _typed(table[name], name, path, doubles) for name in names}
    checked = pa.table(columns)
    if not checked.num_rows:
        raise BenchError(
            "metric.score-file", f"{path}: there is no row; a score file has one a frame"
        )
    _check_labels(checked, path)
    _check_frames(checked, path)
    return checked


def _check_columns(names: list[str], path: Path) -> None:
    wrong = [
        f"{path}: {name}: no such column{near(name, COLUMNS)}"
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
        raise BenchError("metric.score-file", "\n".join(wrong))


def _typed(column: pa.ChunkedArray, name: str, path: Path, doubles: bool) -> pa.ChunkedArray:
    kind = pa.float64() if doubles and _is_double(column, name) else COLUMNS[name]
    try:
        typed = column if column.type == kind else column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BenchError(
            "metric.score-file", f"{path}: {name}: is {column.type}, should be {kind}: {error}"
        ) from error
    if typed.null_count:
        raise BenchError(
            "metric.score-file",
            f"{path}: {name}: {typed.null_count} of {len(typed)} cells are empty",
        )
    if pa.types.is_floating(kind):
        wrong = np.flatnonzero(~np.isfinite(typed.to_numpy()))
        if len(wrong):
            raise BenchError(
                "metric.score-file",
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
                "metric.score-file",
                f"{path}: label: {label!r} is no class{near(label, CLASSES)} "
                f"(classes: {BONAFIDE}, {SPOOF})",
            )


def _check_frames(table: pa.Table, path: Path) -> None:
    start, end = _numbers(table, "start_s"), _numbers(table, "end_s")
    backward = np.flatnonzero(end <= start)
    if len(backward):
        at = int(backward[0])
        raise BenchError(
            "metric.score-file",
            f"{path}: row {at}: a frame of {table['utterance'][at].as_py()!r} starts at "
            f"{start[at]} s and ends at {end[at]} s; it must end later than it starts",
        )
    utterance = _codes(table, "utterance").codes
    order = np.lexsort((start, utterance))
    same = (np.diff(utterance[order]) == 0) & (np.diff(start[order]) == 0)
    if same.any():
        at = int(order[1:][same][0])
        raise BenchError(
            "metric.score-file",
            f"{path}: {table['utterance'][at].as_py()!r} has two rows for the frame at "
            f"{start[at]} s ({int(same.sum())} such): each frame is scored once",
        )

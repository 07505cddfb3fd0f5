"""Scores as NumPy saves them: arrays of ids and scores, or dictionaries of arrays by utterance.

A `.npy` dictionary is a pickle; `bench.data.pickles` reads it without running it.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from bench._io.text_files import open_unpacked
from bench.data.pickles import read_array, read_dictionary
from bench.errors import BenchError, name_source, quote_text
from bench.evaluation.tables import ColumnTable, of_array, of_arrays
from bench.metrics.tally import Floats, Integers

Vectors = Mapping[str, NDArray[Any]]

_FORM = "a dictionary of one array of numbers (n frames, or n x 2) by utterance"
_FORMS = f"arrays of ids and of scores, equally long, or {_FORM}"
_LARGEST = 1 << 33
"""Bytes that an `.npz` archive may unpack to."""


class Arrays(NamedTuple):
    """Scores of all utterances, end to end."""

    names: list[str]
    counts: Integers
    """Rows of each."""
    score: Floats
    frames: bool
    """False where every utterance has one number instead of an array."""
    why: str


def read_arrays(path: Path, form: str, wanted: str | None) -> ColumnTable | Vectors:
    """Return a file's arrays as a table, or by utterance; BenchError for any other file.

    `wanted` names the array of scores, where the file holds several of other lengths.
    """

    def load_file(file: BinaryIO) -> ColumnTable | Vectors:
        if form == "npz":
            vectors = _read_npz(file)
            return of_arrays("NumPy arrays", vectors, wanted) or vectors
        return _read_npy(file, wanted)

    return load_guarded(path, load_file, _FORMS)


def load_guarded(
    path: Path, load: Callable[[BinaryIO], ColumnTable | Vectors], form: str
) -> ColumnTable | Vectors:
    """Return what `load` makes of the opened file; BenchError for whatever it raises.

    A forged or cut file can raise anything.
    """
    try:
        with open_unpacked(path) as file:
            content = load(file)
    except (OSError, MemoryError):
        raise
    except BenchError as error:
        raise BenchError(error.code, f"{path}: {error}") from None
    except Exception as error:
        raise BenchError(
            "scores.malformed", f"{path}: refused: it is not {form}: {str(error)[:200]}"
        ) from error
    if not content:
        raise BenchError("scores.empty", f"{path}: is an empty dictionary; it should be {form}")
    return content


def join_vectors(path: Path, vectors: Vectors, column: str | None) -> Arrays:
    """Return the scores of all utterances of a dictionary of arrays.

    `column` is 1 or 2, or 1-2 or 2-1 for a difference, where arrays are n x 2. BenchError for
    arrays that hold no scores.
    """
    with name_source(path):
        return _join_arrays(vectors, column)


def _join_arrays(vectors: Vectors, column: str | None) -> Arrays:
    widths = {_count_columns(name, array) for name, array in vectors.items()}
    if len(widths) > 1:
        raise BenchError(
            "scores.malformed", f"some arrays are n x 2 and some are not; it should be {_FORM}"
        )
    (width,) = widths
    flat = [array.reshape(-1, max(width, 1)) for array in vectors.values()]
    counts = np.array([len(array) for array in flat], dtype=np.int64)
    whole = np.concatenate(flat).astype(np.float64)
    names, kind = list(vectors), f"arrays of {len(vectors):,} utterances"
    if width < 2:
        if column not in (None, "1"):
            raise BenchError(
                "scores.no-such-column",
                f"column {column!r}: each utterance has one column of scores",
            )
        return Arrays(names, counts, whole[:, 0], width == 1, kind)
    chosen = re.fullmatch(r"([12])(?:-([12]))?", column or "")
    if not chosen:
        raise BenchError(
            "scores.which-column",
            "arrays have two columns, of which either can be bona fide: say --column 1 or 2 for "
            "one of them, 1-2 or 2-1 for the difference of logits (bona fide first)"
            + (f"; {column!r} is none of these" if column else ""),
        )
    first, second = chosen.groups()
    score = whole[:, int(first) - 1]
    with np.errstate(invalid="ignore"):  # inf - inf is NaN, which the checks report
        score = score if second is None else score - whole[:, int(second) - 1]
    return Arrays(names, counts, score, True, f"{kind}, scores from column {column}")


def _count_columns(name: str, array: NDArray[Any]) -> int:
    """Return 0 for a number, 1 for a vector, 2 for two columns."""
    if array.dtype.kind not in "fiu":
        raise BenchError(
            "scores.malformed", f"{name!r}: an array of type {array.dtype}, not of numbers"
        )
    if not array.size:
        raise BenchError(
            "scores.malformed", f"{name!r}: an empty array; an utterance has at least one frame"
        )
    if array.ndim > 2 or (array.ndim == 2 and array.shape[1] > 2):
        raise BenchError(
            "scores.malformed", f"{name!r}: an array of shape {array.shape}; it should be {_FORM}"
        )
    return 2 if array.ndim == 2 and array.shape[1] == 2 else min(array.ndim, 1)


def _read_npz(file: BinaryIO) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        wrong = next((m.filename for m in members if not m.filename.endswith(".npy")), None)
        if wrong is not None:
            raise ValueError(f"it is an archive that holds {quote_text(wrong)}")
        if sum(member.file_size for member in members) > _LARGEST:
            raise ValueError(f"it unpacks to more than {_LARGEST:,} bytes")
        return {
            m.filename.removesuffix(".npy"): _decode_bytes(read_array(archive.read(m)))
            for m in members
        }


def _read_npy(file: BinaryIO, wanted: str | None) -> ColumnTable | Vectors:
    content = file.read()
    if b"'descr': '|O'" not in content[:200] or b"'shape': ()" not in content[:200]:
        return of_array("a NumPy array", _decode_bytes(read_array(content)))
    vectors = {
        _check_name(key): _to_array(value)
        for key, value in read_dictionary(io.BytesIO(content)).items()
    }
    return of_arrays("a dictionary of arrays", vectors, wanted) or vectors


def _decode_bytes(texts: NDArray[Any]) -> NDArray[Any]:
    """Return strings of bytes as text."""
    return np.char.decode(texts, "utf-8") if texts.dtype.kind == "S" else texts


def _check_name(key: object) -> str:
    if not isinstance(key, str) or not key:
        raise ValueError(f"{key!r} is no utterance")
    return key


def _to_array(value: object) -> NDArray[Any]:
    if isinstance(value, np.ndarray):
        return cast(NDArray[Any], value)
    items = cast(list[object], value) if isinstance(value, list) else [value]
    for item in items:
        if type(item) not in (int, float) and not (type(item) is str and isinstance(value, list)):
            raise ValueError(f"{type(item).__name__} instead of numbers")
    return np.array(cast(Any, value), dtype=str if str in map(type, items) else np.float64)

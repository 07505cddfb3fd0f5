"""Frame scores as `.npy` or `.npz` dictionaries of arrays by utterance.

A `.npy` dictionary is a pickle, and a pickle is a program: every name that it asks for is looked up
in a table of stand-ins that covers what NumPy writes for numbers and nothing else, as in
`bench.corpora.pickles`.
"""

from __future__ import annotations

import ast
import io
import math
import pickle
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.metrics.tally import Floats, Integers
from bench.scoring.files import opened

_FORM = "a dictionary of one array of numbers (n frames, or n x 2) by utterance"
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


def read(path: Path, form: str, column: str | None) -> Arrays:
    """Return the scores of a dictionary of arrays; BenchError for any other file.

    `column` is 1 or 2, or 1-2 or 2-1 for a difference, where arrays are n x 2.
    """
    try:
        with opened(path) as file:
            found = _npz(file) if form == "npz" else _npy(file)
    except (OSError, BenchError, MemoryError):
        raise
    except Exception as error:  # a forged or cut file can raise anything
        raise BenchError(f"{path}: refused: it is no {_FORM}: {str(error)[:200]}") from error
    if not found:
        raise BenchError(f"{path}: is an empty dictionary; it should be {_FORM}")
    try:
        return _joined(found, column)
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None


def _joined(found: dict[str, NDArray[Any]], column: str | None) -> Arrays:
    widths = {_width(name, array) for name, array in found.items()}
    if len(widths) > 1:
        raise BenchError(f"some arrays are n x 2 and some are not; it should be {_FORM}")
    (width,) = widths
    flat = [array.reshape(-1, max(width, 1)) for array in found.values()]
    counts = np.array([len(array) for array in flat], dtype=np.int64)
    whole = np.concatenate(flat).astype(np.float64)
    names, kind = list(found), f"arrays of {len(found):,} utterances"
    if width < 2:
        if column not in (None, "1"):
            raise BenchError(f"column {column!r}: each utterance has one column of scores")
        return Arrays(names, counts, whole[:, 0], width == 1, kind)
    chosen = re.fullmatch(r"([12])(?:-([12]))?", column or "")
    if not chosen:
        raise BenchError(
            "arrays have two columns, of which either can be bona fide: say --column 1 or 2 for "
            "one of them, 1-2 or 2-1 for the difference of logits (bona fide first)"
            + (f"; {column!r} is none of these" if column else "")
        )
    first, second = chosen.groups()
    score = whole[:, int(first) - 1]
    with np.errstate(invalid="ignore"):  # inf - inf is NaN, which the checks report
        score = score if second is None else score - whole[:, int(second) - 1]
    return Arrays(names, counts, score, True, f"{kind}, scores from column {column}")


def _width(name: str, array: NDArray[Any]) -> int:
    """Return 0 for a number, 1 for a vector, 2 for two columns."""
    if array.dtype.kind not in "fiu":
        raise BenchError(f"{name!r}: an array of type {array.dtype}, not of numbers")
    if not array.size:
        raise BenchError(f"{name!r}: an empty array; an utterance has at least one frame")
    if array.ndim > 2 or (array.ndim == 2 and array.shape[1] > 2):
        raise BenchError(f"{name!r}: an array of shape {array.shape}; it should be {_FORM}")
    return 2 if array.ndim == 2 and array.shape[1] == 2 else min(array.ndim, 1)


def _npz(file: BinaryIO) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        wrong = next((m.filename for m in members if not m.filename.endswith(".npy")), None)
        if wrong is not None:
            is_torch = any(m.filename.endswith("data.pkl") for m in members)
            what = "a PyTorch checkpoint" if is_torch else f"an archive that holds {wrong[:80]!r}"
            raise ValueError(f"it is {what}")
        if sum(member.file_size for member in members) > _LARGEST:
            raise ValueError(f"it unpacks to more than {_LARGEST:,} bytes")
        return {
            member.filename.removesuffix(".npy"): _plain(archive.read(member)) for member in members
        }


def _plain(content: bytes) -> NDArray[Any]:
    """Return the array of a `.npy` file that holds no pickle."""
    file = io.BytesIO(content)
    header = _header(file)
    code = header["descr"]
    if not isinstance(code, str) or not re.fullmatch(r"[<>|=]?[fiu][1248]", code):
        raise ValueError(f"an array of type {code!r}, not of numbers")
    return _array(content[file.tell() :], np.dtype(code), header["shape"], header["fortran_order"])


def _npy(file: BinaryIO) -> dict[str, NDArray[Any]]:
    header = _header(file)
    if header["descr"] != "|O" or header["shape"] != ():
        raise ValueError(f"it is an array of {header['descr']!r} of shape {header['shape']}")
    outer = _Unpickler(file, fix_imports=False).load()
    content = outer.value if isinstance(outer, _Array) else None
    if not isinstance(content, dict):
        raise ValueError("it holds another object")
    return {
        _key(key): _numbers(value) for key, value in cast(dict[object, object], content).items()
    }


def _key(key: object) -> str:
    if not isinstance(key, str) or not key:
        raise ValueError(f"{key!r} is no utterance")
    return key


def _numbers(value: object) -> NDArray[Any]:
    if isinstance(value, _Array):
        value = value.value
    if isinstance(value, np.ndarray):
        return cast(NDArray[Any], value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return np.array(float(value))
    if isinstance(value, list):
        items = cast(list[object], value)
        if all(isinstance(item, (int, float)) for item in items):
            return np.array(items, dtype=np.float64)
    raise ValueError(f"{_kind(cast(object, value))} instead of an array")


def _kind(value: object) -> str:
    return type(value).__name__


def _header(file: BinaryIO) -> dict[str, Any]:
    magic = file.read(8)
    if magic[:6] != b"\x93NUMPY":
        raise ValueError("it does not begin as a .npy file")
    form = "<H" if magic[6] == 1 else "<I"
    (length,) = struct.unpack(form, file.read(struct.calcsize(form)))
    if length > 10_000:
        raise ValueError("its header is too long")
    return ast.literal_eval(file.read(length).decode("utf-8"))


def _array(content: bytes, kind: np.dtype[Any], shape: object, fortran: object) -> NDArray[Any]:
    """Return `content` as an array, once it is as long as its shape says."""
    if type(shape) is not tuple:
        raise ValueError(f"an array of shape {shape}")
    sides = cast(tuple[int, ...], shape)
    if not all(type(n) is int and n >= 0 for n in sides):
        raise ValueError(f"an array of shape {sides}")
    if math.prod(sides) * kind.itemsize != len(content):
        raise ValueError(f"{len(content)} bytes for an array of shape {sides}")
    return np.frombuffer(content, kind).reshape(sides, order="F" if fortran else "C")


class _Type:
    """Stands in for `numpy.dtype`."""

    __slots__ = ("code", "order")

    def __init__(self, code: object, *_flags: object):
        if not isinstance(code, str) or not re.fullmatch(r"O8?|[fiu][1248]", code):
            raise pickle.UnpicklingError(f"an array of type {code!r}, not of numbers")
        self.code = code
        self.order = "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError(f"byte order {state[1]!r}")
        self.order: str = state[1]

    @property
    def kind(self) -> np.dtype[Any]:
        if self.code.startswith("O"):
            raise pickle.UnpicklingError("an array of objects within the dictionary")
        return np.dtype(f"{self.order}{self.code}")


class _Array:
    """Stands in for `numpy.ndarray`; knows its value once its state has been read."""

    __slots__ = ("value",)

    def __init__(self, *_arguments: object):
        self.value: Any = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Type):
            raise pickle.UnpicklingError("an array without a type")
        if kind.code.startswith("O") and shape == () and type(content) is list:
            (self.value,) = cast(list[Any], content)
        elif type(content) is bytes:
            self.value = _array(content, kind.kind, shape, fortran)
        else:
            raise pickle.UnpicklingError("an array without its bytes")


def _scalar(kind: object, content: object) -> _Array:
    if not isinstance(kind, _Type) or type(content) is not bytes:
        raise pickle.UnpicklingError("a number without its bytes")
    found = _Array()
    found.value = _array(content, kind.kind, (), False)
    return found


def _reconstruct(*_arguments: object) -> _Array:
    return _Array()


def _dictionary(*_factory: object) -> dict[Any, Any]:
    return {}


def _bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes as {encoding!r}")
    return text.encode("latin1")


_ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    **{
        (f"numpy.{core}.multiarray", name): stand_in
        for core in ("core", "_core")
        for name, stand_in in (("_reconstruct", _reconstruct), ("scalar", _scalar))
    },
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("collections", "defaultdict"): _dictionary,
    ("builtins", "list"): cast(Callable[..., Any], list),
    ("__builtin__", "list"): cast(Callable[..., Any], list),
    ("_codecs", "encode"): _bytes,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ADMITTED[module, name]

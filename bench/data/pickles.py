"""Read NumPy's files and pickled dictionaries without running code that a pickle may hold.

Such files are PartialSpoof's labels, ASVspoof 2021's t-DCF coefficients, and score files. A pickle
is a program; `numpy.load(allow_pickle=True)` runs it. Here every name that a pickle asks for is
looked up in a table of stand-ins, which covers what NumPy writes for a dictionary of strings and
numbers and nothing else: not even NumPy's own unpickling is called by the file, since the state of
a dtype can be forged. PartialSpoof's own generator saves a `collections.defaultdict(list)` of
strings of 21 characters (zlin0/partialspoof-audio, local/seglab_extraction_spfin.py). Files written
by NumPy 1.x (`numpy.core.multiarray`) and 2.x (`numpy._core.multiarray`) are read alike, and so are
those of pickle protocol 2 (`__builtin__`, `_codecs.encode`).
"""

from __future__ import annotations

import ast
import io
import math
import pickle
import pickletools
import re
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

_MAGIC = b"\x93NUMPY"
_NUMBERS = "[fiu][1248]"
_NUMBERED = re.compile(rb"(?=p(\d{3,20})\n|r(?!econstruct|ray)(.{4}))", re.DOTALL)
"""What may number a pickled object: the operations PUT and LONG_BINPUT, or bytes that look so."""


def read_string_vectors(path: Path) -> dict[str, NDArray[np.str_]]:
    """Return the dictionary of a `.npy` file: for each utterance a vector of strings, read-only.

    Anything else than a pickled dictionary of string vectors is a BenchError, and no code of the
    file is run.
    """
    vectors: dict[str, NDArray[np.str_]] = {}
    for key, value in _read_dictionary(path, "string vectors").items():
        vector = cast("NDArray[Any]", value) if isinstance(value, np.ndarray) else np.zeros(())
        if not isinstance(key, str) or vector.ndim != 1 or vector.dtype.char != "U":
            raise BenchError(
                "labels.vector-file", f"{path}: {key!r}: should be a vector of strings by utterance"
            )
        vectors[key] = cast("NDArray[np.str_]", vector)
    return vectors


def read_nested_numbers(path: Path) -> dict[object, object]:
    """Return the dictionary of a pickled file, with or without the header of a `.npy` file.

    It holds floats, strings, and dictionaries of these; the caller checks them. Anything else is a
    BenchError or a harmless object. No code of the file is run.
    """
    return _read_dictionary(path, "numbers", bare=True)


def read_dictionary(file: BinaryIO, bare: bool = False) -> dict[object, object]:
    """Return the dictionary that a `.npy` file holds, or with `bare` a pickle without its header.

    Its values, if they are arrays, are read-only NumPy arrays of strings or numbers, NumPy's
    numbers are Python's; all else is to be checked. No code of the file is run, but a forged or
    cut one can raise any exception.
    """
    start = file.tell()
    if bare and file.read(len(_MAGIC)) != _MAGIC:
        file.seek(start)
    else:
        file.seek(start)
        announced = _read_header(file)
        if announced["descr"] != "|O" or announced["shape"] != ():
            kind, shape = announced["descr"], announced["shape"]
            raise ValueError(f"it holds an array of {kind!r} of shape {shape}")
    outer = _unpickle(file)
    content = outer.value if isinstance(outer, _Array) else None
    if not isinstance(content, dict):
        raise ValueError("it holds another object")
    return {
        key: value.value if isinstance(value, _Array) else value
        for key, value in cast(dict[object, object], content).items()
    }


def read_array(content: bytes) -> NDArray[Any]:
    """Return the array of a `.npy` file's bytes.

    It holds numbers, booleans, strings, records of these, or objects (Python's strings and
    numbers). It is read-only unless it holds objects.

    A shape that the bytes do not fill is refused before any memory is taken. No code of the file is
    run, but a forged or cut one can raise any exception.
    """
    file = io.BytesIO(content)
    announced = _read_header(file)
    code, shape = announced["descr"], announced["shape"]
    if code == "|O":
        objects = _load_objects(file, shape)
        if any(isinstance(item, np.ndarray) for item in objects.flat):
            raise ValueError("an array that holds arrays")
        return objects
    rest = content[file.tell() :]
    return _view_array(rest, np.dtype(_check_type(code)), shape, announced["fortran_order"])


def read_vectors(content: bytes) -> list[NDArray[Any]]:
    """Return the vectors of numbers that a `.npy` file of objects holds, one for each utterance.

    No code of the file is run, but a forged or cut one can raise any exception.
    """
    file = io.BytesIO(content)
    announced = _read_header(file)
    if announced["descr"] != "|O":
        raise ValueError(f"it holds an array of {announced['descr']!r}, not vectors of numbers")
    vectors: list[NDArray[Any]] = []
    for item in _load_objects(file, announced["shape"]):
        vector = cast("NDArray[Any]", item) if isinstance(item, np.ndarray) else np.zeros(())
        if vector.ndim != 1 or vector.dtype.kind not in "fiu":
            raise ValueError("it holds an object that is no vector of numbers")
        vectors.append(vector)
    return vectors


def _load_objects(file: BinaryIO, shape: object) -> NDArray[Any]:
    """Return the array of objects that follows a header with this shape."""
    outer = _unpickle(file)
    boxed = outer.value if isinstance(outer, _Array) else None
    objects = cast("NDArray[Any]", boxed if isinstance(boxed, np.ndarray) else np.zeros(()))
    if objects.dtype.kind != "O" or objects.shape != shape:
        raise ValueError("an object that is no array of strings and numbers")
    return objects


def _unpickle(file: BinaryIO) -> Any:
    """Return the object that is pickled in the rest of a file.

    Python takes memory for as many objects as a pickle says that it numbers, up to 64 GB for a file
    of a hundred bytes. A true pickle numbers fewer objects than it has bytes.
    """
    content = file.read()
    if any(_read_number(match) > len(content) for match in _NUMBERED.finditer(content)):
        for operation, number, _ in pickletools.genops(content):  # which tells them from texts
            if "PUT" in operation.name and int(number or 0) > len(content):
                raise ValueError(f"it numbers {number} objects in {len(content)} bytes")
    return _Unpickler(io.BytesIO(content), fix_imports=False).load()


def _read_number(match: re.Match[bytes]) -> int:
    text, binary = match.groups()
    return int(text) if text else int.from_bytes(binary, "little")


def _check_type(code: object) -> Any:
    """Return a type's code, if it is one of numbers, truth values, strings or records of these."""
    if isinstance(code, str) and re.fullmatch(rf"[<>|=]?({_NUMBERS}|b1|[US]\d{{1,6}})", code):
        return code
    if not isinstance(code, list) or not code:
        raise ValueError(f"an array of type {code!r}, not of numbers")
    fields = cast(list[object], code)
    pairs = [cast(tuple[object, ...], field) for field in fields if isinstance(field, tuple)]
    if len(pairs) < len(fields) or not all(
        len(field) == 2 and isinstance(field[0], str) and isinstance(field[1], str)
        for field in pairs
    ):
        raise ValueError(f"records of type {code!r}, not of numbers and strings")
    return [(name, _check_type(field)) for name, field in pairs]


def _read_dictionary(path: Path, what: str, bare: bool = False) -> dict[object, object]:
    try:
        with path.open("rb") as file:
            return read_dictionary(file, bare)
    except OSError as error:
        raise BenchError("file.unreadable", f"{path}: cannot be read: {error}") from error
    except Exception as error:  # a forged or cut pickle can raise anything
        raise BenchError(
            "labels.vector-file",
            f"{path}: refused: it is no NumPy file of a dictionary of {what}: {error}",
        ) from error


def _read_header(file: BinaryIO) -> dict[str, Any]:
    """Read a `.npy` file up to where its data begin."""
    magic = file.read(8)
    if not magic.startswith(_MAGIC):
        raise ValueError("it does not begin as a .npy file")
    form = "<H" if magic[6] == 1 else "<I"
    (length,) = struct.unpack(form, file.read(struct.calcsize(form)))
    if length > 10_000:
        raise ValueError("its header is too long")
    return ast.literal_eval(file.read(length).decode("utf-8"))


def _view_array(
    content: bytes, kind: np.dtype[Any], shape: object, fortran: object
) -> NDArray[Any]:
    """Return `content` as an array of that shape, if it is as long as that; a view, no copy."""
    flat = np.frombuffer(content, kind)
    if flat.shape == shape:  # a vector, as nearly all are
        return flat
    sides = cast(tuple[int, ...], shape) if type(shape) is tuple else (-1,)
    if not all(type(n) is int and n >= 0 for n in sides) or math.prod(sides) != flat.size:
        raise ValueError(f"{len(content)} bytes for an array of shape {shape}")
    return flat.reshape(sides, order="F" if fortran else "C")


@cache
def _numpy_type(code: str) -> np.dtype[Any]:
    """Return NumPy's own type; made once, since parsing its code takes longer than all the rest."""
    return np.dtype(code)


class _Type:
    """Stands in for `numpy.dtype`: objects (the outer array), strings and numbers."""

    __slots__ = ("code", "order")

    code: str
    order: str

    def __init__(self, code: object, *_flags: object):
        if not isinstance(code, str) or not re.fullmatch(rf"O8?|U\d{{1,6}}|{_NUMBERS}", code):
            raise pickle.UnpicklingError(f"an array of type {code!r}, not of strings or numbers")
        self.code = code
        self.order = "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError(f"byte order {order!r}")
        self.order = order


class _Array:
    """Stands in for `numpy.ndarray`; knows its value once its state has been read."""

    __slots__ = ("value",)

    value: Any

    def __init__(self, *_arguments: object):
        self.value = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Type):
            raise pickle.UnpicklingError("an array without a type")
        if kind.code.startswith("O"):
            self.value = _unbox_objects(shape, content)
        else:
            self.value = _fill_array(kind, shape, fortran, content)


def _fill_array(kind: _Type, shape: object, fortran: object, content: object) -> NDArray[Any]:
    if type(content) is not bytes or kind.code.startswith("O"):
        raise pickle.UnpicklingError("an array without its bytes")
    return _view_array(content, _numpy_type(kind.order + kind.code), shape, fortran)


_PLAIN = (str, int, float, bool, type(None))


def _unbox_objects(shape: object, content: object) -> object:
    """Return the one object of an array without dimensions, else an array of objects.

    These are strings, numbers, and arrays of numbers.
    """
    items = cast(list[object], content) if type(content) is list else []
    if shape == () and len(items) == 1:
        return items[0]
    sides = cast(tuple[int, ...], shape) if type(shape) is tuple and shape else (-1,)
    if not all(type(n) is int and n >= 0 for n in sides) or math.prod(sides) != len(items):
        raise pickle.UnpicklingError(f"an array of {len(items)} objects of shape {shape}")
    objects = np.empty(len(items), dtype=object)
    for index, item in enumerate(items):
        value = item.value if isinstance(item, _Array) else item
        numbers = cast("NDArray[Any]", value) if isinstance(value, np.ndarray) else None
        is_array = numbers is not None and numbers.dtype.kind in "fiu"
        if not is_array and type(cast(object, value)) not in _PLAIN:
            raise pickle.UnpicklingError(f"an array that holds a {type(item).__name__}")
        objects[index] = value
    return objects.reshape(sides)


def _make_scalar(kind: object, content: object) -> object:
    if not isinstance(kind, _Type):
        raise pickle.UnpicklingError("a number without a type")
    return _fill_array(kind, (), False, content).item()


def _make_dictionary(*_factory: object) -> dict[Any, Any]:
    return {}


def _encode_bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes as {encoding!r}")
    return text.encode("latin1")


_ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.multiarray", "scalar"): _make_scalar,
    ("numpy._core.multiarray", "scalar"): _make_scalar,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("collections", "defaultdict"): _make_dictionary,
    ("builtins", "list"): list,
    ("__builtin__", "list"): list,
    ("_codecs", "encode"): _encode_bytes,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ADMITTED[module, name]

"""Read pickled dictionaries (PartialSpoof's labels, ASVspoof 2021's t-DCF coefficients) without
running what a pickle may hold.

A pickle is a program; `numpy.load(allow_pickle=True)` runs it. Here every name that a pickle asks
for is looked up in a table of stand-ins, which covers what NumPy writes for a dictionary of string
arrays or of doubles and nothing else: not even NumPy's own unpickling is called by the file, since
the state of a dtype can be forged. PartialSpoof's own generator saves a
`collections.defaultdict(list)` of strings of 21 characters (zlin0/partialspoof-audio,
local/seglab_extraction_spfin.py). Files written by NumPy 1.x (`numpy.core.multiarray`) and 2.x
(`numpy._core.multiarray`) are read alike, and so are those of pickle protocol 2 (`__builtin__`,
`_codecs.encode`). A forged file can still ask for more memory than there is, as a forged archive
can; the downloads' MD5 sums are in the card.
"""

from __future__ import annotations

import ast
import pickle
import re
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from bench.errors import BenchError

_MAGIC = b"\x93NUMPY"


@cache
def _strings(code: str) -> np.dtype[np.str_]:
    """Return NumPy's own type; made once, since parsing its code takes longer than all the rest."""
    return np.dtype(code)


class _Type:
    """Stands in for `numpy.dtype`: objects (the outer array), strings (the labels) and doubles."""

    __slots__ = ("code", "order")

    code: str
    order: str

    def __init__(self, code: object, *_flags: object):
        if not isinstance(code, str) or not re.fullmatch(r"O8?|U\d{1,6}|f8", code):
            raise pickle.UnpicklingError(f"type {code!r}, not strings or doubles")
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

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, kind, content = state[1], state[2], state[4]
        if not isinstance(kind, _Type):
            raise pickle.UnpicklingError("an array without a type")
        if kind.code.startswith("O"):
            if shape != () or type(content) is not list:
                raise pickle.UnpicklingError(f"an array of objects of shape {shape}")
            (self.value,) = content
            return
        if type(content) is not bytes or not kind.code.startswith("U"):
            raise pickle.UnpicklingError("an array that is no label vector")
        self.value = np.frombuffer(content, dtype=_strings(f"{kind.order}{kind.code}"))
        if self.value.shape != shape:
            raise pickle.UnpicklingError(f"a label vector of shape {self.value.shape}, not {shape}")


def _reconstruct(*_arguments: object) -> _Array:
    return _Array()


def _scalar(kind: object, content: object) -> float:
    if not isinstance(kind, _Type) or kind.code != "f8" or type(content) is not bytes:
        raise pickle.UnpicklingError("a number that is no double")
    (value,) = struct.unpack(">d" if kind.order == ">" else "<d", content)
    return value


def _dictionary(*_factory: object) -> dict[Any, Any]:
    return {}


def _bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes as {encoding!r}")
    return text.encode("latin1")


_ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("collections", "defaultdict"): _dictionary,
    ("builtins", "list"): list,
    ("__builtin__", "list"): list,
    ("_codecs", "encode"): _bytes,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ADMITTED[module, name]


def string_vectors(path: Path) -> dict[str, np.ndarray]:
    """Return the dictionary of a `.npy` file: for each utterance a vector of strings, read-only.

    Anything else than a pickled dictionary of string vectors is a BenchError, and no code of the
    file is run.
    """
    content = _dictionary_of(path, "string vectors")
    vectors: dict[str, np.ndarray] = {}
    for key, array in content.items():
        vector = getattr(array, "value", None)
        if not isinstance(key, str) or not isinstance(vector, np.ndarray):
            raise BenchError(f"{path}: {key!r}: should be a vector of strings by utterance")
        vectors[key] = vector
    return vectors


def nested_numbers(path: Path) -> dict[object, object]:
    """Return the dictionary of a pickled file, with or without a header as a `.npy` file has it:
    floats, strings, and dictionaries of these, all of them yet to be checked.

    What else it may hold is a BenchError or of no use; no code of the file is run.
    """
    return _dictionary_of(path, "numbers", bare=True)


def _dictionary_of(path: Path, what: str, bare: bool = False) -> dict[object, object]:
    try:
        with path.open("rb") as file:
            if not bare or file.peek(6).startswith(_MAGIC):
                _check_header(file)
            outer = _Unpickler(file, fix_imports=False).load()
    except OSError as error:
        raise BenchError(f"{path}: cannot be read: {error}") from error
    except Exception as error:  # a forged or cut pickle can raise anything
        raise BenchError(
            f"{path}: refused: it is no NumPy file of a dictionary of {what}: {error}"
        ) from error
    content = outer.value if isinstance(outer, _Array) else None
    if not isinstance(content, dict):
        raise BenchError(f"{path}: holds no dictionary of {what}")
    return cast(dict[object, object], content)


def _check_header(file: BinaryIO) -> None:
    """Read past the header of a `.npy` file; refuse one that does not announce a single pickled
    object.
    """
    magic = file.read(8)
    if magic[:6] != _MAGIC:
        raise ValueError("it does not begin as a .npy file")
    form = "<H" if magic[6] == 1 else "<I"
    (length,) = struct.unpack(form, file.read(struct.calcsize(form)))
    if length > 10_000:
        raise ValueError("its header is too long")
    header = ast.literal_eval(file.read(length).decode("utf-8"))
    if header["descr"] != "|O" or header["shape"] != ():
        raise ValueError(f"it holds an array of {header['descr']!r} of shape {header['shape']}")

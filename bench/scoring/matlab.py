"""Scores as MATLAB saves them: a cell array of ids and a vector of scores, or a vector alone."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, quoted
from bench.scoring.arrays import Vectors, loaded
from bench.scoring.tables import Table, of_arrays

_FORM = "a cell array of ids and a vector of scores, equally long"


def read(path: Path, wanted: str | None) -> Table | Vectors:
    """Return the variables of a `.mat` file (version 5 to 7), or the fields of its one structure,
    as a table; `wanted` names the one of scores where none says by its name what it holds.

    BenchError where there are no scores, or where only MATLAB knows what a variable holds (tables,
    string arrays). No code of the file is run.
    """

    def load(file: BinaryIO) -> Table | Vectors:
        from scipy.io import loadmat  # which few score files are worth waiting for

        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of variables that come twice
            found = cast(Mapping[str, Any], loadmat(cast(Any, file), squeeze_me=True))
        variables = {name: of for name, of in found.items() if not name.startswith("__")}
        arrays = {name: _plain(name, of) for name, of in _unpacked(variables).items()}
        vectors = [name for name, of in arrays.items() if of.ndim]
        if wanted is None and len(vectors) == 1:
            return _table(arrays, vectors[0])
        return _table(arrays, wanted)

    return loaded(path, load, _FORM)


def _table(arrays: Vectors, wanted: str | None) -> Table:
    found = of_arrays("MATLAB variables", arrays, wanted)
    if found is not None:
        return found
    there = ", ".join(
        f"{name!r} of {' x '.join(map(str, of.shape))}" for name, of in arrays.items()
    )
    raise BenchError(
        f"which variable holds the scores? There are {there or 'none'}; say --column NAME"
    )


def _unpacked(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a structure or of a list of structures, where that is all there is."""
    if len(variables) != 1:
        return variables
    (value,) = variables.values()
    names: tuple[str, ...] | None = getattr(getattr(value, "dtype", None), "names", None)
    if names is None or type(value) is not np.ndarray:
        return variables
    structure: NDArray[Any] = value
    return {
        name: structure[name].item() if not structure.ndim else structure[name] for name in names
    }


def _plain(name: str, value: Any) -> NDArray[Any]:
    """Return numbers as they are, and cells of texts or numbers as an array of these."""
    array = np.asarray(value)
    if type(value).__name__.startswith("Matlab") or array.dtype.names is not None:
        raise BenchError(
            f"{quoted(name)} is a table, string array or structure of MATLAB; save "
            "`ids = cellstr(ids)` and `scores` as variables of their own"
        )
    if array.dtype.kind == "U":
        return np.char.rstrip(array)
    if array.dtype.kind != "O":
        return array
    items = [np.asarray(item) for item in array.ravel()]
    odd = next((i for i, item in enumerate(items) if item.size != 1), None)
    if odd is not None:
        raise BenchError(f"{quoted(name)}: cell {odd + 1} holds {items[odd].size} values, not one")
    return np.array([item.item() for item in items], dtype=object).reshape(array.shape)

"""Scores whose ids lie in a NumPy file of their own, joined into one file that readers know."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench._io import atomic_files
from bench.data.pickles import read_array, read_vectors
from bench.errors import BenchError


def join_arrays(scores: Path, ids: Path, joined: Path) -> Path:
    """Write `ids` and `scores`, both `.npy`, to one `.npz`, and return its path.

    Scores are one number for each id, or a vector of frames for each. Files of other kinds and of
    other lengths are a BenchError; no code of a file is run.
    """
    names = [str(name) for name in _load(ids, read_array).tolist()]
    is_numbers = _load(scores, _holds_numbers)
    values = _load(scores, read_array if is_numbers else read_vectors)
    if len(names) != len(values):
        raise BenchError(
            "public.lengths",
            f"{scores}: has {len(values):,} scores, and {ids} has {len(names):,} ids",
        )
    content = io.BytesIO()
    if is_numbers:
        np.savez(content, ids=np.array(names), scores=values)
    else:
        if len({*names}) < len(names):
            raise BenchError("scores.duplicated", f"{ids}: has an id twice")
        np.savez(content, **dict(zip(names, values, strict=True)))
    atomic_files.write_all(joined.parent, {joined.name: content.getvalue()})
    return joined


def _holds_numbers(content: bytes) -> bool:
    """Return whether a `.npy` file's header says that it is one array of numbers."""
    return b"'|O'" not in content[:128]


def _load(path: Path, read: Callable[[bytes], Any]) -> Any:
    """Return what `read` makes of a file; BenchError for whatever it raises.

    A forged or cut file can raise anything.
    """
    try:
        return read(path.read_bytes())
    except OSError:
        raise
    except Exception as error:
        raise BenchError(
            "scores.malformed", f"{path}: refused: it is no NumPy file of ids or scores: {error}"
        ) from error

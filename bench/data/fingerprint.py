"""Fingerprints of a split: sixteen hexadecimal digits of its protocol and labels, or of its audio.

Two readings with the same data have the same fingerprint.
"""

from __future__ import annotations

import hashlib
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bench._io.digests import list_digest
from bench.data.subset import FrameVectors, Spans, Subset


def compute_fingerprint(subset: Subset) -> str:
    """Return the first 16 digits of a SHA-256 over the protocol's columns and the labels.

    Rows are sorted by utterance and columns by name, texts are UTF-8, numbers little-endian 64-bit
    floats, so that neither the order of a file nor the machine nor pandas' version plays a part.
    `root` and `path` do not enter: copies of a corpus may be unpacked differently.
    """
    digest = hashlib.sha256()
    table = subset.table.sort_values("utterance")
    for column in sorted(set(table.columns) - {"path"}):
        digest.update(f"{column}\0".encode())
        digest.update(_column(table[column]))
    utterances = table["utterance"].tolist()
    match subset.timing:
        case FrameVectors(resolution_s, spoof):
            digest.update(f"frames {resolution_s:g}\0".encode())
            vectors = [spoof[utterance] for utterance in utterances]
            digest.update(_numbers([len(vector) for vector in vectors]))
            digest.update(np.concatenate([np.zeros(0, dtype=bool), *vectors]).tobytes())
        case Spans(spans):
            digest.update(b"spans\0")
            labels = [spans[utterance] for utterance in utterances]
            digest.update(_numbers([len(spans) for spans in labels]))
            flat = list(chain.from_iterable(labels))
            digest.update(_numbers([span.start_s for span in flat]))
            digest.update(_numbers([span.end_s for span in flat]))
            digest.update("\n".join([span.label for span in flat]).encode())
        case None:
            digest.update(b"utterances\0")
    return digest.hexdigest()[:16]


def audio_digest(subset: Subset) -> str:
    """Return sixteen hexadecimal digits of a split's audio (`bench._io.digests.list_digest`).

    Where the files lie, and the order of the protocol, play no part.
    """
    names: list[str] = subset.table["utterance"].tolist()
    order = sorted(range(len(names)), key=names.__getitem__)
    return list_digest((names[row], subset.audio_path(row)) for row in order)


def _column(column: pd.Series) -> bytes:
    if pd.api.types.is_numeric_dtype(column):
        return _numbers(column.tolist())
    words = None
    if isinstance(column.dtype, pd.StringDtype | pd.CategoricalDtype):
        words = pa.array(column, from_pandas=True)
    if words is None or words.null_count or not _is_text(words.type):
        return "\n".join(map(str, column.tolist())).encode()
    # Without an object for each word: three times as fast.
    texts = words.cast(pa.large_string())
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    together = pa.ListArray.from_arrays([0, len(texts)], texts)
    return pc.binary_join(together, pa.scalar("\n", pa.large_string()))[0].as_buffer().to_pybytes()


def _is_text(kind: pa.DataType) -> bool:
    """Return whether a column is of text, or of categories of text."""
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(values) or pa.types.is_large_string(values)


def _numbers(values: list[float] | list[int]) -> bytes:
    numbers = np.asarray(values, dtype="<f8")
    # There are many NaNs in IEEE 754; one stands for all.
    return np.where(np.isnan(numbers), np.nan, numbers).astype("<f8").tobytes()

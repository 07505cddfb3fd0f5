"""Ids of utterances as people write them, in keys and in score files, made comparable.

`/data/flac/LA_E_1.flac` and `LA_E_1` are one utterance; `real/1` and `fake/1` are two. So both
sides lose what is around an id, and as many folders as leave the keys' ids apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
from pyarrow import compute

from bench.metrics.tally import Integers

_TO_CLEAN = r"""[ \t"'\\%]|/\.?/|^\./|[^\x00-\x7f]"""
_AROUND = " \t\"'"
_QUOTED = r"%[0-9A-Fa-f]{2}"
_HERE = r"(^|/)(?:\./|/)+"
_AUDIO = r"(?i)(\.(wav|flac|mp3|m4a|ogg|opus|aac|wma))+$"
_ENOUGH = 0.5
"""Folders are part of the ids where with them so much is known of what is known without."""


class IdForm(NamedTuple):
    """What is left of an id."""

    parts: int
    """How many parts of its path, from the end."""
    suffix: bool
    """Whether the suffix of an audio file stays."""


class IdMatch(NamedTuple):
    """Which name is of which key, by ids in one form."""

    form: IdForm
    keys: pa.StringArray
    """In that form."""
    names: pa.StringArray
    """In that form."""
    position: Integers
    """The key of each name, shape (names,); -1 where there is none."""


def to_array(ids: object) -> pa.StringArray:
    """Return text of any kind, a series or a list, as one Arrow array."""
    texts = pa.array(ids, pa.string())
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def match_ids(names: pa.StringArray, keys: pa.StringArray) -> IdMatch:
    """Return which of the names is which key; both are reduced alike.

    The ids take a form in which the keys, all different, stay different: the one with the most
    folders that finds at least half as many keys as the best. So folders count where both sides
    have them, and are cut off where the sides differ in them.
    """
    tidy, short = clean_ids(names), clean_ids(keys)
    if not _stay_apart(short, keys):
        tidy, short = names, keys
    matches: list[IdMatch] = []
    for form in _possible_forms(short):
        reduced_names, of_keys = reduce_ids(tidy, form), reduce_ids(short, form)
        at = compute.fill_null(compute.index_in(reduced_names, value_set=of_keys), -1)
        matches.append(IdMatch(form, of_keys, reduced_names, at.to_numpy().astype(np.int64)))
        if (matches[-1].position >= 0).all():
            break
    counts = [np.count_nonzero(np.bincount(each.position + 1)[1:]) for each in matches]
    return matches[next(i for i, count in enumerate(counts) if count >= _ENOUGH * max(counts))]


def reduce_ids(ids: pa.StringArray, form: IdForm) -> pa.StringArray:
    """Return clean ids in a form.

    >>> reduce_ids(pa.array(["a/real/1.wav", "1", "u.1"]), IdForm(2, False)).to_pylist()
    ['real/1', '1', 'u.1']
    """
    folders = rf"^.*/((?:[^/]*/){{{form.parts - 1}}}[^/]*)$"
    if _contain_any(ids, "/"):
        ids = compute.replace_substring_regex(ids, folders, r"\1")
    if not form.suffix and _contain_any(ids, "."):
        ids = compute.replace_substring_regex(ids, _AUDIO, "")
    return ids


def clean_ids(ids: pa.StringArray) -> pa.StringArray:
    """Return ids without blanks and quotes around them; one way to write a path and an accent.

    >>> clean_ids(pa.array(['"a\\\\b.wav" ', "./a//b", "a%20b"])).to_pylist()
    ['a/b.wav', 'a/b', 'a b']
    """
    if not _match_any(ids, _TO_CLEAN):
        return ids
    ids = compute.utf8_trim(ids, characters=_AROUND)
    if _match_any(ids, _QUOTED):
        ids = pa.array([unquote(name) for name in ids.to_pylist()], pa.string())
    ids = compute.replace_substring(ids, "\\", "/")
    ids = compute.replace_substring_regex(ids, _HERE, r"\1")
    return compute.utf8_normalize(ids, form="NFD")


def count_parts(ids: pa.StringArray) -> int:
    """Return the number of parts of the longest path among clean ids."""
    return 1 + (compute.max(compute.count_substring(ids, "/")).as_py() or 0)


def _stay_apart(changed: pa.StringArray, keys: pa.StringArray) -> bool:
    """Whether the keys, all different, still are."""
    return changed is keys or compute.count_distinct(changed).as_py() == len(keys)


def _match_any(ids: pa.StringArray, pattern: str) -> bool:
    return bool(compute.any(compute.match_substring_regex(ids, pattern)).as_py())


def _contain_any(ids: pa.StringArray, text: str) -> bool:
    return bool(compute.any(compute.match_substring(ids, text)).as_py())


def _possible_forms(keys: pa.StringArray) -> Iterator[IdForm]:
    """Yield the forms that leave the keys apart, those with more folders first.

    Where none does, the ids stay in full.
    """
    yielded, most = False, count_parts(keys)
    for parts in range(most, 0, -1):
        forms = (IdForm(parts, False), IdForm(parts, True))
        form = next((form for form in forms if _stay_apart(reduce_ids(keys, form), keys)), None)
        if form is not None:
            yield form
            yielded = True
    if not yielded:
        yield IdForm(most, True)

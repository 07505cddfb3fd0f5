"""How unknown ids would become known ones: suggested, never done."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

import pyarrow as pa
from pyarrow import compute

from bench._io.printable import one_line
from bench.cards import corpus_cards

_SAMPLE_SIZE = 100
"""Ids that prefixes, suffixes and corpora are told by."""
_WORTH_SAYING = 0.1
"""Of the unknown ids, a smaller part that fits may do so by chance."""
_UNSEEN = r"[\p{Cf}\x{a0}]"
_RUNS = re.compile(r"\d+|[^\W\d_]+|[\W_]")
_PLAIN = re.compile(r"[\w-]+", re.ASCII)


class _Change(NamedTuple):
    """What ids would look like."""

    what: str
    """Of how many fit, a sentence without its end."""
    mend: str
    """The sentence's end."""
    names: pa.StringArray
    keys: pa.StringArray


def suggest_change(names: pa.StringArray, keys: pa.StringArray) -> str:
    """Return by which small change most of `names` would be among `keys`; "" where there is none.

    Tried are characters that nobody sees, upper and lower case, zeros in front of numbers, `.0`,
    what stands between the parts of an id, and a prefix or suffix that all have or all lack.
    """
    best, most = "", _WORTH_SAYING * len(names)
    for candidate in _possible_changes(names, keys):
        fits = compute.index_in(candidate.names, value_set=candidate.keys)
        count = compute.count_distinct(fits).as_py()
        if count and count > most and _are_unique(candidate.keys):
            best, most = f"{candidate.what} {count:,} of {len(names):,} fit{candidate.mend}", count
    return best


def find_similar_corpora(names: pa.StringArray) -> list[str]:
    """Return the short names of the corpora whose ids most of these look like."""
    alike: list[str] = []
    sample = _sample_ids(names)
    for card in corpus_cards.list_readable().cards:
        pattern = card.protocol.ids if card.protocol else ""
        fitting = sum(re.fullmatch(pattern, one) is not None for one in sample) if pattern else 0
        if 2 * fitting > len(sample):
            alike.append(card.short)
    return alike


def _possible_changes(names: pa.StringArray, keys: pa.StringArray) -> Iterator[_Change]:
    as_keys = ": write them as the keys do"
    unseen = (compute.replace_substring_regex(ids, _UNSEEN, "") for ids in (names, keys))
    yield _Change("without characters that nobody sees", ": take them out", *unseen)
    yield _Change("but for upper and lower case", as_keys, *map(compute.utf8_lower, (names, keys)))
    zeros = r"(^|\D)0+(\d)"
    padded = (compute.replace_substring_regex(ids, zeros, r"\1\2") for ids in (names, keys))
    yield _Change("but for zeros in front of numbers", as_keys, *padded)
    whole = compute.replace_substring_regex(names, r"(\d)\.0$", r"\1")
    yield _Change("without '.0' at their ends", ": they were read as numbers", whole, keys)
    joined = (compute.replace_substring_regex(ids, r"[-_/ ]+", "_") for ids in (names, keys))
    yield _Change("but for what joins their parts ('_', '-', '/' or a blank)", as_keys, *joined)
    yield from _with_prefix(names, keys)
    yield from _without_ends(names, keys)


def _with_prefix(names: pa.StringArray, keys: pa.StringArray) -> Iterator[_Change]:
    """Yield the ids with the prefix that all keys have."""
    ends = compute.min_max(keys).as_py()
    both = zip(ends["min"] or "", ends["max"] or "", strict=False)
    same = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], both))
    prefix = same.rstrip("0123456789")
    if prefix:
        longer = compute.binary_join_element_wise(prefix, names, "")
        yield _Change(f"with the prefix {prefix!r}", ": put it in front", longer, keys)


def _without_ends(names: pa.StringArray, keys: pa.StringArray) -> Iterator[_Change]:
    """Yield the ids without the commonest prefix and suffix around keys."""
    all_keys = frozenset(keys.to_pylist())
    around = [ends for name in _sample_ids(names) if (ends := _find_around(name, all_keys))]
    if not around:
        return
    (prefix, suffix), _ = Counter(around).most_common(1)[0]
    pattern = rf"^{re.escape(prefix)}(.*){re.escape(suffix)}$"
    ends = [f"the {what} {one_line(text)!r}" for what, text in _name_ends(prefix, suffix)]
    yield _Change(
        f"without {' and '.join(ends)}",
        f": cut {'it' if len(ends) == 1 else 'them'} off{_sed_command(prefix, suffix)}",
        compute.replace_substring_regex(names, pattern, r"\1"),
        keys,
    )
    # Prefixes that differ: `ASV5-A01-` and `ASV5-bonafide-` both end at the second `-`.
    after = Counter((before[-1], before.count(before[-1]), end) for before, end in around if before)
    for (separator, count, suffix), _ in after.most_common(1):
        mark = re.escape(separator)
        until = f" up to the suffix {one_line(suffix)!r}" if suffix else ""
        pattern = rf"^(?:[^{mark}]*{mark}){{{count}}}(.*){re.escape(suffix)}$"
        yield _Change(
            f"what follows the {_to_ordinal(count)} {separator!r}{until}:",
            ": keep only that",
            compute.replace_substring_regex(names, pattern, r"\1"),
            keys,
        )


def _name_ends(prefix: str, suffix: str) -> list[tuple[str, str]]:
    return [(what, text) for what, text in (("prefix", prefix), ("suffix", suffix)) if text]


def _sed_command(prefix: str, suffix: str) -> str:
    """Return a command where nothing in it could mean anything else."""
    plain = [text for text in (prefix, suffix) if text]
    if not all(_PLAIN.fullmatch(text) for text in plain):
        return ""
    return f" (sed '{'; '.join(f's/{text}//' for text in plain)}')"


def _to_ordinal(count: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(count, f"{count}th")


def _find_around(name: str, keys: frozenset[str]) -> tuple[str, str] | None:
    """Return what stands around the longest key in an id; no word or number is cut in two."""
    ends = [0, *(run.end() for run in _RUNS.finditer(name))]
    spans = ((i, j) for n, i in enumerate(ends) for j in ends[n + 1 :] if j - i < len(name))
    inside = [(i, j) for i, j in spans if name[i:j] in keys]
    if not inside:
        return None
    first, last = max(inside, key=lambda span: span[1] - span[0])
    return name[:first], name[last:]


def _sample_ids(names: pa.StringArray) -> list[str]:
    return names[:: max(len(names) // _SAMPLE_SIZE, 1)].to_pylist()


def _are_unique(keys: pa.StringArray) -> bool:
    return compute.count_distinct(keys).as_py() == len(keys)

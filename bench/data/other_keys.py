"""Read lists of keys in another form than the corpus's own.

Examples are the two columns of the organisers' package, a CSV with a header, and the columns of
another corpus. The form is decided by the whole content of the file; nothing is guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench._io import text_files
from bench._io.delimited_text import number_lines, split_cells
from bench.cards import corpus_cards
from bench.data import protocol_lines
from bench.data.protocol_lines import SEPARATORS, Separator
from bench.errors import BenchError, quote_text
from bench.specs.corpus import Class, CorpusCard, Protocol
from bench.units import LABEL_WORDS

_NAMES: Mapping[str, Sequence[str]] = {
    "utterance": (
        *("utterance", "utterance_id", "utt", "utt_id", "filename", "file_name", "file", "file_id"),
        *("audio", "audio_file", "audio_path", "path", "wav", "trial", "trial_id", "name", "id"),
    ),
    "label": ("label", "cm_label", "key", "cm_key", "class", "target", "ground_truth", "gt"),
    "speaker": ("speaker", "speaker_id", "spk", "spk_id"),
    "attack": ("attack", "attack_id", "system", "system_id"),
}
"""What columns are called, the likeliest first."""

_TELLING = 4
"""Columns from which on a list of another corpus is known by their number and its labels."""

_LABEL_FILES = r"label_.+\.txt(\.gz)?"
"""Lists of LlamaPartialSpoof, which are no columns."""

_WAY_OUT = (
    "should be a list of `UTTERANCE LABEL`, labels in words (bonafide, spoof), with or without "
    "further columns and a line of names; for any other list write a card (docs/how-to/corpus.md)"
)


class _Grid(NamedTuple):
    """A file cut into equally many fields a line."""

    separator: Separator
    header: list[str]
    """Names of the columns, [] where the first line has none."""
    columns: list[tuple[str, ...]]


def is_other(card: CorpusCard, split: str, path: Path) -> bool:
    """Return whether a file is a list in another form than the corpus's own.

    A file that is not text is no list; the corpus's own lists are then searched next to it.
    """
    try:
        empty = not text_files.read_bytes(path).strip()
    except BenchError:
        return False
    if empty:
        return False
    if card.protocol is None:
        return not re.fullmatch(_LABEL_FILES, path.name)
    if card.reader == "protocol":
        return bool(protocol_lines.explain_misfit(path, card.protocol, card.audio))
    names = card.splits[split].file or card.protocol.file
    official = {name.replace("{split}", split).rpartition("/")[2] for name in names}
    return path.name.removesuffix(".gz") not in official


def recast(card: CorpusCard, split: str, path: Path) -> CorpusCard:
    """Return the card with the form of the list at `path`, which is not the corpus's own list.

    Tried are the columns of its own and of other cards' lists, with any separator, of which a
    line's id must still be one of this corpus; then any columns, one of ids and one of labels in
    words. BenchError where neither can be told, with what would do.
    """
    other_form, where = _match_other_card(card, split, path)
    protocol = other_form or _detect_form(card, path)
    of_split = card.splits[split].model_copy(update={"where": where, "file": ()})
    return card.model_copy(
        update={
            "protocol": protocol,
            "splits": {**card.splits, split: of_split},
            "reader": "protocol",
            "resolutions_s": (),
        }
    )


def _match_other_card(
    card: CorpusCard, split: str, path: Path
) -> tuple[Protocol | None, dict[str, tuple[str, ...]]]:
    """Return the form of another card's list that fits, and which lines belong to the split."""
    own_ids = card.protocol.ids if card.protocol else ""
    others = (another for another in corpus_cards.list_readable().cards if another.key != card.key)
    for other in (card, *others):
        if other.protocol is None or other.protocol.spans is not None or other.protocol.label:
            continue
        if all(len(text.split()) < _TELLING for text in other.protocol.columns):
            continue
        for separator in SEPARATORS:
            form = other.protocol.model_copy(update={"ids": own_ids, "separator": separator})
            if not protocol_lines.explain_misfit(path, form, card.audio):
                there = other.splits.get(split)
                return form, dict(there.where) if there else {}
    return None, {}


def _detect_form(card: CorpusCard, path: Path) -> Protocol:
    """Return the form of any list with a column of ids and one of labels."""
    grid = _read_grid(path)
    words = _label_words(card)
    label = _find_label_column(path, grid, words)
    utterance = _find_id_column(path, grid, card, label)
    names = _name_columns(grid, {utterance: "utterance", label: "label"})
    occurring = sorted(set(grid.columns[label]))
    return Protocol(
        file=(path.name,),
        separator=grid.separator,
        header=SEPARATORS[grid.separator].join(grid.header),
        columns=(" ".join(names),),
        labels={word: words[word.lower()] for word in occurring},
        audio=("{utterance}",),
    )


def _label_words(card: CorpusCard) -> dict[str, Class]:
    """Return the class of each word that may be a label, in lower case.

    Digits count only where the corpus's own lists use them.
    """
    labels = card.protocol.labels if card.protocol else {}
    return {**LABEL_WORDS, **{word.lower(): label for word, label in labels.items()}}


def _read_grid(path: Path) -> _Grid:
    """Return the file's fields by the separator that cuts all its lines into as many."""
    listed = [line.strip() for _, line in number_lines(text_files.read_bytes(path))]
    for separator, mark in SEPARATORS.items():
        rows = [split_cells(line, mark, skip_blanks=True) for line in listed]
        counts = Counter(map(len, rows))
        if len(counts) == 1 and len(rows) > 1 and len(rows[0]) > 1:
            columns = list(zip(*rows, strict=True))
            header = _detect_header(columns)
            return _Grid(
                separator, header, [column[1:] for column in columns] if header else columns
            )
    raise BenchError(
        "protocol.uneven-columns",
        f"{path}: its lines do not have equally many columns, two or more: {_WAY_OUT}",
    )


def _normalize_name(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _detect_header(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return the first line if it names columns, else [].

    It does if one cell is a usual name of a column of labels or ids, and none is a label.
    """
    first = [column[0] for column in columns]
    column_names = {*_NAMES["label"], *_NAMES["utterance"]}
    named = any(_normalize_name(name) in column_names for name in first)
    return first if named and not any(name.lower() in LABEL_WORDS for name in first) else []


def _find_named(grid: _Grid, role: str) -> int | None:
    plain = [_normalize_name(name) for name in grid.header]
    return next((plain.index(name) for name in _NAMES[role] if name in plain), None)


def _find_label_column(path: Path, grid: _Grid, words: Mapping[str, Class]) -> int:
    """Return the column whose every field is a label."""
    fitting = [
        i for i, column in enumerate(grid.columns) if all(word.lower() in words for word in column)
    ]
    named = _find_named(grid, "label")
    if named is not None:
        stranger = next((word for word in grid.columns[named] if word.lower() not in words), None)
        if stranger is None:
            return named
        why = f"{quote_text(stranger)} is no label"
        if stranger in ("0", "1"):
            why = "0 and 1 do not say which is bona fide"
        raise BenchError(
            "protocol.no-labels", f"{path}: in column {grid.header[named]!r} {why}: {_WAY_OUT}"
        )
    if len(fitting) != 1:
        what = "no column" if not fitting else f"{len(fitting)} columns"
        raise BenchError(
            "protocol.no-labels", f"{path}: {what} of labels among {len(grid.columns)}: {_WAY_OUT}"
        )
    return fitting[0]


def _find_id_column(path: Path, grid: _Grid, card: CorpusCard, label: int) -> int:
    """Return the column of ids.

    It is the column with such a name, or the one whose cells all look like ids of the corpus, or
    the only one whose cells all differ.
    """
    named = _find_named(grid, "utterance")
    if named is not None:
        return named
    others = [i for i in range(len(grid.columns)) if i != label]
    ids = card.protocol.ids if card.protocol else ""
    if ids:
        id_pattern = re.compile(f"(.*/)?{ids}(\\.\\w+)?")
        fitting = [i for i in others if all(id_pattern.fullmatch(word) for word in grid.columns[i])]
    else:
        fitting = [i for i in others if len(set(grid.columns[i])) == len(grid.columns[i])]
    if len(fitting) == 1 or (len(others) == 1 and not ids):
        return [*fitting, *others][0]
    example = ", ".join(quote_text(grid.columns[i][0], 30) for i in others)
    raise BenchError(
        "protocol.no-utterances",
        f"{path}: no one column holds utterances of {card.name}"
        + (f", which are named {ids}" if ids else "")
        + f"; there are {example}: {_WAY_OUT}",
    )


def _name_columns(grid: _Grid, taken: Mapping[int, str]) -> list[str]:
    """Return a name for each column; `-` where nothing says what it holds."""
    names = dict(taken)
    for role in ("speaker", "attack"):
        at = _find_named(grid, role)
        if at is not None and at not in names:
            names[at] = role
    for i, name in enumerate(map(_normalize_name, grid.header)):
        free = re.fullmatch(r"[a-z]\w*", name) and name not in {*names.values(), *_RESERVED}
        names.setdefault(i, name if free else "-")
    return [names.get(i, "-") for i in range(len(grid.columns))]


_RESERVED = ("path", "spans", "samples", "duration_s", "attack_type")

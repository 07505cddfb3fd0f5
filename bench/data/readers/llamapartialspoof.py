"""LlamaPartialSpoof: two parts of audio and label file each; a split is a choice of kinds.

Layout: `R01TTS.0.a/<ID>.wav` (bona fide, full, partial-cf), `R01TTS.0.b/<ID>.wav` (partial-cp,
partial-oa), `label_<part>.txt` with `ID DURATION bonafide|spoof START-END-LABEL ...`. An id is
`<subset>[-<tts>-<kind>]_<speaker>_<chapter>_<paragraph>_<utterance>`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bench.cards.corpus_cards import check_split
from bench.data import file_search, lines, polarity, spans
from bench.data.broken_corpus import BrokenCorpus, RequiredFile, require_files
from bench.data.lines import Lines
from bench.data.subset import Span, Spans, Subset
from bench.errors import BenchError, near_name
from bench.issues import Issues
from bench.specs.corpus import CorpusCard
from bench.units import BONAFIDE

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

_LINE = re.compile(
    r"(?P<utterance>(?P<subset>[a-z]+(?:-clean|\d+))"
    r"(?:-(?P<tts>[A-Za-z0-9]+)-(?P<kind>full|partial-cf|partial-cp|partial-oa))?"
    r"_(?P<speaker>\d+)_\d+_\d+_\d+) "
    r"(?P<duration>\d+(?:\.\d+)?) (?P<label>\S+) (?P<spans>\S+(?: \S+)*)"
)
_FORM = (
    "SUBSET[-TTS-KIND]_SPEAKER_CHAPTER_PARAGRAPH_UTTERANCE DURATION bonafide|spoof "
    "START-END-LABEL ..."
)


class _Part(NamedTuple):
    name: str
    kinds: frozenset[str]


_WHOLE = _Part("R01TTS.0.a", frozenset({"bonafide", "full"}))
_SPLICED = {
    "crossfade": _Part("R01TTS.0.a", frozenset({"partial-cf"})),
    "cut-paste": _Part("R01TTS.0.b", frozenset({"partial-cp"})),
    "overlap-add": _Part("R01TTS.0.b", frozenset({"partial-oa"})),
}


def read_split(
    card: CorpusCard,
    root: Path,
    split: str,
    resolution_s: float | None,  # noqa: ARG001  (all readers are called alike)
    keys_only: bool = False,
) -> Subset:
    """Return bona fide, full and one kind of spliced utterances, with their spans.

    `resolution_s` plays no part, since labels are in seconds. `attack` is the synthesiser; columns
    are added: `kind` (bonafide, full, partial-cf, partial-cp, partial-oa) and `subset` (dev-clean,
    test-clean, dev01).
    """
    check_split(card, split)
    if split not in _SPLICED:
        raise BenchError(
            "corpus.unknown-split",
            f"{card.key}: this reader has no split {split!r}{near_name(split, _SPLICED)}",
        )
    kinds: dict[str, frozenset[str]] = {_WHOLE.name: _WHOLE.kinds}
    spliced = _SPLICED[split]
    kinds[spliced.name] = kinds.get(spliced.name, frozenset()) | spliced.kinds
    files = [f"label_{part}.txt" for part in kinds]
    if not keys_only:
        pieces = [RequiredFile(part, f"{part}.tgz") for part in kinds]
        require_files(card, split, root, [*pieces, *(RequiredFile(file, file) for file in files)])
    paths = file_search.locate_files(card, split, root, files, keys_only)
    issues = Issues()
    tables: list[pd.DataFrame] = []
    labelled: dict[str, tuple[Span, ...]] = {}
    for (part, wanted), path in zip(kinds.items(), paths, strict=True):
        part_lines = _read_part(path, wanted, issues)
        part_lines, parsed = spans.parse_spans(part_lines, "spans", " ", lines.CLASS_WORDS, issues)
        tables.append(_build_table(part_lines, part, card.audio.suffix[0]))
        spans.check_ends(tables[-1], [labels[-1].end_s for labels in parsed], issues)
        labelled |= zip(tables[-1]["utterance"], parsed, strict=True)
    table = pd.concat(tables, ignore_index=True)
    polarity.check_label_polarity(table, Spans(labelled), issues)
    subset = Subset(card.key, split, root, table, Spans(labelled))
    if issues.errors:
        raise BrokenCorpus(card, split, root, issues, subset)
    return subset


def _read_part(path: Path, wanted: frozenset[str], issues: Issues) -> Lines:
    """Return the lines of the kinds wanted; note those whose id and label do not agree."""
    part_lines = lines.read_lines(path, _LINE, _FORM, issues)
    part_lines = lines.keep_known(part_lines, "label", lines.CLASS_WORDS, issues)
    kinds = [kind or BONAFIDE for kind in part_lines.list_column("kind")]
    labels = part_lines.list_column("label")
    agree = [
        (kind == BONAFIDE) == (label == BONAFIDE) for kind, label in zip(kinds, labels, strict=True)
    ]
    contradicted = [i for i, same in enumerate(agree) if not same]
    ids = [f"{part_lines.name_line(i)}: {labels[i]}, {kinds[i]} by its id" for i in contradicted]
    issues.add("error", "protocol.contradiction", "label that the id contradicts", ids=ids)
    return part_lines.keep_rows(i for i, kind in enumerate(kinds) if agree[i] and kind in wanted)


def _build_table(part_lines: Lines, part: str, suffix: str) -> pd.DataFrame:
    utterances = part_lines.list_column("utterance")
    return pd.DataFrame(
        {
            "utterance": utterances,
            "path": [f"{part}/{utterance}{suffix}" for utterance in utterances],
            "label": part_lines.list_column("label"),
            "speaker": part_lines.list_column("speaker"),
            "attack": part_lines.list_column("tts"),
            "duration_s": [float(duration) for duration in part_lines.list_column("duration")],
            "kind": [kind or BONAFIDE for kind in part_lines.list_column("kind")],
            "subset": part_lines.list_column("subset"),
        }
    )

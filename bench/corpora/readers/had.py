"""Half-truth Audio Detection: a label file of three fields a split, the audio somewhere below.

Layout: `HAD_{split}/HAD_{split}_label.txt` with `ID SPANS KEY`: spans `START-END-T|F` joined by
slashes, T for true and F for fake; key 1 for real, 0 for fake. Copies differ in where the audio is
(`conbine/`, `train/conbine/`, `test/test/`) and in whether ids end in `.wav`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd

from bench.corpora import lines, polarity, spans
from bench.corpora.cards import check_split
from bench.corpora.problems import BrokenCorpus, Piece, Problems, require
from bench.corpora.subset import Spans, Subset
from bench.specs.corpus import CorpusCard
from bench.units import BONAFIDE, SPOOF

_LINE = re.compile(r"(?P<utterance>\S+?)(?:\.wav)?\s+(?P<spans>\S+)\s+(?P<key>\S+)")
_FORM = "ID START-END-T|F/START-END-T|F/... 1|0"
_KEYS = {"1": BONAFIDE, "0": SPOOF}
_TAGS = {"T": BONAFIDE, "F": SPOOF}


def read(
    card: CorpusCard,
    root: Path,
    split: str,
    resolution_s: float | None,  # noqa: ARG001  (all readers are called alike)
) -> Subset:
    """Return a split with its spans; `resolution_s` plays no part, since labels are in seconds.

    `duration_s` is where the last span ends. The corpus names neither speakers nor attacks.
    """
    check_split(card, split)
    folder = f"HAD_{split}"
    label_file = f"{folder}/{folder}_label.txt"
    archive = card.downloads[0].file
    require(card, split, root, [Piece(folder, archive), Piece(label_file, archive)])
    problems = Problems()
    found = lines.read(root / label_file, _LINE, _FORM, problems)
    found = lines.known(found, "key", _KEYS, problems)
    found, parsed = spans.parse(found, "spans", "/", _TAGS, problems)
    utterances = found.column("utterance")
    table = pd.DataFrame(
        {
            "utterance": utterances,
            "path": _paths(root, folder, utterances, card.audio.suffix, problems),
            "label": [_KEYS[key] for key in found.column("key")],
            "speaker": "",
            "attack": "",
            "duration_s": [labels[-1].end_s for labels in parsed],
        }
    )
    timing = Spans(dict(zip(utterances, parsed, strict=True)))
    polarity.errors(table, timing, problems)
    subset = Subset(card.key, split, root, table, timing)
    if problems.fatal:
        raise BrokenCorpus(card, split, root, problems, subset)
    return subset


def _paths(
    root: Path, folder: str, utterances: list[str], suffix: str, problems: Problems
) -> list[str]:
    """Return where each utterance's audio is below `root`, or would be were it there."""
    places: dict[str, list[str]] = {}
    for where, _, files in os.walk(root / folder):
        below = Path(where).relative_to(root).as_posix()
        for file in files:
            if file.endswith(suffix):
                places.setdefault(file.removesuffix(suffix), []).append(f"{below}/{file}")
    if not places:
        problems.error(f"no audio below {folder}: unpack the archive within the archive", [], 1)
    several = [
        f"{u}: {' and '.join(sorted(places[u]))}" for u in utterances if len(places.get(u, ())) > 1
    ]
    problems.error("utterance with several audio files", several)
    return [min(places.get(u, [f"{folder}/{u}{suffix}"])) for u in utterances]

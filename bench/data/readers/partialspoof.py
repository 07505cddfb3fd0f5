"""PartialSpoof: a protocol of five fields, and pickled frame vectors at seven resolutions.

Layout: `{split}/con_wav/<id>.wav`,
`protocols/PartialSpoof_LA_cm_protocols/PartialSpoof.LA.cm.{split}.trl.txt`,
`segment_labels/{split}_seglab_{resolution}.npy`: `'1'` for bona fide and `'0'` for spoof frames.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.cards.corpus_cards import check_split
from bench.data import file_search, polarity
from bench.data.broken_corpus import BrokenCorpus, RequiredFile, missing_lists_error, require_files
from bench.data.pickles import read_string_vectors
from bench.data.readers import protocol
from bench.data.subset import FrameVectors, Subset
from bench.errors import BenchError
from bench.issues import Issues
from bench.specs.corpus import CorpusCard

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

_BATCH = 4096


def read_split(
    card: CorpusCard, root: Path, split: str, resolution_s: float | None, keys_only: bool = False
) -> Subset:
    """Return a split with its frame vectors at `resolution_s`, the finest there is where None.

    The protocol gives no durations; `attack` is its system: CON for spoof, "" for bona fide. With
    `keys_only` and no vectors anywhere there is no timing, unless a resolution is asked for.
    """
    check_split(card, split)
    labels = _find_label_file(card, root, split, resolution_s, keys_only)
    if not keys_only:
        listed = [file.replace("{split}", split) for file in protocol.require_protocol(card).file]
        pieces = [
            RequiredFile(f"{split}/con_wav", f"database_{split}.tar.gz"),
            RequiredFile(listed[0], "database_protocols.tar.gz"),
            *(RequiredFile(label.file, "database_segment_labels_v1.2.tar.gz") for label in labels),
        ]
        require_files(card, split, root, pieces)
    issues = Issues()
    lines = protocol.read_split_lines(card, root, split, issues, keys_only)
    table = protocol.build_table(card, lines, issues)
    table["path"] = f"{split}/con_wav/" + table["utterance"] + card.audio.suffix[0]
    timing: FrameVectors | None = None
    for label in labels:
        spoof = _read_spoof_frames(label.path, issues)
        table = _match_vectors(table, spoof, label.file, issues)
        timing = FrameVectors(label.resolution_s, spoof)
        polarity.check_label_polarity(table, timing, issues)
    subset = Subset(card.key, split, root, table, timing)
    if issues.errors:
        raise BrokenCorpus(card, split, root, issues, subset)
    return subset


def vector_file(split: str, resolution_s: float) -> str:
    """Return the path below the root, e.g. `segment_labels/dev_seglab_0.16.npy`."""
    return f"segment_labels/{split}_seglab_{resolution_s:g}.npy"


class _Labels(NamedTuple):
    resolution_s: float
    file: str
    """Below the root."""
    path: Path


def _find_label_file(
    card: CorpusCard, root: Path, split: str, wanted: float | None, keys_only: bool
) -> list[_Labels]:
    """Return the label file of the wanted resolution, or of the finest that is there.

    [] where there are only keys, without label files, and no resolution is wanted.
    """
    official = sorted(card.resolutions_s)
    if wanted is not None and wanted not in official:
        names = ", ".join(f"{r:g}" for r in official)
        raise BenchError(
            "labels.unknown-resolution",
            f"{card.key} has no labels at {wanted:g} s; there are: {names}",
        )
    tried = official if wanted is None else [wanted]
    for resolution_s in tried:
        file = vector_file(split, resolution_s)
        by_name, exact = file_search.find_file, file_search.find_exact
        path = by_name(card, root, file) if keys_only else exact(root, [file])
        if path is not None:
            return [_Labels(resolution_s, file, path)]
    file = vector_file(split, tried[0])
    if keys_only and wanted is not None:
        raise missing_lists_error(card, split, root, [file])
    return [] if keys_only else [_Labels(tried[0], file, root / file)]


def _read_spoof_frames(path: Path, issues: Issues) -> dict[str, np.ndarray]:
    """Return for each utterance a bool array, True where the file has '0'; note other labels."""
    vectors = read_string_vectors(path)
    empty = [name for name, vector in vectors.items() if not len(vector)]
    issues.add("error", "labels.empty-vector", f"empty vector in {path.name}", ids=empty)
    names = [name for name, vector in vectors.items() if len(vector)]
    spoof: dict[str, np.ndarray] = {}
    wrong: list[str] = []
    # In batches: the official strings are 21 characters wide, all at once would double some 2 GB.
    for first in range(0, len(names), _BATCH):
        batch = names[first : first + _BATCH]
        flat = np.concatenate([vectors[name] for name in batch])
        zero = flat == "0"
        edges = np.cumsum([len(vectors[name]) for name in batch]).tolist()
        pieces = zip([0, *edges], edges, strict=False)
        spoof |= {name: zero[a:b] for name, (a, b) in zip(batch, pieces, strict=True)}
        if not (zero | (flat == "1")).all():
            wrong += [name for name in batch if not np.isin(vectors[name], ("0", "1")).all()]
    for name in wrong:
        del spoof[name]
    what = f"unknown label in {path.name}, should be '1' (bona fide) or '0' (spoof)"
    ids = [f"{name}: {_first_unknown(vectors[name])!r}" for name in wrong]
    issues.add("error", "labels.unknown-class", what, ids=ids)
    return spoof


def _first_unknown(vector: np.ndarray) -> str:
    return str(vector[~np.isin(vector, ("0", "1"))][0])


def _match_vectors(
    table: pd.DataFrame, spoof: dict[str, np.ndarray], vectors: str, issues: Issues
) -> pd.DataFrame:
    """Keep the utterances that are in the protocol and have a vector; note the others."""
    listed = table["utterance"].tolist()
    without = [utterance for utterance in listed if utterance not in spoof]
    what = f"utterance of the protocol without a vector in {vectors}"
    issues.add("error", "labels.missing", what, ids=without)
    surplus = sorted(spoof.keys() - set(listed))
    what = f"vector in {vectors} of an utterance that the protocol has not"
    issues.add("error", "labels.surplus", what, ids=surplus)
    for utterance in surplus:
        del spoof[utterance]
    return table[table["utterance"].isin(spoof.keys())].reset_index(drop=True) if without else table

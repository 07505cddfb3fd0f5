"""What the card of a corpus must keep, tried on a small miniature that is made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.conformance.faults import make_fault
from bench.data.readers import find_reader
from bench.issues import Issue
from bench.specs.corpus import CorpusCard
from bench.synthetic import DEFAULT, write_miniatures
from bench.units import CLASSES

_SIZE = replace(DEFAULT, inthewild=8, shortest_s=0.6, longest_s=0.8)


def check_by_miniature(card: CorpusCard) -> Iterator[Issue]:
    """Yield what is wrong with a card: each split of its miniature can be read, with its labels."""
    with TemporaryDirectory() as folder:
        (root,) = write_miniatures(Path(folder), size=_SIZE, only=[card.key], cards=[card])
        for split in card.splits:
            resolution_s = 0.02 if card.task == "localization" else None
            subset = find_reader(card)(card, root, split, resolution_s)
            counts = subset.table["label"].value_counts().to_dict()
            if counts != dict.fromkeys(CLASSES, _SIZE.inthewild // 2):
                yield make_fault(
                    "extension.corpus-contract",
                    f"{card.key} {split}: its miniature has half of each class, but {counts} was "
                    "read",
                )
            missing = [i for i in range(len(subset.table)) if not subset.audio_path(i).is_file()]
            if missing:
                yield make_fault(
                    "extension.corpus-contract",
                    f"{card.key} {split}: the audio of {len(missing)} utterances is not at "
                    f"{subset.audio_path(missing[0]).relative_to(root)}",
                )

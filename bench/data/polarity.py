"""Check that the class of an utterance and its frame or span labels agree.

This finds inverted labels: all labels of a bona fide utterance are bona fide, so they show which
code of the file means bona fide.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.data.subset import FrameVectors, Spans
from bench.issues import Issues
from bench.units import BONAFIDE, CLASSES


class ClassesHeld(NamedTuple):
    """For each utterance, whether its labels hold any of the class; two bool arrays."""

    bonafide: np.ndarray
    spoof: np.ndarray


def find_classes(table: pd.DataFrame, timing: FrameVectors | Spans) -> ClassesHeld:
    """Return which classes the labels of each utterance hold; no vector may be empty."""
    utterances = table["utterance"].tolist()
    if isinstance(timing, Spans):
        labels = [{span.label for span in timing.spans[utterance]} for utterance in utterances]
        bonafide, spoof = ([name in each for each in labels] for name in CLASSES)
        return ClassesHeld(np.array(bonafide, dtype=bool), np.array(spoof, dtype=bool))
    if not utterances:
        return ClassesHeld(np.zeros(0, dtype=bool), np.zeros(0, dtype=bool))
    vectors = [timing.spoof[utterance] for utterance in utterances]
    lengths = np.array([len(vector) for vector in vectors])
    first = np.cumsum(lengths) - lengths
    spoof = np.add.reduceat(np.concatenate(vectors), first, dtype=np.int64)
    return ClassesHeld(spoof < lengths, spoof > 0)


def check_label_polarity(table: pd.DataFrame, timing: FrameVectors | Spans, issues: Issues) -> None:
    """Note as errors what would invert or corrupt every figure.

    A bona fide utterance with spoof labels always is one. A spoof utterance without any is one only
    where labels are spans: frame vectors lose short spans at coarse resolutions, where the last,
    shorter frame is dropped.
    """
    classes = find_classes(table, timing)
    bonafide = (table["label"] == BONAFIDE).to_numpy()
    ids = table["utterance"].to_numpy()
    inverted = bonafide & classes.spoof
    flipped = ClassesHeld(classes.spoof, classes.bonafide)
    fits = not (bonafide & flipped.spoof).any() and bool((bonafide | flipped.spoof).all())
    hint = "flipped labels would not fit either"
    if fits:
        hint = "flipped labels would fit all: the file's codes are inverted"
    what = f"bona fide utterance with spoof labels, of {int(bonafide.sum()):,} ({hint})"
    issues.add("error", "labels.inverted", what, ids=ids[inverted].tolist())
    if isinstance(timing, Spans):
        without = _without_spoof(ids, bonafide, classes)
        issues.add("error", "labels.no-spoof", "spoof utterance without a spoof span", ids=without)


def warn_missing_spoof(table: pd.DataFrame, timing: FrameVectors | Spans, issues: Issues) -> None:
    """Note spoof utterances whose frame vector holds no spoof frame."""
    if isinstance(timing, FrameVectors):
        bonafide = (table["label"] == BONAFIDE).to_numpy()
        without = _without_spoof(
            table["utterance"].to_numpy(), bonafide, find_classes(table, timing)
        )
        what = f"spoof utterance without a spoof frame at {timing.resolution_s:g} s"
        issues.add("warning", "labels.no-spoof", what, ids=without)


def _without_spoof(ids: np.ndarray, bonafide: np.ndarray, classes: ClassesHeld) -> list[str]:
    return ids[~bonafide & ~classes.spoof].tolist()

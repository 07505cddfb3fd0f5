"""Do the ids of a score file and the trials of the keys cover each other?"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute

from bench.corpora import cards
from bench.metrics.tally import Bools, Integers
from bench.scoring.findings import EXAMPLES, Findings
from bench.scoring.forms import ScoreFile, reduced
from bench.specs.corpus import CorpusCard
from bench.units import BONAFIDE, SPOOF

Others = Callable[[], Mapping[str, Collection[str]]]
"""Returns the ids of the corpus's other splits, by split."""


class Coverage(NamedTuple):
    """Which row is of which trial."""

    trial: Integers
    """Row of the keys' table for each row of the score file; -1 where there is none."""
    present: Bools
    """For each trial, whether it has a score."""


def cover(
    scores: ScoreFile, trials: pd.DataFrame, others: Others, allow_missing: bool, found: Findings
) -> Coverage:
    """Match rows and trials; note ids missing, unknown, of other splits, of another corpus.

    Rows of no trial are left out of every figure. Where no id is known, that is the one error.
    """
    keys = _keys(trials)
    at = compute.index_in(scores.names, value_set=keys)
    place = compute.fill_null(at, -1).to_numpy().astype(np.int64)
    known = place >= 0
    present = np.zeros(len(trials), dtype=np.bool_)
    present[place[known]] = True
    if not known.all():
        unknown = scores.names.filter(pa.array(~known))
        _unknown(unknown, bool(known.any()), keys, others, found)
    if known.any():
        _missing(keys, present, allow_missing, found)
    return Coverage(place[scores.row], present)


def whole(card: CorpusCard, split: str, trials: pd.DataFrame, found: Findings) -> None:
    """Note keys that do not list as many trials of each class as the card has for the split."""
    expected, label = card.splits[split], trials["label"]
    pairs = [
        (expected.utterances, len(trials), "trials"),
        (expected.bonafide, int((label == BONAFIDE).sum()), "bona fide"),
        (expected.spoof, int((label == SPOOF).sum()), "spoof"),
    ]
    stated = [(known, count, what) for known, count, what in pairs if known is not None]
    if all(known == count for known, count, _ in stated):
        return
    sure = "" if expected.standing == "verified" else ", as far as is known"
    listed = ", ".join(f"{count:,} {what}" for _, count, what in stated)
    official = ", ".join(f"{known:,} {what}" for known, _, what in stated)
    found.add(
        "warning",
        "key_counts",
        f"the keys list {listed}, but {split} of {card.short} has {official}{sure}: no figure here "
        "compares with a published one",
    )


def labels(scores: ScoreFile, trials: pd.DataFrame, trial: Integers, found: Findings) -> None:
    """Note trials whose class by the score file is not their class by the keys.

    Of frames, only bona fide utterances are looked at: all their frames are bona fide.
    """
    if scores.bonafide is None:
        return
    truth = (trials["label"] == BONAFIDE).to_numpy()
    known = trial >= 0
    if scores.kind == "frames":
        known[known] = truth[trial[known]]
    wrong = trial[known][scores.bonafide[known] != truth[trial[known]]]
    if not len(wrong):
        return
    trials_wrong = np.unique(wrong)
    hint = (
        "all of them: its labels are the other way round"
        if len(wrong) == known.sum()
        else "protocols were mixed up"
    )
    found.add(
        "error",
        "label_conflict",
        f"{len(trials_wrong):,} utterances have another label here than in the keys ({hint})",
        len(trials_wrong),
        _names(trials, trials_wrong),
    )


def repeated(
    scores: ScoreFile, trial: Integers, item: Integers, what: str, found: Findings
) -> bool:
    """Note items (trials, or frames: `item` is a code for each row of a trial) with more than one
    row; return whether any has different scores.

    Equal repeats count once.
    """
    rows = np.flatnonzero(trial >= 0)
    order = rows[np.argsort(item[rows], kind="stable")]
    first = np.flatnonzero(np.diff(item[order], prepend=-1))
    counts = np.diff(first, append=len(order))
    if not len(order) or (counts == 1).all():
        return False
    score = scores.score[order]
    again = counts > 1
    with np.errstate(invalid="ignore"):  # NaN is noted elsewhere
        highest, lowest = np.maximum.reduceat(score, first), np.minimum.reduceat(score, first)
    differs = again & (highest != lowest) & ~np.isnan(highest)
    times = int(counts[0])
    whole = (
        f"; the file holds everything {times} times: it was appended to by another run"
        if (counts == times).all()
        else ""
    )
    examples = (scores.names[int(scores.row[i])].as_py() for i in order[first[differs]].tolist())
    if differs.any():
        found.add(
            "error",
            "duplicated",
            f"{differs.sum():,} {what} have rows with different scores{whole}",
            differs.sum(),
            examples,
        )
        return True
    examples = (scores.names[int(scores.row[i])].as_py() for i in order[first[again]].tolist())
    found.add(
        "warning",
        "duplicated",
        f"{again.sum():,} {what} have more than one row with one score, which counts once{whole}",
        again.sum(),
        examples,
    )
    return False


def _keys(trials: pd.DataFrame) -> pa.StringArray:
    """Return the trials' ids, reduced as the score file's are unless that makes two the same."""
    ids = pa.array(trials["utterance"], pa.string())
    ids = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    short = reduced(ids)
    return short if len(short.unique()) == len(ids) else ids


def _missing(keys: pa.StringArray, present: Bools, allowed: bool, found: Findings) -> None:
    count = int((~present).sum())
    hint = "left out of every figure" if allowed else "say --allow-missing to leave them out"
    found.add(
        "warning" if allowed else "error",
        "missing",
        f"{count:,} of {len(present):,} trials have no score ({hint})",
        count,
        (keys[i].as_py() for i in np.flatnonzero(~present)[:EXAMPLES].tolist()),
    )


def _unknown(
    unknown: pa.StringArray, some_known: bool, keys: pa.StringArray, others: Others, found: Findings
) -> None:
    """Note ids that are no trial's: those of other splits, and the rest."""
    total, of_splits = len(unknown), dict[str, int]()
    for split, ids in others().items():
        of_split = compute.is_in(unknown, value_set=reduced(pa.array(list(ids), pa.string())))
        of_splits[split] = compute.sum(of_split).as_py() or 0
        unknown = unknown.filter(compute.invert(of_split))
    met = {split: count for split, count in of_splits.items() if count}
    where = ", ".join(f"{count:,} ids are of {split}" for split, count in met.items())
    if where:
        wanted = " or ".join(f"--split {split}" for split in met)
        hint = "left out" if some_known else f"none is of this split: say {wanted}"
        severity = "note" if some_known else "error"
        found.add(severity, "other_split", f"{where} ({hint})", total - len(unknown))
    if not len(unknown) or (where and not some_known):
        return
    examples = unknown[:EXAMPLES].to_pylist()
    if some_known:
        what = f"{len(unknown):,} ids are of no trial in the keys (left out)"
        found.add("warning", "unknown", what, len(unknown), examples)
        return
    alike = _corpora(unknown[:: max(len(unknown) // 100, 1)].to_pylist())
    wanted = keys[0].as_py() if len(keys) else "there are no keys"
    what = f"no id is of a trial in the keys (such as {wanted})"
    own = len(alike) == 1 and alike == _corpora([wanted])
    if own:
        what += f"; they look like ids of {alike[0]}, so of another split or release"
    elif alike:
        what += f"; ids of {' or '.join(alike)} look so"
    code = "another_corpus" if alike and not own else "unknown"
    found.add("error", code, what, len(unknown), examples)


def _corpora(ids: list[str]) -> list[str]:
    """Return the short names of the corpora whose ids look like these."""
    alike: list[str] = []
    for card in cards.readable().cards:
        pattern = card.protocol.ids if card.protocol else ""
        if pattern and all(re.fullmatch(pattern, i) for i in ids):
            alike.append(card.short)
    return alike


def _names(trials: pd.DataFrame, rows: Integers) -> list[str]:
    return trials["utterance"].iloc[rows[:EXAMPLES].tolist()].tolist()

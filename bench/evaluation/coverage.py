"""Do the ids of a score file and the trials of the keys cover each other?"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute

from bench._io.printable import one_line
from bench.evaluation import hints, ids
from bench.evaluation.absent import missing
from bench.evaluation.findings import Findings
from bench.evaluation.forms import ScoreFile
from bench.evaluation.ids import Match
from bench.metrics.tally import Bools, Integers
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
    notes: tuple[str, ...]
    """What was done to ids, sentence by sentence."""


def cover(
    scores: ScoreFile, trials: pd.DataFrame, others: Others, allow_missing: bool, found: Findings
) -> Coverage:
    """Match rows and trials; note ids missing, unknown, of other splits, of another corpus.

    Rows of no trial are left out of every figure. Where no id is known, that is the one error.
    """
    keys = ids.array(trials["utterance"])
    of = ids.match(scores.names, keys)
    place = of.place
    if of.form.parts < ids.deepest(keys):
        place = np.where(_elsewhere(scores.names, of, others), -1, place)
    known = place >= 0
    present = np.zeros(len(trials), dtype=np.bool_)
    present[place[known]] = True
    if not known.all():
        _unknown(scores.names, of, known, ~present, others, found)
    if known.any():
        missing(trials, present, allow_missing, found)
    return Coverage(place[scores.row], present, _cut(scores.names, of, known))


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
        f"the keys list {listed}, but {split} of {card.short} has {official}{sure}: no result here "
        "compares with a published one",
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
    chosen = scores.row[order[first[differs if differs.any() else again]]]
    listed = partial(_taken, scores.names, chosen)

    if differs.any():
        found.add(
            "error",
            "duplicated",
            f"{differs.sum():,} {what} have rows with different scores{whole}",
            differs.sum(),
            listed,
        )
        return True
    found.add(
        "warning",
        "duplicated",
        f"{again.sum():,} {what} have more than one row with one score, which counts once{whole}",
        again.sum(),
        listed,
    )
    return False


def _elsewhere(names: pa.StringArray, of: Match, others: Others) -> Bools:
    """Return which names another split has with more of their folders than this one."""
    found = np.zeros(len(names), dtype=np.bool_)
    for utterances in others().values():
        other = ids.match(names, ids.array(list(utterances)))
        if other.form.parts > of.form.parts:
            found |= other.place >= 0
    return found


def _cut(names: pa.StringArray, of: Match, known: Bools) -> tuple[str, ...]:
    """Say what was cut off ids, nothing where nothing was."""
    changed = np.flatnonzero(known & compute.not_equal(names, of.names).to_numpy(False))
    if not len(changed):
        return ()
    at = int(changed[0])
    pair = (one_line(text[at].as_py()) for text in (names, of.names))
    joined = known.sum() - len(np.unique(of.place[known]))
    return (
        f"folders and suffixes were cut off ids: {' is '.join(pair)}",
        *[f"{joined:,} ids differ from another one in folder or suffix only"] * bool(joined),
    )


def _unknown(
    names: pa.StringArray, of: Match, known: Bools, absent: Bools, others: Others, found: Findings
) -> None:
    """Note ids that are no trial's: those of other splits, and the rest; `absent` are trials
    without a score.
    """
    unknown, of_splits = np.flatnonzero(~known), dict[str, Integers]()
    for split, utterances in others().items():
        theirs = ids.reduced(ids.clean(ids.array(list(utterances))), of.form)
        of_split = compute.is_in(of.names.take(unknown), value_set=theirs).to_numpy(False)
        of_splits[split] = unknown[of_split]
        unknown = unknown[~of_split]
    met = {split: rows for split, rows in of_splits.items() if len(rows)}
    where = ", ".join(f"{len(rows):,} ids are of {split}" for split, rows in met.items())
    if where:
        wanted = " or ".join(f"--split {split}" for split in met)
        hint = "left out" if known.any() else f"none is of this split: say {wanted}"
        severity = "note" if known.any() else "error"
        elsewhere = np.concatenate([*met.values()])
        listed = partial(_taken, names, elsewhere)
        found.add(severity, "other_split", f"{where} ({hint})", len(elsewhere), listed, ())
    if not len(unknown) or (where and not known.any()):
        return
    listed, left = partial(_taken, names, unknown), of.names.take(unknown)
    change = hints.change(left, of.keys.filter(pa.array(absent)))
    alike, sampled = hints.corpora(left), hints.corpora(of.keys[:1])
    own = len(alike) == 1 and alike == sampled
    if known.any():
        alike = [short for short in alike if short not in sampled]
    if change:
        hint = f"; {change}"
    elif own:
        hint = f"; they look like ids of {sampled[0]}, so of another split or release"
    elif alike:
        hint = f"; ids of {' or '.join(alike)} look so"
    else:
        hint = ""
    if known.any():
        what = f"{len(unknown):,} ids are of no trial in the keys (left out){hint}"
        found.add("warning", "unknown", what, len(unknown), listed)
        return
    wanted = of.keys[0].as_py() if len(of.keys) else "there are no keys"
    code = "another_corpus" if alike and not own and not change else "unknown"
    what = f"no id is of a trial in the keys (such as {one_line(wanted)}){hint}"
    found.add("error", code, what, len(unknown), listed)


def _taken(names: pa.StringArray, rows: Integers) -> list[str]:
    return names.take(pa.array(rows)).to_pylist()

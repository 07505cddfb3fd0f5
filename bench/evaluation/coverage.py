"""Which rows of a score file are of which trials of the keys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute

from bench._io.printable import format_count, one_line
from bench.evaluation import hints, ids
from bench.evaluation.forms import ScoreFile
from bench.evaluation.ids import IdMatch
from bench.evaluation.missing_trials import add_missing
from bench.issues import Issues
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


def match_trials(
    scores: ScoreFile, trials: pd.DataFrame, others: Others, allow_missing: bool, issues: Issues
) -> Coverage:
    """Match rows and trials; add issues for ids that are missing, unknown or of another split.

    Rows of no trial are left out of every result. Where no id is known, that is the only error.
    """
    keys = ids.to_array(trials["utterance"])
    match = ids.match_ids(scores.names, keys)
    position = match.position
    if match.form.parts < ids.count_parts(keys):
        position = np.where(_in_other_splits(scores.names, match, others), -1, position)
    has_trial = position >= 0
    present = np.zeros(len(trials), dtype=np.bool_)
    present[position[has_trial]] = True
    if not has_trial.all():
        _add_unknown(scores.names, match, has_trial, ~present, others, issues)
    if has_trial.any():
        add_missing(trials, present, allow_missing, issues)
    return Coverage(position[scores.row], present, _describe_cuts(scores.names, match, has_trial))


def check_key_counts(card: CorpusCard, split: str, trials: pd.DataFrame, issues: Issues) -> None:
    """Add an issue where the keys list other counts of trials than the card has for the split."""
    if differ := describe_counts(card, split, trials):
        what = f"{differ}: these results cannot be compared with published ones"
        issues.add("warning", "keys.counts", what)


def describe_counts(card: CorpusCard, split: str, trials: pd.DataFrame) -> str:
    """Return how many trials the keys list and the split has; "" where these are as many."""
    expected, label = card.splits[split], trials["label"]
    pairs = [
        (expected.utterances, len(trials), "trials"),
        (expected.bonafide, int((label == BONAFIDE).sum()), "bona fide"),
        (expected.spoof, int((label == SPOOF).sum()), "spoof"),
    ]
    stated = [pair for pair in pairs if pair[0] is not None]
    if all(there == count for there, count, _ in stated):
        return ""
    sure = "" if expected.standing == "verified" else ", as far as is known"
    listed = ", ".join(f"{count:,} {what}" for _, count, what in stated)
    official = ", ".join(f"{there:,} {what}" for there, _, what in stated)
    return f"the keys list {listed}, but {split} of {card.short} has {official}{sure}"


def check_repeats(
    scores: ScoreFile, trial: Integers, item: Integers, what: str, issues: Issues
) -> None:
    """Add an issue for items with more than one row.

    Items are trials or frames, `what` in the singular; `item` is a code for each row of a trial.
    Equal repeats count once.
    """
    rows = np.flatnonzero(trial >= 0)
    order = rows[np.argsort(item[rows], kind="stable")]
    first = np.flatnonzero(np.diff(item[order], prepend=-1))
    counts = np.diff(first, append=len(order))
    if not len(order) or (counts == 1).all():
        return
    score = scores.score[order]
    again = counts > 1
    with np.errstate(invalid="ignore"):  # NaN is noted elsewhere
        highest, lowest = np.maximum.reduceat(score, first), np.minimum.reduceat(score, first)
    differs = again & (highest != lowest) & ~np.isnan(highest)
    times = int(counts[0])
    whole = ""
    if (counts == times).all():
        whole = f"; the file holds everything {times} times: another run appended to it"
    repeated, how = again, "more than one row with one score, which counts once"
    if differs.any():
        at = int(np.flatnonzero(differs)[0])
        name = one_line(scores.names[int(scores.row[order[first[at]]])].as_py())
        values = f"e.g. {name} with {lowest[at]} and {highest[at]}"
        repeated, how = differs, f"rows with different scores, {values}: keep one row of each"
    severity = "error" if differs.any() else "warning"
    message = f"{format_count(int(repeated.sum()), what)} with {how}{whole}"
    listed = partial(_take_names, scores.names, scores.row[order[first[repeated]]])
    issues.add(severity, "scores.duplicated", message, repeated.sum(), listed)


def _in_other_splits(names: pa.StringArray, match: IdMatch, others: Others) -> Bools:
    """Return which names another split matches with more of their folders than this one."""
    elsewhere = np.zeros(len(names), dtype=np.bool_)
    for utterances in others().values():
        other = ids.match_ids(names, ids.to_array(list(utterances)))
        if other.form.parts > match.form.parts:
            elsewhere |= other.position >= 0
    return elsewhere


def _describe_cuts(names: pa.StringArray, match: IdMatch, has_trial: Bools) -> tuple[str, ...]:
    """Return what was cut off ids; nothing where nothing was."""
    changed = np.flatnonzero(has_trial & compute.not_equal(names, match.names).to_numpy(False))
    if not len(changed):
        return ()
    at = int(changed[0])
    pair = (one_line(text[at].as_py()) for text in (names, match.names))
    joined = int(has_trial.sum()) - len(np.unique(match.position[has_trial]))
    differ = f"{format_count(joined, 'id')} differ{'s' * (joined == 1)} from another one"
    return (
        f"folders and suffixes were cut off ids: {' is '.join(pair)}",
        *[f"{differ} in folder or suffix only"] * bool(joined),
    )


def _add_unknown(
    names: pa.StringArray,
    match: IdMatch,
    has_trial: Bools,
    absent: Bools,
    others: Others,
    issues: Issues,
) -> None:
    """Add issues for ids of no trial: those of other splits, and the rest.

    `absent` are trials without a score.
    """
    unknown, of_splits = np.flatnonzero(~has_trial), dict[str, Integers]()
    for split, utterances in others().items():
        theirs = ids.reduce_ids(ids.clean_ids(ids.to_array(list(utterances))), match.form)
        of_split = compute.is_in(match.names.take(unknown), value_set=theirs).to_numpy(False)
        of_splits[split] = unknown[of_split]
        unknown = unknown[~of_split]
    by_split = {split: rows for split, rows in of_splits.items() if len(rows)}
    counts = (f"{format_count(len(rows), 'id')} of {split}" for split, rows in by_split.items())
    where = ", ".join(counts)
    if where:
        wanted = " or ".join(f"--split {split}" for split in by_split)
        hint = "left out" if has_trial.any() else f"none is of this split: say {wanted}"
        severity = "note" if has_trial.any() else "error"
        elsewhere = np.concatenate([*by_split.values()])
        listed = partial(_take_names, names, elsewhere)
        issues.add(severity, "scores.other-split", f"{where} ({hint})", len(elsewhere), listed, ())
    if not len(unknown) or (where and not has_trial.any()):
        return
    listed, left = partial(_take_names, names, unknown), match.names.take(unknown)
    change = hints.suggest_change(left, match.keys.filter(pa.array(absent)))
    alike, sampled = hints.find_similar_corpora(left), hints.find_similar_corpora(match.keys[:1])
    is_same_corpus = len(alike) == 1 and alike == sampled
    if has_trial.any():
        alike = [short for short in alike if short not in sampled]
    if change:
        hint = f"; {change}"
    elif is_same_corpus:
        hint = f"; they look like ids of {sampled[0]}, so of another split (--split) or release"
    elif alike:
        hint = f"; ids of {' or '.join(alike)} look so"
        if not {*sampled}.isdisjoint(alike):
            hint += ", as the keys do: they may be of another split (--split) of the same corpus"
    else:
        hint = ""
    if has_trial.any():
        count = format_count(len(unknown), "id")
        what = f"{count} of no trial in the keys (left out){hint}"
        issues.add("warning", "scores.unknown-ids", what, len(unknown), listed)
        return
    wanted = match.keys[0].as_py() if len(match.keys) else "there are no keys"
    is_other = alike and not is_same_corpus and not change
    code = "scores.another-corpus" if is_other else "scores.unknown-ids"
    what = f"no id is of a trial in the keys (such as {one_line(wanted)}){hint}"
    issues.add("error", code, what, len(unknown), listed)


def _take_names(names: pa.StringArray, rows: Integers) -> list[str]:
    return names.take(pa.array(rows)).to_pylist()

"""Does a score file fit the keys, and may figures be given? Everything asked before any figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.errors import BenchError
from bench.evaluation import values
from bench.evaluation.absent import WORDS
from bench.evaluation.coverage import Coverage, Others, cover, repeated
from bench.evaluation.findings import EXAMPLES, Finding, Findings
from bench.evaluation.forms import ScoreFile
from bench.evaluation.own_labels import is_label, labels, predictions
from bench.metrics.det import eer_official
from bench.metrics.items import items_tally
from bench.metrics.ranges import ranges
from bench.metrics.tally import Bools, Floats, Integers, Tally, tally
from bench.metrics.timeline import Frames, Reference, frames, reference_of
from bench.units import BONAFIDE, SAMPLE_RATE_HZ, SPOOF

FEWEST = 20
"""Trials below which a class is tiny."""


@dataclass(frozen=True)
class Checked:
    """Scores in the keys' order, and what was found; to be used if none of it is an error."""

    score: Floats
    """One a trial, higher for bona fide, NaN where it has none; of frames the utterance's
    lowest."""
    present: Bools
    """Whether the trial has a score."""
    trial: Integers
    """Row of the keys' table for each row of the score file; -1 where there is none."""
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    """What was done to ids, sentence by sentence."""
    frames: Frames | None = None
    """Scored frames of the present trials, the utterance's code being its row of the keys' table;
    None where rows are utterances or frames overlap."""


def check(
    scores: ScoreFile,
    trials: pd.DataFrame,
    others: Others = dict,
    *,
    allow_missing: bool = False,
    negate: bool = False,
    as_is: bool = False,
    llr: bool = False,
) -> Checked:
    """Check scores of utterances against the keys: `trials` is a split's table.

    `others` returns the ids of the corpus's other splits and is called only if there are ids that
    are no trial's. `negate` turns the scores round first; `as_is` takes scores that are clearly
    higher for spoof, or constant, for what they are; `llr` asks whether they may be log-likelihood
    ratios.

    Codes of findings: `missing`, `unknown`, `other_split`, `another_corpus`, `duplicated`,
    `missing_class`, `label_conflict`, `decision`, `non_finite`,
    `constant`, `is_label`, `few_valued`, `low_precision`, `single_class`, `tiny_class`, `polarity`,
    `ties_at_eer` and, with `llr`, `probabilities`; of frame scores, of which the lowest of each
    utterance is taken, `lowest_frame`; and those of the file itself (`ScoreFile.warnings`).
    """
    found = Findings()
    for code, what in scores.warnings:
        found.add("warning", code, what)
    signed = -scores.score if negate else scores.score
    match = cover(scores, trials, others, allow_missing, found)
    labels(scores, trials, match.trial, found)
    predictions(scores, trials, match.trial, as_is, found)
    if scores.kind == "utterances":
        repeated(scores, match.trial, match.trial, "utterances", found)
    elif match.present.any():
        found.add("note", "lowest_frame", "an utterance's score is that of its lowest frame")
    score = _lowest(signed, match, len(trials))
    if match.present.any():
        counts = _detection(score, match.present, trials, negate, as_is, found)
        if llr and counts is not None:
            values.probabilities(counts.score, found)
    return Checked(score, match.present, match.trial, tuple(found.found), match.notes)


def check_frames(
    scores: ScoreFile,
    trials: pd.DataFrame,
    reference: Reference,
    others: Others = dict,
    *,
    allow_missing: bool = False,
    negate: bool = False,
    as_is: bool = False,
    threshold: float = 0.0,
) -> Checked:
    """Check scores of frames against a split's table and its labels, `bench.evaluation.reference`.

    Like `check`, and codes `overlapping`, `unordered`, `frame_count` (utterances with over a frame
    more or less than their labels' duration), `resolution` (most have half as many again, or half
    of them, or reach as far beyond), `late_start` (most have no frame from 0 on) and `one_decision`
    (no score, or every one, is above `threshold`). Polarity is that of the range-based EER, and
    chance is reckoned by utterances, as frames of one are alike. Ties are not looked for: no
    organisers' package gives another figure by them. A BenchError for a file of utterances' scores.
    """
    if scores.start is None or scores.end is None:
        raise BenchError(f"{scores.path}: holds a score an utterance, not scores of frames")
    found = Findings()
    for code, what in scores.warnings:
        found.add("warning", code, what)
    signed = -scores.score if negate else scores.score
    match = cover(scores, trials, others, allow_missing, found)
    labels(scores, trials, match.trial, found)
    predictions(scores, trials, match.trial, as_is, found)
    score = _lowest(signed, match, len(trials))
    if not match.present.any():
        return Checked(score, match.present, match.trial, tuple(found.found), match.notes)
    known = match.trial >= 0
    whose = _whose(trials, match.trial[known])
    values.values(signed[known], "frames", as_is, found, whose)
    rows = _laid_out(scores, match.trial, trials, found)
    if any(of.code in ("overlapping", "duplicated", "non_finite") for of in _errors(found)):
        return Checked(score, match.present, match.trial, tuple(found.found), match.notes)
    laid = frames(match.trial[rows], scores.start[rows], scores.end[rows], signed[rows])
    truth = reference_of(reference, np.flatnonzero(match.present))
    _counts(laid, truth, trials, found)
    items = ranges(laid, truth).items
    of_class = [len(np.unique(items.unit[of > 0])) for of in (items.bonafide, items.spoof)]
    whole, other = (items.score[rows] for rows in (items.spoof == 0, items.spoof > 0))
    defined = _both(of_class[0], of_class[1], "frame", found) and not found.has("constant")
    if defined and not is_label(whole, other, as_is, found):
        counts = items_tally(items)
        values.polarity(counts, of_class[0], of_class[1], negate, as_is, found)
        values.one_decision(laid.score, threshold, found)
    return Checked(score, match.present, match.trial, tuple(found.found), match.notes, laid)


def _detection(
    score: Floats, present: Bools, trials: pd.DataFrame, negate: bool, as_is: bool, found: Findings
) -> Tally | None:
    """Return the trials that polarity was checked on; None where it could not be."""
    whose = _whose(trials, np.flatnonzero(present))
    values.values(score[present], "trials", as_is, found, whose)
    is_spoof = (trials["label"] == SPOOF).to_numpy()
    usable = present & np.isfinite(score)
    bonafide, spoof = score[usable & ~is_spoof], score[usable & is_spoof]
    if not _both(len(bonafide), len(spoof), "trial", found) or found.has("constant"):
        return None
    if is_label(bonafide, spoof, as_is, found):
        return None
    _few(len(bonafide), len(spoof), found)
    counts = tally(bonafide, spoof)
    values.polarity(counts, len(bonafide), len(spoof), negate, as_is, found)
    values.ties(counts, found, eer_official(bonafide, spoof).eer)
    return counts


def _whose(trials: pd.DataFrame, row: Integers) -> values.Whose:
    """Return what names the utterances of scores, each that of a row of the keys' table."""
    return lambda mask: trials["utterance"].iloc[np.unique(row[mask])]


def _both(bonafide: int, spoof: int, what: str, found: Findings) -> bool:
    """Note a class without anything, unless the keys have some."""
    for label, count in ((BONAFIDE, bonafide), (SPOOF, spoof)):
        if not count and not found.has("missing_class"):
            found.add(
                "warning",
                "single_class",
                f"there is no {label} {what} with a score: error rates are not defined, and "
                "polarity cannot be checked",
            )
    return bool(bonafide and spoof)


def _few(bonafide: int, spoof: int, found: Findings) -> None:
    """Note a class of so few trials that one of them moves its error rate by over 5 %."""
    classes = zip(WORDS.values(), (bonafide, spoof), strict=True)
    tiny = [(count, word) for word, count in classes if count < FEWEST]
    said = (
        f"{count} {word} trial{'s' * (count > 1)}: one trial is {100 / count:.1f} %"
        for count, word in tiny
    )
    found.add("warning", "tiny_class", "; ".join(said), len(tiny))


def _errors(found: Findings) -> list[Finding]:
    return [finding for finding in found.found if finding.severity == "error"]


def _lowest(score: Floats, match: Coverage, trials: int) -> Floats:
    """Return each trial's lowest score, NaN where there is none or one of them is NaN."""
    lowest = np.full(trials, np.inf)
    known = match.trial >= 0
    with np.errstate(invalid="ignore"):  # NaN is noted elsewhere
        np.minimum.at(lowest, match.trial[known], score[known])
    return np.where(match.present, lowest, np.nan)


def _laid_out(
    scores: ScoreFile, trial: Integers, trials: pd.DataFrame, found: Findings
) -> Integers:
    """Return the rows of trials by utterance and start, without repeats; note what is not so."""
    assert scores.start is not None
    assert scores.end is not None
    rows = np.flatnonzero(trial >= 0)
    code, start = trial[rows], scores.start[rows]
    backward = (np.diff(code) == 0) & (np.diff(start) < 0)
    found.add(
        "note",
        "unordered",
        f"{backward.sum():,} frames come after a later one of their utterance (put in order)",
        backward.sum(),
    )
    order = rows[np.lexsort((start, code))]
    code, start, end = trial[order], scores.start[order], scores.end[order]
    same = (np.diff(code, prepend=-1) == 0) & (np.diff(start, prepend=-1) == 0)
    if same.any():
        item = np.empty(len(trial), dtype=np.int64)
        item[order] = np.cumsum(~same)
        repeated(scores, trial, item, "frames", found)
        order, code, start, end = (of[~same] for of in (order, code, start, end))
    over = np.flatnonzero((np.diff(code) == 0) & (start[1:] < end[:-1]))
    found.add(
        "error",
        "overlapping",
        f"{len(over):,} frames start before the one before them ends: is the resolution right?",
        len(over),
        lambda: trials["utterance"].iloc[np.unique(code[over + 1])],
        (
            f"{_name(trials, int(code[i + 1]))} at {start[i + 1] / SAMPLE_RATE_HZ:g} s"
            for i in over[:EXAMPLES].tolist()
        ),
    )
    return order


def _counts(laid: Frames, truth: Reference, trials: pd.DataFrame, found: Findings) -> None:
    """Note utterances whose number of frames is not that of their labels' duration."""
    codes, counts = np.unique(laid.utterance, return_counts=True)
    frame = int(np.median(laid.end - laid.start))
    last = np.flatnonzero(np.diff(truth.utterance, append=-1))
    length = truth.end[last]
    share = float(np.median(counts * frame / length))
    if not 0.5 < share < 1.5:
        found.add(
            "error",
            "resolution",
            f"frames of {frame / SAMPLE_RATE_HZ:g} s add up to {share:.2f} times the duration of "
            "most utterances: their resolution must be another",
        )
    reach = float(np.median(laid.end[np.flatnonzero(np.diff(laid.utterance, append=-1))] / length))
    if 0.5 < share < 1.5 and reach > 1.5:
        found.add(
            "error",
            "resolution",
            f"the last frames end at {reach:.2f} times the duration of most utterances: their "
            "starts must be in another unit",
        )
    late = laid.start[np.flatnonzero(np.diff(laid.utterance, prepend=-1))] > 0
    if 2 * late.sum() > len(late):
        found.add(
            "warning",
            "late_start",
            f"in {late.sum():,} of {len(codes):,} utterances no frame starts at 0 s: are frames "
            "counted from 1, or are these their middles?",
            late.sum(),
        )
    expected = -(-length // frame)
    off = np.flatnonzero((counts > expected + 1) | (counts < length // frame - 1))
    found.add(
        "warning",
        "frame_count",
        f"{len(off):,} of {len(codes):,} utterances have over one frame more or less than their "
        f"labels' duration has of {frame / SAMPLE_RATE_HZ:g} s",
        len(off),
        lambda: trials["utterance"].iloc[codes[off]],
        (
            f"{_name(trials, int(codes[i]))} has {counts[i]}, not {expected[i]}"
            for i in off[:EXAMPLES].tolist()
        ),
    )


def _name(trials: pd.DataFrame, row: int) -> str:
    return str(trials["utterance"].iloc[row])

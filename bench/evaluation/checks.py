"""Checks of a score file against the keys, all of them before any metric is computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.errors import BenchError
from bench.evaluation import value_checks
from bench.evaluation.coverage import Coverage, Others, check_repeats, match_trials
from bench.evaluation.findings import collect_issues
from bench.evaluation.forms import ScoreFile
from bench.evaluation.missing_trials import WORDS
from bench.evaluation.own_labels import check_are_labels, check_labels, check_predictions
from bench.issues import EXAMPLES_SHOWN, Issue, Issues
from bench.metrics.det import eer_official
from bench.metrics.items import count_items
from bench.metrics.ranges import weigh_ranges
from bench.metrics.tally import Bools, Floats, Integers, ScoreCounts, count_scores
from bench.metrics.timeline import LabelledStretches, ScoredFrames, make_frames, select_stretches
from bench.units import BONAFIDE, SAMPLE_RATE_HZ, SPOOF

FEWEST = 20
"""Trials below which a class is tiny."""


@dataclass(frozen=True)
class Checked:
    """Scores in the keys' order, and the findings; to be used if none of them is an error."""

    score: Floats
    """One a trial, higher for bona fide, NaN where it has none; of frames the utterance's
    lowest."""
    present: Bools
    """Whether the trial has a score."""
    trial: Integers
    """Row of the keys' table for each row of the score file; -1 where there is none."""
    findings: tuple[Issue, ...]
    notes: tuple[str, ...] = ()
    """What was done to ids, sentence by sentence."""
    frames: ScoredFrames | None = None
    """Scored frames of the present trials, the utterance's code being its row of the keys' table;
    None where rows are utterances or frames overlap."""


def check_utterances(
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

    The codes of findings are in `schema/errors/scores.toml`; `scores.probabilities` comes only with
    `llr`, `scores.lowest-frame` only with frame scores, of which the lowest of each utterance is
    taken.
    """
    issues = collect_issues(scores.warnings)
    signed = -scores.score if negate else scores.score
    match = match_trials(scores, trials, others, allow_missing, issues)
    check_labels(scores, trials, match.trial, issues)
    check_predictions(scores, trials, match.trial, as_is, issues)
    if scores.kind == "utterances":
        check_repeats(scores, match.trial, match.trial, "utterance", issues)
    elif match.present.any():
        issues.add(
            "note", "scores.lowest-frame", "an utterance's score is that of its lowest frame"
        )
    score = _lowest_scores(signed, match, len(trials))
    if match.present.any():
        counts = _check_utterances(score, match.present, trials, negate, as_is, issues)
        if llr and counts is not None:
            value_checks.check_probabilities(counts.score, issues)
    return Checked(score, match.present, match.trial, tuple(issues), match.notes)


def check_frames(
    scores: ScoreFile,
    trials: pd.DataFrame,
    reference: LabelledStretches,
    others: Others = dict,
    *,
    allow_missing: bool = False,
    negate: bool = False,
    as_is: bool = False,
    threshold: float | None = 0.0,
) -> Checked:
    """Check scores of frames against a split's table and its labels, `bench.evaluation.reference`.

    Like `check_utterances`, and whether the frames fit the labels' durations. Whether scores are
    inverted is decided by the range-based EER, with utterances as the independent trials, as frames
    of one are alike. `threshold` is what decides on frames, None where it follows from the scores.
    Ties are not looked for: no organisers' package gives another result by them.
    BenchError for a file with one score per utterance.
    """
    if scores.start is None or scores.end is None:
        raise BenchError(
            "scores.not-frames", f"{scores.path}: holds a score an utterance, not scores of frames"
        )
    issues = collect_issues(scores.warnings)
    signed = -scores.score if negate else scores.score
    match = match_trials(scores, trials, others, allow_missing, issues)
    check_labels(scores, trials, match.trial, issues)
    check_predictions(scores, trials, match.trial, as_is, issues)
    score = _lowest_scores(signed, match, len(trials))
    if not match.present.any():
        return Checked(score, match.present, match.trial, tuple(issues), match.notes)
    has_trial = match.trial >= 0
    whose = _utterances_of(trials, match.trial[has_trial])
    value_checks.check_values(signed[has_trial], "frames", as_is, issues, whose)
    rows = _order_frames(scores, match.trial, trials, issues)
    if any(
        issue.code in ("scores.overlapping", "scores.duplicated", "scores.not-finite")
        for issue in issues.errors
    ):
        return Checked(score, match.present, match.trial, tuple(issues), match.notes)
    laid = make_frames(match.trial[rows], scores.start[rows], scores.end[rows], signed[rows])
    truth = select_stretches(reference, np.flatnonzero(match.present))
    _check_frame_counts(laid, truth, trials, issues)
    items = weigh_ranges(laid, truth).items
    of_class = [len(np.unique(items.unit[weight > 0])) for weight in (items.bonafide, items.spoof)]
    whole, other = (items.score[rows] for rows in (items.spoof == 0, items.spoof > 0))
    defined = _has_both_classes(of_class[0], of_class[1], "frame", issues) and not issues.has(
        "scores.constant"
    )
    if defined and not check_are_labels(whole, other, as_is, issues):
        counts = count_items(items)
        value_checks.check_polarity(counts, of_class[0], of_class[1], negate, as_is, issues)
        if threshold is not None:
            value_checks.check_one_decision(laid.score, threshold, issues)
    return Checked(score, match.present, match.trial, tuple(issues), match.notes, laid)


def _check_utterances(
    score: Floats, present: Bools, trials: pd.DataFrame, negate: bool, as_is: bool, issues: Issues
) -> ScoreCounts | None:
    """Check the scores of utterances; return their tally, None where there is no EER."""
    whose = _utterances_of(trials, np.flatnonzero(present))
    value_checks.check_values(score[present], "trials", as_is, issues, whose)
    is_spoof = (trials["label"] == SPOOF).to_numpy()
    usable = present & np.isfinite(score)
    bonafide, spoof = score[usable & ~is_spoof], score[usable & is_spoof]
    if not _has_both_classes(len(bonafide), len(spoof), "trial", issues) or issues.has(
        "scores.constant"
    ):
        return None
    if check_are_labels(bonafide, spoof, as_is, issues):
        return None
    _add_tiny_classes(len(bonafide), len(spoof), issues)
    counts = count_scores(bonafide, spoof)
    value_checks.check_polarity(counts, len(bonafide), len(spoof), negate, as_is, issues)
    value_checks.check_ties(counts, issues, eer_official(bonafide, spoof).eer)
    return counts


def _utterances_of(trials: pd.DataFrame, row: Integers) -> value_checks.Whose:
    """Return a function that names the utterances of scores; `row` are their rows of the keys."""
    return lambda mask: trials["utterance"].iloc[np.unique(row[mask])]


def _has_both_classes(bonafide: int, spoof: int, what: str, issues: Issues) -> bool:
    """Return whether both classes have a score; add an issue if not."""
    for label, count in ((BONAFIDE, bonafide), (SPOOF, spoof)):
        if not count and not issues.has("scores.missing-class"):
            issues.add(
                "warning",
                "scores.single-class",
                f"there is no {label} {what} with a score: error rates are not defined, and "
                "polarity cannot be checked",
            )
    return bool(bonafide and spoof)


def _add_tiny_classes(bonafide: int, spoof: int, issues: Issues) -> None:
    """Add an issue for classes of so few trials that one moves the error rate by over 5 %."""
    classes = zip(WORDS.values(), (bonafide, spoof), strict=True)
    tiny = [(count, word) for word, count in classes if count < FEWEST]
    texts = (
        f"{count} {word} trial{'s' * (count > 1)}: one trial is {100 / count:.1f} %"
        for count, word in tiny
    )
    issues.add("warning", "scores.tiny-class", "; ".join(texts), len(tiny))


def _lowest_scores(score: Floats, match: Coverage, trials: int) -> Floats:
    """Return each trial's lowest score, NaN where there is none or one of them is NaN."""
    lowest = np.full(trials, np.inf)
    has_trial = match.trial >= 0
    with np.errstate(invalid="ignore"):  # NaN is noted elsewhere
        np.minimum.at(lowest, match.trial[has_trial], score[has_trial])
    return np.where(match.present, lowest, np.nan)


def _order_frames(
    scores: ScoreFile, trial: Integers, trials: pd.DataFrame, issues: Issues
) -> Integers:
    """Return the rows of trials by utterance and start, without repeats; add issues."""
    assert scores.start is not None
    assert scores.end is not None
    rows = np.flatnonzero(trial >= 0)
    code, start = trial[rows], scores.start[rows]
    backward = (np.diff(code) == 0) & (np.diff(start) < 0)
    what = f"{backward.sum():,} frames come after a later one of their utterance (put in order)"
    issues.add("note", "scores.unordered", what, backward.sum())
    order = rows[np.lexsort((start, code))]
    code, start, end = trial[order], scores.start[order], scores.end[order]
    same = (np.diff(code, prepend=-1) == 0) & (np.diff(start, prepend=-1) == 0)
    if same.any():
        item = np.empty(len(trial), dtype=np.int64)
        item[order] = np.cumsum(~same)
        check_repeats(scores, trial, item, "frame", issues)
        order, code, start, end = (values[~same] for values in (order, code, start, end))
    over = np.flatnonzero((np.diff(code) == 0) & (start[1:] < end[:-1]))
    issues.add(
        "error",
        "scores.overlapping",
        f"{len(over):,} frames start before the one before them ends: is the resolution right?",
        len(over),
        lambda: trials["utterance"].iloc[np.unique(code[over + 1])],
        (
            f"{_utterance_name(trials, int(code[i + 1]))} at {start[i + 1] / SAMPLE_RATE_HZ:g} s"
            for i in over[:EXAMPLES_SHOWN].tolist()
        ),
    )
    return order


def _check_frame_counts(
    laid: ScoredFrames, truth: LabelledStretches, trials: pd.DataFrame, issues: Issues
) -> None:
    """Add issues for utterances whose number of frames does not fit their labels' duration."""
    codes, counts = np.unique(laid.utterance, return_counts=True)
    frame = int(np.median(laid.end - laid.start))
    last = np.flatnonzero(np.diff(truth.utterance, append=-1))
    length = truth.end[last]
    share = float(np.median(counts * frame / length))
    if not 0.5 < share < 1.5:
        issues.add(
            "error",
            "scores.resolution",
            f"frames of {frame / SAMPLE_RATE_HZ:g} s add up to {share:.2f} times the duration of "
            "most utterances: their resolution must be another",
        )
    reach = float(np.median(laid.end[np.flatnonzero(np.diff(laid.utterance, append=-1))] / length))
    if 0.5 < share < 1.5 and reach > 1.5:
        issues.add(
            "error",
            "scores.resolution",
            f"the last frames end at {reach:.2f} times the duration of most utterances: their "
            "starts must be in another unit",
        )
    late = laid.start[np.flatnonzero(np.diff(laid.utterance, prepend=-1))] > 0
    if 2 * late.sum() > len(late):
        issues.add(
            "warning",
            "scores.late-start",
            f"in {late.sum():,} of {len(codes):,} utterances no frame starts at 0 s: are frames "
            "counted from 1, or are these their middles?",
            late.sum(),
        )
    expected = -(-length // frame)
    off = np.flatnonzero((counts > expected + 1) | (counts < length // frame - 1))
    issues.add(
        "warning",
        "scores.frame-count",
        f"{len(off):,} of {len(codes):,} utterances have over one frame more or less than their "
        f"labels' duration has of {frame / SAMPLE_RATE_HZ:g} s",
        len(off),
        lambda: trials["utterance"].iloc[codes[off]],
        (
            f"{_utterance_name(trials, int(codes[i]))} has {counts[i]}, not {expected[i]}"
            for i in off[:EXAMPLES_SHOWN].tolist()
        ),
    )


def _utterance_name(trials: pd.DataFrame, row: int) -> str:
    return str(trials["utterance"].iloc[row])

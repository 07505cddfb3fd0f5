"""Checks of the labels that a score file has of its own, and of scores that are labels."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bench.evaluation.forms import ScoreFile
from bench.evaluation.sample import FEWEST
from bench.evaluation.value_checks import SIGMAS
from bench.issues import Issues
from bench.metrics.tally import Bools, Floats, Integers
from bench.units import BONAFIDE


def check_labels(scores: ScoreFile, trials: pd.DataFrame, trial: Integers, issues: Issues) -> None:
    """Add an issue for trials whose class by the score file is not their class by the keys.

    Then it is a list of something else, or its lines were shuffled. Labels of 0 and 1 are taken in
    the meaning that fits the keys better. Of frames, only bona fide utterances are looked at: all
    their frames are bona fide. Labels that follow from the scores by a threshold are decisions,
    which may be wrong.
    """
    truth = (trials["label"] == BONAFIDE).to_numpy()
    has_trial = trial >= 0
    if scores.kind == "frames":
        has_trial[has_trial] = truth[trial[has_trial]]
    at, score = trial[has_trial], scores.score[has_trial]
    if scores.bonafide is not None:
        file_classes = scores.bonafide[has_trial]
        wrong = file_classes != truth[at]
        turned = "all of them: its labels are the other way round"
        hint = turned if wrong.all() else "protocols were mixed up"
    elif scores.binary is not None:
        file_classes = scores.binary[has_trial] == 1
        if 2 * (file_classes != truth[at]).sum() > len(file_classes):
            file_classes = ~file_classes
        wrong = file_classes != truth[at]
        hint = "whichever of 0 and 1 is bona fide; a shuffled list?"
    else:
        return
    if not wrong.any():
        return
    if _is_decision(file_classes, score) and _is_related(file_classes, truth[at]):
        issues.add(
            "note",
            "scores.decision",
            f"its column of labels is a decision by the scores, wrong of {wrong.sum():,} rows: not "
            "compared with the keys",
        )
        return
    contradicted = np.unique(at[wrong])
    issues.add(
        "error",
        "scores.label-conflict",
        f"{len(contradicted):,} utterances have another label here than in the keys ({hint}); "
        "--no-labels leaves that column out",
        len(contradicted),
        lambda: trials["utterance"].to_numpy()[contradicted],
    )


def check_predictions(
    scores: ScoreFile, trials: pd.DataFrame, trial: Integers, as_is: bool, issues: Issues
) -> None:
    """Add an issue where all predictions, with the scores as their confidence, are right.

    Such a column is most likely the label.
    """
    if scores.predicted is None:
        return
    truth, has_trial = (trials["label"] == BONAFIDE).to_numpy(), trial >= 0
    file_classes, key_classes = scores.predicted[has_trial], truth[trial[has_trial]]
    one_class = file_classes.all() or not file_classes.any()
    if len(file_classes) < FEWEST or one_class or (file_classes != key_classes).any():
        return
    issues.add(
        "warning" if as_is else "error",
        "scores.are-labels",
        f"all {len(file_classes):,} predictions, of which the scores are taken for the confidence, "
        "are the keys' labels: this is the label, so that the results would be too good; "
        "--label-column says so"
        + ("" if as_is else ", --allow-inverted if the system makes no mistake"),
    )


def check_are_labels(bonafide: Floats, spoof: Floats, as_is: bool, issues: Issues) -> bool:
    """Add an issue where scores have one value for each class; return whether they do.

    A trial of each class alone cannot tell.
    """
    if len(bonafide) + len(spoof) < 3 or not len(bonafide) or not len(spoof):
        return False
    first, second = bonafide[0], spoof[0]
    if first == second or (bonafide != first).any() or (spoof != second).any():
        return False
    issues.add(
        "warning" if as_is else "error",
        "scores.are-labels",
        f"every bona fide score is {first:g} and every spoof one {second:g}: this is the label, no "
        "score; --column says which column is the score",
    )
    return True


def _is_decision(classes: Bools, score: Floats) -> bool:
    """Whether a threshold on the scores gives these classes."""
    if classes.all() or not classes.any() or np.isnan(score).any():
        return False
    yes, no = score[classes], score[~classes]
    return bool(yes.min() > no.max() or yes.max() < no.min())


def _is_related(classes: Bools, truth: Bools) -> bool:
    """Whether classes agree with the keys' clearly better than those of shuffled lines would."""
    p, q, n = classes.mean(), truth.mean(), len(classes)
    chance = math.sqrt(p * (1 - p) * q * (1 - q) / n)
    return bool((classes & truth).mean() - p * q > SIGMAS * chance)

"""Do the labels that a score file has of its own agree with the keys, and are scores labels?"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bench.evaluation.findings import Findings
from bench.evaluation.forms import ScoreFile
from bench.evaluation.sample import FEWEST
from bench.evaluation.values import SIGMAS
from bench.metrics.tally import Bools, Floats, Integers
from bench.units import BONAFIDE


def labels(scores: ScoreFile, trials: pd.DataFrame, trial: Integers, found: Findings) -> None:
    """Note trials whose class by the score file is not their class by the keys: it is a list of
    something else, or its lines were shuffled.

    Labels of 0 and 1 are taken in the meaning that fits the keys better. Of frames, only bona fide
    utterances are looked at: all their frames are bona fide. What a threshold on the scores gives
    is a decision, which may be wrong.
    """
    truth = (trials["label"] == BONAFIDE).to_numpy()
    known = trial >= 0
    if scores.kind == "frames":
        known[known] = truth[trial[known]]
    at, score = trial[known], scores.score[known]
    if scores.bonafide is not None:
        own = scores.bonafide[known]
        wrong = own != truth[at]
        hint = (
            "all of them: its labels are the other way round"
            if wrong.all()
            else "protocols were mixed up"
        )
    elif scores.binary is not None:
        own = scores.binary[known] == 1
        own = own if 2 * (own != truth[at]).sum() <= len(own) else ~own
        wrong = own != truth[at]
        hint = "whichever of 0 and 1 is bona fide; a shuffled list?"
    else:
        return
    if not wrong.any():
        return
    if _is_decision(own, score) and _is_related(own, truth[at]):
        found.add(
            "note",
            "decision",
            f"its column of labels is a decision by the scores, wrong of {wrong.sum():,} rows: not "
            "compared with the keys",
        )
        return
    contradicted = np.unique(at[wrong])
    found.add(
        "error",
        "label_conflict",
        f"{len(contradicted):,} utterances have another label here than in the keys ({hint}); "
        "--no-labels leaves that column out",
        len(contradicted),
        lambda: trials["utterance"].to_numpy()[contradicted],
    )


def predictions(
    scores: ScoreFile, trials: pd.DataFrame, trial: Integers, as_is: bool, found: Findings
) -> None:
    """Note predictions, of which the scores are the confidence, that are all right: such a column
    is most likely the label."""
    if scores.predicted is None:
        return
    truth, known = (trials["label"] == BONAFIDE).to_numpy(), trial >= 0
    own, of_keys = scores.predicted[known], truth[trial[known]]
    if len(own) < FEWEST or own.all() or not own.any() or (own != of_keys).any():
        return
    found.add(
        "warning" if as_is else "error",
        "is_label",
        f"all {len(own):,} predictions, of which the scores are taken for the confidence, are the "
        "keys' labels: this is the label, so that the results would be too good; --label-column "
        "says so" + ("" if as_is else ", --as-is if the system makes no mistake"),
    )


def is_label(bonafide: Floats, spoof: Floats, as_is: bool, found: Findings) -> bool:
    """Note scores that have one value for each class, and return whether they do.

    A trial of each class alone cannot tell.
    """
    if len(bonafide) + len(spoof) < 3 or not len(bonafide) or not len(spoof):
        return False
    first, second = bonafide[0], spoof[0]
    if first == second or (bonafide != first).any() or (spoof != second).any():
        return False
    found.add(
        "warning" if as_is else "error",
        "is_label",
        f"every bona fide score is {first:g} and every spoof one {second:g}: this is the label, no "
        "score; --column says which column is the score",
    )
    return True


def _is_decision(own: Bools, score: Floats) -> bool:
    """Whether a threshold on the scores gives these classes."""
    if own.all() or not own.any() or np.isnan(score).any():
        return False
    yes, no = score[own], score[~own]
    return bool(yes.min() > no.max() or yes.max() < no.min())


def _is_related(own: Bools, truth: Bools) -> bool:
    """Whether classes agree with the keys' clearly better than those of shuffled lines would."""
    p, q, n = own.mean(), truth.mean(), len(own)
    chance = math.sqrt(p * (1 - p) * q * (1 - q) / n)
    return bool((own & truth).mean() - p * q > SIGMAS * chance)

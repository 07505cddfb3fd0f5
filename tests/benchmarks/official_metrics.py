"""Metrics and evaluation of ASVspoof's packages, written anew from their description.

`python -m tests.benchmarks.official_metrics SCORES KEYS` evaluates a score file of ASVspoof 5. As
the organisers' script, it needs NumPy and pandas only.
"""

from __future__ import annotations

import sys

import numpy as np


def official_rates(bonafide: np.ndarray, spoof: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return FRR and FAR at each threshold."""
    scores = np.concatenate([bonafide, spoof])
    labels = np.concatenate([np.ones(len(bonafide)), np.zeros(len(spoof))])
    labels = labels[np.argsort(scores, kind="mergesort")]
    missed = np.cumsum(labels)
    accepted = len(spoof) - (np.arange(1, len(labels) + 1) - missed)
    frr = np.concatenate([[0.0], missed / len(bonafide)])
    return frr, np.concatenate([[1.0], accepted / len(spoof)])


def official_eer(bonafide: np.ndarray, spoof: np.ndarray) -> float:
    """Return the EER: the mean of the rates where they are closest."""
    frr, far = official_rates(bonafide, spoof)
    at = np.argmin(np.abs(frr - far))
    return (frr[at] + far[at]) / 2


def official_min_dcf(bonafide: np.ndarray, spoof: np.ndarray) -> float:
    """Return ASVspoof 5's minDCF: a loop over the thresholds."""
    least = float("inf")
    for missed, accepted in zip(*official_rates(bonafide, spoof), strict=True):
        cost = 0.95 * missed + 0.5 * accepted
        if cost < least:
            least = cost
    return least / 0.5


def evaluate_file(scores: str, keys: str) -> tuple[float, float, float, float]:
    """Return EER, minDCF, actDCF and Cllr of a score file of ASVspoof 5."""
    import pandas as pd

    found = pd.read_csv(scores, sep="\t")
    labels = pd.read_csv(keys, sep=" ", header=None)[[1, 8]]
    labels.columns = ["filename", "cm-label"]
    joined = found.merge(labels, on="filename")
    assert len(joined) == len(labels)
    bonafide, spoof = (
        joined.loc[joined["cm-label"] == name, "cm-score"].to_numpy()
        for name in ("bonafide", "spoof")
    )
    threshold = -np.log(0.95 / 0.5)
    act_dcf = 0.95 * np.mean(bonafide < threshold) + 0.5 * np.mean(spoof >= threshold)
    costs = np.mean(np.logaddexp(0, -bonafide)) + np.mean(np.logaddexp(0, spoof))
    cllr = float(costs / 2 / np.log(2))
    return official_eer(bonafide, spoof), official_min_dcf(bonafide, spoof), act_dcf / 0.5, cllr


if __name__ == "__main__":
    print(*evaluate_file(*sys.argv[1:]))

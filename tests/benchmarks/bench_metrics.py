"""Detection metrics.

As many trials as in ASVspoof 5's evaluation set, a breakdown of as many as in 2021 LA's. Every
reference has to give the same results. Least processor time on one thread.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score

from bench.metrics.auc import auc
from bench.metrics.breakdown import POOLED, split_breakdown
from bench.metrics.cllr import min_cllr
from bench.metrics.dcf import minimum_dcf
from bench.metrics.det import eer_by_class
from bench.metrics.tally import count_scores
from tests.benchmarks.official_metrics import official_eer, official_min_dcf
from tests.benchmarks.records import read_sizes, show
from tests.benchmarks.timing import least_s

TRIALS, BONAFIDE = 680_774, 138_688
CELLS_TRIALS = 150_000
ATTACKS = [f"A{n:02}" for n in range(7, 20)]
CODECS = ["none", "alaw", "pstn", "g722", "ulaw", "gsm", "opus"]
ROLES = {"attack": "spoof", "codec": "channel"}


def made(trials: int, bonafide: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of bona fide and of spoof trials, almost all of them distinct."""
    rng = np.random.default_rng(0)
    return rng.normal(1.5, 1, bonafide), rng.normal(-1.5, 1, trials - bonafide)


def plain_auc(bonafide: np.ndarray, spoof: np.ndarray) -> float:
    """Return scikit-learn's area."""
    truth = np.repeat([1, 0], [len(bonafide), len(spoof)])
    return float(roc_auc_score(truth, np.concatenate([bonafide, spoof])))


def plain_min_cllr(bonafide: np.ndarray, spoof: np.ndarray) -> float:
    """Return min Cllr by scikit-learn's isotonic regression."""
    n, m = len(bonafide), len(spoof)
    truth = np.repeat([1.0, 0.0], [n, m])
    posterior = IsotonicRegression().fit_transform(np.concatenate([bonafide, spoof]), truth)
    with np.errstate(divide="ignore"):
        llr = np.log(posterior / (1 - posterior)) - np.log(n / m)
    costs = np.mean(np.logaddexp(0, -llr[:n])) + np.mean(np.logaddexp(0, llr[n:]))
    return float(costs / 2 / np.log(2))


def grid() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return scores, labels and fields of trials of all attacks and codecs."""
    rng = np.random.default_rng(1)
    is_spoof = rng.random(CELLS_TRIALS) < 0.9
    fields = {
        "attack": np.where(is_spoof, rng.choice(ATTACKS, CELLS_TRIALS), ""),
        "codec": rng.choice(CODECS, CELLS_TRIALS),
    }
    columns = {field: values.astype(object) for field, values in fields.items()}
    return rng.normal(size=CELLS_TRIALS) - 3 * is_spoof, is_spoof, columns


def broken_down(score: np.ndarray, is_spoof: np.ndarray, fields: dict[str, np.ndarray]):
    """Return the EER of every cell."""
    return [
        eer_by_class(score[cell.bonafide], score[cell.spoof]).eer
        for cell in split_breakdown(is_spoof, fields, ROLES, list(ROLES))
    ]


def plain_breakdown(score: np.ndarray, is_spoof: np.ndarray, fields: dict[str, np.ndarray]):
    """Return the same with masks of comparisons and the EER of the organisers' packages."""
    found = []
    for attack in [*ATTACKS, POOLED]:
        for codec in [*sorted(CODECS), POOLED]:
            channel = np.ones_like(is_spoof) if codec == POOLED else fields["codec"] == codec
            spoof = is_spoof if attack == POOLED else fields["attack"] == attack
            found.append(official_eer(score[channel & ~is_spoof], score[channel & spoof]))
    return found


def compare(
    what: str, ours: Callable[[], object], theirs: Callable[[], object], against: str, rounds: int
) -> None:
    """Compare the times of both, and their results."""
    np.testing.assert_allclose(ours(), theirs(), rtol=1e-9, atol=1e-12)
    taken = least_s([ours, theirs], rounds)
    show(what, taken[0], "s", taken[1], against)


def main(trials: int, rounds: int) -> None:
    """Compare each metric."""
    scores = made(trials, round(trials * BONAFIDE / TRIALS))
    table = grid()
    for name, ours, theirs, against in (
        ("EER", lambda: eer_by_class(*scores).eer, official_eer, "organisers' package, NumPy"),
        (
            "minDCF",
            lambda: minimum_dcf(count_scores(*scores)).cost,
            official_min_dcf,
            "organisers' package, NumPy and a loop over thresholds",
        ),
        ("AUC", lambda: auc(count_scores(*scores)), plain_auc, "scikit-learn"),
        (
            "min Cllr",
            lambda: min_cllr(count_scores(*scores)),
            plain_min_cllr,
            "scikit-learn's isotonic regression",
        ),
    ):
        what = f"{name}, {trials:,} trials"
        compare(what, ours, lambda theirs=theirs: theirs(*scores), against, rounds)
    compare(
        f"EER in {(len(ATTACKS) + 1) * (len(CODECS) + 1)} cells, {CELLS_TRIALS:,} trials",
        lambda: broken_down(*table),
        lambda: plain_breakdown(*table),
        "organisers' EER of each cell, by masks",
        rounds,
    )


if __name__ == "__main__":
    sizes = read_sizes(__doc__, trials=(TRIALS, 20_000), rounds=(5, 1))
    main(sizes.trials, sizes.rounds)

"""Print how many times faster detection figures are than plain ways to them: `bench_metrics.py`.

As many trials as ASVspoof 5's evaluation set, a breakdown of as many as 2021 LA's; every reference
has to give the same figures.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score

from bench.metrics.auc import auc
from bench.metrics.breakdown import POOLED, split_breakdown
from bench.metrics.cllr import min_cllr
from bench.metrics.dcf import minimum_dcf
from bench.metrics.det import eer_by_class
from bench.metrics.tally import count_scores

Result = TypeVar("Result")
TRIALS, BONAFIDE = 680_774, 138_688
CELLS_TRIALS = 150_000
ATTACKS = [f"A{n:02}" for n in range(7, 20)]
CODECS = ["none", "alaw", "pstn", "g722", "ulaw", "gsm", "opus"]
ROLES = {"attack": "spoof", "codec": "channel"}


def made(trials: int, bonafide: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of bona fide and of spoof trials, almost all of them distinct."""
    rng = np.random.default_rng(0)
    return rng.normal(1.5, 1, bonafide), rng.normal(-1.5, 1, trials - bonafide)


def step_by_step(bonafide: np.ndarray, spoof: np.ndarray) -> tuple[list[float], list[float]]:
    """Return FRR and FAR trial by trial."""
    trials = sorted([(s, 0) for s in bonafide.tolist()] + [(s, 1) for s in spoof.tolist()])
    missed, accepted = 0, len(spoof)
    frr, far = [0.0], [1.0]
    for _, is_spoof in trials:
        missed, accepted = missed + (not is_spoof), accepted - is_spoof
        frr.append(missed / len(bonafide))
        far.append(accepted / len(spoof))
    return frr, far


def plain_eer(bonafide: np.ndarray, spoof: np.ndarray) -> float:
    """Return the EER of a loop over trials."""
    frr, far = step_by_step(bonafide, spoof)
    return sum(min(zip(frr, far, strict=True), key=lambda at: abs(at[0] - at[1]))) / 2


def official_eer(bonafide: np.ndarray, spoof: np.ndarray) -> float:
    """Return the EER as the organisers' packages compute it, in NumPy."""
    scores = np.concatenate([bonafide, spoof])
    labels = np.concatenate([np.ones(len(bonafide)), np.zeros(len(spoof))])
    labels = labels[np.argsort(scores, kind="mergesort")]
    missed = np.cumsum(labels)
    accepted = len(spoof) - (np.arange(1, len(labels) + 1) - missed)
    frr = np.concatenate([[0.0], missed / len(bonafide)])
    far = np.concatenate([[1.0], accepted / len(spoof)])
    at = np.argmin(np.abs(frr - far))
    return (frr[at] + far[at]) / 2


def plain_min_dcf(bonafide: np.ndarray, spoof: np.ndarray) -> float:
    """Return ASVspoof 5's minDCF of a loop over trials."""
    frr, far = step_by_step(bonafide, spoof)
    return min(0.95 * m + 0.5 * f for m, f in zip(frr, far, strict=True)) / 0.5


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
    """Return the same with masks of comparisons and the organisers' EER."""
    found = []
    for attack in [*ATTACKS, POOLED]:
        for codec in [*sorted(CODECS), POOLED]:
            channel = np.ones_like(is_spoof) if codec == POOLED else fields["codec"] == codec
            spoof = is_spoof if attack == POOLED else fields["attack"] == attack
            found.append(official_eer(score[channel & ~is_spoof], score[channel & spoof]))
    return found


def compare(what: str, ours: Callable[[], Result], plain: Callable[[], Result]) -> None:
    """Print the times of both and their ratio, the better of some runs of each."""
    seconds, results = [], []
    for action, runs in ((ours, 7), (plain, 2)):
        best = float("inf")
        for _ in range(runs):
            start = perf_counter()
            result = action()
            best = min(best, perf_counter() - start)
        seconds.append(best)
        results.append(result)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-9, atol=1e-12)
    print(f"{what:44} {seconds[0]:8.4f} s {seconds[1]:8.3f} s {seconds[1] / seconds[0]:7.1f} x")


def main() -> None:
    """Compare each figure."""
    scores = made(TRIALS, BONAFIDE)
    table = grid()
    print(f"{TRIALS:,} trials{'ours':>40} {'reference':>10} {'ratio':>9}")
    compare(
        "EER, reference a loop over trials",
        lambda: eer_by_class(*scores).eer,
        lambda: plain_eer(*scores),
    )
    compare(
        "EER, reference the organisers'",
        lambda: eer_by_class(*scores).eer,
        lambda: official_eer(*scores),
    )
    compare(
        "minDCF, reference a loop over trials",
        lambda: minimum_dcf(count_scores(*scores)).cost,
        lambda: plain_min_dcf(*scores),
    )
    compare(
        "AUC, reference scikit-learn",
        lambda: auc(count_scores(*scores)),
        lambda: plain_auc(*scores),
    )
    compare(
        "min Cllr, reference scikit-learn's isotonic",
        lambda: min_cllr(count_scores(*scores)),
        lambda: plain_min_cllr(*scores),
    )
    n_cells = f"{(len(ATTACKS) + 1) * (len(CODECS) + 1)} cells"
    compare(
        f"EER in {n_cells}, reference masks",
        lambda: broken_down(*table),
        lambda: plain_breakdown(*table),
    )


if __name__ == "__main__":
    main()

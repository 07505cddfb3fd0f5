"""Trials drawn from distributions whose figures are known, at the sizes of real test sets, and how
often intervals hold these figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from bench.metrics.bootstrap import Interval, compute_intervals
from bench.metrics.cllr import cllr
from bench.metrics.dcf import actual_dcf, bayes_threshold, minimum_dcf
from bench.metrics.det import equal_error_rate
from bench.metrics.items import Items, make_items
from bench.metrics.measure import Decided, Least, Measure
from bench.metrics.ratios import decision_ratios, ratio_intervals
from bench.metrics.tdcf import Coefficients, minimum_tdcf

BONAFIDE = 7355
"""Bona fide trials of ASVspoof 2019 LA, evaluation."""
SPOOFS = (4914, 1465, 60)
"""Spoofs of one of its attacks, of one attack and codec of 2021 LA, and of a small cell."""
EERS = (0.00005, 0.0001, 0.0002, 0.0004, 0.002, 0.01, 0.05)

TDCF = Coefficients(0.0, 0.8905, 0.15)
"""About those of ASVspoof 2019 LA, all attacks together."""

MEASURES: dict[str, Measure] = {
    "EER": equal_error_rate,
    "min t-DCF": Least(lambda counts: minimum_tdcf(counts, TDCF)),
    "minDCF": Least(minimum_dcf),
    "actDCF": Decided(actual_dcf),
    "Cllr": cllr,
}


class Scores(NamedTuple):
    """Scores of one class: normal ones, each share of trials with its mean, all of one spread."""

    shares: tuple[float, ...]
    means: tuple[float, ...]
    sd: float

    def below(self, at: np.ndarray) -> np.ndarray:
        """The share of scores below each of `at`."""
        parts = zip(self.shares, self.means, strict=True)
        return sum((share * norm.cdf(at, mean, self.sd) for share, mean in parts), np.zeros(()))

    def mean_of(self, cost: Callable[[np.ndarray], np.ndarray]) -> float:
        """The expected cost of a score, within 8 standard deviations."""
        z = np.linspace(-8, 8, 20_001)
        weight = norm.pdf(z) / norm.pdf(z).sum()
        parts = zip(self.shares, self.means, strict=True)
        return sum(share * float(weight @ cost(mean + self.sd * z)) for share, mean in parts)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.normal(rng.choice(self.means, n, p=self.shares), self.sd)


class Classes(NamedTuple):
    bonafide: Scores
    spoof: Scores


def equal(eer: float) -> Classes:
    """Both classes vary alike; scores are log-likelihood ratios."""
    mean = 2 * float(norm.ppf(eer)) ** 2
    sd = math.sqrt(2 * mean)
    return Classes(Scores((1.0,), (mean,), sd), Scores((1.0,), (-mean,), sd))


def unequal(eer: float) -> Classes:
    """Spoofs vary four times as much: their rate hardly changes where the rates cross."""
    bonafide, spoof = equal(eer)
    return Classes(bonafide, Scores((1.0,), (4 * spoof.means[0],), 4 * spoof.sd))


def flat(eer: float) -> Classes:
    """As many spoofs as make the EER score like the best bona fide trials, and all others are far
    off: their rate does not change where the rates cross."""
    bonafide, spoof = equal(eer)
    far = 8 * bonafide.sd
    return Classes(bonafide, Scores((eer, 1 - eer), (far, -far), spoof.sd))


SHAPES: dict[str, Callable[[float], Classes]] = {"equal": equal, "unequal": unequal, "flat": flat}


def truth(classes: Classes, eer: float, n_spoof: int) -> dict[str, float]:
    """Return the figures of infinitely many trials; F1 of as many of each class as are drawn."""
    ends = [mean + far for of in classes for mean in of.means for far in (-9 * of.sd, 9 * of.sd)]
    at = np.linspace(min(ends), max(ends), 100_001)
    miss_rate, false_alarm_rate = classes.bonafide.below(at), 1 - classes.spoof.below(at)
    bayes = np.array(bayes_threshold())
    missed, accepted = BONAFIDE * eer, n_spoof * (1 - float(classes.spoof.below(np.zeros(()))))
    norm_tdcf = TDCF.c0 + min(TDCF.c1, TDCF.c2)
    return {
        "EER": eer,
        "min t-DCF": float(np.min(TDCF.c1 * miss_rate + TDCF.c2 * false_alarm_rate)) / norm_tdcf,
        "minDCF": float(np.min(0.95 * miss_rate + 0.5 * false_alarm_rate)) / 0.5,
        "actDCF": float(
            0.95 * classes.bonafide.below(bayes) + 0.5 * (1 - classes.spoof.below(bayes))
        )
        / 0.5,
        "Cllr": (
            classes.bonafide.mean_of(lambda s: np.logaddexp(0, -s) / math.log(2))
            + classes.spoof.mean_of(lambda s: np.logaddexp(0, s) / math.log(2))
        )
        / 2,
        "F1": 2 * (BONAFIDE - missed) / (2 * BONAFIDE - missed + accepted),
    }


def drawn(classes: Classes, n_spoof: int, seed: int) -> Items:
    """Return one set of trials, each an utterance of its own; other sets for other classes."""
    rng = np.random.default_rng([seed, n_spoof, int(1e6 * classes.spoof.sd)])
    score = np.append(classes.bonafide.draw(rng, BONAFIDE), classes.spoof.draw(rng, n_spoof))
    return make_items(score, np.arange(len(score)) >= BONAFIDE, np.arange(len(score)))


def interval_of(items: Items, name: str, replicates: int, seed: int) -> Interval:
    """Return the interval of a figure of trials.

    Where errors are few, one replicate stands for all: exact bounds are at least as far apart, and
    the interval of more replicates only wider, so that coverage is understated.
    """
    for number in (1, replicates):
        if name == "F1":
            ratios = decision_ratios(items.spoof > 0, items.score <= 0, items.unit).select_ratios(
                ("f1",)
            )
            found = ratio_intervals(ratios, None, number, seed)["f1"]
        else:
            found = compute_intervals(items, {name: MEASURES[name]}, None, number, seed)[name]
        if found.few:
            break
    return found


class Covered(NamedTuple):
    share: float
    """Of the sets, those whose interval holds the truth."""
    few: float
    """Of the sets, those with few errors."""


def coverage(
    shape: str, eer: float, n_spoof: int, name: str, sets: int, replicates: int
) -> Covered:
    """Return how often the interval of the figure `name` holds its true value."""
    classes = SHAPES[shape](eer)
    known = truth(classes, eer, n_spoof)[name]
    found = [
        interval_of(drawn(classes, n_spoof, seed), name, replicates, seed) for seed in range(sets)
    ]
    held = [of.low <= known <= of.high for of in found]
    return Covered(float(np.mean(held)), float(np.mean([of.few for of in found])))
